"""Traces in words: one sentence for each reason code, made when somebody reads."""

from collections.abc import Callable, Mapping
from datetime import UTC, datetime
from typing import Any, Final

from regulars.domain.decisions import Trace
from regulars.domain.money import format_amount

Facts = Mapping[str, Any]


def sentence(entry: Trace) -> str:
    """What this line of a trace says, as a sentence for a merchant or a support agent."""
    return _SENTENCES[entry.code](entry.facts)


def _money(facts: Facts, name: str) -> str:
    return f"{format_amount(facts[name], facts['currency'])} {facts['currency']}"


def _day(value: object) -> str:
    at = datetime.fromisoformat(str(value)).astimezone(UTC)
    return f"{at:%Y-%m-%d %H:%M} UTC"


def _points(number: int) -> str:
    return f"{number} point" if number == 1 else f"{number} points"


def _fields(facts: Facts) -> str:
    return ", ".join(str(name).removesuffix("_minor").replace("_", " ") for name in facts["fields"])


def _says(text: str) -> Callable[[Facts], str]:
    return lambda _: text


def _given(facts: Facts) -> str:
    numerator, denominator = (int(part) for part in facts["rate"].split("/"))
    rate = f"{numerator / denominator:.4f}".rstrip("0").rstrip(".")
    text = (
        f"Gave {_points(facts['points'])}: {_money(facts, 'rewardable')} of the order earn, "
        f"at {rate} a unit, rounded down."
    )
    if facts.get("approves"):
        text += f" They are pending until {_day(facts['approves'])}."
    return text


def _approved(facts: Facts) -> str:
    were = "was" if facts["points"] == 1 else "were"
    due = f"that {were} due on {_day(facts['due'])}"
    return f"{_points(facts['points'])} {due} {were} approved and can be spent."


def _taken(why: str) -> Callable[[Facts], str]:
    return lambda facts: (
        f"Took {_points(facts['points'])} back {why}: "
        f"{facts['taken']} of the {facts['given']} given are now taken."
    )


def _came_back(facts: Facts) -> str:
    if not facts["points"]:
        return "no points came back."
    return f"{_points(facts['points'])} came back."


_SENTENCES: Final[dict[str, Callable[[Facts], str]]] = {
    "joined": lambda facts: f"The customer became a member as of {_day(facts['on'])}.",
    "join: given": lambda facts: f"Gave {_points(facts['points'])} for joining.",
    "join: blocked": _says("Gave nothing for joining: the customer is blocked."),
    "already a member": lambda _: "The customer was a member already, so nothing was given for signing up.",
    "kept as a guest": _says("The sign-up says that the customer is a guest, so nobody was enrolled."),
    "birthday set": _says("The birthday was set."),
    "blocked": _says("The customer was blocked: nothing is earned from now on."),
    "erased": lambda facts: f"{facts['actor']} erased this person: only the book of points is kept.",
    "merged": lambda facts: (
        f"{facts['actor']} merged customer {facts['customer']} into customer {facts['into']}: "
        f"{_points(facts['available'])} available and {_points(facts['pending'])} pending came along"
        ", with all orders and rewards. It can't be undone."
        + (f" Reason: {facts['reason']}" if facts.get("reason") else "")
    ),
    "merged: blocked": _says("One of the two was blocked, so the one who stays is."),
    "unblocked": _says("The customer was unblocked."),
    "adjusted": lambda facts: (
        f"{facts['actor']} {'gave' if facts['points'] > 0 else 'took'} {_points(abs(facts['points']))}"
        + (f": {facts['reason']}" if facts.get("reason") else ".")
    ),
    "approved": _approved,
    "purchase: given": _given,
    "purchase: off": _says("Gave nothing: the purchase rule was off when the order was recorded."),
    "purchase: guest": lambda _: (
        "Gave nothing: the customer was a guest, not a member, when the order was paid."
    ),
    "purchase: blocked": _says("Gave nothing: the customer was blocked when the order was paid."),
    "purchase: below minimum": lambda facts: (
        f"Gave nothing: the order's {_money(facts, 'payable')} are below the minimum of "
        f"{_money(facts, 'minimum')}."
    ),
    "purchase: too little": lambda facts: (
        f"Gave nothing: the {_money(facts, 'rewardable')} that earn are too little for one point."
    ),
    "purchase: not paid": lambda facts: (
        f"Gives nothing yet: {_money(facts, 'paid')} of {_money(facts, 'payable')} are paid."
    ),
    "purchase: status": lambda facts: (
        f"Gives nothing yet: orders in the status “{facts['status']}” do not earn in this program."
    ),
    "purchase: cancelled": _says("Gives nothing: the order is cancelled."),
    "purchase: refunded": _says("Gives nothing: the order is wholly refunded."),
    "cancelled before it came": _says("Its cancellation had come before the order itself."),
    "refunded before it came": lambda facts: (
        f"A refund of {_money(facts, 'refunded')} had come before the order itself."
    ),
    "refund capped": lambda facts: (
        f"Refunds of {_money(facts, 'told')} were reported; they count up to {_money(facts, 'counted')}."
    ),
    "waits for its order": lambda facts: f"The order {facts['order']} is not known yet; this waits for it.",
    "differs": lambda facts: (
        f"The order was known with other content ({_fields(facts)}); its first content stays."
    ),
    "amended": lambda facts: (
        f"{facts['actor']} applied the order's later content ({_fields(facts)}): its points were taken back "
        "and given anew."
    ),
    "taken: refund": _taken("for the refund"),
    "taken: cancel": _taken("because the order was cancelled"),
    "taken: unpaid": _taken("because the order is no longer paid in full"),
    "redeemed": lambda facts: f"Spent {_points(facts['points'])} on “{facts['title']}”.",
    "reward given": lambda facts: (
        f"{facts['actor']} gave “{facts['title']}”" + (f": {facts['reason']}" if facts.get("reason") else ".")
    ),
    "code handed out": lambda facts: (
        ("Handed out a code of the pool" if facts["source"] == "pool" else "Made a code for it")
        + (f", valid until {_day(facts['expires'])}." if facts.get("expires") else ".")
    ),
    "claim cancelled": lambda facts: (
        f"{facts['actor']} cancelled “{facts['title']}”: {_came_back(facts)}"
        + (f" Reason: {facts['reason']}" if facts.get("reason") else "")
    ),
    "claim fulfilled": lambda facts: f"{facts['actor']} noted that “{facts['title']}” was fulfilled.",
    "claim expired": lambda facts: (
        f"“{facts['title']}” was not used by {_day(facts['on'])} and expired: {_came_back(facts)}"
    ),
    "code used": lambda facts: (
        f"“{facts['title']}” was used on this order"
        + (", though another customer had claimed it." if facts.get("of_other") else ".")
    ),
    "code not used": lambda facts: (
        f"“{facts['title']}” was on this order, but is {facts['state']} already; nothing changed for it."
    ),
    "code stays used": lambda facts: (
        f"“{facts['title']}” stays used: in this program codes do not come back with a refund."
    ),
    "code returned": lambda facts: f"“{facts['title']}” can be used again, as its order was undone.",
    "points of the code returned": lambda facts: (
        f"“{facts['title']}” was undone with its order: {_came_back(facts)}"
    ),
    "restored": lambda facts: (
        f"Put {_points(facts['points'])} back: {facts['taken']} of the {facts['given']} given are now taken."
    ),
}
