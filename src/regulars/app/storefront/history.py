"""A shopper's points, line by line, each with the sentence that `regulars explain` would tell of it."""

from datetime import datetime
from itertools import groupby
from typing import Final

import msgspec

from regulars.app.explain import in_words
from regulars.app.storefront.reasons import Reason, reasons_of
from regulars.domain.book import Bucket, Cause
from regulars.domain.decisions import Trace
from regulars.storage import shoppers
from regulars.storage.database import Connection
from regulars.storage.shoppers import Step

LINES: Final = 20
STEPS_MOST: Final = 100
"""Movements read for a page of lines; a decision rarely makes more than two for one customer."""

_CODES: Final[dict[Cause, tuple[str, ...]]] = {
    Cause.PURCHASE: ("purchase: given",),
    Cause.JOIN: ("join: given",),
    Cause.ADJUSTMENT: ("adjusted",),
    Cause.REFUND: ("taken: refund",),
    Cause.CANCEL: ("taken: cancel",),
    Cause.UNPAID: ("taken: unpaid",),
    Cause.RESTORED: ("restored",),
    Cause.AMENDED: ("amended",),
    Cause.REDEMPTION: ("redeemed",),
    Cause.CLAIM_CANCELLED: ("claim cancelled", "points of the code returned"),
    Cause.CLAIM_EXPIRED: ("claim expired",),
}
"""Which lines of a decision's trace say why points moved for this cause."""

SPENDABLE: Final = (Bucket.PENDING, Bucket.AVAILABLE)


class Line(msgspec.Struct, frozen=True, kw_only=True):
    """One change. `points` below zero were taken; `bucket`: pending, or available where they can be spent.

    `reasons` say why, for the panel's own words; `sentence` says it in English.
    """

    at: datetime
    points: int
    kind: str
    bucket: str
    sentence: str
    reasons: tuple[Reason, ...]
    order: str | None


class Lines(msgspec.Struct, frozen=True, kw_only=True):
    """A page of lines, latest first. `next`: what the next page comes before; None: there is none."""

    lines: tuple[Line, ...] = ()
    next: int | None = None


async def lines_of(
    connection: Connection, program_id: int, customer_id: int, *, before: int | None, now: datetime
) -> Lines:
    """The customer's lines that come before the movement of that id, at program time `now`."""
    steps = await shoppers.steps(connection, program_id, customer_id, before=before, most=STEPS_MOST, now=now)
    groups = [list(group) for _, group in groupby(steps, key=lambda step: (step.decision_id, step.cause))]
    if len(steps) == STEPS_MOST and len(groups) > 1:
        groups.pop()  # what else belongs to it may not have been read
        is_last = False
    else:
        is_last = len(steps) < STEPS_MOST
    shown = groups[:LINES]
    has_more = len(groups) > LINES or not is_last
    return Lines(
        lines=tuple(_line(group) for group in shown),
        next=shown[-1][-1].movement_id if shown and has_more else None,
    )


def _line(group: list[Step]) -> Line:
    """The movements that one decision made for one cause."""
    latest = group[0]
    bucket = _bucket(group)
    wanted = _CODES.get(latest.cause, ())
    trace = [entry for entry in latest.trace if entry.code in wanted]
    return Line(
        at=latest.at,
        points=sum(step.points if step.to_bucket in SPENDABLE else -step.points for step in group),
        kind=latest.cause,
        bucket=bucket,
        sentence=" ".join(in_words(_outward(entry)) for entry in trace),
        reasons=reasons_of(trace, is_pending=bucket == Bucket.PENDING and latest.lot_left != 0),
        order=latest.order,
    )


def _bucket(group: list[Step]) -> str:
    """Pending when all of it is or was; an earning's points are where its lot is now."""
    places = {
        step.lot_state or step.to_bucket if step.to_bucket in SPENDABLE else step.from_bucket
        for step in group
    }
    return Bucket.PENDING if places == {Bucket.PENDING} else Bucket.AVAILABLE


def _outward(entry: Trace) -> Trace:
    """Without the names of staff and keys, which are nobody's business outside the shop."""
    if "actor" not in entry.facts:
        return entry
    return msgspec.structs.replace(entry, facts=entry.facts | {"actor": "The shop"})
