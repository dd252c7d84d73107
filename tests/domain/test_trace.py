"""Every decision says why: each reason code of the core has a sentence that a person can read."""

import ast
import inspect
from collections.abc import Iterator

import msgspec
import pytest

from regulars.domain import account, case, earning, merging, ordering, redeeming, trace
from regulars.domain.book import Cause
from regulars.domain.decisions import Decision, Trace
from regulars.domain.trace import sentence
from tests.domain.test_machine import TeaShop, walk

SAYING = (account, case, earning, merging, ordering, redeeming)


def said_codes() -> Iterator[str]:
    """The codes that the core's source can say. A taking's code ends in its cause."""
    for module in SAYING:
        for node in ast.walk(ast.parse(inspect.getsource(module))):
            if isinstance(node, ast.Call) and getattr(node.func, "attr", "") == "say":
                yield from _codes(node.args[0])


def _codes(argument: ast.expr) -> Iterator[str]:
    if isinstance(argument, ast.IfExp):
        yield from _codes(argument.body)
        yield from _codes(argument.orelse)
    elif isinstance(argument, ast.JoinedStr):
        assert ast.unparse(argument) == "f'taken: {cause}'"
        yield from (f"taken: {cause}" for cause in (Cause.REFUND, Cause.CANCEL, Cause.UNPAID))
    else:
        assert isinstance(argument, ast.Constant), ast.unparse(argument)
        yield str(argument.value)


def test_every_code_has_a_sentence_and_every_sentence_a_code() -> None:
    assert set(said_codes()) == set(trace._SENTENCES)


def test_what_any_history_says_is_readable_also_when_it_comes_back_from_json(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    said: dict[str, str] = {}
    check = TeaShop.check_decision

    def collect(shop: TeaShop, decision: Decision) -> None:
        check(shop, decision)
        stored = msgspec.json.decode(msgspec.json.encode(decision.trace), type=tuple[Trace, ...])
        for entry, again in zip(decision.trace, stored, strict=True):
            assert sentence(entry) == sentence(again)
            said[entry.code] = sentence(entry)

    monkeypatch.setattr(TeaShop, "check_decision", collect)
    for seed in range(30):
        walk(seed, 60)
    assert len(said) > 20
    for text in said.values():
        assert (text[0].isupper() or text[0].isdigit() or text[0] == "“") and text.endswith("."), text
        assert not any(odd in text for odd in ("None", "  ", "{", "_", "1 points", "1 point that were")), text


@pytest.mark.parametrize(
    ("entry", "text"),
    [
        (Trace("join: given", {"points": 1}), "Gave 1 point for joining."),
        (
            Trace("adjusted", {"points": -5, "actor": "Bob", "reason": None}),
            "Bob took 5 points.",
        ),
        (
            Trace(
                "purchase: given",
                {"points": 49, "rewardable": 3999, "currency": "GBP", "rate": "5/4", "approves": None},
            ),
            "Gave 49 points: 39.99 GBP of the order earn, at 1.25 a unit, rounded down.",
        ),
        (
            Trace("purchase: given", {"points": 1, "rewardable": 1250, "currency": "JPY", "rate": "1/1000"}),
            "Gave 1 point: 1250 JPY of the order earn, at 0.001 a unit, rounded down.",
        ),
        (
            Trace("joined", {"on": "2026-03-02T14:00:00+02:00"}),
            "The customer became a member as of 2026-03-02 12:00 UTC.",
        ),
    ],
)
def test_sentences_are_plain(entry: Trace, text: str) -> None:
    assert sentence(entry) == text
