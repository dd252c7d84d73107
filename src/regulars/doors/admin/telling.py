"""What happened, told to the reader: sentences with names of staff and times of the reader's zone in them."""

import re
from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from typing import Final, NamedTuple

from regulars.app.giving import names_of
from regulars.app.timeline import Line, LineKind
from regulars.domain.book import Bucket
from regulars.domain.customers import Customer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.figures import moment
from regulars.doors.admin.reasons import reason
from regulars.doors.admin.words import N_, _

KINDS: Final = {
    LineKind.ORDER: (N_("Order"), "shopping-bag"),
    LineKind.PAYMENT: (N_("Payment"), "banknote"),
    LineKind.REFUND: (N_("Refund"), "undo-2"),
    LineKind.CANCEL: (N_("Cancellation"), "circle-x"),
    LineKind.ACTIVITY: (N_("Became a member"), "user-plus"),
    LineKind.ADJUSTMENT: (N_("Points by hand"), "hand-coins"),
    LineKind.APPROVAL: (N_("Points approved"), "badge-check"),
    LineKind.REWARD: (N_("Reward"), "gift"),
    LineKind.CLAIM: (N_("Claimed reward"), "ticket"),
    LineKind.PROFILE: (N_("Profile"), "user-pen"),
    LineKind.BLOCK: (N_("Block"), "ban"),
    LineKind.ERASURE: (N_("Erased"), "eraser"),
    LineKind.MERGE: (N_("Merged"), "merge"),
}
"""What a line is about, in a word, and its icon."""
BUCKETS: Final = {
    Bucket.ISSUED: N_("given"),
    Bucket.PENDING: N_("pending"),
    Bucket.AVAILABLE: N_("available"),
    Bucket.REVERSED: N_("taken back"),
    Bucket.REDEEMED: N_("spent"),
    Bucket.EXPIRED: N_("expired"),
    Bucket.ADJUSTED: N_("taken by hand"),
}
_TIME: Final = re.compile(r"\b(\d{4}-\d\d-\d\d) (\d\d:\d\d) UTC\b")


class Told(NamedTuple):
    """A line, who did it where its sentences don't say so, and these."""

    line: Line
    by: str | None
    sentences: tuple[str, ...]


async def tell(ask: Ask, lines: Iterable[Line]) -> list[Told]:
    """The lines of a timeline, as they are shown."""
    shown = list(lines)
    names = await names_of(ask.house.database, (line.actor for line in shown))
    return [_told(line, names) for line in shown]


def _told(line: Line, names: Mapping[str, str]) -> Told:
    by = None if line.actor is None else names.get(line.actor, line.actor)
    sentences = tuple(plainly(reason(entry), names) for entry in line.trace)
    is_said = by is not None and any(sentence.startswith(by) for sentence in sentences)
    return Told(line, None if is_said else by, sentences)


def plainly(sentence: str, names: Mapping[str, str]) -> str:
    """The sentence with the name of staff, who come first in it by number, and times of the reader's zone."""
    actor, blank, rest = sentence.partition(" ")
    if actor in names:
        sentence = f"{names[actor]}{blank}{rest}"
    return _TIME.sub(_in_zone, sentence)


def _in_zone(match: re.Match[str]) -> str:
    try:
        return moment(datetime.fromisoformat(f"{match[1]}T{match[2]}").replace(tzinfo=UTC))
    except ValueError:
        return match[0]


def told_apart(customer: Customer, other: Customer) -> str:
    """What to call a customer beside another one who may have the same name."""
    name = called(customer)
    return name if name != called(other) else _("Customer %(number)s", number=customer.id)


def called(customer: Customer) -> str:
    """What to call a customer: by name, else by e-mail, else by the shop's id."""
    name = " ".join(part for part in (customer.first_name, customer.last_name) if part)
    return name or customer.email or customer.merchant_id or _("Customer %(number)s", number=customer.id)
