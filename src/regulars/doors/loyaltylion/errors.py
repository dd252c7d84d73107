"""The one table that turns everything that can go wrong into this API's answers."""

from datetime import datetime
from typing import Final

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
    OrderDiffers,
    OutOfStock,
    RefundDiffers,
    RegularsError,
    Rejected,
    RewardUnavailable,
    TierRequired,
    Unavailable,
    UnknownClaim,
    UnknownCustomer,
    UnknownOrder,
    UnknownReward,
    UnknownSite,
    Unsure,
)
from regulars.doors.call import BadParameters, BadQuery
from regulars.doors.keys import Forbidden, Unauthenticated
from regulars.doors.loyaltylion.answers import moment, problem
from regulars.doors.unavailable import NOT_NOW, RETRY_AFTER
from regulars.doors.wire import Answer, Headers

ANSWERS: Final[dict[type[RegularsError], tuple[int, str]]] = {
    UnknownOrder: (404, "Order not found"),
    UnknownCustomer: (404, "Customer not found"),
    UnknownSite: (404, "Site not found"),
    UnknownReward: (404, "Reward not found"),
    UnknownClaim: (404, "Claimed reward not found"),
    OrderDiffers: (422, "An order with this merchant_id is known, with other content"),
    RefundDiffers: (422, "A refund with this id is known, with another amount"),
    IdentityReused: (422, "This Idempotency-Key was first used for another request"),
    NotEnoughPoints: (422, "Customer does not have enough points"),
    NotAMember: (422, "Customer is not enrolled in the program"),
    CustomerBlocked: (422, "Customer is blocked"),
    RewardUnavailable: (422, "This reward is not available"),
    LimitReached: (422, "Customer has claimed this reward as often as allowed"),
    OutOfStock: (422, "This reward is out of stock"),
    TierRequired: (422, "This reward is for members of another tier"),
    ClaimClosed: (422, "This claimed reward can't be changed any more"),
    Rejected: (422, "The database refused this content"),
    Busy: (503, NOT_NOW[Busy]),
    Late: (503, NOT_NOW[Late]),
    Unsure: (503, NOT_NOW[Unsure]),
}

UNAVAILABLE: Final = {
    "disabled": "This reward is not available",
    "not started": "This reward is not available yet",
    "ended": "This reward is not available any more",
    "site": "This reward is not available in this shop",
}
CLOSED: Final = {
    "used": "This claimed reward has been used",
    "cancelled": "This claimed reward was given back before",
    "expired": "This claimed reward has expired",
    "fulfilled": "This claimed reward has been fulfilled",
}

FIELDS: Final[dict[str, str]] = {
    "placed_at": "date",
    "customer": "customer_id",
    "total_minor": "total",
    "goods_minor": "total",
    "shipping_minor": "total_shipping",
    "tax_minor": "total_tax",
    "discounts_minor": "discount_codes",
    "codes": "discount_codes",
    "refund": "id",
}
"""This API's names for fields that the commands call otherwise."""


class Malformed(Exception):
    """The body can't be read. `details`: what is wrong, by field. 400 or 422, as its route says."""

    def __init__(self, message: str, details: dict[str, str] | None = None) -> None:
        super().__init__(message, details)
        self.message = message
        self.details = details or {}


def answer_to(error: Exception, *, malformed_status: int) -> Answer | None:
    """What to answer to `error`; None when nothing here foresaw it."""
    match error:
        case Malformed():
            whole = malformed_status == 400
            message = error.message if whole else _named(error.message, error.details)
            return problem(malformed_status, message, error.details)
        case BadQuery():
            return problem(400, f"The query {error.problem}")
        case BadParameters():
            return problem(400, "Invalid request", error.problems)
        case Unauthenticated():
            return problem(401, "Authentication is required", None, ((b"www-authenticate", b"Bearer"),))
        case Forbidden():
            return problem(403, f"This API key does not have the scope {error.scopes[0]}")
        case Invalid():
            field = FIELDS.get(error.field, error.field)
            return problem(422, f"{field} {error.problem}", {field: error.problem})
        case RegularsError():
            return _from_table(error)
        case TimeoutError() | OSError():
            return _from_table(Busy())
        case _:
            return None


def _from_table(error: RegularsError) -> Answer | None:
    known = ANSWERS.get(type(error))
    if known is None:
        return None
    status, message = known
    headers: Headers = RETRY_AFTER if isinstance(error, Unavailable) else ()
    return problem(status, _named(_worded(error, message), details := _details(error)), details, headers)


def _worded(error: RegularsError, message: str) -> str:
    """The message, more to the point where the facts allow: people read it at the till."""
    match error:
        case RewardUnavailable():
            return UNAVAILABLE.get(error.data["why"], message)
        case ClaimClosed():
            return CLOSED.get(error.data["state"], message)
        case LimitReached() if (until := error.data["until"]) is not None:
            return f"{message}, and can claim it again from {moment(datetime.fromisoformat(until))}"
        case _:
            return message


def _details(error: RegularsError) -> dict[str, str]:
    match error:
        case OrderDiffers():
            names = dict.fromkeys(FIELDS.get(name, name) for name in error.data["fields"])
            return dict.fromkeys(names, "differs from the order that is known")
        case RefundDiffers():
            return {"id": "was reported before with another amount"}
        case NotEnoughPoints():
            return {"points": f"{error.data['asked']} were asked for, {error.data['left']} are available"}
        case _:
            return {}


def _named(message: str, details: dict[str, str]) -> str:
    """The message with the fields' names, for the many clients that log nothing else."""
    return f"{message}: {', '.join(details)}" if details else message
