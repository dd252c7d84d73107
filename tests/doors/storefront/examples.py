"""One line of a trace for every reason for which points move, as the engine writes them."""

from typing import Any, Final, NamedTuple

from regulars.app.storefront.reasons import reasons_of
from regulars.domain.book import Cause
from regulars.domain.decisions import Trace
from regulars.doors.storefront.shapes import reason_shape


class Example(NamedTuple):
    cause: Cause
    points: int
    trace: Trace
    order: str | None = None
    bucket: str = "available"

    def line(self) -> dict[str, Any]:
        """The line of the history as the door sends it."""
        told = reasons_of((self.trace,), is_pending=self.bucket == "pending")
        return {
            "at": "2026-03-02T12:00:00Z",
            "points": self.points,
            "kind": self.cause.value,
            "bucket": self.bucket,
            "sentence": "In English.",
            "reasons": [reason_shape(reason) for reason in told],
            "order": self.order,
        }


_ORDER: Final = {"given": 29, "points": 11, "taken": 11}
_GIVEN: Final = {
    "points": 29,
    "rewardable": 2999,
    "currency": "GBP",
    "rate": "5/4",
    "approves": "2026-12-04T12:00:00+00:00",
}
_CLAIM: Final = {"title": "£5 off", "points": 100, "actor": "staff:1", "reason": "Ordered by mistake"}

EXAMPLES: Final = (
    Example(Cause.PURCHASE, 29, Trace("purchase: given", _GIVEN), "100007", "pending"),
    Example(Cause.PURCHASE, 29, Trace("purchase: given", _GIVEN | {"currency": "JPY"}), "A-6"),
    Example(Cause.JOIN, 50, Trace("join: given", {"points": 50})),
    Example(
        Cause.ADJUSTMENT,
        30,
        Trace("adjusted", {"points": 30, "actor": "staff:1", "reason": "Sorry for the wait"}),
    ),
    Example(Cause.ADJUSTMENT, -2, Trace("adjusted", {"points": -2, "actor": "staff:1", "reason": None})),
    Example(Cause.REFUND, -11, Trace("taken: refund", _ORDER), "100004"),
    Example(Cause.CANCEL, -29, Trace("taken: cancel", _ORDER | {"taken": 29}), "100003"),
    Example(Cause.UNPAID, -29, Trace("taken: unpaid", _ORDER | {"taken": 29}), "100002"),
    Example(Cause.RESTORED, 18, Trace("restored", _ORDER | {"points": 18}), "100002"),
    Example(Cause.AMENDED, -29, Trace("amended", {"actor": "staff:1", "fields": ["total_minor"]}), "100001"),
    Example(Cause.REDEMPTION, -100, Trace("redeemed", {"points": 100, "title": "£5 off"})),
    Example(Cause.CLAIM_CANCELLED, 100, Trace("claim cancelled", _CLAIM)),
    Example(
        Cause.CLAIM_CANCELLED, 100, Trace("points of the code returned", {"title": "£5 off", "points": 100})
    ),
    Example(
        Cause.CLAIM_EXPIRED,
        100,
        Trace("claim expired", {"title": "£5 off", "points": 100, "on": "2026-12-04T12:00:00+00:00"}),
    ),
)
