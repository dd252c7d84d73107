"""JSON as PHP reads and writes it, because Lootly's signatures cover the text that PHP's json_encode makes.

Reading is strict and bounded, and keeps the source text of each top-level value beside the value.
"""

import json
import re
from collections.abc import Callable, Mapping
from json.encoder import encode_basestring_ascii
from math import isfinite
from typing import NamedTuple, NoReturn

# PHP's json_decode stops at 512 levels and counts the innermost value as one of them.
DEEPEST = 511
# Beyond this an integer may have no float, and so no text in PHP; no shop's id or amount comes near.
LONGEST_INTEGER = 308
LONGEST_FRACTION = 1_000
# Anyone may send a body for a key that stands in public pages, and each value costs time. No order has
# so many.
MOST_VALUES = 50_000


class Unreadable(ValueError):
    """The body isn't one JSON object in valid UTF-8. Its message says what is wrong, and quotes nothing."""


class Member(NamedTuple):
    """One top-level member: its value, and the source text of its name (quotes included) and of its value."""

    value: object
    name_source: str
    source: str


def read_object(body: bytes) -> dict[str, Member]:
    """The top-level members of a JSON object, in order; a repeated name has its last value, first place.

    Nested objects fold repeated names likewise. Integers are exact. Raises `Unreadable` for what PHP's
    json_decode refuses (byte order mark, lone surrogate, NaN, too deep), for numbers that no float holds, for
    more than MOST_VALUES values, and for anything but an object.
    """
    try:
        text = body.decode()
    except UnicodeDecodeError as error:
        raise Unreadable(f"invalid UTF-8 at byte {error.start}") from None
    if text.count(",") + text.count("[") + text.count("{") > MOST_VALUES:
        raise Unreadable("too many values")
    _refuse_depth(text)
    _refuse_lone_surrogates(text)
    try:
        return _members(text)
    except json.JSONDecodeError as error:
        raise Unreadable(f"not JSON: {error.msg} at character {error.pos}") from None
    except RecursionError:
        raise Unreadable("nested too deeply") from None


_OPENING = re.compile(r"[ \t\r\n]*+\{[ \t\r\n]*+")
_NAME = re.compile(r'("(?:[^"\\\x00-\x1f]++|\\.)*+")[ \t\r\n]*+:[ \t\r\n]*+')
_COMMA = re.compile(r"[ \t\r\n]*+,[ \t\r\n]*+")
_CLOSING = re.compile(r"[ \t\r\n]*+\}[ \t\r\n]*+\Z")


def _members(text: str) -> dict[str, Member]:
    opening = _OPENING.match(text)
    if opening is None:
        raise Unreadable("not a JSON object")
    members: dict[str, Member] = {}
    at = opening.end()
    if _CLOSING.match(text, at):
        return members
    while True:
        head = _NAME.match(text, at)
        if head is None:
            raise Unreadable(f"not JSON: no member's name at character {at}")
        name_source, start = head[1], head.end()
        name = json.loads(name_source) if "\\" in name_source else name_source[1:-1]
        value, end = _DECODER.raw_decode(text, start)
        members[name] = Member(value, name_source, text[start:end])
        comma = _COMMA.match(text, end)
        if comma is None:
            break
        at = comma.end()
    if _CLOSING.match(text, end) is None:
        raise Unreadable(f"not JSON: the object doesn't go on or end at character {end}")
    return members


def _read_integer(digits: str) -> int:
    if len(digits) > LONGEST_INTEGER:
        raise Unreadable("a number of too many digits")
    return int(digits)


def _read_float(digits: str) -> float:
    if len(digits) > LONGEST_FRACTION:
        raise Unreadable("a number of too many digits")
    number = float(digits)
    if not isfinite(number):
        raise Unreadable("a number too large for a float")
    return number


def _refuse_constant(name: str) -> NoReturn:
    raise Unreadable(f"not JSON: {name}")


_DECODER = json.JSONDecoder(parse_int=_read_integer, parse_float=_read_float, parse_constant=_refuse_constant)

# The closing quote is optional, so that an unfinished string is passed over once, not from each quote in it.
_STRING_OR_BRACKET = re.compile(r'"(?:[^"\\]++|\\.)*+"?|([\[{])|([\]}])', re.DOTALL)


