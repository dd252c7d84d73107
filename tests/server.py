"""A real server for tests that break it: its own home, and `regulars serve` in its own process group."""

import asyncio
import contextlib
import json
import os
import select
import shutil
import signal
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlsplit

import httpx

from regulars.app.programs import Created, create_program
from regulars.app.vault import Vault
from regulars.app.verify import Report, verify
from regulars.outside.postgres import Embedded
from regulars.settings import Settings, load_secret_key
from regulars.storage.database import Database

COMMAND = (sys.executable, "-m", "regulars.cli")
PATIENCE_SECONDS = 180.0
ROOT = Path(__file__).parent.parent


class Home:
    """A data directory in which servers come and go. `log`: what all of them have said.

    `database_url` leads to a PostgreSQL that is there already; without it the servers bring their own.
    """

    def __init__(self, path: Path, database_url: str | None = None) -> None:
        self.path = path
        self.log: list[str] = []
        self.servers: list[Server] = []
        self._database_url = database_url

    @property
    def dsn(self) -> str:
        """Where the database answers, past whatever stands between it and the server."""
        if self._database_url is not None:
            return self._database_url
        socket = (self.path / "db/postmaster.pid").read_text().split("\n")[4]
        return f"postgresql://regulars@/regulars?host={quote(socket)}"

    @property
    def postmaster(self) -> int:
        """The process id of this home's PostgreSQL."""
        return int((self.path / "db/postmaster.pid").read_text().split("\n")[0])

    def start(
        self, *options: str, command: tuple[str, ...] = COMMAND, environ: Mapping[str, str] | None = None
    ) -> "Server":
        """A server that is ready. `command` stands for `regulars`, `environ` comes on top of ours."""
        self.servers.append(Server(self, command, options, self.environ | dict(environ or {})))
        return self.servers[-1]

    @property
    def environ(self) -> dict[str, str]:
        """Ours without REGULARS_*, with this home and, if it is given, this database."""
        kept = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
        named = {"REGULARS_DATABASE_URL": self._database_url} if self._database_url else {}
        return kept | {"REGULARS_HOME": str(self.path), "REGULARS_LOG_FORMAT": "json"} | named

    async def create_program(self, name: str = "Tea Circle", **changes: Any) -> Created:
        """A program: one point a pound, approved at once, unless told otherwise."""
        vault = Vault(load_secret_key(Settings(home=self.path)))
        terms = {"name": name, "domain": "https://tea.example", "currency": "GBP"} | changes
        async with self.database() as database:
            return await create_program(database, vault, **terms, now=datetime.now(UTC))

    async def verify(self) -> Report:
        """What `regulars verify` finds."""
        async with self.database() as database:
            return await verify(database, now=datetime.now(UTC))

    @contextlib.asynccontextmanager
    async def database(self) -> Any:
        """Our own connections to the database."""
        database = await Database.connect(self.dsn, most=2)
        try:
            yield database
        finally:
            await database.close()

    def complaints(self) -> list[str]:
        """What no server should ever say: errors, stack traces, anything that is not a line of the log."""
        return [line for line in self.log if _is_complaint(line)]


def _is_complaint(line: str) -> bool:
    try:
        said = json.loads(line)
    except ValueError:
        return bool(line.strip())
    return said.get("level") in ("error", "critical") or "exception" in said


@contextlib.contextmanager
def a_home(database_url: str | None = None) -> Iterator[Home]:
    """A home for the length of the block. Its PostgreSQL, which outlives killed servers, is stopped."""
    path = Path(tempfile.mkdtemp(prefix="regulars-server-"))
    path.chmod(0o711 if os.geteuid() == 0 else 0o700)  # root's PostgreSQL runs as another user
    home = Home(path, database_url)
    try:
        yield home
    finally:
        for server in home.servers:
            server.kill()
        if database_url is None:
            embedded = Embedded(path)
            embedded.start()
            embedded.stop()
        shutil.rmtree(path, ignore_errors=True)


class Server:
    """`regulars serve` on a free port. `ready_seconds`: from its start to the first 200 of /healthz."""

    def __init__(
        self, home: Home, command: tuple[str, ...], options: tuple[str, ...], environ: dict[str, str]
    ) -> None:
        began = time.monotonic()
        self._home = home
        self._ready = threading.Event()
        self._is_over = False
        self.url = ""
        self.process = subprocess.Popen(
            [*command, "serve", "--port", "0", *options],
            env=environ,
            cwd=ROOT,
            stdout=subprocess.DEVNULL,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._listening = threading.Thread(target=self._listen, daemon=True)
        self._listening.start()
        if not self._ready.wait(PATIENCE_SECONDS) or not self.url:
            self.kill()
            raise AssertionError(f"the server did not start: {home.log[-20:]}")
        assert httpx.get(f"{self.url}/healthz", timeout=PATIENCE_SECONDS).status_code == 200
        self.ready_seconds = time.monotonic() - began

    def _listen(self) -> None:
        assert self.process.stderr is not None
        for line in self.process.stderr:
            self._home.log.append(line.rstrip("\n"))
            if '"ready"' in line:
                self.url = str(json.loads(line)["url"])
                self._ready.set()
        self._ready.set()  # it has ended

    @property
    def port(self) -> int:
        port = urlsplit(self.url).port
        assert port is not None
        return port

    @property
    def is_running(self) -> bool:
        return self.process.poll() is None

    def kill(self) -> None:
        """SIGKILL to the whole process group; returns when all of them are gone."""
        if not self._is_over:
            with contextlib.suppress(ProcessLookupError):
                os.killpg(self.process.pid, signal.SIGKILL)
            self.wait()

    def stop(self) -> int:
        """SIGTERM, and the exit code."""
        self.process.terminate()
        return self.wait()

    def wait(self) -> int:
        """The exit code, once its log has ended, which is when the last of the group is gone."""
        code = self.process.wait(PATIENCE_SECONDS)
        self._listening.join(PATIENCE_SECONDS)
        if not self._listening.is_alive():
            self._is_over = True
            assert self.process.stderr is not None
            self.process.stderr.close()
        return code


def children_of(parent: int) -> list[int]:
    """The process ids of a process's living children."""
    found = []
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit():
            with contextlib.suppress(OSError):
                if int((entry / "stat").read_text().rsplit(")", 1)[1].split()[1]) == parent:
                    found.append(int(entry.name))
    return found


@contextlib.contextmanager
def pidfd(process: int) -> Iterator[int]:
    """A process by a descriptor of its own, which no later process of the same number can be taken for."""
    descriptor = os.pidfd_open(process)
    try:
        yield descriptor
    finally:
        os.close(descriptor)


async def ended(process: int, *, within_seconds: float) -> None:
    """Waits until the process behind a descriptor has ended: what it still answers is no sign of a return."""
    readable, _, _ = await asyncio.to_thread(select.select, [process], [], [], within_seconds)
    assert readable, f"still there after {within_seconds} s"


async def started(home: Home, *options: str, **more: Any) -> Server:
    """The same as `home.start`, while this event loop goes on: a proxy in it may be needed for starting."""
    return await asyncio.to_thread(lambda: home.start(*options, **more))
