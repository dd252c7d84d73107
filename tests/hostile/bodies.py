"""The corpus: whole bodies, single values, ids, queries and headers that no honest shop sends.

Values are JSON source texts, since much of what is hostile (`NaN`, `1_0`, half a character) is no JSON value.
"""

import gzip
import json
import random
from collections.abc import Callable, Iterator, Sequence
from functools import partial
from typing import Final
from urllib.parse import quote

DEEP: Final = 100_000
MANY: Final = 1_000_000

NUMBERS: Final = {
    "zero": "0",
    "minus zero": "-0",
    "minus zero point": "-0.0",
    "minus one": "-1",
    "half": "0.5",
    "five decimals": "1.00001",
    "many decimals": "0." + "1" * 5_000,
    "5,000 digits": "9" * 5_000,
    "400 digits": "9" * 400,
    "1E+5000": "1E+5000",
    "1e-5000": "1e-5000",
    "1e400": "1e400",
    "1e5": "1e5",
    "31 bits": "2147483648",
    "53 bits": "9007199254740993",
    "63 bits": "9223372036854775808",
    "minus 63 bits": "-9223372036854775809",
    "64 bits": "18446744073709551616",
    "1e18": "1000000000000000000",
    "over most money": "1000000000001",
}

NOT_JSON: Final = {
    "NaN": "NaN",
    "Infinity": "Infinity",
    "-Infinity": "-Infinity",
    "nan": "nan",
    "hex": "0x10",
    "underscore": "1_0",
    "leading zero": "01",
    "plus": "+1",
    "point first": ".5",
    "point last": "5.",
    "Arabic digits bare": "١٢",
    "True": "True",
    "undefined": "undefined",
    "single quotes": "'x'",
    "raw newline in text": '"a\nb"',
    "raw NUL in text": '"a\x00b"',
    "unknown escape": '"\\x41"',
    "short escape": '"\\u00"',
    "open text": '"abc',
    "trailing comma": "[1,]",
    "comment": "1 /* one */",
    "nothing": "",
}
"""Values whose body is no JSON: refused everywhere, whatever the field."""

BAD_TEXT: Final = {
    "NUL": '"\\u0000"',
    "NUL within": '"a\\u0000b"',
    "high surrogate": '"\\ud800"',
    "low surrogate": '"x\\udc00y"',
    "surrogate in UTF-8": '"\ud800"',
    "half a character as a name": '{"\\ud800":1}',
    "broken UTF-8 as a name": '{"\udc41":1}',
    "surrogates the wrong way": '"\\udc00\\ud800"',
}
"""Texts that can't be kept: refused in every field that is read."""

TEXTS: Final = {
    "empty": '""',
    "blank": '" "',
    "Arabic digits": '"١٢"',
    "full-width digits": '"１２"',
    "text 1_0": '"1_0"',
    "text 1E+5000": '"1E+5000"',
    "text NaN": '"NaN"',
    "text Infinity": '"Infinity"',
    "text -0": '"-0"',
    "text -1": '"-1"',
    "text +5": '"+5"',
    "text blank 5": '" 5"',
    "text 5 newline": '"5\\n"',
    "text hex": '"0x10"',
    "text true": '"true"',
    "text null": '"null"',
    "text 5,000 digits": '"' + "9" * 5_000 + '"',
    "256 characters": '"' + "x" * 256 + '"',
    "10,000 characters": '"' + "x" * 10_000 + '"',
    "300 emoji": '"' + "\U0001f375" * 300 + '"',
    "emoji by escapes": '"\\ud83c\\udf75"',
    "combining marks": '"' + "a" + "\u0301\u0327" * 100 + '"',
    "right to left": '"\u202eabc\u202c"',
    "line ends": '"a\u2028b\u2029c\\r\\nd"',
    "byte order mark within": '"\ufeffabc"',
    "noncharacters": '"\uffff\ufdd0"',
    "DEL and C1": '"\x7f\x85\x9b"',
    "escape codes": '"\\u001b[31m\\u0007"',
    "Zalgo e-mail": '"a\u0301@\u0301.\u0301"',
    "SQL": '"\'; DROP TABLE orders; --"',
    "format": '"%s%n{0}{{7*7}}${7*7}"',
    "path": '"../../etc/passwd"',
    "formula": '"=1+1"',
    "script": '"<script>alert(1)</script>"',
    "header lines": '"x\\r\\nset-cookie: a=b"',
    "far day": '"9999-12-31T23:59:59Z"',
    "no day": '"2026-02-30"',
    "year 0": '"0000-00-00"',
    "far offset": '"2026-01-01T00:00:00+99:99"',
}

