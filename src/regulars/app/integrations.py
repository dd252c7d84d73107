"""The settings of a shop's integration, and what it tells of itself."""

from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Any, Final

import msgspec

from regulars.app import audit
from regulars.app.access import BY_US, Who
from regulars.app.credentials import Credential
from regulars.domain.errors import Invalid
from regulars.storage import credentials, integrations
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading

LONGEST_WINDOW_SECONDS: Final = 604_800


async def set_installed(
    database: Database,
    credential: Credential,
    *,
    shop_url: str,
    api_endpoint: str | None,
    now: datetime,
) -> bool:
    """Keeps where the shop is, and where it can be called. False when that was known. Raises Busy."""
    said = {"shop_url": shop_url, "api_endpoint": api_endpoint}
    known = {name: credential.settings.get(name) for name in said}
    if known == said:
        return False
    program_id, number = credential.program_id, credential.credential_id
    async with reading(database) as connection, connection.transaction():
        await integrations.merge_settings(connection, program_id, number, msgspec.json.encode(said).decode())
        await audit.note(
            connection,
            program_id,
            credential.author,
            action="install integration",
            subject=f"key {number}",
            before=known,
            after=said,
            now=now,
        )
    return True


async def change_settings(
    database: Database,
    program_id: int,
    *,
    strict_answers: bool | None = None,
    redelivery_window_seconds: int | None = None,
    by: Who = BY_US,
    now: datetime,
) -> int:
    """Changes what is given, for every Lootly integration of the program; answers for how many.

    `strict_answers`: bad content is answered 422, not 200. `redelivery_window_seconds`: for how long an equal
    body without an id is taken for the same call; 0 executes each. Every process knows within a second.
    Raises Invalid and Busy.
    """
    changes: dict[str, Any] = {}
    if strict_answers is not None:
        changes["strict_answers"] = strict_answers
    if redelivery_window_seconds is not None:
        if not 0 <= redelivery_window_seconds <= LONGEST_WINDOW_SECONDS:
            raise Invalid("redelivery_window_seconds", f"must be from 0 to {LONGEST_WINDOW_SECONDS}")
        changes["redelivery_window_seconds"] = redelivery_window_seconds
    async with reading(database) as connection, connection.transaction():
        before = await _set_by_all(connection, program_id, changes)
        changed = await integrations.merge_all_settings(
            connection, program_id, msgspec.json.encode(changes).decode()
        )
        await audit.note(
            connection,
            program_id,
            by,
            action="change integrations",
            subject="all integrations",
            before=before,
            after=changes if changed else before,
            now=now,
        )
    return changed


async def _set_by_all(connection: Connection, program_id: int, names: Iterable[str]) -> dict[str, Any]:
    """What each of these settings is now: None where nothing is set, a list where integrations differ."""
    found = [
        msgspec.json.decode(row["settings"])
        for row in await credentials.of_program(connection, program_id)
        if row["kind"] == "lootly" and row["revoked_at"] is None
    ]
    return {name: shared([settings.get(name) for settings in found]) for name in names}


def shared(values: Sequence[Any]) -> Any:
    """The one value that all have, as an audit entry says it; the list of them where they differ."""
    return values[0] if values and all(value == values[0] for value in values) else list(values) or None
