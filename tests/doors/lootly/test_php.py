"""Our reading and writing of JSON against PHP's own, and against bodies that are made to hurt."""

import base64
import json
import random
import shutil
import struct
import subprocess
import time
from math import isfinite

import pytest

from regulars.doors.lootly.php import DEEPEST, MOST_VALUES, Unreadable, float_text, json_text, read_object

PHP = shutil.which("php")
needs_php = pytest.mark.skipif(PHP is None, reason="php is not installed (Debian: php-cli)")


# --- reading -----------------------------------------------------------------------------------------


def test_members_keep_their_order_their_values_and_their_source_text() -> None:
    members = read_object(b' { "b" : 29.90 , "a":{"z": [1, 2]},"\\u0063":"\\/" } \n')
    assert {name: member.value for name, member in members.items()} == {
        "b": 29.9,
        "a": {"z": [1, 2]},
        "c": "/",
    }
    assert list(members) == ["b", "a", "c"]
    assert [member.source for member in members.values()] == ["29.90", '{"z": [1, 2]}', '"\\/"']
    assert members["c"].name_source == '"\\u0063"'


def test_a_repeated_name_has_its_last_value_in_its_first_place() -> None:
    members = read_object(b'{"id":1,"n":{"x":1,"y":2,"x":3},"\\u0069d":2}')
    assert [(name, member.value) for name, member in members.items()] == [("id", 2), ("n", {"x": 3, "y": 2})]
    assert members["id"].source == "2"
    assert list(members["n"].value) == ["x", "y"]  # type: ignore[call-overload]


def test_integers_are_exact_beyond_64_bits() -> None:
    assert read_object(b'{"id":123456789012345678901234567891}')["id"].value == 123456789012345678901234567891


@pytest.mark.parametrize(
    "body",
    [
        b"",
        b" ",
        b"null",
        b"[]",
        b'"x"',
        b"{",
        b"{}x",
        b"{} {}",
        b"{}\x00",
        b"{,}",
        b'{"a":1,}',
        b'{"a"}',
        b'{"a":}',
        b'{"a":1 "b":2}',
        b"{a:1}",
        b"{'a':1}",
        b'{"a":01}',
        b'{"a":1.}',
        b'{"a":.5}',
        b'{"a":+1}',
        b'{"a":1_0}',
        b'{"a":0x10}',
        b'{"a":NaN}',
        b'{"a":Infinity}',
        b'{"a":[-Infinity]}',
        b'{"a":1e400}',
        b'{"a":[-1e400]}',
        b'{"a":' + b"9" * 309 + b"}",
        b'{"a":True}',
        b'{"a":"\t"}',
        b'{"a\n":1}',
        b'{"a":"\\x41"}',
        b'{"a":"\\u12g4"}',
        b'{"a":"\\ud800"}',
        b'{"a":"\\uDC00\\ud800"}',
        b'{"a":"\\ud83c\\ud83c\\udf89"}',
        b'{"\\udfff":1}',
        b'{"a":"\\ud800","a":1}',
        b'{"a":"\xff"}',
        b'{"a":"\xed\xa0\x80"}',
        b'{"a":"\xc0\xaf"}',
        b'\xef\xbb\xbf{"a":1}',
        '{"a":1}'.encode("utf-16"),
        '{"a":١}'.encode(),
        "\u00a0{}".encode(),
        b'{"a":1}\x0c',
        b'{"a":"',
        b'{"a":"\\',
        b'{"\\',
    ],
)
def test_what_is_not_one_json_object_is_unreadable(body: bytes) -> None:
    with pytest.raises(Unreadable):
        read_object(body)


@pytest.mark.parametrize(
    "body",
    [
        b"{}",
        b" {\n} ",
        b'{"a":"\\ud83c\\uDF89"}',
        b'{"a":"\\uDABC\\uDCBA\\udbff\\udfff"}',
        b'{"a":' + b"9" * 308 + b"}",
        b'{"a":"\\\\ud800"}',
        b'{"\\u0000a":1}',
        b'{"":-0}',
        b'{"a":"\x7f"}',
    ],
)
def test_what_is_unusual_but_json_is_read(body: bytes) -> None:
    assert {name: member.value for name, member in read_object(body).items()} == json.loads(body)


