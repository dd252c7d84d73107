"""What a server process has open: one of each, made at start and closed at the end."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from typing import Self

import msgspec

from regulars.app.allowance import Allowance
from regulars.app.balances import Balances
from regulars.app.credentials import Credentials
from regulars.app.deliveries import Deliveries
from regulars.app.engine import Engine
from regulars.app.programs import Programs
from regulars.app.vault import Vault
from regulars.settings import Settings, load_secret_key
from regulars.storage.database import Database

HEALTH_SECONDS = 1.0


class Health(msgspec.Struct, frozen=True, kw_only=True):
    """`status` is ok or degraded; `checks` say what was looked at, in words."""

    status: str
    checks: dict[str, str]


def real_time() -> datetime:
    return datetime.now(UTC)


class House:
    """Settings, database, engine and the small memories around them."""

    def __init__(
        self,
        settings: Settings,
        database: Database,
        vault: Vault,
        clock: Callable[[], datetime],
        warnings: list[str],
    ) -> None:
        self.settings = settings
        self.database = database
        self.vault = vault
        self.clock = clock
        self.engine = Engine(
            database, clock, deadline_seconds=settings.deadline_seconds, queue_limit=settings.queue_limit
        )
        self.credentials = Credentials(database, vault, clock)
        self.programs = Programs(database)
        self.deliveries = Deliveries(database)
        limit = settings.api_requests_per_second
        self.allowance = Allowance(limit) if limit else None
        self.balances = Balances(database)
        self._warnings = warnings

    @classmethod
    async def open(cls, settings: Settings, dsn: str, *, clock: Callable[[], datetime] = real_time) -> Self:
        """Connects. Raises NotDurable or TooOld for a server that can't be trusted with points, else
        asyncpg's errors."""
        database = await Database.connect(
            dsn, most=settings.database_pool, statement_cache=settings.database_statement_cache
        )
        try:
            warnings = await database.check_durability()
            return cls(settings, database, Vault(load_secret_key(settings)), clock, warnings)
        except BaseException:
            await database.close()
            raise

    async def close(self) -> None:
        """Answers what is queued, then closes."""
        await self.engine.close()
        await self.deliveries.close()
        await self.database.close()

    async def health(self) -> Health:
        """Whether the database answers within a second and takes what is saved, and what is wrong with its
        durability."""
        checks = {"queue": f"{self.engine.queued} waiting"}
        status = "ok"
        try:
            async with asyncio.timeout(HEALTH_SECONDS):
                refuses = await self.database.why_no_writes()
            checks["database"] = "answers"
            if refuses is not None:
                checks["saving"] = f"the database {refuses}"
                status = "degraded"
        except Exception:  # noqa: BLE001 - whatever it is, the database does not answer
            checks["database"] = "does not answer"
            status = "degraded"
        if self._warnings:
            checks["durability"] = "; ".join(self._warnings)
            status = "degraded"
        return Health(status=status, checks=checks)
