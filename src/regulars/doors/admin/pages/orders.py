"""Orders: the list, and one order with its money, its points and why, and the calls behind it."""

from typing import Final, cast, get_args

from regulars.app import audit, orders
from regulars.app.giving import names_of
from regulars.app.orders import Call, Filter, State, Story
from regulars.domain.errors import Invalid
from regulars.domain.orders import Order
from regulars.doors.admin.answers import Answer, growing
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.asked import Get, key_before, read_day
from regulars.doors.admin.pages.deliveries import COLOURS
from regulars.doors.admin.reasons import reason
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import Route
from regulars.doors.admin.telling import BUCKETS, called, plainly
from regulars.doors.admin.words import N_, _

SHOWN: Final = 50
CHOICES: Final = (
    ("any", N_("All orders")),
    ("earned", N_("With points")),
    ("nothing", N_("Without points")),
    ("taken", N_("Points taken back")),
    ("unpaid", N_("Not paid in full")),
    ("refunded", N_("Refunded")),
    ("cancelled", N_("Cancelled")),
)
DECIDED: Final = {
    "RecordOrder": N_("The shop reported the order"),
    "UpdateOrder": N_("The shop reported its state"),
    "RecordPayment": N_("The shop reported a payment"),
    "RecordRefund": N_("The shop reported a refund"),
    "CancelOrder": N_("The shop reported that it is cancelled"),
    "AmendOrder": N_("Staff applied its later content"),
    "SaveCustomer": N_("The shop reported its customer"),
    "PatchCustomer": N_("Its customer was changed"),
    "AdjustPoints": N_("Points were changed by hand"),
    "Settle": N_("What was due was done"),
    "RedeemReward": N_("Its customer claimed a reward"),
    "CancelClaim": N_("A claimed reward was cancelled"),
    "ExpireClaim": N_("A claimed reward expired"),
}
"""What each kind of decision means for an order."""


async def show(ask: Ask) -> Answer:
    wanted = _asked(ask)
    try:
        page = await orders.search(
            ask.house.database, ask.program_id, wanted, before=key_before(ask.query), most=SHOWN
        )
    except Invalid as refused:
        ask.errors |= errors_of(refused)
        page = orders.Orders(rows=[], next=None)
    query = _in_query(wanted)
    return ask.render(
        "orders/list.html",
        orders=page.rows,
        older=page.next,
        looked_until=page.looked_until,
        wanted=wanted,
        query=query,
        is_narrowed=bool(query),
        choices=[(value, _(label)) for value, label in CHOICES],
        badges=badges,
    )


def _asked(ask: Ask) -> Filter:
    """The filter that the address asks for; what can't be read is left out, and said."""
    try:
        return _read_filter(ask.query.get)
    except Invalid as refused:
        ask.errors = errors_of(refused)
        return Filter(text=ask.query.get("q", ""))


def _read_filter(get: Get) -> Filter:
    """The filter as an address or a form has it. Raises Invalid."""
    state, customer = get("state", "any"), get("customer", "")
    is_number = customer.isascii() and customer.isdigit() and len(customer) < 18
    return Filter(
        text=get("q", ""),
        state=cast(State, state if state in get_args(State) else "any"),
        placed_from=read_day(get, "placed_from"),
        placed_until=read_day(get, "placed_until"),
        customer_id=int(customer) if is_number else None,
    )


def _in_query(wanted: Filter) -> dict[str, str]:
    said = {
        "q": wanted.text,
        "state": wanted.state if wanted.state != "any" else "",
        "placed_from": wanted.placed_from.isoformat() if wanted.placed_from else "",
        "placed_until": wanted.placed_until.isoformat() if wanted.placed_until else "",
        "customer": str(wanted.customer_id or ""),
    }
    return {name: value for name, value in said.items() if value}


def badges(order: Order) -> list[tuple[str, str]]:
    """How the order stands, each with a colour."""
    paid = {
        "paid": (_("Paid"), "green"),
        "partially_paid": (_("Partly paid"), "yellow"),
        "not_paid": (_("Not paid"), "yellow"),
    }
    found = [paid[order.payment_status.value]]
    if order.wholly_refunded:
        found.append((_("Refunded"), "red"))
    elif order.refunded_minor:
        found.append((_("Partly refunded"), "yellow"))
    if order.cancelled:
        found.append((_("Cancelled"), "red"))
    return found


async def detail(ask: Ask) -> Answer:
    story = await orders.story(ask.house.database, ask.program_id, ask.number("order"))
    history = story.history
    names = await names_of(ask.house.database, (decided.actor for decided in history.decisions))
    told = [
        (
            decided,
            _(DECIDED.get(decided.kind, decided.kind)),
            names.get(decided.actor or "", decided.actor),
            [plainly(reason(entry), names) for entry in decided.trace],
        )
        for decided in reversed(history.decisions)
    ]
    sees_calls = ask.may("deliveries.read")
    return ask.render(
        "orders/detail.html",
        story=story,
        order=history.order,
        customer=history.customer,
        name=called(history.customer),
        history=history,
        told=told,
        answer=_answer(story, names),
        calls=[(call, _is_open(ask, call)) for call in story.calls] if sees_calls else [],
        sees_calls=sees_calls,
        colours=COLOURS,
        badges=badges(history.order),
        buckets=BUCKETS,
    )


def _is_open(ask: Ask, call: Call) -> bool:
    """Whether the call can be applied after all, by whoever asks."""
    return (
        ask.calls is not None and ask.may("orders.apply") and ask.calls.is_applicable(call.hook, call.outcome)
    )


def _answer(story: Story, names: dict[str, str]) -> str | None:
    """The last sentence about what the order gives: what to answer who asks for their points."""
    for decided in reversed(story.history.decisions):
        for entry in reversed(decided.trace):
            if entry.code.startswith(("purchase:", "taken:")) or entry.code == "restored":
                return plainly(reason(entry), names)
    return None


async def export(ask: Ask) -> Answer:
    """All orders that pass the filter, as CSV; the log says who took them out."""
    wanted = _read_filter(ask.form.get)
    await audit.write(
        ask.house.database,
        ask.acting,
        permission="orders.export",
        action="export orders",
        subject="orders",
        after={name: value for name, value in _in_query(wanted).items() if name != "q"},
        now=ask.now,
    )
    return await growing(orders.export(ask.house.database, ask.program_id, wanted), "orders.csv")


ACTIONS: Final = (N_("export orders"),)
"""What the audit log says of these pages."""

ROUTES: Final = (
    Route("GET", "/orders", "orders.read", show),
    Route("POST", "/orders/export", "orders.export", export),
    Route("GET", "/orders/{order}", "orders.read", detail),
)
