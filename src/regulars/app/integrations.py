"""The settings of a shop's integration, and what it tells of itself."""

from typing import Any, Final

import msgspec

from regulars.app.credentials import Credential
from regulars.domain.errors import Invalid
from regulars.storage import integrations
from regulars.storage.database import Database
from regulars.storage.reading import reading

LONGEST_WINDOW_SECONDS: Final = 604_800


async def set_installed(
    database: Database, credential: Credential, *, shop_url: str, api_endpoint: str | None
) -> bool:
    """Keeps where the shop is, and where it can be called. False when that was known. Raises Busy."""
    said = {"shop_url": shop_url, "api_endpoint": api_endpoint}
    if all(credential.settings.get(name) == value for name, value in said.items()):
        return False
    async with reading(database) as connection:
        await integrations.merge_settings(
            connection, credential.program_id, credential.credential_id, msgspec.json.encode(said).decode()
        )
    return True


async def change_settings(
    database: Database,
    program_id: int,
    *,
    strict_answers: bool | None = None,
    redelivery_window_seconds: int | None = None,
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
    async with reading(database) as connection:
        return await integrations.merge_all_settings(
            connection, program_id, msgspec.json.encode(changes).decode()
        )
