"""A shop's connection as staff see it: its integrations and keys, made, renewed and ended."""

from datetime import datetime
from typing import Any, Final

import msgspec

from regulars.app import audit
from regulars.app.access import Acting, require
from regulars.app.credentials import create_api_key, lootly_lookup
from regulars.app.programs import locked
from regulars.app.vault import Vault, random_text
from regulars.domain.errors import Invalid, Refused, UnknownSite
from regulars.storage import credentials as storage
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading

CHANGE: Final = "integrations.change"
KEY_LENGTH: Final = 60
MOST_CREDENTIALS: Final = 200
"""That count in one program; revoked ones don't."""


class UnknownCredential(Refused):
    """No credential of that number in this program, or it has ended."""


class Listed(msgspec.Struct, frozen=True, kw_only=True):
    """A credential as staff see it, without what is secret. `key`: the integration's or site's, which is no
    secret; None for an API key, of which only the hash is known."""

    credential_id: int
    kind: str
    name: str
    site_id: int | None
    key: str | None
    scopes: tuple[str, ...]
    settings: dict[str, Any]
    created_at: datetime
    expires_at: datetime | None
    last_used_at: datetime | None
    revoked_at: datetime | None

    def has_ended(self, now: datetime) -> bool:
        return self.revoked_at is not None or (self.expires_at is not None and self.expires_at <= now)


class Pair(msgspec.Struct, frozen=True, kw_only=True):
    """An integration's key and secret, in clear."""

    credential_id: int
    key: str
    secret: str


async def listed(database: Database, program_id: int) -> list[Listed]:
    """All credentials of a program, ended ones too, oldest first. Raises Busy."""
    async with reading(database) as connection:
        rows = await storage.of_program(connection, program_id)
    return [
        Listed(
            credential_id=row["credential_id"],
            kind=row["kind"],
            name=row["name"],
            site_id=row["site_id"],
            key=None if row["kind"] == "api_key" else row["lookup"].partition(":")[2],
            scopes=tuple(row["scopes"]),
            settings=msgspec.json.decode(row["settings"]),
            created_at=row["created_at"],
            expires_at=row["expires_at"],
            last_used_at=row["last_used_at"],
            revoked_at=row["revoked_at"],
        )
        for row in rows
    ]


async def secret_of(database: Database, vault: Vault, program_id: int, credential_id: int) -> Pair:
    """Key and secret of an integration or site in clear, for its snippets. Raises UnknownCredential, Busy."""
    async with reading(database) as connection:
        row = await _find(connection, program_id, credential_id)
    if row["secret"] is None:
        raise UnknownCredential(credential=credential_id)
    key = row["lookup"].partition(":")[2]
    return Pair(credential_id=credential_id, key=key, secret=vault.open(row["secret"]))


async def connect_site(
    database: Database, vault: Vault, acting: Acting, site_id: int, *, name: str, now: datetime
) -> Pair:
    """Gives a site one more custom-site integration, with a key and secret of its own.

    Raises NotAllowed, UnknownSite, Invalid.
    """
    require(acting, CHANGE)
    program_id = acting.program_id
    if not name.strip() or len(name) > 255 or not name.isprintable():
        raise Invalid("name", "must be a text of 1 to 255 characters")
    async with database.acquire() as connection, connection.transaction():
        program = await locked(connection, program_id)
        if site_id not in {site.id for site in program.sites}:
            raise UnknownSite(site=site_id)
        pair = await _add(connection, vault, program_id, site_id, name=name.strip(), settings="{}", now=now)
        await _note(
            connection, acting, "connect site", pair.credential_id, now=now, after={"name": name.strip()}
        )
        return pair


async def rotate(
    database: Database, vault: Vault, acting: Acting, credential_id: int, *, now: datetime
) -> Pair:
    """A new key and secret with the settings of this integration. The old pair counts until it is revoked, so
    that a shop can change over without a gap. Raises NotAllowed, UnknownCredential."""
    require(acting, CHANGE)
    program_id = acting.program_id
    async with database.acquire() as connection, connection.transaction():
        await locked(connection, program_id)
        row = await _find(connection, program_id, credential_id)
        if row["kind"] != "lootly":
            raise UnknownCredential(credential=credential_id)
        pair = await _add(
            connection, vault, program_id, row["site_id"], name=row["name"], settings=row["settings"], now=now
        )
        await _note(
            connection, acting, "renew keys", credential_id, now=now, after={"new": pair.credential_id}
        )
        return pair


async def make_key(
    database: Database,
    acting: Acting,
    *,
    name: str,
    scopes: tuple[str, ...],
    expires_at: datetime | None,
    now: datetime,
) -> str:
    """An API key in clear, this once. Raises NotAllowed, Invalid."""
    require(acting, CHANGE)
    if not name.strip() or len(name) > 255 or not name.isprintable():
        raise Invalid("name", "must be a text of 1 to 255 characters")
    if not scopes:
        raise Invalid("scopes", "must name at least one thing that the key may do")
    return await create_api_key(
        database,
        program_id=acting.program_id,
        name=name.strip(),
        scopes=scopes,
        expires_at=expires_at,
        by=acting,
        now=now,
    )


async def end(database: Database, acting: Acting, credential_id: int, *, now: datetime) -> None:
    """Ends a key or an integration at once. Raises NotAllowed, UnknownCredential."""
    require(acting, CHANGE)
    async with database.acquire() as connection, connection.transaction():
        row = await _find(connection, acting.program_id, credential_id)
        await storage.revoke(connection, acting.program_id, credential_id, now)
        await _note(connection, acting, "revoke key", credential_id, now=now, before={"name": row["name"]})


async def _note(
    connection: Connection,
    acting: Acting,
    action: str,
    credential_id: int,
    *,
    now: datetime,
    before: Any = None,
    after: Any = None,
) -> None:
    subject = f"key {credential_id}"
    await audit.record(
        connection, acting, action=action, subject=subject, before=before, after=after, now=now
    )


async def _add(
    connection: Connection,
    vault: Vault,
    program_id: int,
    site_id: int,
    *,
    name: str,
    settings: str,
    now: datetime,
) -> Pair:
    live = [row for row in await storage.of_program(connection, program_id) if row["revoked_at"] is None]
    if len(live) >= MOST_CREDENTIALS:
        raise Invalid("integration", f"a program has at most {MOST_CREDENTIALS} keys; revoke some first")
    key, secret = random_text(KEY_LENGTH), random_text(KEY_LENGTH)
    credential_id = await storage.add(
        connection,
        program_id,
        lookup=lootly_lookup(key),
        kind="lootly",
        name=name,
        site_id=site_id,
        scopes=(),
        secret=vault.close(secret),
        at=now,
        settings=settings,
    )
    return Pair(credential_id=credential_id, key=key, secret=secret)


async def _find(connection: Connection, program_id: int, credential_id: int) -> Any:
    for row in await storage.of_program(connection, program_id):
        if row["credential_id"] == credential_id and row["revoked_at"] is None:
            return row
    raise UnknownCredential(credential=credential_id)