def _refuse_depth(text: str) -> None:
    if text.count("[") + text.count("{") <= DEEPEST:  # nearly every body: it can't be too deep
        return
    depth = 0
    for found in _STRING_OR_BRACKET.finditer(text):
        if found[1]:
            depth += 1
            if depth > DEEPEST:
                raise Unreadable("nested too deeply")
        elif found[2]:
            depth -= 1


# A surrogate pair, or a surrogate that stands alone (the group), or any other escape, stepped over whole.
_ESCAPE = re.compile(r"\\u[dD][89abAB]..\\u[dD][c-fC-F]..|(\\u[dD][89a-fA-F])|\\.", re.DOTALL)


def _refuse_lone_surrogates(text: str) -> None:
    if "\\ud" not in text and "\\uD" not in text:
        return
    for found in _ESCAPE.finditer(text):
        if found[1]:
            raise Unreadable(f"lone surrogate at character {found.start()}")


def json_text(value: object, *, keep_objects: bool = False) -> str:
    """What PHP's json_encode makes of the value, byte for byte; it is ASCII.

    As with PHP's arrays: an empty mapping is `[]`, one with the keys "0", "1", ... in order is a list. With
    `keep_objects` mappings stay objects, as PHP's objects do. Raises ValueError for an infinity or NaN, and
    TypeError for what JSON doesn't have.
    """
    parts: list[str] = []
    _write(value, parts.append, keep_objects)
    text = "".join(parts).replace("/", "\\/")  # a slash stands nowhere but in strings
    return _DEL_OR_BACKSLASH.sub(_raw_del, text) if "\\u007f" in text else text


def _write(value: object, put: Callable[[str], object], keep_objects: bool) -> None:
    """Puts the value's text in parts. One frame a level, so that `DEEPEST` levels fit on Python's stack."""
    if isinstance(value, str):
        put(encode_basestring_ascii(value))
    elif isinstance(value, bool):
        put("true" if value else "false")
    elif isinstance(value, int):
        put(integer_text(value))
    elif isinstance(value, float):
        put(float_text(value))
    elif value is None:
        put("null")
    elif isinstance(value, Mapping) and (keep_objects or not is_list(value)):
        before = "{"
        for name, item in value.items():
            put(f"{before}{encode_basestring_ascii(name)}:")
            _write(item, put, keep_objects)
            before = ","
        put("}" if value else "{}")
    elif isinstance(value, list | tuple | Mapping):
        before = "["
        for item in value.values() if isinstance(value, Mapping) else value:
            put(before)
            _write(item, put, keep_objects)
            before = ","
        put("]" if value else "[]")
    else:
        raise TypeError(f"JSON has no {type(value).__name__}")


def is_list(value: Mapping[str, object]) -> bool:
    """Whether a PHP array of these keys is a list: they are 0, 1, ... in order, or there are none."""
    return all(name == str(place) for place, name in enumerate(value))


def integer_text(number: int) -> str:
    """The digits as they are within 64 bits; beyond that PHP has only a float."""
    return str(number) if -(2**63) <= number < 2**63 else float_text(float(number))


def float_text(number: float) -> str:
    """The shortest text that reads back as the same float, in PHP's notation: `10`, `0.0001`, `1.0e+17`.

    Plain from 1e-4 up to, not including, 1e17; Python changes to exponents at 1e16. Raises ValueError for an
    infinity or NaN.
    """
    if not isfinite(number):
        raise ValueError(f"JSON has no {number}")
    mantissa, exponential, exponent = repr(number).partition("e")
    if not exponential:
        return mantissa.removesuffix(".0")
    if exponent == "+16":
        digits = mantissa.lstrip("-").replace(".", "").ljust(17, "0")
        return f"-{digits}" if number < 0 else digits
    point = "" if "." in mantissa else ".0"
    return f"{mantissa}{point}e{int(exponent):+d}"


# PHP leaves DEL raw, Python's encoder escapes it. Escaped backslashes are stepped over: `\\u007f` is no DEL.
_DEL_OR_BACKSLASH = re.compile(r"\\\\|\\u007f")


def _raw_del(found: re.Match[str]) -> str:
    return "\x7f" if found[0] == "\\u007f" else found[0]
