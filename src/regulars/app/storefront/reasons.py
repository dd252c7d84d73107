"""Why a shopper's points moved: codes with facts, of which the panel makes sentences in the shopper's words.

Who of the staff did it stays here: that is nobody's business outside the shop. The sentences for staff, of
the same traces, are in domain/trace.py.
"""

from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from fractions import Fraction
from typing import Any, Final

import msgspec

from regulars.domain.decisions import Trace
from regulars.domain.money import exponent

Facts = Mapping[str, Any]


class Reason(msgspec.Struct, frozen=True, kw_only=True):
    """A code, and what its sentence is filled with. `n` of `given` points are left of what an order gave.

    `money` is in minor units of `currency`, which has `exponent` decimals; `rate`: points (a fraction) for
    every `per_minor` of it. `note` is what the shop wrote.
    """

    code: str
    points: int | None = None
    n: int | None = None
    given: int | None = None
    title: str | None = None
    note: str | None = None
    at: datetime | None = None
    money: int | None = None
    currency: str | None = None
    exponent: int | None = None
    rate: tuple[int, int] | None = None
    per_minor: int | None = None


def reasons_of(trace: Iterable[Trace], *, is_pending: bool) -> tuple[Reason, ...]:
    """What these lines of a trace are for the shopper whose points moved.

    `is_pending`: the points still wait to be approved. Nothing for a code that moves no points, or whose
    facts another version wrote.
    """
    found: list[Reason] = []
    for entry in trace:
        try:
            found += _TOLD[entry.code](entry.facts)
        except (KeyError, ValueError, TypeError):
            continue
    return tuple(reason for reason in found if is_pending or reason.code != "pending")


def _given(facts: Facts) -> Iterator[Reason]:
    digits = exponent(facts["currency"])
    rate = Fraction(facts["rate"])
    yield Reason(
        code="purchase",
        points=facts["points"],
        money=facts["rewardable"],
        currency=facts["currency"],
        exponent=digits,
        rate=(rate.numerator, rate.denominator),
        per_minor=10**digits,
    )
    if facts.get("approves"):
        yield Reason(code="pending", at=_time(facts["approves"]))


def _adjusted(facts: Facts) -> Iterator[Reason]:
    points = facts["points"]
    yield Reason(code="gift" if points > 0 else "deducted", points=abs(points))
    yield from _note(facts)


def _order(code: str) -> Callable[[Facts], Iterator[Reason]]:
    """What happened to an order, and what is left of its points, unless that is all or nothing."""

    def reasons(facts: Facts) -> Iterator[Reason]:
        given, left = facts["given"], facts["given"] - facts["taken"]
        yield Reason(code=code)
        if 0 < left < given:
            yield Reason(code="left", n=left, given=given)

    return reasons


def _claim(code: str) -> Callable[[Facts], Iterator[Reason]]:
    """What happened to a claimed reward, with its title."""

    def reasons(facts: Facts) -> Iterator[Reason]:
        at = _time(facts["on"]) if "on" in facts else None
        yield Reason(code=code, title=facts["title"], at=at)
        yield from _note(facts)

    return reasons


def _note(facts: Facts) -> Iterator[Reason]:
    if facts.get("reason"):
        yield Reason(code="note", note=facts["reason"])


def _time(value: object) -> datetime:
    return datetime.fromisoformat(str(value))


_TOLD: Final[dict[str, Callable[[Facts], Iterable[Reason]]]] = {
    "purchase: given": _given,
    "join: given": lambda facts: (Reason(code="join", points=facts["points"]),),
    "adjusted": _adjusted,
    "taken: refund": _order("refund"),
    "taken: cancel": _order("cancel"),
    "taken: unpaid": _order("unpaid"),
    "restored": _order("restored"),
    "amended": lambda _: (Reason(code="amended"),),
    "redeemed": _claim("redeemed"),
    "claim cancelled": _claim("claim_cancelled"),
    "points of the code returned": _claim("order_undone"),
    "claim expired": _claim("claim_expired"),
}
"""By the codes of a trace that move a customer's points."""
