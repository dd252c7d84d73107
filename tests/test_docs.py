"""The documentation is whole: all settings, commands and routes are in it, and no link leads nowhere."""

import re
from pathlib import Path
from urllib.parse import unquote

import pytest
import yaml
from scripts.write_docs import WRITTEN, commands, up_to_date

from regulars.doors.lootly.commands import READERS
from regulars.doors.lootly.hooks import _DIRECT as DIRECT
from regulars.doors.lootly.hooks import INTEGRATIONS, LATER
from regulars.doors.loyaltylion.routes import ROUTES, Route
from regulars.settings import DOCUMENTED, ELSEWHERE
from tests.pages import DOCS, ROOT, anchors, pages, prose

LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)(?:\s+\"[^\"]*\")?\)|(?:src|href)=\"([^\"]+)\"")


def read(page: str) -> str:
    return (ROOT / page).read_text(encoding="utf-8")


def headings(page: str) -> set[str]:
    return set(re.findall(r"^#{1,6} +(.+?) *$", read(page), re.MULTILINE))


@pytest.mark.parametrize("page", WRITTEN)
def test_what_is_written_from_the_code_is_up_to_date(page: str) -> None:
    assert read(page) == up_to_date(page), "run .venv/bin/python scripts/write_docs.py"


@pytest.mark.parametrize("variable", sorted(DOCUMENTED | ELSEWHERE))
def test_every_setting_has_its_heading(variable: str) -> None:
    assert variable in headings("docs/operate/settings.md")


@pytest.mark.parametrize("words", [words for words, _ in commands()])
def test_every_command_has_its_heading(words: str) -> None:
    assert words in headings("docs/operate/cli.md")


def test_every_command_says_what_it_does_and_what_it_takes() -> None:
    silent = [words for words, command in commands() if not command.help]
    silent += [
        f"{words} {parameter.name}"
        for words, command in commands()
        for parameter in command.params
        if not getattr(parameter, "help", None)
    ]
    assert silent == []


@pytest.mark.parametrize("route", ROUTES, ids=lambda route: f"{route.method} {route.path}")
def test_every_route_of_loyaltylions_door_is_documented(route: Route) -> None:
    named = re.escape(f"{route.method} {route.path}") + r"(?![/\w{-])"
    assert re.search(named, read("docs/integrate/loyaltylion.md"))


@pytest.mark.parametrize("hook", sorted({*READERS, *DIRECT, *LATER}))
def test_every_hook_of_lootlys_door_is_documented(hook: str) -> None:
    assert f"`{hook}`" in read("docs/integrate/lootly.md")


@pytest.mark.parametrize("name", INTEGRATIONS)
def test_every_integrations_name_is_documented(name: str) -> None:
    assert f"`{name}`" in read("docs/integrate/lootly.md")


def test_lootlys_balance_reads_and_the_health_check_are_documented() -> None:
    assert "GET /api/custom/customer/{customer_id}/point-balance" in read("docs/integrate/lootly.md")
    assert "GET /api/custom/customers/point-balance" in read("docs/integrate/lootly.md")
    assert "GET /healthz" in read("docs/operate/install.md")


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_no_link_leads_nowhere(page: Path) -> None:
    dead = [link for link in links(page) if not leads_somewhere(page, link)]
    assert dead == []


def links(page: Path) -> list[str]:
    """The page's links into the repository."""
    found = (match[0] or match[1] for match in LINK.findall(prose(page)))
    return [link for link in found if not re.match(r"[a-z]+:", link)]


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, anchor = unquote(link).partition("#")
    target = (page.parent / path).resolve() if path else page
    if not target.is_file() or ROOT not in target.parents:
        return False
    return not anchor or anchor in anchors(target)


@pytest.mark.parametrize("page", sorted(DOCS.rglob("*.md")), ids=lambda page: str(page.relative_to(DOCS)))
def test_a_page_of_the_site_links_to_pages_of_the_site(page: Path) -> None:
    targets = {link: (page.parent / link.partition("#")[0]).resolve() for link in links(page)}
    outside = [link for link, target in targets.items() if not target.is_relative_to(DOCS)]
    assert outside == [], "on the built site these lead nowhere"


def test_every_page_is_in_the_sites_navigation_once() -> None:
    listed = list(leaves(yaml.safe_load(read("mkdocs.yml"))["nav"]))
    there = sorted(page.relative_to(DOCS).as_posix() for page in DOCS.rglob("*.md"))
    assert sorted(listed) == there


def leaves(nav: object) -> list[str]:
    """The pages of a navigation, however deep."""
    if isinstance(nav, str):
        return [nav]
    parts = nav.values() if isinstance(nav, dict) else nav
    assert not isinstance(parts, str | None)
    return [leaf for part in parts for leaf in leaves(part)]


def test_every_decision_is_listed_and_has_its_three_parts() -> None:
    found = sorted((DOCS / "decisions").glob("[0-9]*.md"))
    assert [page.name[:4] for page in found] == [f"{number:04d}" for number in range(1, len(found) + 1)]
    index = read("docs/decisions/index.md")
    for page in found:
        assert f"]({page.name})" in index
        parts = re.findall(r"^## (.+)$", page.read_text(encoding="utf-8"), re.MULTILINE)
        assert parts == ["Context", "Decision", "Consequences"], page.name


def test_every_picture_is_used() -> None:
    used = {(page.parent / link).resolve() for page in pages() for link in links(page)}
    assert [picture.name for picture in (DOCS / "images").iterdir() if picture not in used] == []


@pytest.mark.parametrize("page", pages(), ids=lambda page: str(page.relative_to(ROOT)))
def test_every_page_begins_with_its_one_title(page: Path) -> None:
    text = prose(page)
    assert text.startswith("# ")
    assert len(re.findall(r"^# ", text, re.MULTILINE)) == 1
