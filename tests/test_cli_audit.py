"""Whatever `regulars ...` changes stands in the audit log; every command is named here, changing or not."""

import asyncio
import json
from pathlib import Path
from typing import Any

import asyncpg
import pytest
from scripts.write_docs import commands

from tests.test_cli import CREATE, ORDER, Shell, as_before, at_the_door, shell

__all__ = ["as_before", "shell"]

FIVE = "reward create 1 --kind fixed_amount --title 'Five off' --cost 500 --amount 5.00"

CHANGING = {
    "regulars program create": (CREATE + " --test-mode", "make program"),
    "regulars program clock": ("program clock 1 --forward 2d", "move clock"),
    "regulars program set": ("program set 1 --points-per-unit 2", "change rules"),
    "regulars key create": ("key create 1 --name till", "make key"),
    "regulars key revoke": ("key revoke 1 1", "revoke key"),
    "regulars integration set": ("integration set 1 --strict-answers", "change integrations"),
    "regulars staff add": ("staff add ann@shop.example --program 1", "set role"),
    "regulars staff reset": ("staff reset ann@shop.example", "make reset link"),
    "regulars reward create": (FIVE, "make reward"),
    "regulars reward change": ("reward change 1 1 --cost 400", "change reward"),
    "regulars reward enable": ("reward enable 1 1", "change reward"),
    "regulars reward disable": ("reward disable 1 1", "change reward"),
    "regulars import codes": ("import codes 1 {codes}", "upload codes"),
    "regulars import orders": ("import orders {orders}", "import orders"),
    "regulars import customers": ("import customers {customers}", "import customers"),
    "regulars import refunds": ("import refunds {refunds}", "import refunds"),
    "regulars storefront set": ("storefront set 1 --no-md5", "change storefront"),
    "regulars storefront key": ("storefront key 1 3", "make token key"),
    "regulars storefront widget": ("storefront widget 1 --color '#123456'", "change widget"),
    "regulars customer erase": ("customer erase 1 alice --yes", "erase customer"),
}
"""By the words of each command that changes something: how to call it, and what the log calls that."""
NOT_CHANGING = {
    "regulars serve",
    "regulars run",
    "regulars demo",  # makes a program through the same use cases, in our own name
    "regulars verify",
    "regulars explain",
    "regulars deliveries",
    "regulars backup",
    "regulars restore",  # into an empty house, with the log that the backup has
    "regulars version",
    "regulars program list",
    "regulars program show",
    "regulars staff list",
    "regulars reward list",
    "regulars reward show",
    "regulars customer export",
    "regulars storefront show",
}


def test_every_command_is_either_of_the_two() -> None:
    assert {words for words, _ in commands()} == set(CHANGING) | NOT_CHANGING


@pytest.mark.parametrize("words", CHANGING)
def test_what_a_command_changes_stands_in_the_log(
    shell: Shell, database: str, tmp_path: Path, words: str
) -> None:
    line, action = CHANGING[words]
    files = prepared(shell, database, tmp_path, words)
    before = len(entries(database))
    shell.prints(line.format(**files))
    written = entries(database)[before:]
    assert [(one["actor"], one["action"]) for one in written] == [("command line", action)]
    (one,) = written
    assert one["name"] == "command line" and one["subject"]
    if words not in ("regulars staff reset", "regulars customer erase"):
        assert (one["before"], one["after"]) != (None, None)


def test_the_log_says_what_it_was_and_what_it_is(shell: Shell, database: str) -> None:
    shell.prints(CREATE)
    shell.prints("program set 1 --points-per-unit 1.5 --join-points 50")
    (rules,) = entries(database)[1:]
    assert rules["before"] == {"rate_numerator": 1, "rate_denominator": 1, "join_points": 0}
    assert rules["after"] == {"rate_numerator": 3, "rate_denominator": 2, "join_points": 50}
    shell.prints("storefront set 1 --no-md5")
    assert entries(database)[-1]["before"] == {"md5": True}
    assert entries(database)[-1]["after"] == {"md5": False}


def test_what_changes_nothing_writes_nothing(shell: Shell, database: str) -> None:
    shell.prints(CREATE)
    for line in (
        "program set 1 --join-points 0",
        "storefront set 1 --md5",
        "storefront widget 1 --side right",
    ):
        shell.prints(line)
    assert len(entries(database)) == 1


def prepared(shell: Shell, database: str, folder: Path, words: str) -> dict[str, str]:
    """A shop in which each of the commands has something to change; the files that some of them take."""
    if words == "regulars program create":
        return {}
    keys = json.loads(shell.prints(CREATE + " --test-mode --json"))
    if words == "regulars staff reset":
        shell.prints("staff add ann@shop.example --program 1")
    if words.startswith("regulars reward ") or words == "regulars import codes":
        if words != "regulars reward create":
            shell.prints(FIVE)
        if words == "regulars reward enable":
            shell.prints("reward disable 1 1")
    if words in ("regulars customer erase", "regulars import refunds"):
        asyncio.run(at_the_door(database, folder, keys, ORDER))
    contents = {
        "codes": "A1B2C3D4E5F6G7H8\n",
        "orders": "merchant_id,customer_id,date,total\n1,bob,2026-01-02T10:00:00Z,10.00\n",
        "customers": "merchant_id,email\nbob,bob@example.com\n",
        "refunds": "refund_id,order_id,amount\nr1,1001,1.00\n",
    }
    for name, text in contents.items():
        (folder / f"{name}.csv").write_text(text)
    return {name: str(folder / f"{name}.csv") for name in contents}


def entries(database: str) -> list[dict[str, Any]]:
    """The log of all programs, oldest first; before and after as they were said."""

    async def read() -> list[dict[str, Any]]:
        connection = await asyncpg.connect(database)
        try:
            rows = await connection.fetch("select * from audit_entries order by program_id, entry_id")
        finally:
            await connection.close()
        return [dict(row) for row in rows]

    return [
        one | {"before": json.loads(one["before"]), "after": json.loads(one["after"])}
        for one in asyncio.run(read())
    ]
