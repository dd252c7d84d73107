"""Every text of the admin has its German, and no catalogue holds what nobody says."""

import re
from functools import cache
from pathlib import Path

import pytest
from babel.messages.extract import extract_from_dir
from babel.messages.pofile import read_po

from regulars.doors import admin
from regulars.doors.admin.words import LOCALE, _, ngettext, reading_as

HERE = Path(admin.__file__).parent
METHODS = [("**.py", "python"), ("**.html", "jinja2")]
OPTIONS = {"**.html": {"trim_blocks": "true", "lstrip_blocks": "true", "silent": "false"}}
PLACEHOLDER = re.compile(r"%\((\w+)\)s|%%")
CATALOGUES = sorted((LOCALE / "de" / "LC_MESSAGES").glob("*.po"))


@cache
def said() -> dict[str, str]:
    """Every text (of a plural: its singular) and a place where it is said."""
    keywords = {"_": None, "N_": None, "ngettext": (1, 2)}
    found: dict[str, str] = {}
    for name, _line, message, _comments, _context in extract_from_dir(
        HERE, METHODS, OPTIONS, keywords=keywords, comment_tags=()
    ):
        found.setdefault(message if isinstance(message, str) else message[0], name)
    return found


@cache
def german() -> dict[str, tuple[str, ...]]:
    """Every text with its German; a plural has two."""
    known = {}
    for path in CATALOGUES:
        with path.open("rb") as file:
            for message in read_po(file, locale="de"):
                if not message.id:
                    continue
                assert not message.fuzzy, (path.name, message.id)
                key = message.id if isinstance(message.id, str) else message.id[0]
                texts = (message.string,) if isinstance(message.string, str) else tuple(message.string)
                assert known.setdefault(key, texts) == texts, f"two Germans for {key!r}"
    return known


def test_every_text_has_its_german() -> None:
    missing = {text: place for text, place in said().items() if not all(german().get(text, ("",)))}
    assert missing == {}


def test_the_german_fills_in_the_same_values() -> None:
    for text, translations in german().items():
        for translation in translations:
            wanted = set(PLACEHOLDER.findall(text)) - {"num"}
            assert wanted == set(PLACEHOLDER.findall(translation)) - {"num"}, text


@pytest.mark.parametrize("path", CATALOGUES, ids=lambda path: path.stem)
def test_catalogues_are_read_without_complaint(path: Path) -> None:
    with path.open("rb") as file:
        catalogue = read_po(file, locale="de", abort_invalid=True)
    assert [list(message.check()) for message in catalogue if message.id and list(message.check())] == []


def test_a_german_reads_german_and_everybody_else_english() -> None:
    with reading_as("de-AT", "Europe/Vienna"):
        assert _("Home") == "Übersicht"
        assert ngettext("%(points)s point", "%(points)s points", 2, points=2) == "2 Punkte"
    with reading_as("en-US", "UTC"):
        assert _("Home") == "Home"
        assert ngettext("%(points)s point", "%(points)s points", 1, points=1) == "1 point"
