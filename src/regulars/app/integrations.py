"""What a shop's integration tells of itself."""

import msgspec

from regulars.app.credentials import Credential
from regulars.storage import integrations
from regulars.storage.database import Database
from regulars.storage.reading import reading

PATIENCE_SECONDS = 2.0


async def set_installed(
    database: Database, credential: Credential, *, shop_url: str, api_endpoint: str | None
) -> bool:
    """Keeps where the shop is, and where it can be called. False when that was known. Raises Busy."""
    said = {"shop_url": shop_url, "api_endpoint": api_endpoint}
    if all(credential.settings.get(name) == value for name, value in said.items()):
        return False
    async with reading(database, patience_seconds=PATIENCE_SECONDS) as connection:
        await integrations.merge_settings(
            connection, credential.program_id, credential.credential_id, msgspec.json.encode(said).decode()
        )
    return True