def nested(levels: int) -> bytes:
    """An object whose innermost array stands `levels` deep, the object counted."""
    return b'{"a":' + b"[" * (levels - 1) + b"]" * (levels - 1) + b"}"


def test_nesting_is_bounded_where_php_bounds_it() -> None:
    assert json_text(read_object(nested(DEEPEST))["a"].value) == "[" * (DEEPEST - 1) + "]" * (DEEPEST - 1)
    with pytest.raises(Unreadable, match="deep"):
        read_object(nested(DEEPEST + 1))


@pytest.mark.parametrize("value", ["0", "[]", "{}"])
def test_a_body_has_no_more_values_than_any_order(value: str) -> None:
    each = 1 if value == "0" else 2  # a bracket counts as well as a comma
    most = MOST_VALUES // each - 2
    assert len(read_object(f'{{"a":[{",".join([value] * most)}]}}'.encode())["a"].value) == most
    with pytest.raises(Unreadable, match="too many values"):
        read_object(f'{{"a":[{",".join([value] * (most + 10))}]}}'.encode())


def test_many_shallow_brackets_are_not_deep() -> None:
    body = b'{"a":[' + b",".join([b'{"\\"[[[{":["]"]}'] * 2_000) + b"]}"
    assert read_object(body)["a"].value == [{'"[[[{': ["]"]}] * 2_000


@pytest.mark.parametrize(
    "body",
    [
        nested(100_000),
        b'{"a":' * 100_000,
        b"[" * 1_000_000,
        b"[" * 600 + b'"' + b'\\"' * 500_000,
        b'{"' + b'\\"' * 500_000,
        b'{"a":"' + b"\\ud83c\\udf89" * 80_000,
        b'{"a":' + b"1" * 1_000_000 + b"}",
        b'{"a":[-0.' + b"1" * 1_000_000 + b"]}",
        b"{" + b" " * 1_000_000,
        b'{"a":1' + b" " * 1_000_000,
    ],
    ids=[
        "arrays",
        "objects",
        "open",
        "open string",
        "open name",
        "pairs",
        "digits",
        "fraction",
        "blanks",
        "tail",
    ],
)
def test_a_hostile_body_of_a_megabyte_is_refused_at_once(body: bytes) -> None:
    started = time.process_time()
    with pytest.raises(Unreadable):
        read_object(body)
    assert time.process_time() - started < 1  # some milliseconds here; what is quadratic takes minutes


# --- writing -----------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("number", "text"),
    [
        (10.0, "10"),
        (29.90, "29.9"),
        (0.1 + 0.2, "0.30000000000000004"),
        (-0.0, "-0"),
        (0.0, "0"),
        (0.0001, "0.0001"),
        (0.00001, "1.0e-5"),
        (1.5e-7, "1.5e-7"),
        (-1.25e-7, "-1.25e-7"),
        (1e15, "1000000000000000"),
        (1e16, "10000000000000000"),
        (-1.5e16, "-15000000000000000"),
        (99999999999999990.0, "99999999999999980"),
        (1e17, "1.0e+17"),
        (1.2345678901234567e17, "1.2345678901234566e+17"),
        (5e-324, "5.0e-324"),
        (1.7976931348623157e308, "1.7976931348623157e+308"),
    ],
)
def test_floats_are_written_as_php_writes_them(number: float, text: str) -> None:
    assert float_text(number) == text


@pytest.mark.parametrize("number", [float("inf"), float("-inf"), float("nan")])
def test_what_is_no_number_has_no_text(number: float) -> None:
    with pytest.raises(ValueError, match="JSON has no"):
        json_text([number])


