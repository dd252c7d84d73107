"""One customer: points with their dates, rewards, orders, and the timeline in which every line says why."""

from datetime import datetime
from typing import Final

from regulars.app import audit, people, timeline
from regulars.app.erasing import person_json
from regulars.domain.rewards import Claim, RewardKind
from regulars.doors.admin.answers import Answer, attachment
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.asked import key_before
from regulars.doors.admin.routing import Route
from regulars.doors.admin.telling import KINDS, called, tell, told_apart
from regulars.doors.admin.words import N_

LINES: Final = 30
ORDERS: Final = 6
STATES: Final = {
    "claimed": (N_("not used yet"), "azure"),
    "used": (N_("used"), "green"),
    "cancelled": (N_("cancelled"), "secondary"),
    "expired": (N_("expired"), "secondary"),
    "to fulfil": (N_("to be fulfilled"), "yellow"),
    "fulfilled": (N_("fulfilled"), "green"),
}
"""What became of a claimed reward, and the colour of it."""


async def show(ask: Ask) -> Answer:
    database, customer_id = ask.house.database, ask.number("customer")
    now = ask.program.time(ask.now)
    found = await people.profile(database, ask.program_id, customer_id, now=now)
    before = key_before(ask.query)
    told = await timeline.timeline(database, ask.program_id, customer_id, before=before, most=LINES)
    customer = found.standing.customer
    return ask.render(
        "customers/profile.html",
        found=found,
        customer=customer,
        account=found.standing.account,
        name=called(customer),
        records={one.id: told_apart(one, customer) for one in found.merged},
        lines=await tell(ask, told.lines),
        older=told.next,
        before=before,
        kinds=KINDS,
        claims=[(claim, STATES[state_of(claim, now)]) for claim in found.claims],
        orders=found.orders[:ORDERS],
        is_open=lambda claim: state_of(claim, now) in ("claimed", "to fulfil"),
        custom=RewardKind.CUSTOM,
    )


def state_of(claim: Claim, now: datetime) -> str:
    """A key of STATES."""
    if claim.state == "claimed" and claim.has_expired(now):
        return "expired"
    if claim.kind is RewardKind.CUSTOM and claim.state == "claimed":
        return "to fulfil" if claim.fulfilled_at is None else "fulfilled"
    return claim.state.value


async def export(ask: Ask) -> Answer:
    """Everything about one person, for them to have; the log says who took it out."""
    customer_id = ask.number("customer")
    body = await person_json(ask.house.database, ask.program_id, customer_id)
    await audit.write(
        ask.house.database,
        ask.acting,
        permission="customers.export",
        action="export customer",
        subject=f"customer {customer_id}",
        now=ask.now,
    )
    return attachment(body, f"customer-{customer_id}.json", "application/json")


ACTIONS: Final = (N_("export customer"),)
"""What the audit log says of these pages."""

ROUTES: Final = (
    Route("GET", "/customers/{customer}", "customers.read", show),
    Route("POST", "/customers/{customer}/export", "customers.export", export),
)
