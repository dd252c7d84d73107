"""What an integration's credential carries besides its keys."""

from regulars.storage.database import Connection


async def merge_settings(connection: Connection, program_id: int, credential_id: int, changes: str) -> None:
    """Changes some of the settings; `changes` is a JSON object's text, the other settings stay."""
    await connection.execute(
        """
        update credentials set settings = (settings::jsonb || $3::jsonb)::text
         where program_id = $1 and credential_id = $2
        """,
        program_id,
        credential_id,
        changes,
    )


async def merge_all_settings(connection: Connection, program_id: int, changes: str) -> int:
    """The same for every Lootly integration of a program that is not revoked. Answers how many there are."""
    answer = await connection.execute(
        """
        update credentials set settings = (settings::jsonb || $2::jsonb)::text
         where program_id = $1 and kind = 'lootly' and revoked_at is null
        """,
        program_id,
        changes,
    )
    return int(answer.split()[-1])