@pytest.mark.parametrize(
    ("value", "text"),
    [
        ({"a": {}}, '{"a":[]}'),
        ({"0": "x", "1": {"0": {}}}, '["x",[[]]]'),
        ({"1": "x", "0": "y"}, '{"1":"x","0":"y"}'),
        ({"0": "x", "01": "y"}, '{"0":"x","01":"y"}'),
        ({"00": "x"}, '{"00":"x"}'),
        ([], "[]"),
        (True, "true"),
        ([None, False, 1, (2,)], "[null,false,1,[2]]"),
        (2**63 - 1, "9223372036854775807"),
        (-(2**63), "-9223372036854775808"),
        (2**63, "9.223372036854776e+18"),
        (-(2**63) - 1, "-9.223372036854776e+18"),
        ("</a> \x7f \\u007f \\\x7f & ' \" \b\f\n\r\t\x00\x1f", None),
        ("é ß 日本 🎉 \u2028", '"\\u00e9 \\u00df \\u65e5\\u672c \\ud83c\\udf89 \\u2028"'),
    ],
)
def test_values_are_written_as_php_writes_them(value: object, text: str | None) -> None:
    if text is None:
        text = '"<\\/a> \x7f \\\\u007f \\\\\x7f & \' \\" \\b\\f\\n\\r\\t\\u0000\\u001f"'
    assert json_text(value) == text


def test_objects_can_be_kept() -> None:
    assert json_text({"a": {}, "b": {"0": 1}, "c": []}, keep_objects=True) == '{"a":{},"b":{"0":1},"c":[]}'


@pytest.mark.parametrize("value", [b"bytes", {1}, object(), {"a": [range(2)]}])
def test_what_json_does_not_have_is_a_mistake_of_ours(value: object) -> None:
    with pytest.raises(TypeError):
        json_text(value)


# --- against PHP itself ------------------------------------------------------------------------------

ORACLE = """
while (($line = fgets(STDIN)) !== false) {
    $decoded = json_decode(base64_decode(rtrim($line)), true);
    if (!is_array($decoded)) { echo "-\\n"; continue; }
    ksort($decoded, SORT_STRING);
    $text = json_encode($decoded);
    echo $text === false ? "-" : base64_encode($text), "\\n";
}
"""


def texts_of_php(bodies: list[bytes]) -> list[str | None]:
    """What one PHP process makes of each body: decoded, sorted by key, encoded; None if it can't."""
    lines = b"".join(base64.b64encode(body) + b"\n" for body in bodies)
    done = subprocess.run(
        [str(PHP), "-n", "-r", ORACLE], input=lines, capture_output=True, check=True, timeout=60
    )
    answers = done.stdout.splitlines()
    assert len(answers) == len(bodies), done.stderr
    return [None if answer == b"-" else base64.b64decode(answer).decode() for answer in answers]


def our_text(body: bytes) -> str | None:
    try:
        members = read_object(body)
    except Unreadable:
        return None
    return json_text({name: members[name].value for name in sorted(members)})


def overlong(body: bytes) -> bool:
    """Whether we refuse the body for a number beyond floats. PHP reads it, and then can't write it."""
    try:
        read_object(body)
    except Unreadable as unreadable:
        return "a number" in str(unreadable)
    return False


NAMES = ['"0"', '"1"', '"2"', '"a"', '"b"', '"id"', '"\\u0030"', '"01"', '"\\u00e9"', '""']
CHARACTERS = "aZ09 /\\\"\x7f\x00\x1f\n\t<>&'u007f\x80éß\u2028\ud7ff\ue000\uffff日🎉\U0010ffff"
LITERALS = ["true", "false", "null", "{}", "[]", "10.0", "-0", "-0.0", "29.90", "0.1", "1e2", '""']


