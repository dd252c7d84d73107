"""CSV that spreadsheets show and never execute: a customer may have any name, and staff open it in Excel.

A cell that a spreadsheet could take for a formula gets a `'` before it, whatever invisible things it begins
with; every cell is quoted. Numbers of ours stay numbers.
"""

import re
import unicodedata
from collections.abc import AsyncIterator, Iterable, Sequence
from datetime import date, datetime
from typing import Final, TypeAlias

from regulars.deadline import lay_aside

Cell: TypeAlias = str | int | date | datetime | None

BEGIN: Final = b"\xef\xbb\xbf"
"""The mark by which Excel knows UTF-8; it stands before the first line."""

_DANGEROUS: Final = frozenset("=+-@|%\uff1d\uff0b\uff0d\uff20\u2212")
"""What begins a formula somewhere: the signs, their full-width twins, and what import filters skip or split
at."""
_INVISIBLE: Final = frozenset({"Cc", "Cf", "Cs", "Co", "Cn", "Zs", "Zl", "Zp", "Mn", "Me"})
"""Unicode categories of characters that nobody sees and that may be skipped on the way to a sign."""
_QUOTES: Final = "\"'`"
_ENDS_A_CELL: Final = re.compile(r"([;\t\r\n][\s\"'`]*)([=+\-@|%\uff1d\uff0b\uff0d\uff20\u2212])")


def line(cells: Iterable[Cell]) -> bytes:
    """One line of the file, with its end. Times are in ISO 8601."""
    return (",".join(_quoted(cell) for cell in cells) + "\r\n").encode("utf-8", "replace")


def table(headings: Sequence[str], rows: Iterable[Sequence[Cell]]) -> bytes:
    """A whole file."""
    return BEGIN + line(headings) + b"".join(line(row) for row in rows)


async def stream(
    headings: Sequence[str], pages: AsyncIterator[Sequence[Sequence[Cell]]]
) -> AsyncIterator[bytes]:
    """A file as it grows: a chunk a page, so that a million rows take no more memory than one page of
    them. It may take long; each page has its own patience."""
    lay_aside()
    yield BEGIN + line(headings)
    async for page in pages:
        yield b"".join(line(row) for row in page)


def harmless(text: str) -> str:
    """The text as a cell that no spreadsheet executes: lead-ins that nobody sees are gone, `'` stands before
    a sign.

    So it does after whatever another program could take for the end of a cell.
    """
    text = text.replace("\x00", "")
    text = text[next((n for n, c in enumerate(text) if not _is_invisible(c)), len(text)) :]
    first = next((c for c in text if not _is_invisible(c) and c not in _QUOTES), "")
    guard = "'" if first and first in _DANGEROUS else ""
    return guard + _ENDS_A_CELL.sub(r"\1'\2", text)


def _is_invisible(character: str) -> bool:
    return unicodedata.category(character) in _INVISIBLE


def _quoted(cell: Cell) -> str:
    if cell is None:
        return '""'
    if isinstance(cell, str):
        text = harmless(cell).replace('"', '""')
        return f'"{text}"'
    if isinstance(cell, date):
        return f'"{cell.isoformat()}"'
    return f'"{cell}"'
