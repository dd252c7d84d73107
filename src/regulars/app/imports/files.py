"""Reads CSV files and JSON lines, plain or gzipped, row by row, with never more than one of them held."""

import csv
import gzip
import zlib
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path
from typing import IO, Any, Final, Self, cast

import msgspec

from regulars.app.imports.columns import Column, column_names

LINE_BYTES: Final = 1_000_000
DELIMITERS: Final = ",;\t"
IGNORED: Final = frozenset({"line", "reason"})
"""What a file of rejected rows has besides the columns of the file that they come from."""
NAMES_KEPT: Final = 50

# Numbers stay as they are written: an amount must not pass through a float.
_OBJECT: Final = msgspec.json.Decoder(Any, float_hook=str)


class UnreadableFile(ValueError):
    """The file can't be read, or not any further; the message says where and why."""


class Row(msgspec.Struct, frozen=True, gc=False):
    """A row: the number of the line on which it begins, its values by column, and what it looked like.

    `problem`: why it can't be read, if so.
    """

    line: int
    values: dict[str, str]
    cells: Sequence[str]
    problem: str | None = None


class RowsFile:
    """An open file of rows. `header`: what its rejected rows are written under; `unused`: other columns."""

    def __init__(self, path: Path, columns: Sequence[Column]) -> None:
        self.path = path
        self.size = path.stat().st_size
        self.unused: set[str] = set()
        self.header: list[str] = ["row"]
        self._names = column_names(columns)
        self._required = [column.name for column in columns if column.required]
        self._file: IO[bytes] = path.open("rb")
        self._line = 0
        self._text = ""

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._file.close()

    @property
    def position(self) -> int:
        """Bytes of the file that were read, of `size`."""
        return self._file.tell()

    def rows(self) -> Iterator[Row]:
        """The rows in the file's order. Raises UnreadableFile, for a wrong first line or a damaged file."""
        suffixes = [suffix.lower() for suffix in self.path.suffixes]
        is_zipped = suffixes[-1:] == [".gz"]
        kind = (suffixes[:-1] if is_zipped else suffixes)[-1:]
        if kind not in ([".csv"], [".jsonl"]):
            raise UnreadableFile(f"{self.path.name} must end with .csv, .csv.gz, .jsonl or .jsonl.gz.")
        stream = cast(IO[bytes], gzip.GzipFile(fileobj=self._file)) if is_zipped else self._file
        lines = self._lines(stream)
        try:
            yield from self._json_rows(lines) if kind == [".jsonl"] else self._csv_rows(lines)
        except (gzip.BadGzipFile, EOFError, zlib.error) as error:
            raise UnreadableFile(f"{self.path.name} is damaged after line {self._line}: {error}.") from None

    def _lines(self, stream: IO[bytes]) -> Iterator[str]:
        """The lines as text; what is no UTF-8 is kept as lone surrogates, for its row to be refused."""
        while raw := stream.readline(LINE_BYTES + 1):
            self._line += 1
            if len(raw) > LINE_BYTES:
                raise UnreadableFile(
                    f"{self.path.name}: line {self._line} has more than {LINE_BYTES:,} bytes."
                )
            if self._line == 1:
                if raw.startswith((b"\xff\xfe", b"\xfe\xff")):
                    raise UnreadableFile(f"{self.path.name} is in UTF-16. Save it as UTF-8.")
                raw = raw.removeprefix(b"\xef\xbb\xbf")
            self._text = raw.decode("utf-8", "surrogateescape")
            yield self._text

    # -- CSV

    def _csv_rows(self, lines: Iterator[str]) -> Iterator[Row]:
        first = next(lines, "")
        delimiter = max(DELIMITERS, key=first.count)
        try:
            self.header = next(csv.reader([first], delimiter=delimiter), [])
        except csv.Error as error:
            raise UnreadableFile(f"{self.path.name}: the first line is no CSV: {error}.") from None
        names = self._columns_of(self.header)
        wanted = [(place, name) for place, name in enumerate(names) if name is not None]
        reader = csv.reader(lines, delimiter=delimiter, strict=True)
        while True:
            begins = self._line + 1
            try:
                cells = next(reader)
            except StopIteration:
                return
            except csv.Error as error:
                yield Row(begins, {}, (self._text.rstrip("\r\n"),), f"is no CSV: {error}")
                continue
            if not cells:
                continue
            if len(cells) != len(names):
                yield Row(begins, {}, cells, f"has {len(cells)} values, but there are {len(names)} columns")
            else:
                yield Row(begins, {name: cells[place] for place, name in wanted}, cells)

    def _columns_of(self, header: Sequence[str]) -> list[str | None]:
        """Our names of the file's columns, None for what is not read. Raises UnreadableFile."""
        meant = [self._meaning_of(title) for title in header]
        best: dict[str, int] = {}
        for name, rank in filter(None, meant):
            best[name] = min(rank, best.get(name, rank))
        names = [self._if_best(found, best, title) for found, title in zip(meant, header, strict=True)]
        used = [name for name in names if name is not None]
        if doubled := sorted({name for name in used if used.count(name) > 1}):
            raise UnreadableFile(f"{self.path.name}: more than one column is {' and '.join(doubled)}.")
        if missing := [name for name in self._required if name not in used]:
            raise UnreadableFile(f"{self.path.name}: the first line has no column {', '.join(missing)}.")
        return names

    def _if_best(self, found: tuple[str, int] | None, best: dict[str, int], title: str) -> str | None:
        if found is not None and found[1] > best[found[0]]:
            self._leave(title)
            return None
        return found[0] if found is not None else None

    def _meaning_of(self, title: str) -> tuple[str, int] | None:
        """The column that a title means, and its rank among that column's names."""
        plain = title.strip().lower().replace(" ", "_")
        found = self._names.get(plain)
        if found is None and plain not in IGNORED:
            self._leave(title)
        return found

    def _leave(self, title: str) -> None:
        if len(self.unused) < NAMES_KEPT:
            self.unused.add(title.strip()[:40])

    # -- JSON lines

    def _json_rows(self, lines: Iterable[str]) -> Iterator[Row]:
        for text in lines:
            if not text.strip():
                continue
            line, cells = self._line, (text.rstrip("\r\n"),)
            try:
                found = _OBJECT.decode(text.encode("utf-8", "surrogateescape"))
                if not isinstance(found, dict):
                    raise TypeError("it is another kind of value")
                yield Row(line, self._values(found), cells)
            except (msgspec.DecodeError, ValueError, TypeError, RecursionError) as error:
                yield Row(line, {}, cells, f"is no JSON object: {error}")

    def _values(self, found: dict[str, Any]) -> dict[str, str]:
        """An object's values as text. Raises TypeError for one that is a list or an object itself."""
        values: dict[str, str] = {}
        ranks: dict[str, int] = {}
        for title, value in found.items():
            meant = self._meaning_of(title)
            if meant is None or value is None:
                continue
            name, rank = meant
            if rank > ranks.get(name, rank):
                self._leave(title)
                continue
            if isinstance(value, bool):
                value = "true" if value else "false"
            if not isinstance(value, str | int):
                raise TypeError(f"{title} is a list or an object")
            values[name], ranks[name] = str(value), rank
        return values
