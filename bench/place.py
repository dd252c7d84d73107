"""A place to measure in: a home of its own, its database server, a program with customers, and the server.

All of it is made in a temporary folder and removed at the end; the home that `make run` uses is not touched.
"""

import asyncio
import contextlib
import json
import os
import shutil
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any, NamedTuple

import asyncpg
from bodies import customer

from regulars.app.house import House
from regulars.domain.commands import SaveCustomer
from regulars.outside.postgres import Embedded
from regulars.outside.postgres_place import find_place
from regulars.settings import Settings

REGULARS = [sys.executable, "-m", "regulars.cli"]
PROGRAM = ["--name", "Bench", "--domain", "https://shop.example", "--currency", "GBP"]
PATIENCE_SECONDS = 60.0
ENROLLED_AT_ONCE = 1000
HERE = Path(__file__).parent


class Place(NamedTuple):
    """`programs`: the folder with PostgreSQL's programs. `shops`: what each `program create` printed."""

    home: Path
    dsn: str
    programs: Path
    postmaster: int
    shops: list[dict[str, Any]]

    @property
    def keys(self) -> dict[str, Any]:
        """The first shop's."""
        return self.shops[0]


@contextlib.contextmanager
def a_place(parent: Path | None, *, shops: int = 1) -> Iterator[Place]:
    """A running PostgreSQL with a migrated database and so many programs, for the length of the block."""
    home = Path(tempfile.mkdtemp(prefix="regulars-bench-", dir=parent))
    home.chmod(0o711)  # root's PostgreSQL runs as another user, who must get through to it
    try:
        with Embedded(home) as embedded:
            postmaster = int((home / "db" / "postmaster.pid").read_text().split()[0])
            made = [json.loads(regulars(home, "program", "create", *PROGRAM, "--json")) for _ in range(shops)]
            yield Place(home, embedded.dsn, find_place(home).programs, postmaster, made)
    finally:
        shutil.rmtree(home, ignore_errors=True)


def environment(home: Path) -> dict[str, str]:
    """Ours without REGULARS_*, with this home."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    return kept | {"REGULARS_HOME": str(home), "REGULARS_LOG_FORMAT": "json"}


def regulars(home: Path, *arguments: str) -> str:
    """What a command of `regulars` prints. Raises CalledProcessError; its errors go to the terminal."""
    quiet = environment(home) | {"REGULARS_LOG_LEVEL": "warning"}
    done = subprocess.run([*REGULARS, *arguments], env=quiet, check=True, text=True, stdout=subprocess.PIPE)
    return done.stdout


class Server(NamedTuple):
    pid: int
    url: str


@contextlib.contextmanager
def serving(place: Place, *, workers: int) -> Iterator[Server]:
    """`regulars serve` on a free port, for the length of the block."""
    log = place.home / "serve.log"
    command = [*REGULARS, "serve", "--port", "0", "--workers", str(workers)]
    with log.open("wb") as output:
        process = subprocess.Popen(command, env=environment(place.home), stderr=output, stdout=output)
    try:
        yield Server(process.pid, _address(log, process))
    finally:
        process.terminate()
        try:
            process.wait(15)
        except subprocess.TimeoutExpired:
            process.kill()
            process.wait()
    errors = [line for line in log.read_text().splitlines() if '"level": "error"' in line]
    for line in errors[:5]:
        print(f"  the server's log: {line}", file=sys.stderr)


def _address(log: Path, process: subprocess.Popen[bytes]) -> str:
    end = time.monotonic() + PATIENCE_SECONDS
    while time.monotonic() < end and process.poll() is None:
        for line in log.read_text().splitlines():
            with contextlib.suppress(ValueError, KeyError):
                said = json.loads(line)
                if said["event"] == "ready":
                    return str(said["url"])
        time.sleep(0.05)
    raise RuntimeError(f"the server did not start:\n{log.read_text()[-3000:]}")


async def enrol_customers(place: Place, number: int) -> None:
    """Makes c1 to c`number` members of every program, as pgbench's customers are known beforehand too."""
    house = await House.open(Settings.from_environment({"REGULARS_HOME": str(place.home)}), place.dsn)
    try:
        for first in range(1, number + 1, ENROLLED_AT_ONCE):
            some = range(first, min(first + ENROLLED_AT_ONCE, number + 1))
            commands = [SaveCustomer(customer=customer(one)) for one in some]
            for shop in place.shops:
                submitted = (house.engine.submit(shop["program_id"], each, bulk=True) for each in commands)
                await asyncio.gather(*submitted)
    finally:
        await house.close()


async def make_pgbench_database(place: Place) -> None:
    """The database that pgbench works in, on the same server."""
    await run_sql(place, ["create database pgbench"])
    connection = await asyncpg.connect(place.dsn, database="pgbench")
    try:
        await connection.execute((HERE / "pgbench_schema.sql").read_text())
        await connection.execute("vacuum analyze")
    finally:
        await connection.close()


async def run_sql(place: Place, statements: Sequence[str]) -> None:
    """Executes each by itself, in Regulars' database."""
    connection = await asyncpg.connect(place.dsn)
    try:
        for statement in statements:
            await connection.execute(statement)
    finally:
        await connection.close()
