"""Several workers over one listening socket: started, started again when one dies, and ended together."""

import asyncio
import contextlib
import multiprocessing
import os
import signal
import socket
import time
from collections.abc import Callable
from multiprocessing.connection import Connection, wait
from multiprocessing.context import SpawnProcess
from typing import Final

import structlog

from regulars import logs
from regulars.bundled import database
from regulars.settings import Settings
from regulars.worker import STOP_SECONDS, hard_end
from regulars.worker import run as run_worker

log = structlog.get_logger(__name__)

# Spawned, not forked: a worker opens the database's lock file itself, and inherits no half-used event loop.
SPAWN: Final = multiprocessing.get_context("spawn")
YOUNG_SECONDS: Final = 5.0
"""A worker that dies younger than this is started again only after a pause."""
PAUSE_SECONDS: Final = 1.0


class WorkersFailed(RuntimeError):
    """The workers died before any of them has served."""


class Worker:
    """A worker process. `tidings` has something to read once it answers requests."""

    def __init__(self, settings: Settings, sock: socket.socket) -> None:
        self.tidings, tell = SPAWN.Pipe(duplex=False)
        self.process: SpawnProcess = SPAWN.Process(target=work, args=(settings, sock, tell))
        self.process.start()
        tell.close()
        self.began = time.monotonic()
        self.serves = False

    def look(self) -> None:
        """Notes whether it serves by now."""
        if not self.serves and self.tidings.poll():
            with contextlib.suppress(EOFError):  # it died before it could tell
                self.serves = self.tidings.recv()


def run(settings: Settings, sock: socket.socket, ready: Callable[[], None]) -> None:
    """Keeps `settings.workers` workers going until SIGTERM or SIGINT; `ready` is told once all of them serve.

    Not before: who connects while one serves stays with that one for as long as the connection is kept.
    Raises WorkersFailed when a worker dies before any of them has served.
    """
    wake, woken = os.pipe()
    os.set_blocking(woken, False)
    signal.set_wakeup_fd(woken)
    leaving: list[int] = []
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda number, _: leaving.append(number))
    workers = [Worker(settings, sock) for _ in range(settings.workers)]
    announced = have_served = False
    try:
        while not leaving:
            silent = [worker.tidings for worker in workers if not worker.serves]
            wait([wake, *silent, *(worker.process.sentinel for worker in workers)])
            for worker in workers:
                worker.look()
            have_served = have_served or any(worker.serves for worker in workers)
            if not announced and all(worker.serves for worker in workers):
                announced = True
                ready()
            if not leaving:
                workers = [_kept(worker, settings, sock, have_served) for worker in workers]
        log.info("stopping", workers=len(workers))
    finally:
        hard_end()
        sock.close()  # or what connects from now on would wait for nobody
        end_all(workers)


def _kept(worker: Worker, settings: Settings, sock: socket.socket, have_served: bool) -> Worker:
    """The worker, or its successor when it has died."""
    if worker.process.is_alive():
        return worker
    code = worker.process.exitcode
    if not have_served:
        raise WorkersFailed("A worker could not start; the lines above say why.")
    log.error("a worker died, another one starts", pid=worker.process.pid, code=code)
    if time.monotonic() - worker.began < YOUNG_SECONDS:
        time.sleep(PAUSE_SECONDS)
    worker.process.close()
    worker.tidings.close()
    return Worker(settings, sock)


def end_all(workers: list[Worker]) -> None:
    """Lets every worker finish what it is doing; kills those that don't in time."""
    end = time.monotonic() + STOP_SECONDS - 0.5
    for worker in workers:
        worker.process.terminate()
    for worker in workers:
        worker.process.join(max(0.0, end - time.monotonic()))
        if worker.process.is_alive():
            worker.process.kill()
            worker.process.join(1)


def work(settings: Settings, sock: socket.socket, tell: Connection) -> None:
    """What a worker process does. It drains and ends when its parent is gone, however that went."""
    logs.configure(settings)
    signal.signal(signal.SIGINT, signal.SIG_IGN)  # Ctrl-C reaches the parent too, which then ends us

    def started() -> None:
        log.info("a worker serves", pid=os.getpid())
        tell.send(True)
        parent = multiprocessing.parent_process()
        if parent is not None:
            loop = asyncio.get_running_loop()

            def orphaned() -> None:
                loop.remove_reader(parent.sentinel)
                signal.raise_signal(signal.SIGTERM)

            loop.add_reader(parent.sentinel, orphaned)

    try:
        with database(settings) as dsn:
            run_worker(settings, dsn, sock, started)
    except Exception as error:  # noqa: BLE001 - whatever it is, the log is where it belongs
        log.error("the worker can not go on", problem=str(error), kind=type(error).__name__)
        raise SystemExit(3) from None
    os._exit(0)  # all is closed; taking the interpreter apart would only cost time
