"""Keys that sign shoppers' tokens: a credential's own secret at first, then those made in its place."""

from datetime import datetime, timedelta
from typing import Final

import msgspec

from regulars.app import audit
from regulars.app.access import BY_US, Who
from regulars.app.credentials import Credential
from regulars.app.house import House
from regulars.app.storefront.strict import Unproven
from regulars.app.vault import Vault, random_text
from regulars.domain.errors import Invalid
from regulars.storage import credentials, token_keys
from regulars.storage import integrations as storage
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading
from regulars.storage.token_keys import TokenKey

OVERLAP: Final = timedelta(hours=24)
"""For how long the key before the newest counts still."""
OWN_UNTIL: Final = "own_token_key_until"
"""The setting that says when a credential's own secret ceased to sign tokens."""


class MadeKey(msgspec.Struct, frozen=True, kw_only=True):
    """A new key, its secret in clear this once."""

    kid: str
    secret: str


async def secret_for(house: House, credential: Credential, shown: str, kid: str, now: datetime) -> str:
    """The secret that this kid means at this shop at real time `now`. Raises Unproven, Busy.

    The kid of a credential's own secret is what the page shows of it: its API key, or the site's token.
    """
    if kid == shown:
        until = credential.settings.get(OWN_UNTIL)
        if credential.secret is None or (until is not None and now >= datetime.fromisoformat(until)):
            raise Unproven(why="the integration's own secret signs no more tokens")
        return credential.secret
    async with reading(house.database) as connection:
        keys = await token_keys.of_credential(connection, credential.program_id, credential.credential_id)
    for key in keys:
        if key.kid == kid and (key.retires_at is None or now < key.retires_at):
            return house.vault.open(key.secret)
    raise Unproven(why="this shop has no such key")


async def make_key(
    database: Database,
    vault: Vault,
    program_id: int,
    credential_id: int,
    *,
    by: Who = BY_US,
    now: datetime,
) -> MadeKey:
    """Makes a key for a shop's tokens. The one before counts for another day, those before that no longer.

    Raises Invalid when the program has no such Lootly integration or site credential.
    """
    made = MadeKey(kid=f"tk_{random_text(16)}", secret=random_text(60))
    async with reading(database) as connection, connection.transaction():
        settings = await token_keys.lock(connection, program_id, credential_id)
        rows = await credentials.of_program(connection, program_id)
        row = next((row for row in rows if row["credential_id"] == credential_id), None)
        if settings is None or row is None or row["kind"] == "api_key" or row["revoked_at"] is not None:
            raise Invalid("key", "is not the number of a site's or an integration's live credential")
        await _retire_others(connection, program_id, credential_id, now)
        if OWN_UNTIL not in msgspec.json.decode(settings):
            until = msgspec.json.encode({OWN_UNTIL: (now + OVERLAP).isoformat()}).decode()
            await storage.merge_settings(connection, program_id, credential_id, until)
        key = TokenKey(kid=made.kid, secret=vault.close(made.secret), created_at=now, retires_at=None)
        await token_keys.add(connection, program_id, credential_id, key)
        await audit.note(
            connection,
            program_id,
            by,
            action="make token key",
            subject=f"key {credential_id}",
            after={"kid": made.kid},
            now=now,
        )
    return made


async def _retire_others(connection: Connection, program_id: int, credential_id: int, now: datetime) -> None:
    """The newest gets a day, an older one ends now, and the own secret is the oldest: two live at a time."""
    keys = await token_keys.of_credential(connection, program_id, credential_id)
    for place, key in enumerate(keys):
        ends = now + OVERLAP if place == 0 else now
        if key.retires_at is None or key.retires_at > ends:
            await token_keys.retire(connection, program_id, key.kid, ends)
    if keys:
        ended = msgspec.json.encode({OWN_UNTIL: now.isoformat()}).decode()
        await storage.merge_settings(connection, program_id, credential_id, ended)
