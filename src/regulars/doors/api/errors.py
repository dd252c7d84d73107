"""The one table that turns everything that can go wrong into this API's answers."""

from typing import Any, Final

from regulars.app.codes.uploads import FIRST_PROBLEMS, CodesRejected
from regulars.app.deliveries import describe_refusal
from regulars.domain.errors import (
    Busy,
    ClaimClosed,
    CustomerBlocked,
    IdentityReused,
    Invalid,
    Late,
    LimitReached,
    NotAMember,
    NotEnoughPoints,
    OutOfStock,
    Refused,
    RegularsError,
    Rejected,
    RewardUnavailable,
    TierRequired,
    Unavailable,
    UnknownClaim,
    UnknownCustomer,
    UnknownReward,
    UnknownSite,
    Unsure,
)
from regulars.doors.api.answers import problem
from regulars.doors.call import BadParameters, BadQuery
from regulars.doors.keys import Forbidden, Unauthenticated
from regulars.doors.unavailable import NOT_NOW, RETRY_AFTER
from regulars.doors.wire import Answer

CODES: Final[dict[type[RegularsError], tuple[int, str]]] = {
    UnknownReward: (404, "unknown_reward"),
    UnknownClaim: (404, "unknown_claim"),
    UnknownCustomer: (404, "unknown_customer"),
    UnknownSite: (422, "unknown_site"),
    NotEnoughPoints: (422, "not_enough_points"),
    LimitReached: (422, "limit_reached"),
    OutOfStock: (422, "out_of_stock"),
    RewardUnavailable: (422, "unavailable"),
    TierRequired: (422, "tier_required"),
    CustomerBlocked: (422, "blocked"),
    NotAMember: (422, "not_a_member"),
    ClaimClosed: (422, "claim_closed"),
    CodesRejected: (422, "codes_rejected"),
    IdentityReused: (422, "idempotency_key_reused"),
    Invalid: (422, "invalid"),
    Rejected: (422, "rejected"),
    Busy: (503, "busy"),
    Late: (503, "late"),
    Unsure: (503, "unsure"),
}
"""The status and code of each. A 422 changed nothing, and the same call would be answered the same again."""


class Malformed(Exception):
    """The body can't be read at all: 400."""


class UnknownMedia(Exception):
    """The body is of a kind that is not read here; `wanted` are those that are."""

    def __init__(self, wanted: tuple[str, ...]) -> None:
        super().__init__(wanted)
        self.wanted = wanted


def answer_to(error: Exception) -> Answer | None:
    """What to answer to `error`; None when nothing here foresaw it."""
    match error:
        case Malformed():
            return problem(400, "malformed", str(error))
        case BadQuery():
            return problem(400, "malformed", f"The query {error.problem}.")
        case BadParameters():
            said = " ".join(f"{name} {what}." for name, what in error.problems.items())
            return problem(400, "malformed", said, {"fields": error.problems})
        case Unauthenticated():
            message = "Send an API key: Authorization: Bearer pat_…"
            return problem(401, "unauthenticated", message, None, ((b"www-authenticate", b"Bearer"),))
        case Forbidden():
            wanted = " or ".join(error.scopes)
            return problem(
                403, "forbidden", f"This API key needs the scope {wanted}.", {"scopes": error.scopes}
            )
        case UnknownMedia():
            wanted = " or ".join(error.wanted)
            return problem(415, "unsupported_media_type", f"Send the body as {wanted}.")
        case RegularsError():
            return _from_table(error)
        case TimeoutError() | OSError():
            return _from_table(Busy())
        case _:
            return None


def facts(error: Refused) -> dict[str, Any]:
    """What a program needs to know of a refusal, in this API's words."""
    match error:
        case Invalid():
            return {"fields": {error.field: error.problem}}
        case NotEnoughPoints():
            asked, left = error.data["asked"], error.data["left"]
            return {"asked": asked, "available": left, "missing": asked - left}
        case CodesRejected():
            first = error.problems[:FIRST_PROBLEMS]
            return {"taken": 0, "rejected": len(error.problems), "problems": first}
        case IdentityReused() | UnknownCustomer():
            return {}
        case _:
            return {name: value for name, value in error.data.items() if name not in ("customer", "sqlstate")}


def sentence(error: Refused) -> str:
    """The refusal as a sentence for a developer."""
    if isinstance(error, CodesRejected):
        first = error.problems[0]
        count = len(error.problems)
        lines = "1 line is" if count == 1 else f"{count:,} lines are"
        return f"Nothing was taken: {lines} at fault. Line {first.line}: {first.code!r} {first.reason}."
    return describe_refusal(error)


def code_of(error: Refused) -> str:
    """The refusal's name on the wire."""
    return CODES[type(error)][1]


def _from_table(error: RegularsError) -> Answer | None:
    known = CODES.get(type(error))
    if known is None:
        return None
    if isinstance(error, Unavailable):
        return problem(*known, f"{NOT_NOW[type(error)]}.", None, RETRY_AFTER)
    assert isinstance(error, Refused)
    return problem(*known, sentence(error), facts(error))
