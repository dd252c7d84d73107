"""One worker: a house, the doors over it and the jobs, on an event loop, until a signal ends it in order."""

import asyncio
import contextlib
import os
import signal
import socket
import threading
from collections.abc import AsyncIterator, Callable, Iterator
from typing import Any, Final

import structlog
import uvicorn
import uvloop

from regulars import asgi, deadline
from regulars.app.house import House
from regulars.cycles import rarely_look_for_cycles
from regulars.doors.limits import Limits, guarded
from regulars.jobs import loop as jobs
from regulars.settings import Settings
from regulars.storage.database import is_away

log = structlog.get_logger(__name__)

DRAIN_SECONDS: Final = 7
"""What open requests get after SIGTERM; the rest of the ten seconds is for the house and the database."""
STOP_SECONDS: Final = 9.5
"""After SIGTERM the process is gone by then, whatever hangs: what was acknowledged is on disk."""
JOB_PAUSE_SECONDS: Final = 5.0
IDLE_SECONDS: Final = 25


def run(settings: Settings, dsn: str, sock: socket.socket, started: Callable[[], None]) -> None:
    """One worker on an event loop of its own, in this process, until a signal ends it."""
    with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
        runner.run(_work(settings, dsn, sock, started))


async def _work(settings: Settings, dsn: str, sock: socket.socket, started: Callable[[], None]) -> None:
    house = await House.open(settings, dsn)
    rarely_look_for_cycles()
    try:
        server = Server(_configuration(settings, asgi.wire(house)), started)
        loop = asyncio.get_running_loop()
        loop.set_exception_handler(unheard)
        for number in (signal.SIGTERM, signal.SIGINT):
            loop.add_signal_handler(number, server.leave)
        async with _background(house):
            await server.serve(sockets=[sock])
    finally:
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(STOP_SECONDS - DRAIN_SECONDS - 1):
                await house.close()


def unheard(loop: asyncio.AbstractEventLoop, context: dict[str, Any]) -> None:
    """Logs what went wrong where nobody listens. asyncpg leaves such things behind when a connection breaks;
    whoever used that connection was told."""
    error = context.get("exception")
    if error is not None and is_away(error):
        log.warning("a connection to the database was lost", reason=str(error))
    else:
        loop.default_exception_handler(context)


class Server(uvicorn.Server):
    """uvicorn's, told by us when to end: its own signal handling ends the process before we have closed."""

    def __init__(self, config: uvicorn.Config, started: Callable[[], None]) -> None:
        super().__init__(config)
        self._tell = started

    def leave(self) -> None:
        """Takes no more requests, and ends when those under way are answered."""
        if not self.should_exit:
            log.info("stopping")
            hard_end()
        self.should_exit = True

    @contextlib.contextmanager
    def capture_signals(self) -> Iterator[None]:
        yield

    async def startup(self, sockets: list[socket.socket] | None = None) -> None:
        await super().startup(sockets)
        self._tell()


def _limits(settings: Settings) -> Limits:
    return Limits(
        body_bytes=settings.body_limit_bytes, answer_seconds=settings.deadline_seconds * deadline.SHARE
    )


def _configuration(settings: Settings, wired: asgi.Wired) -> uvicorn.Config:
    return uvicorn.Config(
        wired.app,
        loop="uvloop",
        http=guarded(_limits(settings), wired.find_door),
        ws="none",
        lifespan="off",
        workers=1,
        log_config=None,
        access_log=settings.log_level == "debug",
        proxy_headers=False,
        server_header=False,
        timeout_keep_alive=IDLE_SECONDS,
        timeout_graceful_shutdown=DRAIN_SECONDS,
    )


@contextlib.asynccontextmanager
async def _background(house: House) -> AsyncIterator[None]:
    """The jobs, for the length of the block. A loop that broke is started again: the jobs can be repeated."""
    stop = asyncio.Event()

    async def work() -> None:
        while not stop.is_set():
            try:
                await jobs.run(house, stop)
            except Exception:
                log.exception("jobs broke, and start again")
                with contextlib.suppress(TimeoutError):
                    await asyncio.wait_for(stop.wait(), JOB_PAUSE_SECONDS)

    task = asyncio.create_task(work())
    try:
        yield
    finally:
        stop.set()
        await asyncio.wait([task], timeout=1)
        task.cancel()
        await asyncio.wait([task], timeout=1)


def hard_end() -> None:
    """From now on the process has STOP_SECONDS left."""
    timer = threading.Timer(STOP_SECONDS, os._exit, (1,))
    timer.daemon = True
    timer.start()
