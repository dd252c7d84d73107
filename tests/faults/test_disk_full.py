"""The database's disk fills up and has room again: nothing acknowledged is lost, and nobody has to help."""

import asyncio
import contextlib
import json
import os
import subprocess
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import pytest

from regulars.outside.postgres import Embedded
from tests.faults.load import Shop, a_shop, check_answers, check_effects
from tests.pace import within
from tests.server import Home, ended, pidfd

DISK = "150m"
BACK_SECONDS = 15.0
CLIENTS = {"orders": 8, "hooks": 4, "order_lists": 2, "balances": 2, "probes": 1}


@pytest.fixture
def small_disk() -> Iterator[Path]:
    """A file system of its own in memory, with room for a database and little more."""
    if os.geteuid() != 0:
        pytest.skip("only root can mount a file system")
    folder = Path(tempfile.mkdtemp(prefix="regulars-disk-"))
    mounted = subprocess.run(
        ["mount", "-t", "tmpfs", "-o", f"size={DISK},mode=711", "tmpfs", folder],
        capture_output=True,
        text=True,
        check=False,
    )
    if mounted.returncode:
        folder.rmdir()
        pytest.skip(f"mounting is not permitted here: {mounted.stderr.strip()}")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "-l", folder], check=True)
        folder.rmdir()


@pytest.fixture
def home(small_disk: Path) -> Iterator[Home]:
    home = Home(small_disk)
    yield home
    embedded = Embedded(home.path)
    embedded.start()
    embedded.stop()


class Ballast:
    """A file that takes what is left of the disk. Its bytes are random: nothing makes them smaller."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "ballast"

    def fill(self) -> int:
        """Takes all that there is now, and says how many bytes that was."""
        taken = 0
        with self.path.open("ab", buffering=0) as file:
            for size in (1_000_000, 4096):
                with contextlib.suppress(OSError):
                    while True:
                        taken += file.write(os.urandom(size))
        return taken

    def free(self) -> None:
        self.path.unlink()


async def fill_and_free(home: Home, *, crashes: bool, full_seconds: float) -> None:
    ballast = Ballast(home.path)
    async with a_shop(home) as shop:
        async with shop.busy(**CLIENTS):
            await shop.until(lambda: shop.answered(200, 201) > 200, within_seconds=60)
            assert ballast.fill() > 1_000_000
            full = time.monotonic()
            if crashes:
                await crash(home)
            await shop.until(lambda: refused(shop, full) >= 20, within_seconds=60)
            while time.monotonic() < full + full_seconds:
                ballast.fill()  # what the database itself gave back
                await asyncio.sleep(0.2)
            if not crashes:
                assert says_no_room(shop, full)
            ballast.free()
            free = time.monotonic()
            await shop.until(lambda: took_an_order(shop, free), within_seconds=60)
            back = time.monotonic()
            acknowledged = shop.answered(200, 201)
            await shop.until(lambda: shop.answered(200, 201) > acknowledged + 100, within_seconds=60)
        await well_again(shop)
        print(f"full for {free - full:.1f} s, taking orders again {back - free:.1f} s after there was room")
        check_answers(shop.calls, least=300)
        within(back - free, BACK_SECONDS, "coming back")
        await check_effects(home, shop)
        assert foreign_complaints(home) == []


def refused(shop: Shop, since: float) -> int:
    return sum(
        call.what in ("order", "hook") and call.status == 503 and call.began > since for call in shop.calls
    )


def took_an_order(shop: Shop, since: float) -> bool:
    return any(
        call.what == "order" and call.status == 201 and call.began > since for call in shop.calls[-200:]
    )


def says_no_room(shop: Shop, since: float) -> bool:
    """Whether health has said so, to somebody who asked for nothing else."""
    said = [call.body for call in shop.calls if call.what == "health" and call.began > since]
    return any(b'"degraded"' in body and b"has no room left" in body for body in said)


async def health_of(shop: Shop) -> dict[str, Any]:
    said: dict[str, Any] = json.loads((await shop.health()).body)
    return said


async def well_again(shop: Shop) -> dict[str, Any]:
    """What health says as soon as it says ok: it looks at most twice a second. Raises TimeoutError."""
    async with asyncio.timeout(BACK_SECONDS):
        while (health := await health_of(shop))["status"] != "ok":
            await asyncio.sleep(0.2)
    return health


async def crash(home: Home) -> None:
    """Has the write-ahead log go on in a new file, for which there is no room: PostgreSQL panics and ends."""
    with pidfd(home.postmaster) as postmaster:
        with contextlib.suppress(asyncpg.PostgresError, OSError, TimeoutError):
            connection = await asyncpg.connect(home.dsn, timeout=2)
            try:
                for _ in range(20):
                    await connection.execute("select pg_switch_wal(), txid_current()", timeout=2)
            finally:
                connection.terminate()
        await ended(postmaster, within_seconds=BACK_SECONDS)


def foreign_complaints(home: Home) -> list[str]:
    """What the servers complained of, but for the database that could not be started on a full disk."""
    return [line for line in home.complaints() if "the database does not start" not in line]


async def test_a_full_disk_stops_writing_until_there_is_room_and_loses_nothing(home: Home) -> None:
    await fill_and_free(home, crashes=False, full_seconds=4)


async def test_health_says_that_there_is_no_room_until_there_is_though_nobody_saves_anything(
    home: Home,
) -> None:
    ballast = Ballast(home.path)
    async with a_shop(home) as shop:
        assert (await shop.order()).status == 201
        assert (await health_of(shop))["status"] == "ok"
        async with shop.busy(orders=8):
            ballast.fill()
            full = time.monotonic()
            await shop.until(lambda: refused(shop, full) >= 8, within_seconds=60)
            ballast.fill()
        for _ in range(3):
            await asyncio.sleep(0.6)  # health is asked for at most twice a second
            ballast.fill()
            health = await health_of(shop)
            assert health["status"] == "degraded"
            assert health["checks"]["saving"] == "the database has no room left: nothing can be saved"
        ballast.free()
        assert "saving" not in (await well_again(shop))["checks"]
        assert (await shop.order()).status == 201


async def test_a_database_that_crashes_on_a_full_disk_comes_back_by_itself(home: Home) -> None:
    await fill_and_free(home, crashes=True, full_seconds=6)


@pytest.mark.long
async def test_a_disk_that_fills_up_again_and_again(home: Home) -> None:
    for number in range(6):
        await fill_and_free(home, crashes=number % 2 == 1, full_seconds=15)
