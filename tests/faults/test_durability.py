"""An answer leaves after the disk has what it acknowledges; a database that can't promise that is refused."""

import contextlib
import os
import signal
import subprocess
from collections.abc import Iterator
from urllib.parse import quote

import asyncpg
import httpx
import pytest

from regulars.outside.postgres import Embedded
from regulars.outside.postgres_place import find_place
from tests.faults.load import Shop, a_shop
from tests.faults.trace import Cannot, Syscall, Trace, traced
from tests.server import COMMAND, Home, a_home, children_of

ORDERS = 200
FEW = 40


@pytest.fixture(scope="module")
def home() -> Iterator[Home]:
    with a_home() as home:
        yield home


async def send_one_by_one(home: Home, shop: Shop, count: int) -> Trace:
    """What the kernel was asked for while orders came, each after the answer to the one before it."""
    pids = [shop.server.process.pid, home.postmaster, *children_of(home.postmaster)]
    await shop.order("before")
    try:
        with traced(pids) as trace:
            # One more, as the last answer may arrive before strace has noted that it was sent.
            for number in range(count + 1):
                assert (await shop.order(f"d-{number}")).status == 201
    except Cannot as reason:
        pytest.skip(str(reason))
    return trace


def exchanges(trace: Trace, app: int) -> list[tuple[Syscall, Syscall]]:
    """For each order the call that read its request, and the one that sent its 201."""
    found: list[tuple[Syscall, Syscall]] = []
    request: Syscall | None = None
    for call in trace.calls:
        if call.pid != app:
            continue
        if '"POST /v2/orders' in call.said and call.result > 0:
            assert request is None
            request = call
        elif '"HTTP/1.1 201' in call.said and call.result > 0:
            assert request is not None
            found.append((request, call))
            request = None
    return found


def unsynced(trace: Trace, app: int, count: int) -> int:
    """How many answers left before a sync of the write-ahead log that began after their request had come."""
    pairs, syncs = exchanges(trace, app)[:count], trace.syncs("pg_wal")
    assert len(pairs) == count
    return sum(
        not any(asked.ended <= sync.began and sync.ended <= answered.began for sync in syncs)
        for asked, answered in pairs
    )


async def test_no_answer_leaves_before_its_commit_is_on_disk(home: Home) -> None:
    async with a_shop(home) as shop:
        trace = await send_one_by_one(home, shop, ORDERS)
        assert unsynced(trace, shop.server.process.pid, ORDERS) == 0
        assert len(trace.syncs("pg_wal")) >= ORDERS


async def test_with_asynchronous_commits_the_same_look_finds_answers_too_early_and_health_warns(
    home: Home,
) -> None:
    async with a_shop(home):
        await execute(home, "alter database regulars set synchronous_commit = off")
    async with a_shop(home) as shop:
        await execute(home, "alter database regulars reset synchronous_commit")  # for the next server
        health = httpx.get(f"{shop.server.url}/healthz", timeout=60)
        assert health.status_code == 200
        assert health.json()["status"] == "degraded"
        assert "synchronous_commit is off" in health.json()["checks"]["durability"]
        trace = await send_one_by_one(home, shop, FEW)
        assert unsynced(trace, shop.server.process.pid, FEW) > FEW // 2


async def execute(home: Home, statement: str) -> None:
    connection = await asyncpg.connect(home.dsn)
    try:
        await connection.execute(statement)
    finally:
        await connection.close()


@contextlib.contextmanager
def careless(home: Home, *options: str) -> Iterator[str]:
    """The home's PostgreSQL started by hand, with options that `regulars` would never give it; its DSN."""
    with Embedded(home.path):
        place = find_place(home.path)
    folder = f"-cunix_socket_directories={place.data}"
    server = subprocess.Popen(
        [place.programs / "postgres", "-D", place.data, "-clisten_addresses=", folder, *options],
        cwd="/",
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        **place.who.popen(),
    )
    try:
        while not Embedded(home.path).ready():
            assert server.poll() is None
        yield f"postgresql://regulars@/regulars?host={quote(str(place.data))}"
    finally:
        server.send_signal(signal.SIGINT)
        server.wait(60)


@pytest.mark.parametrize(("setting", "workers"), [("fsync", "1"), ("full_page_writes", "2")])
def test_a_database_that_may_lose_the_book_is_not_served(home: Home, setting: str, workers: str) -> None:
    with careless(home, f"-c{setting}=off") as dsn:
        done = subprocess.run(
            [*COMMAND, "serve", "--port", "0", "--workers", workers],
            env=os.environ | home.environ | {"REGULARS_DATABASE_URL": dsn},
            capture_output=True,
            text=True,
            check=False,
            timeout=60,
        )
    assert done.returncode == 2, done.stderr
    assert f"PostgreSQL runs with {setting} off" in done.stderr
    assert "Traceback" not in done.stderr
