"""The server process: the database it needs, the socket, one or more workers, and an orderly end."""

import asyncio
import contextlib
import errno
import resource
import signal
import socket
import sys
from collections.abc import Callable, Iterator
from typing import Final, NoReturn

import structlog

from regulars import supervisor, worker
from regulars.bundled import bring_up_to_date, database
from regulars.settings import Settings

log = structlog.get_logger(__name__)

OPEN_FILES: Final = 65_536


class CannotListen(RuntimeError):
    """The address can't be had; the message says why, for a person to read."""


def serve(
    settings: Settings,
    *,
    prepare: Callable[[str], None] | None = None,
    ready: Callable[[str], None] | None = None,
) -> None:
    """Serves until SIGTERM or SIGINT; returns when all is closed.

    `prepare` is called with the migrated database's DSN before the first request, `ready` with the address
    once requests are answered. Raises CannotListen, Unreachable, WorkersFailed, PostgresFailed.
    """
    _raise_file_limit()
    signal.signal(signal.SIGTERM, _leave_early)
    with listening(settings) as sock, database(settings, watched=True) as dsn:
        asyncio.run(bring_up_to_date(dsn))
        if prepare is not None:
            prepare(dsn)
        url = address(sock)

        def started() -> None:
            log.info("ready", url=url, workers=settings.workers)
            if ready is not None:
                ready(url)

        if settings.workers == 1:
            worker.run(settings, dsn, sock, started)
        else:
            supervisor.run(settings, sock, started)


@contextlib.contextmanager
def listening(settings: Settings) -> Iterator[socket.socket]:
    """A bound socket for all workers. Raises CannotListen."""
    try:
        family, kind, number, _, where = socket.getaddrinfo(
            settings.host, settings.port, type=socket.SOCK_STREAM, flags=socket.AI_PASSIVE
        )[0]
        sock = socket.socket(family, kind, number)
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        sock.bind(where)
    except OSError as error:
        hint = " Choose another one with --port." if error.errno == errno.EADDRINUSE else ""
        reason = error.strerror or str(error)
        raise CannotListen(
            f"Can't listen on {settings.host}, port {settings.port}: {reason}.{hint}"
        ) from None
    with sock:
        yield sock


def address(sock: socket.socket) -> str:
    """Where the socket is reached from this machine, with the real port where a free one was asked for."""
    host, port = sock.getsockname()[:2]
    host = {"0.0.0.0": "127.0.0.1", "::": "::1"}.get(host, host)  # noqa: S104 - read, not bound
    return f"http://[{host}]:{port}" if ":" in host else f"http://{host}:{port}"


def _leave_early(*_: object) -> NoReturn:
    """SIGTERM before the first request: ends by unwinding, which stops the database."""
    sys.exit(0)


def _raise_file_limit() -> None:
    """A thousand idle clients are no reason to refuse the next, and many systems allow 1024 open files."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = OPEN_FILES if hard == resource.RLIM_INFINITY else min(OPEN_FILES, hard)
    if soft != resource.RLIM_INFINITY and soft < wanted:
        resource.setrlimit(resource.RLIMIT_NOFILE, (wanted, hard))
