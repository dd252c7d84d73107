"""What the core answers to a command: every record that changes, and why."""

from datetime import datetime
from enum import StrEnum
from typing import Any

import msgspec

from regulars.domain.book import Account, Counters, Lot, LotUse, Merge, Movement
from regulars.domain.commands import Identity
from regulars.domain.customers import Customer
from regulars.domain.errors import Refused
from regulars.domain.orders import Order
from regulars.domain.rewards import Claim, Code, CodeState, Stock


class Outcome(StrEnum):
    DONE = "done"
    UNCHANGED = "unchanged"
    """Nothing had to change."""
    REPEATED = "repeated"
    """The same call as before; answered as then."""
    DIFFERS = "differs"
    """The order is known with other content, which stays."""
    WAITING = "waiting"
    """A refund or cancel that came before its order; it waits for it."""
    REFUSED = "refused"


class Trace(msgspec.Struct, frozen=True, array_like=True):
    """One thing that was looked at: a reason code and the numbers seen. `trace.sentence` says it in words."""

    code: str
    facts: dict[str, Any] = {}


class Event(msgspec.Struct, frozen=True, kw_only=True):
    """A fact for the outbox, with a stable id."""

    id: int
    kind: str
    customer_id: int | None
    order_id: int | None
    movement_id: int | None
    payload: dict[str, Any]


class Payment(msgspec.Struct, frozen=True, kw_only=True):
    order_id: int
    amount_minor: int


class Refund(msgspec.Struct, frozen=True, kw_only=True):
    """`reference`: the shop's id of it. `amount_minor` as told; what of it counts stands in the order's
    total."""

    id: int
    order_id: int
    reference: str | None
    amount_minor: int
    currency: str


class Early(msgspec.Struct, frozen=True, kw_only=True):
    """A refund (`amount_minor`) or cancel (None) that waits for its order."""

    id: int
    site_id: int
    order_merchant_id: str
    reference: str | None
    amount_minor: int | None
    currency: str | None


class DoneActivity(msgspec.Struct, frozen=True, kw_only=True):
    """Something a customer did that is no order: a sign-up, an adjustment. `points` it gave, in lot
    `lot_id` if any."""

    id: int
    customer_id: int
    name: str
    merchant_id: str | None
    points: int
    lot_id: int | None
    note: str | None
    properties: dict[str, str]
    happened_at: datetime


class Decision(msgspec.Struct, kw_only=True):
    """One command's answer. With `id` 0 there is nothing to store but, perhaps, its identity."""

    id: int
    kind: str
    outcome: Outcome
    at: datetime
    trace: tuple[Trace, ...] = ()
    actor: str | None = None
    refusal: Refused | None = None
    identity: Identity | None = None
    """To be remembered: the command came with an identity that was new."""
    ids: Counters | None = None
    repeats: int | None = None
    """The decision that a repeated call was answered with the first time."""

    customer: Customer | None = None
    customer_is_new: bool = False
    customer_changed: bool = False
    order: Order | None = None
    order_is_new: bool = False
    order_changed: bool = False
    account: Account | None = None
    account_changed: bool = False
    deficits_changed: bool = False
    movements: list[Movement] = []
    uses: list[LotUse] = []
    lots: list[Lot] = []
    """Every lot that was opened or changed, as it stands after."""
    payments: list[Payment] = []
    refunds: list[Refund] = []
    early: list[Early] = []
    early_done: list[int] = []
    activities: list[DoneActivity] = []
    claims: list[Claim] = []
    """Every claimed reward that was made or changed, as it stands after."""
    codes: list[Code] = []
    """Codes that were handed out."""
    code_states: dict[str, CodeState] = {}
    """By key, what became of codes handed out before."""
    stocks: list[Stock] = []
    merge: Merge | None = None
    """All of another customer went to this one."""
    events: list[Event] = []
