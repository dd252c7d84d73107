"""What every command begins with: settings, the database with or without a running server, and errors."""

import asyncio
import os
import re
import sys
from collections.abc import Awaitable, Callable
from datetime import UTC, datetime, timedelta
from typing import Final, TypeVar

import msgspec
from rich.console import Console

from regulars import logs
from regulars.app.backup import BadBackup
from regulars.app.deliveries import describe_refusal
from regulars.app.imports import UnreadableFile
from regulars.app.programs import NotInTestMode, UnknownProgram
from regulars.app.vault import Vault, WrongSecretKey
from regulars.bundled import Unreachable, bring_up_to_date, database
from regulars.domain.errors import Refused, Unavailable
from regulars.outside.postgres import PostgresFailed
from regulars.settings import Settings, SettingsError, load_secret_key
from regulars.storage.database import Database, NotDurable, TooOld
from regulars.storage.migrate import MigrationRefused

T = TypeVar("T")

out: Final = Console(highlight=False, soft_wrap=True)
"""For people; what machines read is printed plainly."""


class Desk(msgspec.Struct, frozen=True):
    """What a command works with. `now` is real time."""

    settings: Settings
    database: Database
    now: datetime

    @property
    def vault(self) -> Vault:
        return Vault(load_secret_key(self.settings))


class BadArgument(Exception):
    """An argument that can't be used; the message says what it must be."""


def settings_now() -> Settings:
    """The settings of the environment; logging goes by them from here on. Raises SettingsError."""
    settings = Settings.from_environment(os.environ)
    logs.configure(settings)
    return settings


def at_desk(use: Callable[[Desk], Awaitable[T]]) -> T:
    """What `use` answers, given the settings' database: a running server's own, or one started for now."""

    async def sit(settings: Settings, dsn: str) -> T:
        await bring_up_to_date(dsn)
        opened = await Database.connect(dsn, most=2, statement_cache=settings.database_statement_cache)
        try:
            return await use(Desk(settings, opened, datetime.now(UTC)))
        finally:
            await opened.close()

    settings = settings_now()
    with database(settings) as dsn:
        return asyncio.run(sit(settings, dsn))


def duration(text: str) -> timedelta:
    """The length of "14d", "36h", "90m" or "2w". Raises BadArgument."""
    match = re.fullmatch(r"([0-9]{1,6})\s*([wdhm])", text.strip().lower())
    if match is None:
        raise BadArgument(f"{text!r} is not a length of time; write 14d, 36h, 90m or 2w")
    unit = {"w": "weeks", "d": "days", "h": "hours", "m": "minutes"}[match[2]]
    return timedelta(**{unit: int(match[1])})


def complain(error: Exception) -> str | None:
    """One sentence for what a person can put right; None for what only a programmer can."""
    match error:
        case UnknownProgram():
            return (
                f"There is no program {error.data['program']}. `regulars program list` shows those there are."
            )
        case NotInTestMode():
            return (
                f"Program {error.data['program']} was not made with --test-mode: its clock is the real one."
            )
        case Refused():
            return describe_refusal(error)
        case Unavailable():
            return "The database does not answer in time. Try again in a moment."
        case SettingsError() | BadArgument() | PostgresFailed() | MigrationRefused():
            return str(error)
        case BadBackup() | UnreadableFile():
            return str(error)
        case NotDurable() | TooOld() | WrongSecretKey() | Unreachable():
            return str(error)
    return _complain_of_serving(error)


def _complain_of_serving(error: Exception) -> str | None:
    server = sys.modules.get("regulars.server")  # imported by the commands that serve, as it takes a second
    supervisor = sys.modules.get("regulars.supervisor")
    if server is not None and isinstance(error, server.CannotListen):
        return str(error)
    if supervisor is not None and isinstance(error, supervisor.WorkersFailed):
        return str(error)
    if type(error).__module__.startswith("asyncpg"):
        return f"The database refused: {error}"
    if isinstance(error, OSError):
        return f"{error.strerror or error}{f': {error.filename}' if error.filename else ''}"
    return None