OTHERS: Final = {
    "true": "true",
    "false": "false",
    "null": "null",
    "empty array": "[]",
    "empty object": "{}",
    "array in array": "[[]]",
    "array of null": "[null]",
    "array of text": '["x"]',
    "array of objects": "[{}]",
    "10,000 elements": "[" + ",".join(["0"] * 10_000) + "]",
    "1,001 objects": "[" + ",".join(["{}"] * 1_001) + "]",
    "repeated keys": '{"amount":1,"amount":"2","code":"a","code":"b","id":1,"id":2}',
    "operator": '{"$ne":null}',
    "prototype": '{"__proto__":{"x":1},"constructor":1}',
    "name with NUL": '{"a\\u0000b":"c"}',
    "1,000 deep": "[" * 1_000 + "]" * 1_000,
    "objects 600 deep": '{"a":' * 600 + "1" + "}" * 600,
    "100,000 deep": "[" * DEEP + "]" * DEEP,
}

VALUES: Final = NUMBERS | NOT_JSON | BAD_TEXT | TEXTS | OTHERS

NEVER: Final = frozenset(NOT_JSON) | frozenset(BAD_TEXT) | {"100,000 deep"}
"""Never taken, in any field that means something."""

NUMBERS_THAT_ARE_MONEY: Final = {"zero", "half", "31 bits"}
NEVER_MONEY: Final = frozenset(VALUES) - NUMBERS_THAT_ARE_MONEY - {"null"}
NEVER_POINTS: Final = frozenset(VALUES) - {"31 bits"}
NEVER_A_WORD: Final = frozenset(VALUES)


