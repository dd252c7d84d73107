"""`regulars import` as a person calls it: what it says, how it ends, and that a kill costs nothing."""

# ruff: noqa: F811 - fixtures are named where they are used

import asyncio
import gzip
import json
import os
import shlex
import signal
import subprocess
import sys
import time
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from typer.testing import CliRunner

from regulars.bundled import bring_up_to_date
from regulars.cli import app
from regulars.outside.postgres import Embedded
from tests.conftest import with_connection
from tests.server import a_home
from tests.test_cli import CREATE, Shell, as_before, shell  # noqa: F401 - fixtures

HEADER = "order_id,date,customer_id,customer_email,total,shipping\n"


def orders_file(path: Path, number: int) -> Path:
    rows = (f"A{n},2025-06-01,c{n % 97},c{n % 97}@example.com,{n}.00,0.00\n" for n in range(1, number + 1))
    text = HEADER + "".join(rows)
    path.write_bytes(gzip.compress(text.encode()) if path.suffix == ".gz" else text.encode())
    return path


def one(database: str, question: str) -> Any:
    return with_connection(database, lambda connection: connection.fetchval(question))


def test_it_says_what_became_of_the_file_and_is_verified(shell: Shell, tmp_path: Path) -> None:
    shell.prints(CREATE)
    file = orders_file(tmp_path / "orders.csv.gz", 500)
    said = shell.prints(f"import orders {file}")
    assert "Read 500 rows" in said and "500 recorded, 0 known already, 0 rejected" in said
    assert "0 recorded, 500 known already" in shell.prints(f"import orders {file}")
    assert "clean" in shell.prints("verify")


def test_rejected_rows_end_it_with_1_and_are_named(shell: Shell, tmp_path: Path) -> None:
    shell.prints(CREATE)
    file = tmp_path / "orders.csv"
    file.write_text(HEADER.replace("shipping", "Colour") + "A1,2025-06-01,c1,c1@example.com,ten,red\n")
    said = shell.prints(f"import orders {file}", code=1)
    assert "1 rejected" in said and "orders.csv.rejected.csv" in said and "not read: Colour" in said
    done = CliRunner().invoke(app, shlex.split(f"import orders {file} --json"))
    assert done.exit_code == 1
    summary = json.loads(done.stdout)
    assert (summary["rows"], summary["rejected"], summary["unused"]) == (1, 1, ["Colour"])


def test_customers_and_refunds_are_imported_too(shell: Shell, tmp_path: Path) -> None:
    shell.prints(CREATE)
    customers, refunds = tmp_path / "customers.csv", tmp_path / "refunds.jsonl"
    customers.write_text("customer_id,email,points\nc1,c1@example.com,30\n")
    refunds.write_text('{"refund_id": 1, "order_id": "A1", "amount": 0.5, "date": "2025-07-01"}\n')
    assert "1 recorded" in shell.prints(f"import customers {customers} --program 1 --site 1")
    shell.prints(f"import orders {orders_file(tmp_path / 'orders.csv', 1)}")
    assert "1 recorded" in shell.prints(f"import refunds {refunds}")


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("orders.csv", "id,amount\n", "no column date, total"),
        ("orders.xlsx", "PK", "must end with .csv"),
        ("orders.csv.gz", "no archive", "damaged after line 0"),
    ],
)
def test_a_file_that_can_not_be_read_is_told_in_one_line(
    shell: Shell,
    tmp_path: Path,
    name: str,
    content: str,
    said: str,
) -> None:
    shell.prints(CREATE)
    (tmp_path / name).write_text(content)
    assert said in shell.complains(f"import orders {tmp_path / name}")


def test_the_program_must_be_there_and_be_named_among_several(shell: Shell, tmp_path: Path) -> None:
    file = orders_file(tmp_path / "orders.csv", 1)
    assert "there are 0 programs" in shell.complains(f"import orders {file}")
    shell.prints(CREATE)
    shell.prints(CREATE)
    assert "there are 2 programs" in shell.complains(f"import orders {file}")
    assert "no program 9" in shell.complains(f"import orders {file} --program 9")


@pytest.mark.parametrize("times", [2, pytest.param(15, marks=pytest.mark.long)])
def test_kill_9_in_its_midst_costs_nothing_and_the_next_run_goes_on(
    database: str, tmp_path: Path, times: int
) -> None:
    """Killed again and again; at last every order is there once, with its points, and the book is whole."""
    number = 4000 * times
    file = orders_file(tmp_path / "orders.csv", number)
    said = (tmp_path / "said").open("w")
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    environ = kept | {"REGULARS_HOME": str(tmp_path), "REGULARS_DATABASE_URL": database}

    def regulars(line: str) -> "subprocess.Popen[str]":
        words = [sys.executable, "-m", "regulars.cli", *shlex.split(line)]
        return subprocess.Popen(words, env=environ, stdout=said, text=True, start_new_session=True)

    assert regulars(CREATE).wait(60) == 0
    recorded = 0
    for turn in range(1, times + 1):
        running = regulars(f"import orders {file}")
        wait_until_more_than(database, recorded + (number - recorded) // (times + 2), running)
        os.killpg(running.pid, signal.SIGKILL)
        assert running.wait(60) == -signal.SIGKILL
        now = one(database, "select count(*) from orders")
        assert recorded < now < number, f"turn {turn} was killed too late to say anything"
        recorded = now
    said.truncate(0)
    assert regulars(f"import orders {file} --json").wait(240) == 0
    summary = json.loads((tmp_path / "said").read_text().strip("\0"))
    assert summary["rows"] == number and summary["rejected"] == 0
    # What a killed run had sent may still have been committed after we counted.
    assert summary["known"] >= recorded and summary["known"] + summary["recorded"] == number
    assert one(database, "select count(*) from orders") == number
    assert one(database, "select sum(available) from accounts") == number * (number + 1) // 2
    assert one(database, "select count(*) from events where kind = 'points.earned'") == number
    assert regulars("verify").wait(120) == 0
    said.close()


def test_an_import_brings_a_killed_database_back_and_goes_on(tmp_path: Path) -> None:
    number = 6000
    file = orders_file(tmp_path / "orders.csv", number)
    with a_home() as home, Embedded(home.path), (tmp_path / "said").open("w+") as said:
        asyncio.run(bring_up_to_date(home.dsn))
        asyncio.run(home.create_program())
        words = [sys.executable, "-m", "regulars.cli", "import", "orders", str(file), "--json"]
        running = subprocess.Popen(words, env=home.environ, stdout=said, text=True)
        wait_until_more_than(home.dsn, number // 4, running)
        os.kill(home.postmaster, signal.SIGKILL)
        assert running.wait(120) == 0
        said.seek(0)
        summary = json.load(said)
        assert (summary["rows"], summary["rejected"]) == (number, 0)
        assert one(home.dsn, "select count(*) from orders") == number
        assert asyncio.run(home.verify()).is_clean


def wait_until_more_than(database: str, number: int, running: "subprocess.Popen[str]") -> None:
    """Returns as soon as there are more than `number` orders. Fails when the import ends before."""

    async def look() -> None:
        connection = await asyncpg.connect(database)
        try:
            end = time.monotonic() + 60
            while await connection.fetchval("select count(*) from orders") <= number:
                assert running.poll() is None and time.monotonic() < end
        finally:
            await connection.close()

    asyncio.run(look())
