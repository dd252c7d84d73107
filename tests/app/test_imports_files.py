"""Reading files: CSV as the world writes it and JSON lines, and what is said of those that can't be read."""

import contextlib
import gzip
import json
import tracemalloc
from pathlib import Path
from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.app.imports import Column, UnreadableFile
from regulars.app.imports.columns import Cells
from regulars.app.imports.files import LINE_BYTES, Row, RowsFile
from regulars.domain.errors import Invalid

COLUMNS = (
    Column("order_id", "the id", ("id",), required=True),
    Column("total", "the money", required=True),
    Column("note", "a text"),
)


def read(path: Path) -> list[Row]:
    with RowsFile(path, COLUMNS) as file:
        return list(file.rows())


def written(folder: Path, name: str, content: str | bytes) -> Path:
    path = folder / name
    content = content.encode() if isinstance(content, str) else content
    path.write_bytes(gzip.compress(content) if name.endswith(".gz") else content)
    return path


@pytest.mark.parametrize("name", ["a.csv", "a.csv.gz", "A.CSV", "a.2025.csv"])
@pytest.mark.parametrize(
    "content",
    [
        "order_id,total,note\nA1,39.99,hello\n",
        "\ufeffOrder ID;Note;Total\r\nA1;hello;39.99\r\n",
        "total\tid\tnote\n39.99\tA1\thello",
        '"id","total","note"\n"A1","39.99","hello"\n\n\n',
    ],
    ids=["plain", "with a mark, semicolons and its own titles", "tabs", "quoted, and blank lines"],
)
def test_a_csv_file_is_read_as_the_world_writes_it(tmp_path: Path, name: str, content: str) -> None:
    [row] = read(written(tmp_path, name, content))
    assert row.values == {"order_id": "A1", "total": "39.99", "note": "hello"}
    assert (row.line, row.problem) == (2, None)


def test_a_quoted_value_may_hold_lines_and_the_next_row_knows_its_own(tmp_path: Path) -> None:
    content = 'id,total,note\nA1,1,"one\ntwo, ""three"""\nA2,2,\n'
    first, second = read(written(tmp_path, "a.csv", content))
    assert first.values["note"] == 'one\ntwo, "three"'
    assert (first.line, second.line) == (2, 4)


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("A1,1", "has 2 values, but there are 3 columns"),
        ("A1,1,2,3", "has 4 values"),
        ('A1,1,"two"x', "is no CSV"),
    ],
)
def test_a_row_that_is_none_is_told_and_the_next_is_read(tmp_path: Path, line: str, problem: str) -> None:
    broken, whole = read(written(tmp_path, "a.csv", f"id,total,note\n{line}\nA2,2,\n"))
    assert problem in (broken.problem or "") and broken.line == 2
    assert whole.problem is None and whole.values["order_id"] == "A2"


def test_json_lines_keep_numbers_as_they_are_written(tmp_path: Path) -> None:
    lines = '{"id": 12345678901234567890, "total": 39.990, "note": null}\n\n{"id": "A2", "total": 5}\n'
    first, second = read(written(tmp_path, "a.jsonl.gz", lines))
    assert first.values == {"order_id": "12345678901234567890", "total": "39.990"}
    assert (second.line, second.values) == (3, {"order_id": "A2", "total": "5"})


@pytest.mark.parametrize(
    "line",
    [
        '{"id": ' + "1" * 5000 + "}",
        "{",
        "[1]",
        "7",
        '{"id": NaN}',
        '{"id": ["A1"]}',
        '{"id": {}}',
        "[" * 5000,
        '{"id": "\\ud800"}',
        '{"id": 1}x',
    ],
)
def test_a_line_that_is_no_object_is_told_and_the_next_is_read(tmp_path: Path, line: str) -> None:
    broken, whole = read(written(tmp_path, "a.jsonl", line + '\n{"id": "A2"}\n'))
    assert "is no JSON object" in (broken.problem or "")
    assert whole.values == {"order_id": "A2"}


def test_bytes_that_are_no_utf_8_stay_as_they_are(tmp_path: Path) -> None:
    [row] = read(written(tmp_path, "a.csv", b"id,total,note\nA1,1,caf\xe9\n"))
    assert row.cells[2].encode("utf-8", "surrogateescape") == b"caf\xe9"


