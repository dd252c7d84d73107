"""What all tests share: one PostgreSQL server a run, and a database of its own for each that asks."""

import asyncio
import hashlib
import os
import secrets
import shutil
import tempfile
from collections.abc import Awaitable, Callable, Coroutine, Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar
from urllib.parse import urlsplit, urlunsplit

import asyncpg
import hypothesis
import pytest
import structlog
from _pytest.runner import runtestprotocol

from regulars.outside.postgres import Embedded
from regulars.storage.migrate import SCHEMA, migrate, read_migrations
from tests.pace import TRIES, TooSlow

T = TypeVar("T")

HOME = pytest.StashKey[Path]()

# For many small databases that live for one test each. (The server is as durable as any other.)
SETTINGS = {"shared_buffers": "64MB", "wal_compression": "off", "max_wal_size": "4GB"}

TEMPLATE_LOCK = 5_120_774

# Two busy cores make a slow example say nothing about the code.
hypothesis.settings.register_profile("regulars", deadline=None, print_blob=True)
hypothesis.settings.load_profile("regulars")


# -- what was too slow is tried again, see tests/pace.py


@pytest.hookimpl(tryfirst=True)
def pytest_runtest_protocol(item: pytest.Item, nextitem: pytest.Item | None) -> bool:
    """Runs a test, again with fresh fixtures when it was too slow; only the last try is reported."""
    item.ihook.pytest_runtest_logstart(nodeid=item.nodeid, location=item.location)
    for number in range(1, TRIES + 1):
        reports = runtestprotocol(item, log=False, nextitem=nextitem)
        if number < TRIES and any(getattr(report, "was_too_slow", False) for report in reports):
            continue
        for report in reports:
            if number > 1:
                report.sections.append(("too slow before", f"{number - 1} of {TRIES} tries"))
            item.ihook.pytest_runtest_logreport(report=report)
        break
    item.ihook.pytest_runtest_logfinish(nodeid=item.nodeid, location=item.location)
    return True


@pytest.hookimpl(wrapper=True)
def pytest_runtest_makereport(call: pytest.CallInfo[None]) -> Any:
    report = yield
    report.was_too_slow = call.excinfo is not None and call.excinfo.errisinstance(TooSlow)
    return report


# -- one server for the whole run: the controlling process chooses its home, the workers are told


def pytest_configure(config: pytest.Config) -> None:
    # As in earnest, see regulars.logs: pictures of all variables take seconds, in which nothing else is done.
    structlog.dev.ConsoleRenderer.get_active().exception_formatter = structlog.dev.plain_traceback
    if hasattr(config, "workerinput"):
        config.stash[HOME] = Path(config.workerinput["regulars_home"])
    else:
        home = Path(tempfile.mkdtemp(prefix="regulars-tests-"))
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)  # root's server runs as somebody else
        config.stash[HOME] = home


@pytest.hookimpl(optionalhook=True)
def pytest_configure_node(node: Any) -> None:
    node.workerinput["regulars_home"] = str(node.config.stash[HOME])


def pytest_unconfigure(config: pytest.Config) -> None:
    """Stops the server even when a worker was killed, which could not do it."""
    home = config.stash.get(HOME, None)
    if home is None or hasattr(config, "workerinput"):
        return
    server = Embedded(home)
    if server.ready():
        server.start()
        server.stop()
    shutil.rmtree(home, ignore_errors=True)


@pytest.fixture(scope="session")
def server(pytestconfig: pytest.Config) -> Iterator[str]:
    """The DSN of the run's PostgreSQL server, as its superuser: for making databases in it."""
    if given := os.environ.get("REGULARS_TEST_DATABASE_URL"):
        yield given
        return
    with Embedded(pytestconfig.stash[HOME], settings=SETTINGS) as embedded:
        yield embedded.dsn


@pytest.fixture(scope="session")
def template(server: str) -> str:
    """The name of a database with all migrations applied. It is made once, whichever worker comes first."""
    text = "".join(migration.sha256 for migration in read_migrations(SCHEMA))
    name = f"regulars_template_{hashlib.sha256(text.encode()).hexdigest()[:12]}"

    async def make(connection: asyncpg.Connection) -> None:
        await connection.execute("select pg_advisory_lock($1)", TEMPLATE_LOCK)
        if await connection.fetchval("select 1 from pg_database where datname = $1", name):
            return
        fresh = f"{name}_{secrets.token_hex(4)}"
        await connection.execute(f'create database "{fresh}" template template0')
        await migrate(dsn_of(server, fresh))
        await connection.execute(f'alter database "{fresh}" rename to "{name}"')

    with_connection(server, make)
    return name


@pytest.fixture
def database(server: str, template: str) -> Iterator[str]:
    """The DSN of a fresh database with all tables, this test's alone."""
    yield from fresh_database(server, template)


@pytest.fixture
def empty_database(server: str) -> Iterator[str]:
    """The DSN of a fresh database with nothing in it."""
    yield from fresh_database(server, "template0")


def fresh_database(server: str, template: str) -> Iterator[str]:
    name = f"test_{secrets.token_hex(8)}"
    with_connection(server, lambda c: c.execute(f'create database "{name}" template "{template}"'))
    yield dsn_of(server, name)
    with_connection(server, lambda c: c.execute(f'drop database "{name}" with (force)'))


def dsn_of(server: str, name: str) -> str:
    """The same server's DSN for another database."""
    return urlunsplit(urlsplit(server)._replace(path=f"/{name}"))


def with_connection(dsn: str, act: Callable[[asyncpg.Connection], Awaitable[T]]) -> T:
    """Runs one action on a connection. In a thread: the caller's may be running an event loop of its own."""

    async def run() -> T:
        connection = await asyncpg.connect(dsn)
        try:
            return await act(connection)
        finally:
            await connection.close()

    return in_thread(run())


def in_thread(coroutine: Coroutine[Any, Any, T]) -> T:
    with ThreadPoolExecutor(1) as pool:
        return pool.submit(asyncio.run, coroutine).result()