def random_number(chance: random.Random) -> str:
    kind = chance.randrange(4)
    if kind == 0:
        return str(chance.randint(-(2**65), 2**65))
    if kind == 1:  # any float there is, of its bits
        (number,) = struct.unpack("d", chance.randbytes(8))
        return repr(number) if isfinite(number) else "0"
    digits = "".join(chance.choices("0123456789", k=chance.randint(1, 20)))
    if kind == 2:
        return f"{chance.randint(-999, 999)}.{digits}"
    exponent = f"{chance.choice('eE')}{chance.choice(['', '+', '-'])}{chance.randint(0, 280)}"
    return f"{digits.lstrip('0') or '0'}{exponent}"


def random_string(chance: random.Random) -> str:
    letters = "".join(chance.choices(CHARACTERS, k=chance.randint(0, 8)))
    return json.dumps(letters, ensure_ascii=chance.random() < 0.5)


def random_value(chance: random.Random, depth: int) -> str:
    kind = chance.randrange(8 if depth else 6)
    if kind < 2:
        return random_string(chance)
    if kind < 4:
        return random_number(chance)
    if kind < 6:
        return chance.choice(LITERALS)
    if kind == 6:
        return random_object(chance, depth - 1)
    blank = chance.choice(["", "", " ", "\n\t"])
    items = [random_value(chance, depth - 1) for _ in range(chance.randint(0, 4))]
    return f"[{blank}" + f"{blank},".join(items) + "]"


def random_object(chance: random.Random, depth: int) -> str:
    """Source text of an object. Its names repeat, run like a list's and are escaped more than in life."""
    blank = chance.choice(["", "", " ", "\r\n"])
    size = chance.randint(0, 5)
    names = NAMES[:size] if chance.random() < 0.2 else chance.choices(NAMES, k=size)
    items = [f"{name if chance.random() < 0.9 else random_string(chance)}{blank}:{blank}" for name in names]
    return (
        f"{{{blank}" + f",{blank}".join(item + random_value(chance, depth) for item in items) + f"{blank}}}"
    )


def broken(body: bytes, chance: random.Random) -> bytes:
    """The body with some bytes put in, left out or changed."""
    changed = bytearray(body)
    for _ in range(chance.randint(1, 2)):
        at = chance.randint(0, len(changed))
        scrap = chance.choice(
            [b"", b'"', b"\\", b"\\ud83c", b",", b"}", b"0", b".", b"e", chance.randbytes(1)]
        )
        changed[at : at + chance.randint(0, 2)] = scrap
    return bytes(changed)


@needs_php
def test_our_text_is_php_s_text_byte_for_byte() -> None:
    chance = random.Random("Regulars")
    bodies = [random_object(chance, 4).encode() for _ in range(5_000)]
    texts = texts_of_php(bodies)
    assert None not in texts
    for body, text in zip(bodies, texts, strict=True):
        assert our_text(body) == text, body


@needs_php
def test_we_read_exactly_what_php_reads() -> None:
    chance = random.Random("Regulars, broken")
    candidates = [broken(random_object(chance, 3).encode(), chance) for _ in range(5_000)]
    bodies = [body for body in candidates if body.lstrip(b" \t\r\n").startswith(b"{") and not overlong(body)]
    texts = texts_of_php(bodies)
    assert 1_000 < texts.count(None) < len(texts) - 300
    for body, text in zip(bodies, texts, strict=True):
        assert our_text(body) == text, body


@needs_php
def test_php_s_nesting_ends_where_ours_does() -> None:
    bodies = [nested(DEEPEST - 1), nested(DEEPEST), nested(DEEPEST + 1)]
    assert [our_text(body) for body in bodies] == texts_of_php(bodies)


@needs_php
def test_every_power_of_ten_and_its_neighbours_are_written_as_php_writes_them() -> None:
    digits = ["1", "9.999999999999999", "1.0000000000000002", "-4.35", "123456789.87654321"]
    bodies = [f'{{"x":{digit}e{power}}}'.encode() for power in range(-324, 299) for digit in digits]
    assert [our_text(body) for body in bodies] == texts_of_php(bodies)
