"""`regulars reward ...` and `regulars import codes`, as a person and as a program call them."""

import csv
import json
from pathlib import Path

import pytest

from regulars.app.claims import random_code
from tests.test_cli import CREATE, Shell, as_before, shell

__all__ = ["as_before", "shell"]

FIVE = "reward create 1 --kind fixed_amount --title 'Five off' --cost 500 --amount 5.00"


def test_a_reward_is_made_shown_changed_and_switched(shell: Shell) -> None:
    shell.prints(CREATE)
    said = shell.prints(f"{FIVE} --valid-days 90 --limit-count 1 --limit-period month --starts-at 2026-01-01")
    assert "Five off, reward 1 of Corner shop" in said
    assert "5.00 GBP" in said
    assert "Fill it: regulars import codes 1 FILE --program 1" in said
    shown = shell.gives("reward show 1 1 --json")
    assert (shown["cost"], shown["amount_minor"], shown["valid_days"]) == (500, 500, 90)
    assert shown["starts_at"] == "2026-01-01T00:00:00Z"
    assert (shown["codes"], shown["out_of_stock"]) == ("pool", True)
    changed = shell.gives(
        "reward change 1 1 --cost 400 --clear valid-days --codes generated --prefix TEA --json"
    )
    assert (changed["cost"], changed["valid_days"], changed["prefix"]) == (400, None, "TEA")
    assert changed["limit_count"] == 1
    assert shell.prints("reward disable 1 1") == "Reward 1 is off.\n"
    assert shell.prints("reward disable 1 1") == "Reward 1 is off, as it was.\n"
    assert "switched off" in shell.prints("reward list 1")
    assert shell.prints("reward enable 1 1") == "Reward 1 is on.\n"
    assert [reward["title"] for reward in shell.gives("reward list 1 --json")] == ["Five off"]


def test_every_kind_can_be_made(shell: Shell) -> None:
    shell.prints(CREATE)
    assert "no reward yet" in shell.prints("reward list 1")
    for kind, options in {
        "percentage": "--cost 10 --percent 10 --codes generated",
        "variable_amount": "--per-points 100 --per-amount 1.00 --minimum-points 100 --step-points 100",
        "free_shipping": "--cost 10 --max-shipping 7.50",
        "free_product": "--cost 10 --product 77",
        "gift_card": "--cost 10 --amount 20",
        "custom": "--cost 10 --instructions 'Ask at the till'",
    }.items():
        made = shell.gives(f"reward create 1 --kind {kind} --title '{kind}' {options} --json")
        assert made["kind"] == kind
        assert kind in shell.prints(f"reward show 1 {made['id']}")
    assert "from 100 on points, in steps of 100" in shell.prints("reward show 1 2")


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("reward create 1 --kind fixed_amount --title X --cost 5", "amount_minor is required"),
        (f"{FIVE} --amount five", "amount"),
        ("reward show 1 9", "reward"),
        ("reward show 9 1", "There is no program 9"),
        ("reward change 1 1", "Say what to change"),
        ("reward change 1 1 --clear cost", "cost can't be cleared"),
    ],
)
def test_what_cannot_be_is_said_in_a_line(shell: Shell, line: str, problem: str) -> None:
    shell.prints(CREATE)
    shell.prints(FIVE)
    assert problem in shell.complains(line)


def test_codes_fill_a_pool(shell: Shell, tmp_path: Path) -> None:
    shell.prints(CREATE)
    shell.prints(FIVE)
    file = tmp_path / "codes.csv"
    file.write_text("Coupon codes\n" + "\n".join(random_code() for _ in range(50)) + "\n")
    said = shell.prints(f"import codes 1 {file}")
    assert said == "Took 50 codes; 50 are free to be handed out now.\n"
    assert "50 left" in shell.prints("reward show 1 1")
    file.write_text("TEA0001\nTEA0002\nTEA0003\n")
    warned = shell.prints(f"import codes 1 {file} --program 1")
    assert "Warning: TEA0001 to TEA0003" in warned


def test_one_bad_line_and_all_such_lines_go_into_a_file(shell: Shell, tmp_path: Path) -> None:
    shell.prints(CREATE)
    shell.prints(FIVE)
    file = tmp_path / "codes.csv"
    file.write_text("A1\nA1\n\nB,1\nC1\n")
    said = json.loads(shell.prints(f"import codes 1 {file} --json", code=1))
    rejected = tmp_path / "codes.csv.rejected.csv"
    assert said == {"reward_id": 1, "taken": 0, "rejected": 3, "rejected_file": str(rejected)}
    rows = list(csv.DictReader(rejected.read_text().splitlines()))
    assert [(row["line"], row["reason"]) for row in rows] == [
        ("2", "is the same as line 1"),
        ("3", "is empty"),
        ("4", "has more than one column"),
    ]
    assert "Nothing was taken: 3 lines are refused" in shell.prints(f"import codes 1 {file}", code=1)
    file.write_text("A1\nC1\n")
    shell.prints(f"import codes 1 {file}")
    assert not rejected.exists()
