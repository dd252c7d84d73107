"""A file of coupon codes as a merchant has it: read leniently where nothing can be meant otherwise, and each
line that is no code named with its reason."""

import csv
import re
from collections.abc import Iterable, Sequence
from typing import Final

import msgspec

from regulars.domain.errors import Invalid
from regulars.domain.rewards import MAX_CODE, code_key

MOST_BYTES: Final = 5_000_000
MOST_LINES: Final = 500_000
SHORTEST: Final = 12
"""Letters and digits, besides what all codes have in common: with fewer, a code can be guessed."""
SHORTEST_RUN: Final = 3

_HEADINGS: Final = re.compile(
    r"(?:(?:coupon|discount|voucher|promo|promotion|gift|card|unique)[ _-]*)*codes?|coupons?|vouchers?",
    re.IGNORECASE,
)
_LINES: Final = re.compile(r"\r\n|\n|\r")
_NUMBERED: Final = re.compile(r"([0-9]{1,18})([^0-9]*)\Z")


class Problem(msgspec.Struct, frozen=True):
    """Why a line was not taken. `line` counts from 1, in a list as well; `code` as it was written."""

    line: int
    code: str
    reason: str


class Warned(msgspec.Struct, frozen=True):
    """What a merchant should know about codes that were taken all the same. `kind`: short or sequence."""

    kind: str
    codes: int
    message: str


class CodeFile(msgspec.Struct, frozen=True, kw_only=True):
    """`codes`: line and text of each by its key; `header`: the first line, if it is a heading."""

    codes: dict[str, tuple[int, str]]
    problems: tuple[Problem, ...] = ()
    header: str | None = None


def read_file(data: bytes) -> CodeFile:
    """The codes of a CSV file with one column, in UTF-8. Raises Invalid for what is no such file at all."""
    if len(data) > MOST_BYTES:
        raise Invalid("file", f"must be at most {MOST_BYTES:,} bytes")
    if data.startswith((b"\xff\xfe", b"\xfe\xff")):
        raise Invalid("file", "is in UTF-16; save it as UTF-8")
    text = data.removeprefix(b"\xef\xbb\xbf").decode("utf-8", "surrogateescape")
    lines = _LINES.split(text)
    while lines and not lines[-1].strip():
        lines.pop()
    header = None
    if lines and _HEADINGS.fullmatch((_cell(lines[0])[0] or "").strip()):
        header = (_cell(lines[0])[0] or "").strip()
    return _read(map(_cell, lines[header is not None :]), len(lines), header)


def read_list(codes: Sequence[str]) -> CodeFile:
    """The codes of a list, as JSON has it. Raises Invalid for one that is too long."""
    return _read(((code, None) for code in codes), len(codes), None)


def _read(cells: Iterable[tuple[str, str | None]], lines: int, header: str | None) -> CodeFile:
    if lines > MOST_LINES:
        raise Invalid("file", f"must have at most {MOST_LINES:,} lines")
    codes: dict[str, tuple[int, str]] = {}
    problems = []
    for line, (cell, problem) in enumerate(cells, start=2 if header is not None else 1):
        code = cell.strip()
        reason = problem or _reason(code)
        if reason is None:
            key = code_key(code)
            if (first := codes.get(key)) is None:
                codes[key] = (line, code)
                continue
            reason = f"is the same as line {first[0]}"
        problems.append(Problem(line, shown(code), reason))
    return CodeFile(codes=codes, problems=tuple(problems), header=header)


def shown(code: str) -> str:
    """A code at fault as an answer can show it."""
    text = "".join(c if c.isprintable() else "\N{REPLACEMENT CHARACTER}" for c in code[: MAX_CODE + 1])
    return text if len(text) <= MAX_CODE else f"{text[:MAX_CODE]}…"


def _cell(line: str) -> tuple[str, str | None]:
    """The one cell of a line; with what keeps it from being one."""
    line = line.strip()
    if '"' not in line and "," not in line and ";" not in line and "\t" not in line:
        return line, None
    delimiter = max(",;\t", key=line.count)
    try:
        cells = next(csv.reader([line], delimiter=delimiter, strict=True, skipinitialspace=True), [""])
    except csv.Error as error:
        return line, f"is no CSV: {error}"
    if any(cell.strip() for cell in cells[1:]):
        return line, "has more than one column"
    return cells[0], None


def _reason(code: str) -> str | None:
    """Why it can't be a code."""
    if not code:
        return "is empty"
    if len(code) > MAX_CODE:
        return f"has more than {MAX_CODE} characters"
    if not code.isprintable():
        if any("\udc80" <= c <= "\udcff" for c in code):
            return "is not in UTF-8"
        return "contains a control character or one that can't be seen"
    return None


def warnings(file: CodeFile) -> tuple[Warned, ...]:
    """What makes codes of this file easy to guess."""
    found = []
    if short := _short(file.codes):
        message = (
            f"{short:,} of {len(file.codes):,} codes have fewer than {SHORTEST} letters and digits"
            f"{' besides what all have in common' if len(file.codes) > 1 else ''}: they can be guessed."
        )
        found.append(Warned("short", short, message))
    run, first, last = _longest_run(file.codes)
    if run >= SHORTEST_RUN:
        message = f"{first} to {last} are numbered one by one: who has one code can guess the others."
        found.append(Warned("sequence", run, message))
    return tuple(found)


def _short(codes: Iterable[str]) -> int:
    keys = list(codes)
    common = _in_common(min(keys), max(keys)) if len(keys) > 1 else 0
    return sum(_strength(key[common:]) < SHORTEST for key in keys)


def _strength(text: str) -> int:
    """How many letters and digits it has."""
    bare = text.replace("-", "")
    return len(bare) if bare.isalnum() else sum(map(str.isalnum, bare))


def _in_common(first: str, last: str) -> int:
    """With how many equal characters both begin."""
    pairs = zip(first, last, strict=False)
    return next((place for place, (one, other) in enumerate(pairs) if one != other), len(first))


def _longest_run(codes: dict[str, tuple[int, str]]) -> tuple[int, str, str]:
    """The most codes that differ by a number alone and follow each other: how many, first and last."""
    series: dict[tuple[str, str, int], list[int]] = {}
    names: dict[tuple[str, str, int, int], str] = {}
    for key, (_, code) in codes.items():
        match = _NUMBERED.search(key)
        if match is not None:
            stem = (key[: match.start()], match[2], len(match[1]))
            series.setdefault(stem, []).append(int(match[1]))
            names[*stem, int(match[1])] = code
    best = (0, "", "")
    for stem, numbers in series.items():
        if len(numbers) >= SHORTEST_RUN:
            run, first, last = _run(sorted(numbers))
            if run > best[0]:
                best = (run, names[*stem, first], names[*stem, last])
    return best


def _run(numbers: Sequence[int]) -> tuple[int, int, int]:
    """The longest stretch of numbers that rise by one: how many, the first and the last."""
    best, start = (0, 0, 0), 0
    for place, number in enumerate(numbers):
        if place and number != numbers[place - 1] + 1:
            start = place
        if place - start + 1 > best[0]:
            best = (place - start + 1, numbers[start], number)
    return best
