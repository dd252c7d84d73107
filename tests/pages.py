"""Reads the documentation's Markdown: its pages, links, and the tables whose numbers tests work out again."""

import re
from collections.abc import Iterator
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
DOCS = ROOT / "docs"

Row = dict[str, str]

_WORKED = re.compile(r"<!-- worked: ([a-z-]+) -->\n\n((?:\|.*\n)+)")
_FENCE = re.compile(r"^(`{3,}|~{3,})[^\n]*\n.*?^\1[ ]*$", re.MULTILINE | re.DOTALL)
_CODE = re.compile(r"`[^`\n]+`")


def pages() -> list[Path]:
    """Every page of the documentation, and the Markdown files at the top of the repository."""
    return sorted(DOCS.rglob("*.md")) + sorted(ROOT.glob("*.md"))


def prose(page: Path) -> str:
    """The page's text without code, in which brackets and hashes mean something else."""
    return _CODE.sub("code", _FENCE.sub("", page.read_text(encoding="utf-8")))


def anchors(page: Path) -> set[str]:
    """The names that links may use after `#`."""
    text = _FENCE.sub("", page.read_text(encoding="utf-8"))
    titles = re.findall(r"^#{1,6} +(.+?) *$", text, re.MULTILINE)
    return {_slug(title) for title in titles}


def _slug(title: str) -> str:
    words = re.sub(r"[^\w\s-]", "", title.replace("`", "").lower())
    return re.sub(r"[\s]+", "-", words.strip())


def worked_tables() -> Iterator[tuple[str, Path, list[Row]]]:
    """(name, page, rows) of every table after a `<!-- worked: name -->`."""
    for page in sorted(DOCS.rglob("*.md")):
        for name, table in _WORKED.findall(page.read_text(encoding="utf-8")):
            yield name, page, rows(table)


def worked(name: str) -> list[Row]:
    """The rows of that table; cells by the heading of their column. Raises KeyError."""
    return {known: found for known, _, found in worked_tables()}[name]


def rows(table: str) -> list[Row]:
    """The rows of a Markdown table. Emphasis and code marks are left out, a minus is a hyphen."""
    lines = [[_plain(cell) for cell in line.strip().strip("|").split("|")] for line in table.splitlines()]
    headings, rule, *body = lines
    assert all(set(cell) <= set(":-") for cell in rule), table
    assert all(len(line) == len(headings) for line in body), table
    return [dict(zip(headings, line, strict=True)) for line in body]


def _plain(cell: str) -> str:
    return re.sub(r"[*`]", "", cell).replace("−", "-").strip()
