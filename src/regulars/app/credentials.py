"""Who calls: API keys, site tokens and integration keys, remembered for at most a second."""

import asyncio
import time
from collections.abc import Callable
from datetime import datetime
from typing import Any

import msgspec

from regulars.app import audit
from regulars.app.access import BY_US, Author, Who
from regulars.app.vault import Vault, key_hash, random_text
from regulars.deadline import lay_aside
from regulars.domain.errors import Invalid
from regulars.storage import credentials as storage
from regulars.storage.database import Database
from regulars.storage.reading import reading, shared

FRESH_SECONDS = 0.8
REMEMBERED_MOST = 10_000

SCOPES = (
    "read_customers",
    "write_customers",
    "read_orders",
    "write_orders",
    "read_unsubscribes",
    "write_unsubscribes",
    "read_reviews",
    "write_reviews",
    "write_configuration",
)
"""What an API key can be allowed. Source: loyaltylion.md §2.2; write implies read."""


KINDS = {"api_key": "api key", "site": "site key", "lootly": "integration"}
"""What the audit log calls each kind of credential."""


class Credential(msgspec.Struct, frozen=True, kw_only=True):
    """`kind` is api_key, site or lootly; the latter two belong to a site and have a secret, in clear here."""

    program_id: int
    credential_id: int
    kind: str
    name: str
    site_id: int | None
    scopes: frozenset[str]
    secret: str | None
    settings: dict[str, Any]
    created_at: datetime

    @property
    def author(self) -> Author:
        """As the audit log names what is changed with it: keys' names need not differ, their numbers do."""
        return Author(f"{KINDS[self.kind]} {self.credential_id}", self.name)

    def allows(self, scope: str) -> bool:
        """Whether it may do what `scope` names; write implies read, a site's secret may do everything."""
        if self.kind == "site" or scope in self.scopes:
            return True
        return scope.startswith("read_") and f"write_{scope.removeprefix('read_')}" in self.scopes


def api_key_lookup(key: str) -> str:
    return f"api_key:{key_hash(key)}"


def site_lookup(token: str) -> str:
    return f"site:{token}"


def lootly_lookup(key: str) -> str:
    return f"lootly:{key}"


class Credentials:
    """Finds credentials; what it has found, or found missing, counts for less than a second."""

    def __init__(self, database: Database, vault: Vault, clock: Callable[[], datetime]) -> None:
        self._database = database
        self._vault = vault
        self._clock = clock
        self._used: set[int] = set()
        self._found: dict[str, tuple[float, Credential | None]] = {}
        self._asking: dict[str, asyncio.Task[Credential | None]] = {}

    def cached(self, lookup: str) -> Credential | None:
        """The credential if it was looked up within the last second, without asking the database; else
        None."""
        known = self._found.get(lookup)
        return known[1] if known is not None and known[0] > time.monotonic() else None

    async def find(self, lookup: str) -> Credential | None:
        """The credential of this look-up text; None when it is unknown or revoked. Callers at once share a
        question."""
        known = self._found.get(lookup)
        if known is not None and known[0] > time.monotonic():
            return known[1]
        task = self._asking.get(lookup)
        if task is None:
            task = self._asking[lookup] = asyncio.create_task(self._ask(lookup))
            task.add_done_callback(lambda _: self._asking.pop(lookup, None))
        return await shared(task)

    def forget(self) -> None:
        """Forgets everything, so that a change made here shows at once."""
        self._found.clear()

    async def note_used(self) -> None:
        """Writes down which credentials were used since this was last done."""
        used, self._used = self._used, set()
        if used:
            async with self._database.acquire() as connection:
                await storage.note_used(connection, sorted(used), self._clock())

    async def _ask(self, lookup: str) -> Credential | None:
        if "\x00" in lookup:
            return None
        lay_aside()  # others may wait for it too
        started = time.monotonic()
        async with reading(self._database) as connection:
            row = await storage.find(connection, lookup, self._clock())
        if len(self._found) >= REMEMBERED_MOST:
            self._found.clear()
        credential = self._credential(row) if row is not None else None
        if credential is not None:
            self._used.add(credential.credential_id)
        self._found[lookup] = (started + FRESH_SECONDS, credential)
        return credential

    def _credential(self, row: Any) -> Credential:
        return Credential(
            program_id=row["program_id"],
            credential_id=row["credential_id"],
            kind=row["kind"],
            name=row["name"],
            site_id=row["site_id"],
            scopes=frozenset(row["scopes"]),
            secret=self._vault.open(row["secret"]) if row["secret"] is not None else None,
            settings=msgspec.json.decode(row["settings"]),
            created_at=row["created_at"],
        )


async def create_api_key(
    database: Database,
    *,
    program_id: int,
    name: str,
    scopes: tuple[str, ...],
    expires_at: datetime | None = None,
    by: Who = BY_US,
    now: datetime,
) -> str:
    """Makes an API key and answers it, this once: only its hash is stored. Raises Invalid for an unknown
    scope, or an end that is not to come."""
    if expires_at is not None and expires_at <= now:
        raise Invalid("expires_at", "must be in the future")
    for scope in scopes:
        if scope not in SCOPES:
            raise Invalid("scope", f"{scope!r} is none of {', '.join(SCOPES)}")
    key = f"pat_{random_text(40)}"
    async with database.acquire() as connection, connection.transaction():
        credential_id = await storage.add(
            connection,
            program_id,
            lookup=api_key_lookup(key),
            kind="api_key",
            name=name,
            site_id=None,
            scopes=scopes,
            secret=None,
            at=now,
            expires_at=expires_at,
        )
        await audit.note(
            connection,
            program_id,
            by,
            action="make key",
            subject=f"key {credential_id}",
            after={"name": name, "scopes": scopes, "expires_at": expires_at},
            now=now,
        )
    return key


async def revoke(
    database: Database, *, program_id: int, credential_id: int, by: Who = BY_US, now: datetime
) -> bool:
    """Ends a credential; every process knows within a second. False when there is none, or it had ended."""
    async with database.acquire() as connection, connection.transaction():
        if not await storage.revoke(connection, program_id, credential_id, now):
            return False
        rows = await storage.of_program(connection, program_id)
        name = next(row["name"] for row in rows if row["credential_id"] == credential_id)
        subject = f"key {credential_id}"
        await audit.note(
            connection, program_id, by, action="revoke key", subject=subject, before={"name": name}, now=now
        )
    return True
