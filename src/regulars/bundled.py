"""The settings' database, ready to connect to: the bundled one, started and watched, or the one named."""

import contextlib
import os
import threading
from collections.abc import Callable, Iterator
from typing import Final
from urllib.parse import urlsplit

import structlog

from regulars.outside.postgres import Embedded, PostgresFailed
from regulars.settings import Settings
from regulars.storage.migrate import migrate

log = structlog.get_logger(__name__)

WATCH_SECONDS: Final = 1.0
STOP_SECONDS: Final = 9.0


class Unreachable(RuntimeError):
    """The database that the settings name does not answer; the message says which and why."""


async def bring_up_to_date(dsn: str) -> None:
    """Applies the migrations that are missing. Raises Unreachable, and what `migrate` raises."""
    try:
        applied = await migrate(dsn)
    except OSError as error:
        parts = urlsplit(dsn)
        where = f"{parts.hostname or 'its socket'}{f', port {parts.port}' if parts.port else ''}"
        number = error.errno or 0  # negative: what looking up a name said
        reason = os.strerror(number) if number > 0 else error.strerror or str(error)
        raise Unreachable(f"The database at {where} can't be reached: {reason}.") from None
    for name in applied:
        log.info("migrated", migration=name)


@contextlib.contextmanager
def database(settings: Settings, *, watched: bool = False) -> Iterator[str]:
    """The DSN of the settings' database, for the length of the block; the bundled one is started if need be.

    `watched`: it is looked at every second, and started again when it has died. Raises PostgresFailed.
    """
    if settings.database_url is not None:
        yield settings.database_url
        return
    embedded = Embedded(settings.home)
    embedded.start()
    done = threading.Event()
    if watched:
        for note in embedded.notes:
            log.info(note)
        threading.Thread(target=_watch, args=(embedded, done), name="database watch", daemon=True).start()
    try:
        yield embedded.dsn
    finally:
        done.set()
        _within(STOP_SECONDS, embedded.stop)


def _watch(embedded: Embedded, done: threading.Event) -> None:
    while not done.wait(WATCH_SECONDS):
        if embedded.ready() or done.is_set():
            continue
        log.warning("the database does not answer; it is started again where it has died")
        try:
            embedded.start()
        except (PostgresFailed, OSError) as error:
            log.error("the database does not start", problem=str(error))
        else:
            log.info("the database answers again")


def _within(seconds: float, act: Callable[[], object]) -> None:
    """Does it, and goes on without waiting for the rest when it takes too long."""
    thread = threading.Thread(target=act, daemon=True)
    thread.start()
    thread.join(seconds)
