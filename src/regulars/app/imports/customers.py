"""A row of customers: who they are, since when they are members, and the points that they bring, once."""

import hashlib
from typing import Final

from regulars.app.imports.columns import Cells, Column
from regulars.app.imports.shop import Shop, Tell
from regulars.domain.account import MAX_ADJUSTMENT
from regulars.domain.commands import Activity, AdjustPoints, CustomerRef, Identity, SaveCustomer
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import CustomerBlocked, Invalid

COLUMNS: Final = (
    Column(
        "customer_id",
        "the shop's id of the customer; blank: the member with that e-mail",
        ("merchant_id", "id"),
    ),
    Column("email", "the e-mail", ("customer_email",)),
    Column("first_name", "the first name"),
    Column("last_name", "the last name"),
    Column("name", "the whole name; its last word is taken for the last name"),
    Column("birthday", "a day like 1990-12-31", ("birthdate", "date_of_birth")),
    Column("member_since", "when the customer joined; blank: now", ("enrolled", "enrolled_at", "joined_at")),
    Column("points", "what the balance is raised by, once", ("points_balance", "balance", "points_approved")),
)

REASON: Final = "Imported"
ACTOR: Final = "import"


async def take_customer(cells: Cells, shop: Shop, tell: Tell) -> Outcome:
    """Saves the customer of one row and enrols; then gives the points, which one customer gets once."""
    command = customer_of(cells)
    points = cells.whole("points", MAX_ADJUSTMENT)
    saved = await tell(command)
    if not points:
        return saved.outcome
    given = await tell(_points(saved, points, shop))
    return Outcome.DONE if Outcome.DONE in (saved.outcome, given.outcome) else given.outcome


def customer_of(cells: Cells) -> SaveCustomer:
    """The customer that a row reports. Raises Invalid, naming the column."""
    merchant_id, email = cells.text("customer_id"), cells.email("email")
    if merchant_id is None and email is None:
        raise Invalid("customer_id", "is required where there is no email")
    first, last = cells.text("first_name"), cells.text("last_name")
    if first is None and last is None and (name := cells.text("name")) is not None:
        *before, last = name.split()
        first, last = (" ".join(before), last) if before else (last, None)
    since = cells.moment("member_since")
    ref = CustomerRef(
        merchant_id=merchant_id,
        email=email,
        match_email=merchant_id is None,
        first_name=first,
        last_name=last,
        birthday=cells.day("birthday"),
    )
    return SaveCustomer(customer=ref, activity=Activity(name="$signup", at=since) if since else None)


def _points(saved: Decision, points: int, shop: Shop) -> AdjustPoints:
    """The gift of `points`; its identity is the customer, so that a second one is known, or refused.

    A refusal would be remembered under that identity for good, so what can be foreseen is refused here.
    """
    customer = saved.customer
    assert customer is not None
    if not customer.is_member or customer.merchant_id is None:
        raise Invalid("customer_id", "is required for points, as no member has this email")
    if customer.blocked:
        raise CustomerBlocked(customer=customer.merchant_id)
    identity = Identity(
        scope="import",
        key=f"points:{customer.id}",
        fingerprint=hashlib.sha256(str(points).encode()).digest()[:16],
        at=shop.now(),
    )
    return AdjustPoints(
        merchant_id=customer.merchant_id, points=points, reason=REASON, actor=ACTOR, identity=identity
    )
