"""`regulars staff`, and the links that the server prints for the first people who come in."""

import re
from pathlib import Path
from typing import Any

import httpx
import pytest

from tests.test_cli import CREATE, Shell, as_before, shell  # noqa: F401 - fixtures
from tests.test_server import Server, start  # noqa: F401 - a fixture

LINK = re.compile(r"http://127\.0\.0\.1:\d+(/admin/(set-up|reset|come-in)/[\w-]{43})")


def test_somebody_is_added_and_gets_a_link_once(shell: Shell) -> None:  # noqa: F811
    program_id = shell.gives(f"{CREATE} --json")["program_id"]
    said = shell.prints(f"staff add ann@tea.example --name Ann --program {program_id}")
    assert "ann@tea.example is on the staff: owner of program 1." in said
    assert LINK.search(said)
    assert shell.gives("staff list --json") == [
        {
            "email": "ann@tea.example",
            "name": "Ann",
            "roles": {"1": "owner"},
            "keeps_house": False,
            "has_password": False,
            "has_second_factor": False,
        }
    ]
    assert "owner of 1" in shell.prints("staff list")


def test_a_role_can_be_given_in_another_program_and_the_house_be_kept(shell: Shell) -> None:  # noqa: F811
    for _ in range(2):
        shell.prints(CREATE)
    shell.prints("staff add ann@tea.example --program 1")
    shell.prints("staff add ANN@tea.example --program 1 --program 2 --role support --keeps-house")
    (ann,) = shell.gives("staff list --json")
    assert ann["roles"] == {"1": "support", "2": "support"}
    assert ann["keeps_house"]
    assert ann["name"] == "ann"


def test_what_cannot_be_is_said_in_a_line(shell: Shell) -> None:  # noqa: F811
    assert "--program" in shell.complains("staff add ann@tea.example")
    assert "no program 7" in shell.complains("staff add ann@tea.example --program 7")
    shell.prints(CREATE)
    assert "e-mail" in shell.complains("staff add ann --program 1")
    assert "Nobody signs in as ann@tea.example" in shell.complains("staff reset ann@tea.example")
    assert "Nobody yet" in shell.prints("staff list")


def test_a_reset_link_is_printed(shell: Shell) -> None:  # noqa: F811
    shell.prints(CREATE)
    shell.prints("staff add ann@tea.example --program 1")
    said = shell.prints("staff reset Ann@tea.example --without-second-factor")
    assert LINK.search(said) and "for ten minutes" in said


def test_a_server_of_an_empty_house_prints_its_setup_link_until_it_is_used(start: Any) -> None:  # noqa: F811
    first, second = start(), start()
    links = [printed_link(server) for server in (first, second)]
    assert httpx.get(links[0], timeout=60).status_code == 422
    page = httpx.get(links[1], timeout=60)
    assert page.status_code == 200
    token = page.text.partition('name="csrf" value="')[2].partition('"')[0]
    form = {
        "name": "Ann",
        "email": "ann@tea.example",
        "password": "a teapot full of leaves",
        "locale": "en-GB",
    }
    done = httpx.post(links[1], data={"csrf": token, **form}, cookies=page.cookies, timeout=60)
    assert done.headers["location"] == "/admin/programs"
    assert httpx.get(links[1], timeout=60).status_code == 422
    third = start()
    third.stop()
    third.said.seek(0)
    assert "set-up" not in third.said.read()


def printed_link(server: Server) -> str:
    """The link on the server's output, which is there soon after it is ready."""
    for _ in range(200):
        server.said.seek(0)
        if found := LINK.search(server.said.read()):
            return server.url + found[1]
        server.health()
    raise AssertionError("no link was printed")


@pytest.mark.parametrize("page", ["docs/admin/index.md"])
def test_the_documentation_shows_what_is_printed(page: str) -> None:
    text = (Path(__file__).parent.parent / page).read_text(encoding="utf-8")
    assert "Nobody may sign in to the admin yet. Make the first account here, once, within a day:" in text