REFUSED_WHOLE: Final[dict[str, Callable[[bytes], bytes]]] = {
    "empty": lambda good: b"",
    "blanks": lambda good: b" \n\t ",
    "null": lambda good: b"null",
    "text": lambda good: b'"text"',
    "number": lambda good: b"7",
    "true": lambda good: b"true",
    "array of it": lambda good: b"[" + good + b"]",
    "100,000 arrays": lambda good: b"[" * DEEP,
    "100,000 closed arrays": lambda good: b"[" * DEEP + b"]" * DEEP,
    "100,000 objects": lambda good: b'{"a":' * DEEP + b"1" + b"}" * DEEP,
    "100,000 deep in a field": lambda good: b'{"x":' + b"[" * DEEP + b"]" * DEEP + b"," + good[1:],
    "a million elements": lambda good: b"[" + b"0," * (MANY - 1) + b"0]",
    "byte order mark": lambda good: b"\xef\xbb\xbf" + good,
    "UTF-16": lambda good: good.decode().encode("utf-16"),
    "UTF-16 without mark": lambda good: good.decode().encode("utf-16-le"),
    "UTF-32": lambda good: good.decode().encode("utf-32"),
    "UTF-7": lambda good: b"+AHs-" + good[1:],
    "NUL first": lambda good: b"\x00" + good,
    "NUL last": lambda good: good + b"\x00",
    "NULs": lambda good: b"\x00" * 1_000,
    "half": lambda good: good[: len(good) // 2],
    "without its end": lambda good: good[:-1],
    "twice": lambda good: good + good,
    "lines": lambda good: good + b"\n" + good,
    "garbage behind": lambda good: good + b"x",
    "comma behind": lambda good: good[:-1] + b",}",
    "comment": lambda good: b"/* */" + good,
    "NaN besides": lambda good: b'{"x":NaN,' + good[1:],
    "raw newline besides": lambda good: b'{"x":"\n",' + good[1:],
    "no quotes": lambda good: b"{x:1}",
    "single quotes": lambda good: b"{'x':1}",
    "gzip": lambda good: gzip.compress(good),
    "gzip bomb": lambda good: gzip.compress(b" " * 50_000_000 + good),
    "form": lambda good: b"total=1&merchant_id=2",
    "multipart": lambda good: b'--b\r\nContent-Disposition: form-data; name="x"\r\n\r\n1\r\n--b--\r\n',
    "XML": lambda good: b'<?xml version="1.0"?><!DOCTYPE a [<!ENTITY b "b">]><a>&b;</a>',
    "a long open text": lambda good: b'{"x":"' + b'\\"' * 450_000,
    "backslashes": lambda good: b'{"x":"' + b"\\" * 900_001,
    "quotes": lambda good: b'"' * 900_000,
    "a megabyte of digits": lambda good: b"9" * 900_000,
    "a megabyte of blanks": lambda good: b" " * 900_000,
    "braces": lambda good: b"{" * 900_000,
    "PHP": lambda good: b'a:1:{s:1:"x";i:1;}',
    "pickle": lambda good: b"\x80\x04\x95\x05\x00\x00\x00\x00\x00\x00\x00\x8c\x01x\x94.",
}
"""Bodies that are wrong as a whole, made of a good one. By need: many are a megabyte long."""

TAKEN_WHOLE: Final[dict[str, Callable[[bytes], bytes]]] = {
    "the same": lambda good: good,
    "blanks around": lambda good: b" \n" + good + b"\r\n\t",
    "empty object": lambda good: b"{}",
    "empty array": lambda good: b"[]",
    "repeated names": lambda good: (
        b'{"merchant_id":"x","total":"5","points":1,"amount":"1","name":"y",' + good[1:]
    ),
    "escaped names": lambda good: b'{"tot\\u0061l":"1","\\u0061mount":"1",' + good[1:],
    "name with NUL": lambda good: b'{"\\u0000":1,' + good[1:],
    "empty name": lambda good: b'{"":1,' + good[1:],
    "invalid UTF-8 besides": lambda good: b'{"x":"\xff\xfe",' + good[1:],
    "overlong UTF-8 besides": lambda good: b'{"x":"\xc0\x80",' + good[1:],
    "surrogate in UTF-8 besides": lambda good: b'{"x":"\xed\xa0\x80",' + good[1:],
    "beyond Unicode besides": lambda good: b'{"x":"\xf4\x90\x80\x80",' + good[1:],
    "latin-1 besides": lambda good: b'{"x":"\xe9",' + good[1:],
    "long name": lambda good: b'{"' + b"n" * 500_000 + b'":1,' + good[1:],
    "half a character besides": lambda good: b'{"x":"\\ud800",' + good[1:],
    "half a character as name": lambda good: b'{"\\udfff":1,' + good[1:],
    "NUL besides": lambda good: b'{"x":"\\u0000",' + good[1:],
    "5,000 digits besides": lambda good: b'{"x":' + b"9" * 5_000 + b"," + good[1:],
    "1E+5000 besides": lambda good: b'{"x":1E+5000,' + good[1:],
    "500 deep besides": lambda good: b'{"x":' + b"[" * 500 + b"]" * 500 + b"," + good[1:],
    "50,000 names": lambda good: b"{" + b"".join(b'"n%d":1,' % number for number in range(50_000)) + good[1:],
    "one name 50,000 times": lambda good: b"{" + b'"n":1,' * 50_000 + good[1:],
    "a megabyte of text besides": lambda good: b'{"x":"' + b"x" * 900_000 + b'",' + good[1:],
    "a megabyte of escapes besides": lambda good: b'{"x":"' + b"\\u0041" * 150_000 + b'",' + good[1:],
    "a megabyte of emoji besides": lambda good: (
        b'{"x":"' + "\U0001f375".encode() * 225_000 + b'",' + good[1:]
    ),
    "400,000 elements besides": lambda good: b'{"x":[' + b"0," * 400_000 + b"0]," + good[1:],
    "200,000 empty objects besides": lambda good: b'{"x":[' + b"{}," * 200_000 + b"{}]," + good[1:],
}
"""Bodies that may be taken: what is odd in them is not read."""


def whole(good: bytes) -> Iterator[tuple[str, Callable[[], bytes], bool]]:
    """(name, the body's maker, must it be refused) for what is wrong with a body as a whole."""
    for made, refused in ((REFUSED_WHOLE, True), (TAKEN_WHOLE, False)):
        yield from ((name, partial(make, good), refused) for name, make in made.items())


IDS: Final = (
    "%00", "a%00b", "%ff", "%c0%80", "%ed%a0%80", "%", "%z", "%u0041", "%25", "%2500", "%2f", "%2F..%2F..",
    "..",
    ".", "%2e%2e", "%2e%2e%2f", "%5c", "%0d%0aset-cookie:%20a=b", "%0a", "%20", "%09", "%7f", "%c2%85", "'",
    "%27%3b%20drop%20table%20orders%3b--", "{merchant_id}", "*", "~", "null", "0", "-1", "1e5", "paid",
    "points",
    "x" * 255, "x" * 256, "x" * 10_000, "%78" * 3_000, quote("\U0001f375"), quote("\U0001f375") * 255,
    quote("\u0301" * 200), quote("\u202e\ufeff"), quote("\uffff"), "gid%3A%2F%2Fshop%2F1", "a;b=c", "a,b",
    "a+b",
    "a&b", "a=b", "a:b@c", "[::1]", "%F0%9F", "%e2%28%a1",
)  # fmt: skip

PARAMETERS: Final = (
    "since_id", "limit", "page", "cursor", "created_at_min", "created_at_max", "updated_at_min",
    "updated_at_max",
    "email", "sort_field", "sort_direction", "customer_id", "type", "site_id", "nothing",
)  # fmt: skip

QUERY_VALUES: Final = (
    "", "0", "-0", "-1", "1", "501", "1e5", "1E%2B5000", "NaN", "Infinity", "1_0", "%D9%A1%D9%A2",
    "%EF%BC%91",
    "true", "null", "9" * 18, "9" * 19, "9" * 5_000, "-" + "9" * 18, "9223372036854775808", "%00", "a%00b",
    "%ff",
    "%c0%80", "%ed%a0%80", "%", "%zz", "%20", "+5", "%2B5", "%27%20or%201=1--", "%25", "_", "%5C",
    "%25" * 500,
    "x" * 4_001, "e30", "eyJsYXN0SWQiOjF9", "eyJsYXN0SWQiOjEsImRpcmVjdGlvbiI6Im5leHQifQ",
    "eyJsYXN0SWQiOjFlNTAwMCwiZGlyZWN0aW9uIjoibmV4dCJ9", "W1tbW1tbW1tb", "Ww" * 1_900, "%3D%3D%3D%3D",
    "2026-02-30", "2026-03-01T00:00:00", "2026-03-01T00:00:00+01:00", "2026-03-01T00:00:00 01:00",
    "9999-12-31T23:59:59-23:59", "0001-01-01T00:00:00%2B23:59", "-0001-01-01", "2026-W01-1", "20260301",
    "2026-03-01T24:00:00Z", "%D9%A2026", "csv", "json", "xml", "asc", "updated_at", "id%00",
)  # fmt: skip

QUERIES: Final = (
    "&" * 5_000, "=" * 5_000, "limit=1&limit=2", "limit", "limit[]=1",
    "&".join(f"p{n}=1" for n in range(200)),
    "limit=1;since_id=2", "?limit=1", "%00=1", "%ff=%ff", "#", "limit=1#x", "a" * 10_000,
)  # fmt: skip

AUTHORIZATIONS: Final = (
    "", " ", "Bearer", "Bearer ", "Bearer  ", "bearer x", "Bearer \t", "Bearer " + "x" * 10_000,
    "Bearer pat_",
    "Bearer null", "Bearer a b", "Bearer \xff", "Bearer \x00", "Basic", "Basic ", "Basic x", "Basic Og==",
    "Basic Ojo=", "Basic AAAA", "Basic /////w==", "Basic " + "A" * 10_000, "Basic YTpi", "Basic YQ==",
    "Basic YTo=",
    "Basic =", "Basic YTpi YTpi", "Basic \xa0", "Basic 7aCAOng=", "Basic AAo6AAo=", "Digest username=x",
    "Token x",
    "Negotiate x", "x" * 10_000, "Bearer,Basic", "Bearer \U0001f375".encode().decode("latin-1"), "Basic ",
    "Basic YTpi\n",
)  # fmt: skip

IDEMPOTENCY_KEYS: Final = (
    "", "x" * 256, "x" * 10_000, "\x00", "a\x00b", "\xff", "é", "\x7f", "\t", "a\tb",
    "\U0001f375".encode().decode("latin-1"),
)  # fmt: skip
"""Refused at both doors, for a body that would be taken; but `é` and the like are text to the Lootly door."""

CONTENT_TYPES: Final = (
    "", "text/plain", "text/xml", "application/x-www-form-urlencoded", "multipart/form-data; boundary=b",
    "application/json; charset=utf-16", "application/json; charset=", "x" * 5_000, "/",
    "application/octet-stream",
    "\xff", "application/json, text/html",
)  # fmt: skip

METHODS: Final = (
    "TRACE",
    "OPTIONS",
    "CONNECT",
    "DELETE",
    "PROPFIND",
    "GEX",
    "get",
    "HEAD",
    "PATCH",
    "PUT",
    "POST",
    "GET",
)


def replaced(source: object, path: Sequence[str | int], value: str) -> str:
    """The JSON text of `source` with the text `value` in the place of what stands at `path`."""
    return _text(source, tuple(path), value)


def _text(value: object, path: tuple[str | int, ...], put: str) -> str:
    if not path:
        return put
    first, rest = path[0], path[1:]
    if isinstance(value, dict):
        items = value if first in value else value | {first: None}
        parts = (
            f"{json.dumps(name)}:{_text(item, rest, put) if name == first else json.dumps(item)}"
            for name, item in items.items()
        )
        return "{" + ",".join(parts) + "}"
    assert isinstance(value, list)
    parts = (
        _text(item, rest, put) if place == first else json.dumps(item) for place, item in enumerate(value)
    )
    return "[" + ",".join(parts) + "]"


def mangled(body: bytes, rng: random.Random) -> bytes:
    """The body after one to four small accidents: bits flipped, bytes lost, doubled, swapped or put in."""
    bytes_ = bytearray(body)
    for _ in range(rng.randint(1, 4)):
        if not bytes_:
            break
        at = rng.randrange(len(bytes_))
        span = rng.randint(1, 12)
        match rng.randrange(7):
            case 0:
                bytes_[at] ^= 1 << rng.randrange(8)
            case 1:
                del bytes_[at : at + span]
            case 2:
                bytes_[at:at] = bytes_[at : at + span]
            case 3:
                bytes_[at:at] = rng.choice(PIECES)
            case 4:
                bytes_[at] = rng.randrange(256)
            case 5:
                bytes_ = bytes_[:at] if rng.random() < 0.2 else bytes_
            case _:
                bytes_[at : at + span] = rng.choice(PIECES)
    return bytes(bytes_)


PIECES: Final = (
    *(value.encode("utf-8", "surrogatepass") for value in VALUES.values() if len(value) < 2_000),
    *(b'"', b"\\", b"{", b"}", b"[", b"]", b",", b":", b"-", b"e9"),
    *(b"\x00", b"\xff", b"\xed\xa0\x80", b"\\u0000", b"\\ud800"),
)
"""What is put into bodies."""
