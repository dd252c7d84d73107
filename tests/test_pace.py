"""A test that was too slow has another try with fresh fixtures; one that was wrong has none."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.pace import TRIES, TooSlow, within

made: list[object] = []


@pytest.fixture
async def fresh() -> object:
    made.append(object())
    return made[-1]


async def test_what_was_too_slow_gets_another_try(fresh: object) -> None:
    assert fresh is made[-1]
    within(TRIES - len(made), 1)
    assert len(made) == TRIES


def test_in_time_is_less_than_the_most() -> None:
    within(0.9, 1)
    with pytest.raises(TooSlow, match="the end took"):
        within(1, 1, "the end")


def test_what_is_wrong_fails_at_once_and_what_stays_slow_in_the_end(tmp_path: Path) -> None:
    (tmp_path / "conftest.py").write_text(
        "from tests.conftest import pytest_runtest_makereport, pytest_runtest_protocol\n"
    )
    (tmp_path / "test_it.py").write_text(
        "from tests.pace import within\n"
        "def test_wrong():\n    print('once')\n    assert False\n"
        "def test_slow():\n    print('again')\n    within(2, 1)\n"
    )
    done = subprocess.run(
        [
            sys.executable,
            "-m",
            "pytest",
            "-s",
            "-q",
            "-p",
            "no:cacheprovider",
            "--rootdir",
            tmp_path,
            tmp_path,
        ],
        cwd=Path(__file__).parent.parent,
        capture_output=True,
        text=True,
        timeout=120,
    )
    assert "2 failed" in done.stdout
    assert (done.stdout.count("once\n"), done.stdout.count("again\n")) == (1, TRIES)