@pytest.mark.parametrize(
    ("name", "content", "said"),
    [
        ("a.csv", "", "no column order_id, total"),
        ("a.csv", "id,amount\nA1,1\n", "no column total"),
        ("a.csv", "id,total,ID\n", "more than one column is order_id"),
        ("a.csv", "id,total\n".encode("utf-16"), "UTF-16"),
        ("a.csv", b"id,total\n" + b"x" * (LINE_BYTES + 1), "line 2 has more than"),
        ("a.csv", "id,total\rA1,1\rA2,1", "the first line is no CSV"),
        ("a.xlsx", "", "must end with"),
        ("a.gz", "", "must end with"),
    ],
)
def test_a_file_that_can_not_be_read_is_told(
    tmp_path: Path, name: str, content: str | bytes, said: str
) -> None:
    with pytest.raises(UnreadableFile, match=said):
        read(written(tmp_path, name, content))


def test_a_damaged_archive_is_told(tmp_path: Path) -> None:
    whole = gzip.compress(b"id,total\n" + b"".join(b"A%d,1\n" % number for number in range(50_000)))
    path = tmp_path / "a.csv.gz"
    path.write_bytes(whole[: len(whole) // 2])
    with RowsFile(path, COLUMNS) as file, pytest.raises(UnreadableFile, match="damaged after line"):
        list(file.rows())
    path.write_bytes(b"no archive at all")
    with pytest.raises(UnreadableFile, match="damaged after line 0"):
        read(path)


def test_columns_that_are_not_read_are_named_but_for_those_of_a_file_of_rejected_rows(tmp_path: Path) -> None:
    path = written(tmp_path, "a.csv", "line,reason,id,total,Colour\n7,bad,A1,1,red\n")
    with RowsFile(path, COLUMNS) as file:
        [row] = list(file.rows())
        assert file.unused == {"Colour"}
    assert row.values == {"order_id": "A1", "total": "1"}


@pytest.mark.parametrize(
    ("name", "content"),
    [
        ("a.csv", "id,total,order_id\n77,1,A1\n"),
        ("b.csv", "order_id,id,total\nA1,77,1\n"),
        ("a.jsonl", '{"id": 77, "total": 1, "order_id": "A1"}'),
        ("b.jsonl", '{"order_id": "A1", "id": 77, "total": 1}'),
    ],
)
def test_of_two_names_of_one_column_its_own_counts(tmp_path: Path, name: str, content: str) -> None:
    with RowsFile(written(tmp_path, name, content), COLUMNS) as file:
        [row] = list(file.rows())
    assert row.values == {"order_id": "A1", "total": "1"}


def test_a_file_of_any_length_takes_the_memory_of_a_row(tmp_path: Path) -> None:
    def rows(number: int) -> Any:
        return (json.dumps({"id": f"A{n}", "total": 1, "note": "x" * 200}) + "\n" for n in range(number))

    path = written(tmp_path, "a.jsonl.gz", "".join(rows(50_000)))
    tracemalloc.start()
    try:
        with RowsFile(path, COLUMNS) as file:
            count = sum(1 for _ in file.rows())
        most = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert count == 50_000
    assert most < 1_000_000


LIKELY = st.sampled_from(
    [
        *(
            b"id,total\n",
            b'"',
            b",",
            b";",
            b"\n",
            b"\r",
            b"\r\n",
            b"A1",
            b"1.00",
            b"\0",
            b"\xff",
            b"\xef\xbb\xbf",
        ),
        *(b"{", b"}", b'{"id": ', b'"\\ud800"', b"[", b"null", b"1e5", b"-0", b"true", "\u0661".encode()),
        b'"total": "2025-03-31"',
    ]
)


@given(
    name=st.sampled_from(["a.csv", "a.jsonl", "a.csv.gz"]),
    content=st.lists(LIKELY | st.binary(max_size=8)).map(b"".join),
    header=st.sampled_from([b"", b"id,total,note\n"]),
)
def test_whatever_is_in_a_file_it_is_rows_or_told(
    tmp_path_factory: pytest.TempPathFactory, name: str, content: bytes, header: bytes
) -> None:
    path = written(tmp_path_factory.getbasetemp(), name, header + content)
    with contextlib.suppress(UnreadableFile):
        for row in read(path):
            cells = Cells(row.values)
            for column in COLUMNS:
                for reader in (cells.text, cells.email, cells.moment, cells.day, cells.is_so):
                    with contextlib.suppress(Invalid):
                        reader(column.name)
                with contextlib.suppress(Invalid):
                    assert (cells.amount(column.name, "GBP") or 0) >= 0
                with contextlib.suppress(Invalid):
                    assert (cells.whole(column.name, 99) or 0) <= 99
