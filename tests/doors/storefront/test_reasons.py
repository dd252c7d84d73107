"""Every line of the history says why, in every language that the panel speaks."""

import json
import re
from collections import Counter
from datetime import timedelta
from pathlib import Path
from typing import Any, get_args

import msgspec
import pytest

from regulars.app.claims import expire_due
from regulars.app.programs import change_rules
from regulars.app.storefront.history import _CODES
from regulars.app.storefront.reasons import _TOLD, Reason, reasons_of
from regulars.app.storefront.widgets import Language
from regulars.domain.book import Cause
from regulars.domain.commands import (
    AdjustPoints,
    AmendOrder,
    CancelClaim,
    Command,
    DiscountCode,
    OrderDetails,
    PaymentStatus,
)
from regulars.domain.decisions import Trace
from regulars.domain.trace import _SENTENCES
from tests import make
from tests.doors.storefront.conftest import Shop
from tests.doors.storefront.examples import EXAMPLES
from tests.doors.storefront.test_panel import rules

TEXTS = Path(__file__).parents[3] / "frontend/widget/texts"
LANGUAGES = get_args(Language)
TEXT = re.compile(r'^  (\w+):\s+((?:"[^"]*"[\s+]*)+),$', re.MULTILINE)

MOVES_NOTHING = {
    "already a member",
    "approved",
    "birthday set",
    "blocked",
    "cancelled before it came",
    "claim fulfilled",
    "code handed out",
    "code not used",
    "code returned",
    "code stays used",
    "code used",
    "differs",
    "erased",
    "join: blocked",
    "joined",
    "kept as a guest",
    "merged",
    "merged: blocked",
    "purchase: below minimum",
    "purchase: blocked",
    "purchase: cancelled",
    "purchase: guest",
    "purchase: not paid",
    "purchase: off",
    "purchase: refunded",
    "purchase: status",
    "purchase: too little",
    "refund capped",
    "refunded before it came",
    "reward given",
    "unblocked",
    "waits for its order",
}
"""Reasons that are no line of a shopper's history: no points came or went by them. An approval changes the
line of what was earned."""


def texts(language: str) -> dict[str, str]:
    """The panel's texts in a language, by their keys."""
    written = (TEXTS / f"{language}.ts").read_text()
    found = {
        key: "".join(json.loads(part) for part in re.findall(r'"[^"]*"', text))
        for key, text in TEXT.findall(written)
    }
    assert len(found) > 100
    return found


def filled_in(text: str) -> list[set[str]]:
    """What each plural form of a text is filled in with."""
    return [set(re.findall(r"\{(\w+)\}", form)) for form in text.split("|")]


def test_every_reason_of_a_trace_is_told_or_moves_nothing() -> None:
    assert set(_TOLD) | MOVES_NOTHING == set(_SENTENCES)
    assert not set(_TOLD) & MOVES_NOTHING


def test_every_cause_of_a_movement_has_reasons_that_are_told() -> None:
    assert set(_CODES) == set(Cause) - {Cause.APPROVAL}
    assert {code for codes in _CODES.values() for code in codes} == set(_TOLD)
    assert {example.trace.code for example in EXAMPLES} == set(_TOLD)
    assert {example.cause for example in EXAMPLES} == set(_CODES)


@pytest.mark.parametrize("language", LANGUAGES)
def test_every_reason_has_a_sentence_in_every_language(language: str) -> None:
    said = texts(language)
    told = [reason for example in EXAMPLES for reason in example.line()["reasons"]]
    assert {f"why_{reason['code']}" for reason in told} == {key for key in said if key.startswith("why_")}
    for reason in told:
        known = set(reason) | {"points"} | ({"date"} if "at" in reason else set())
        for form in filled_in(said[f"why_{reason['code']}"]):
            assert form <= known
    for example in EXAMPLES:
        assert f"line_{example.cause}" in said


@pytest.mark.parametrize("language", LANGUAGES)
def test_no_language_leaves_a_text_or_a_fact_out(language: str) -> None:
    said, english = texts(language), texts("en")
    assert list(said) == list(english)
    for key, text in english.items():
        wanted = set.union(*filled_in(text))
        assert set.union(*filled_in(said[key])) == wanted, key
        # A form for one or for two may have a word instead of the number, and nothing else may be missing.
        for form in filled_in(said[key]):
            assert wanted - form <= {"n"}, key


def test_a_note_is_told_and_its_writer_is_not() -> None:
    (gift,) = [one for one in EXAMPLES if one.points == 30]
    assert gift.line()["reasons"] == [
        {"code": "gift", "points": 30},
        {"code": "note", "note": "Sorry for the wait"},
    ]
    assert not any("staff:1" in json.dumps(example.line()) for example in EXAMPLES)


