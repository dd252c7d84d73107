"""`regulars customer`: one person's data on paper, and one person forgotten."""

import json
from pathlib import Path

import pytest

from regulars.app.house import House
from tests import make
from tests.conftest import in_thread
from tests.test_cli import CREATE, Shell, as_before, shell

__all__ = ["as_before", "shell"]


async def bring_alice(dsn: str, home: Path) -> None:
    house = await House.open(make.settings(home), dsn)
    try:
        await house.engine.submit(1, make.order("A1", customer=make.alice(first_name="Alicia")))
    finally:
        await house.close()


def test_a_person_is_exported_and_then_forgotten(shell: Shell, database: str, tmp_path: Path) -> None:
    shell.prints(CREATE)
    in_thread(bring_alice(database, tmp_path))
    said = shell.gives("customer export 1 alice")
    assert said["customer"][0]["first_name"] == "Alicia"
    written = tmp_path / "alice.json"
    assert "Written" in shell.prints(f"customer export 1 '#1' --to {written}")
    assert json.loads(written.read_text()) == said
    erased = shell.gives("customer erase 1 alice --json")
    assert erased["done"]
    assert "Alicia" not in shell.prints("customer export 1 '#1'")
    assert erased["replacement"] in shell.prints(f"customer erase 1 {erased['replacement']} --yes")
    assert "clean" in shell.prints("verify")


@pytest.mark.parametrize(
    ("line", "complaint"),
    [
        ("customer export 1 nobody", "No customer with the id nobody is known."),
        ("customer export 7 alice", "There is no program 7."),
        ("customer erase 1 '#x' --yes", "'#x' is not a number such as #12"),
    ],
)
def test_what_cannot_be_done_is_said(shell: Shell, line: str, complaint: str) -> None:
    shell.prints(CREATE)
    assert complaint in shell.complains(line)


def test_nobody_is_forgotten_without_a_yes(shell: Shell) -> None:
    shell.prints(CREATE)
    shell.prints("customer erase 1 alice", code=1)
