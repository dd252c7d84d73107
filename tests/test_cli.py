"""The command line: what it prints, for people and for programs, and what it says when something is wrong."""

import asyncio
import json
import logging
import os
import re
import shlex
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import asyncpg
import httpx
import pytest
import structlog
from typer.testing import CliRunner

from regulars import __version__
from regulars.app.house import House
from regulars.cli import app, main
from regulars.cli.desk import duration
from regulars.doors.loyaltylion import app as loyaltylion
from regulars.settings import Settings

KEYS = [
    "program_id",
    "site_id",
    "site_domain",
    "site_token",
    "site_secret",
    "api_token",
    "lootly_api_key",
    "lootly_api_secret",
]
CREATE = "program create --name 'Corner shop' --domain https://shop.example --currency gbp"


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Other tests' logging stays as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


class Shell:
    """Runs `regulars ...` on this test's database."""

    def __init__(self, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]) -> None:
        self._monkeypatch = monkeypatch
        self._capsys = capsys

    def prints(self, line: str, code: int = 0) -> str:
        done = CliRunner().invoke(app, shlex.split(line))
        assert done.exit_code == code, f"{done.output} {done.exception!r}"
        return done.stdout

    def gives(self, line: str) -> Any:
        return json.loads(self.prints(line))

    def complains(self, line: str) -> str:
        """The one line that `regulars` says before it ends with 2."""
        self._monkeypatch.setattr("sys.argv", ["regulars", *shlex.split(line)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        said = self._capsys.readouterr()
        assert said.out == ""
        assert said.err.count("\n") == 1
        return said.err


@pytest.fixture
def shell(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> Shell:
    for name in [name for name in os.environ if name.startswith("REGULARS_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("REGULARS_HOME", str(tmp_path))
    monkeypatch.setenv("REGULARS_DATABASE_URL", database)
    return Shell(monkeypatch, capsys)


async def at_the_door(database: str, home: Path, keys: dict[str, Any], *orders: dict[str, Any]) -> None:
    """Sends orders to LoyaltyLion's door, as the shop would."""
    house = await House.open(Settings(home=home), database)
    try:
        transport = httpx.ASGITransport(app=loyaltylion.build(house))
        login = (keys["site_token"], keys["site_secret"])
        async with httpx.AsyncClient(transport=transport, base_url="http://a", auth=login) as client:
            for order in orders:
                assert (await client.post("/v2/orders", json=order)).status_code == 201
    finally:
        await house.close()


async def tamper(database: str) -> None:
    """Gives Alice a point that no movement has given."""
    connection = await asyncpg.connect(database)
    await connection.execute("update accounts set available = available + 1")
    await connection.close()


ORDER = {
    "merchant_id": "1001",
    "customer_id": "alice",
    "customer_email": "alice@shop.example",
    "total": "39.99",
    "total_shipping": "10.00",
    "payment_status": "paid",
}


class TestPrograms:
    def test_create_gives_exactly_the_promised_keys(self, shell: Shell) -> None:
        made = shell.gives(f"{CREATE} --json")
        assert list(made) == KEYS
        assert (made["program_id"], made["site_id"]) == (1, 1)
        assert made["site_domain"] == "https://shop.example"
        assert all(len(made[key]) >= 32 for key in KEYS[3:])

    def test_a_plain_origin_with_a_port_is_fine(self, shell: Shell) -> None:
        made = shell.gives("program create --name Local --domain http://127.0.0.1:8099 --currency EUR --json")
        assert made["site_domain"] == "http://127.0.0.1:8099"

    def test_create_says_to_people_that_the_keys_are_shown_once(self, shell: Shell) -> None:
        said = shell.prints(CREATE)
        assert all(key in said for key in KEYS)
        assert "shown this once" in said
        assert re.search(r"site_secret +[A-Za-z0-9]{60}\n", said)  # not cut, however narrow the screen

    def test_list_and_show_tell_what_there_is_and_no_secret(self, shell: Shell) -> None:
        assert "no program yet" in shell.prints("program list")
        made = shell.gives(f"{CREATE} --points-per-unit 0.5 --approval-days 14 --json")
        assert "Corner shop" in shell.prints("program list")
        [listed] = shell.gives("program list --json")
        assert listed["sites"][0]["domain"] == "https://shop.example"
        said = shell.prints("program show 1")
        assert "0.5 points a GBP, pending for 14 days" in said
        shown = json.dumps(shell.gives("program show 1 --json"))
        for secret in KEYS[4:]:
            assert str(made[secret]) not in said + shown

    def test_what_makes_no_program_is_named(self, shell: Shell) -> None:
        create = "program create --name Shop"
        assert "domain" in shell.complains(f"{create} --domain shop.example --currency GBP")
        assert "currency" in shell.complains(f"{create} --domain https://a.example --currency XXZ")
        create += " --domain https://a.example --currency GBP"
        assert "points_per_unit" in shell.complains(f"{create} --points-per-unit many")
        assert "no program yet" in shell.prints("program list")

    def test_a_test_programs_clock_moves_forward(self, shell: Shell) -> None:
        shell.prints(f"{CREATE} --test-mode")
        assert "In program 1 it is now" in shell.prints("program clock 1 --forward 14d")
        assert "14 days" in shell.prints("program show 1")

    def test_the_clock_of_a_real_program_stays(self, shell: Shell) -> None:
        shell.prints(CREATE)
        assert "--test-mode" in shell.complains("program clock 1 --forward 14d")

    def test_a_program_that_is_not_there_is_said_so_by_every_command(self, shell: Shell) -> None:
        for line in (
            "program show 7",
            "program clock 7 --forward 1d",
            "key create 7 --name x",
            "key revoke 7 1",
            "deliveries --program 7",
            "verify --program 7",
        ):
            assert "no program 7" in shell.complains(line)


class TestKeys:
    def test_a_key_may_do_what_it_was_made_for_until_it_is_revoked(self, shell: Shell) -> None:
        shell.prints(CREATE)
        made = shell.gives("key create 1 --name Reports --scope read_orders --json")
        assert made["api_token"].startswith("pat_")
        [key] = [key for key in shell.gives("program show 1 --json")["keys"] if key["name"] == "Reports"]
        assert (key["scopes"], key["revoked_at"]) == (["read_orders"], None)
        assert "revoked" in shell.prints(f"key revoke 1 {key['key_id']}")
        assert "no key" in shell.complains(f"key revoke 1 {key['key_id']}")

    def test_an_unknown_scope_is_named_with_those_there_are(self, shell: Shell) -> None:
        shell.prints(CREATE)
        said = shell.complains("key create 1 --name x --scope everything")
        assert "everything" in said
        assert "read_orders" in said


class TestLooks:
    def test_verify_is_clean_and_says_so_to_programs_too(
        self, shell: Shell, database: str, tmp_path: Path
    ) -> None:
        made = shell.gives(f"{CREATE} --json")
        asyncio.run(at_the_door(database, tmp_path, made, ORDER))
        assert "clean" in shell.prints("verify")
        report = shell.gives("verify --json --program 1")
        assert report["clean"] is True

    def test_verify_ends_with_1_when_the_book_was_tampered_with(
        self, shell: Shell, database: str, tmp_path: Path
    ) -> None:
        made = shell.gives(f"{CREATE} --json")
        asyncio.run(at_the_door(database, tmp_path, made, ORDER))
        asyncio.run(tamper(database))
        assert "V01" in shell.prints("verify", code=1)
        assert json.loads(shell.prints("verify --json", code=1))["clean"] is False

    def test_explain_says_what_an_order_gave(self, shell: Shell, database: str, tmp_path: Path) -> None:
        made = shell.gives(f"{CREATE} --json")
        asyncio.run(at_the_door(database, tmp_path, made, ORDER))
        assert "29" in shell.prints("explain 1001")
        assert "1002" in shell.complains("explain 1002")

    def test_deliveries_are_none_at_first(self, shell: Shell) -> None:
        shell.prints(CREATE)
        assert "Nothing" in shell.prints("deliveries")
        assert shell.gives("deliveries --json") == []


class TestEverything:
    def test_every_command_has_help_in_sentences(self) -> None:
        nouns = [f"program {verb}" for verb in ("create", "list", "show", "clock")]
        nouns += [f"key {verb}" for verb in ("create", "revoke")]
        for line in ("serve", "run", "demo", "verify", "explain", "deliveries", "version", *nouns):
            done = CliRunner().invoke(app, [*line.split(), "--help"])
            assert done.exit_code == 0
            assert "Usage" in done.output
            assert "." in done.output.split("Options")[0]

    def test_version(self) -> None:
        assert CliRunner().invoke(app, ["version"]).output == f"Regulars {__version__}\n"

    def test_a_setting_that_makes_no_sense_is_named(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        monkeypatch.setenv("REGULARS_PORT", "http")
        assert "REGULARS_PORT" in shell.complains("program list")

    def test_a_database_that_is_not_there_is_said_in_a_line(
        self, shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
    ) -> None:
        monkeypatch.setenv("REGULARS_DATABASE_URL", f"postgresql://a@/b?host={tmp_path}")
        assert "can't be reached" in shell.complains("program list")

    @pytest.mark.parametrize(
        ("text", "hours"), [("14d", 336), ("36h", 36), ("120m", 2), ("2w", 336), (" 1D ", 24)]
    )
    def test_lengths_of_time(self, text: str, hours: int) -> None:
        assert duration(text).total_seconds() == hours * 3600

    @pytest.mark.parametrize("text", ["", "14", "d", "-1d", "1.5d", "1y", "١d", "9999999d"])
    def test_what_is_no_length_of_time_is_said(self, shell: Shell, text: str) -> None:
        assert "14d" in shell.complains(f"program clock 1 --forward={text}")