def test_what_an_order_gave_is_told_with_its_money_and_its_day() -> None:
    pending, settled = EXAMPLES[:2]
    assert pending.line()["reasons"] == [
        {
            "code": "purchase",
            "points": 29,
            "money": 2999,
            "currency": "GBP",
            "exponent": 2,
            "rate": (5, 4),
            "per_minor": 100,
        },
        {"code": "pending", "at": "2026-12-04T12:00:00Z"},
    ]
    (reason,) = settled.line()["reasons"]
    assert (reason["currency"], reason["exponent"], reason["per_minor"]) == ("JPY", 0, 1)


def test_what_is_left_of_an_order_is_told_unless_it_is_all_or_nothing() -> None:
    def told(code: str, taken: int) -> list[tuple[str, int | None]]:
        facts = {"given": 29, "taken": taken, "points": 1}
        return [(reason.code, reason.n) for reason in reasons_of([Trace(code, facts)], is_pending=False)]

    assert told("taken: refund", 11) == [("refund", None), ("left", 18)]
    assert told("taken: refund", 29) == [("refund", None)]
    assert told("restored", 11) == [("restored", None), ("left", 18)]
    assert told("restored", 0) == [("restored", None)]


def test_what_another_version_wrote_is_left_to_the_sentence() -> None:
    unknown = (Trace("of tomorrow"), Trace("purchase: given"), Trace("join: given", {"points": 5}))
    assert reasons_of(unknown, is_pending=True) == (Reason(code="join", points=5),)


async def test_points_that_a_refund_took_are_no_longer_to_come(shop: Shop) -> None:
    await rules(shop, approval_days=14)
    submit, program_id = shop.house.engine.submit, shop.keys.program_id
    await submit(program_id, make.order("A", total=3000, shipping=0))

    async def told() -> list[list[str]]:
        lines = (await shop.get("history", await shop.log_in())).json()["lines"]
        return [[reason["code"] for reason in line["reasons"]] for line in lines]

    assert await told() == [["purchase", "pending"]]
    await submit(program_id, make.refund("A", 1000, reference="R1"))
    assert await told() == [["refund", "left"], ["purchase", "pending"]]
    await submit(program_id, make.refund("A", 2000, reference="R2"))
    assert await told() == [["refund"], ["refund", "left"], ["purchase"]]


async def test_a_long_story_has_a_reason_on_every_line(shop: Shop) -> None:
    await rules(shop, join_points=50)
    await shop.join()
    await shop.add_reward(cost=20, valid_days=30)
    program_id, database, engine = shop.keys.program_id, shop.house.database, shop.house.engine
    await change_rules(
        database,
        program_id,
        spending=lambda rule: msgspec.structs.replace(
            rule, refund_returns="points", expired_returns_points=True
        ),
        now=shop.clock.now,
    )

    async def happens(command: Command) -> Any:
        return await engine.submit(program_id, command)

    await happens(make.order("A", total=3000, shipping=0))
    await happens(make.refund("A", 1000, reference="R1"))
    await happens(make.update("A", paid=3000))
    await happens(make.update("A", paid=1000, payment_status=PaymentStatus.PARTIALLY_PAID))
    await happens(make.order("B", total=2000, shipping=0))
    await happens(AmendOrder(order=make.order("B", total=4000, shipping=0), actor="Bob"))
    await happens(make.update("B", paid=4000, cancelled=True))
    await happens(AdjustPoints(merchant_id="alice", points=30, reason="Sorry", actor="Bob"))
    await happens(AdjustPoints(merchant_id="alice", points=-3, reason=None, actor="Bob"))
    cancelled = (await happens(make.redeem())).claims[0]
    await happens(CancelClaim(claim_id=cancelled.id, actor="Bob", reason="By mistake"))
    used = (await happens(make.redeem())).claims[0]
    details = OrderDetails(codes=(DiscountCode(used.code),))
    await happens(make.order("C", total=1000, shipping=0, details=details))
    await happens(make.update("C", paid=1000, cancelled=True))
    await happens(make.redeem())
    shop.clock.forward(days=31)
    assert await expire_due(database, engine, now=shop.clock.now - timedelta(hours=1)) == 1

    lines = (await shop.get("history", await shop.log_in())).json()["lines"]
    assert Counter(line["kind"] for line in lines).keys() == _CODES.keys()
    for line in lines:
        assert line["sentence"], line
        assert line["reasons"], line
    codes = [reason["code"] for line in lines for reason in line["reasons"]]
    assert set(codes) == {key.removeprefix("why_") for key in texts("en") if key.startswith("why_")} - {
        "pending"
    }
    assert "Bob" not in str(lines)
