"""What goes back to the widget, and the one table that turns what can go wrong into it."""

import math
from collections.abc import Callable
from typing import Any, Final

from regulars.app.programs import UnknownProgram
from regulars.app.storefront.strict import Unproven
from regulars.app.storefront.wishes import BirthdayKnown
from regulars.domain.errors import (
    Busy,
    CustomerBlocked,
    IdentityReused,
    Invalid,
    Late,
    LimitReached,
    NotAMember,
    NotEnoughPoints,
    OutOfStock,
    RegularsError,
    Rejected,
    RewardUnavailable,
    TierRequired,
    UnknownReward,
    Unsure,
)
from regulars.doors.unavailable import RETRY_AFTER
from regulars.doors.wire import Answer, Headers, as_json


class NoSuchShop(Exception):
    """Nobody has this API key or site token."""


class ForeignOrigin(Exception):
    """The page that asks is at none of the program's shops."""


class TooMany(Exception):
    """Too many tries; `wait_seconds` until the next may be made."""

    def __init__(self, wait_seconds: float) -> None:
        super().__init__(wait_seconds)
        self.wait_seconds = wait_seconds


def problem(status: int, code: str, message: str, headers: Headers = (), **facts: Any) -> Answer:
    """The one shape of every error: `{"error": {"code", "message", ...facts}}`."""
    return as_json({"error": {"code": code, "message": message, **facts}}, status, headers)


UNPROVEN: Final = problem(
    401,
    "unauthenticated",
    "Nothing here proves which customer this is, or it no longer counts. Log in to the shop and try again.",
)
"""One and the same for every proof and session that doesn't count, so that nobody learns why."""

ANSWERS: Final[dict[type[RegularsError], tuple[int, str, str]]] = {
    UnknownProgram: (404, "unknown_shop", "No shop has this key."),
    UnknownReward: (404, "unknown_reward", "There is no such reward."),
    NotAMember: (422, "not_a_member", "This customer is not a member of the program yet."),
    CustomerBlocked: (422, "blocked", "This customer can't use the program."),
    NotEnoughPoints: (422, "not_enough_points", "There are not enough points for this."),
    LimitReached: (422, "limit_reached", "This customer has claimed it as often as is allowed."),
    OutOfStock: (422, "out_of_stock", "None of these are left."),
    RewardUnavailable: (422, "unavailable", "This reward is not to be had now."),
    TierRequired: (422, "tier_required", "This reward is for members of a certain tier."),
    Invalid: (422, "invalid", "Something in the request can't be used."),
    BirthdayKnown: (409, "birthday_known", "The birthday is known already; the shop can change it."),
    IdentityReused: (409, "key_reused", "This Idempotency-Key was first used for another request."),
    Rejected: (422, "invalid", "The database refused this content."),
    Busy: (503, "busy", "The server can't take this now. Nothing was done."),
    Late: (503, "busy", "This waited too long. Nothing was done, and nothing will be."),
    Unsure: (503, "unsure", "It may have happened, once. The same request again finds out."),
}

FACTS: Final[dict[type[RegularsError], Callable[[dict[str, Any]], dict[str, Any]]]] = {
    NotEnoughPoints: lambda data: {"missing": data["asked"] - data["left"]},
    LimitReached: lambda data: {"until": data["until"], "limit": data["limit"]},
    RewardUnavailable: lambda data: {"why": data["why"]},
    TierRequired: lambda data: {"tiers": data["tiers"]},
    Invalid: lambda data: {"field": data["field"], "problem": data["problem"]},
}
"""What is told besides, by kind."""


def answer_to(error: Exception) -> Answer | None:
    """What to answer to `error`; None when nothing here foresaw it."""
    match error:
        case Unproven():
            return UNPROVEN
        case NoSuchShop():
            return problem(404, "unknown_shop", "No shop has this key.")
        case ForeignOrigin():
            message = "This page's address is none of the program's shops. Add it as a site of the program."
            return problem(403, "origin", message)
        case TooMany():
            seconds = max(1, math.ceil(error.wait_seconds - 0.001))
            wait = ((b"retry-after", b"%d" % seconds),)
            return problem(429, "too_many", "Too many tries. Wait a little.", wait, retry_after=seconds)
        case RegularsError() if type(error) in ANSWERS:
            return _from_table(error)
        case TimeoutError() | OSError():
            return _from_table(Busy())
        case _:
            return None


def _from_table(error: RegularsError) -> Answer:
    status, code, message = ANSWERS[type(error)]
    wait: Headers = RETRY_AFTER if status == 503 else ()
    return problem(status, code, message, wait, **facts_of(error))


def facts_of(error: RegularsError) -> dict[str, Any]:
    """What the widget is told of a refusal besides its name."""
    facts = FACTS.get(type(error))
    return {} if facts is None else facts(error.data)


def why(error: RegularsError) -> str:
    """The name by which the widget knows a refusal."""
    return ANSWERS[type(error)][1]
