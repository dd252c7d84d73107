"""The delivery log: each call that came in, its answer, what was done and why; and applying one after all."""

import difflib
from typing import Any, Final, TypeAlias

import msgspec

from regulars.app import audit
from regulars.app.deliveries import find_delivery, page_of_deliveries
from regulars.domain.errors import Invalid, Refused
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.refusals import errors_of, sentence
from regulars.doors.admin.routing import NoRoute, Route
from regulars.doors.admin.words import N_, _

Pieces: TypeAlias = list[tuple[str, str]]

SHOWN: Final = 50
HOOKS: Final = (
    "orders-completed",
    "orders-paid",
    "orders-processing",
    "orders-fulfilled",
    "orders-cancelled",
    "orders-closed",
    "refunds-create",
    "customers-create",
    "points-add",
    "points-subtract",
    "rewards-list",
    "redeem-reward",
    "customer",
    "key-verify",
    "app-installed",
)
OUTCOMES: Final = (
    N_("done"),
    N_("applied"),
    N_("unchanged"),
    N_("repeated"),
    N_("waiting"),
    N_("differs"),
    N_("refused"),
    N_("unauthorised"),
    N_("not now"),
    N_("unknown hook"),
    N_("unknown integration"),
    N_("not yet"),
)
"""What became of calls, as the log has it."""
COLOURS: Final = {
    "done": "green",
    "applied": "green",
    "unchanged": "secondary",
    "repeated": "secondary",
    "waiting": "azure",
    "differs": "yellow",
    "refused": "red",
    "unauthorised": "red",
    "not now": "yellow",
}


async def show(ask: Ask) -> Answer:
    before = ask.query.get("before", "")
    hook = ask.query.get("hook") or None
    subject = ask.query.get("q") or None
    problems = ask.query.get("problems") == "1"
    found = await page_of_deliveries(
        ask.house.database,
        ask.program_id,
        before=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,
        hook=hook,
        subject=subject,
        problems_only=problems,
        most=SHOWN + 1,
    )
    return ask.render(
        "deliveries/list.html",
        deliveries=found[:SHOWN],
        older=found[SHOWN - 1].delivery_id if len(found) > SHOWN else None,
        hooks=HOOKS,
        colours=COLOURS,
        hook=hook,
        subject=subject,
        problems=problems,
        query={"hook": hook, "q": subject, "problems": "1" if problems else None},
    )


async def detail(ask: Ask) -> Answer:
    kept = await find_delivery(ask.house.database, ask.program_id, ask.number("delivery"))
    details = msgspec.json.decode(kept.details, type=dict[str, Any])
    expected = details.get("expected_text")
    body = kept.body.decode("utf-8", "replace")
    calls = ask.calls
    return ask.render(
        "deliveries/detail.html",
        kept=kept,
        body=_pretty(kept.body) or body,
        raw=body,
        details=details,
        expected=expected,
        colour=COLOURS.get(kept.outcome, "secondary"),
        is_applicable=calls is not None and calls.is_applicable(kept.hook, kept.outcome),
        is_first_time=kept.outcome in ("refused", "not now"),
    )


async def apply(ask: Ask) -> Answer:
    """Applies the call; the log and the audit log say who did, and why."""
    delivery_id = ask.number("delivery")
    if ask.calls is None:
        raise NoRoute
    kept = await find_delivery(ask.house.database, ask.program_id, delivery_id)
    try:
        entry = await audit.write(
            ask.house.database,
            ask.acting,
            permission="orders.apply",
            action="apply call",
            subject=f"call {delivery_id}, {kept.hook}",
            before={"outcome": kept.outcome},
            reason=audit.needed_reason(ask.form.get("reason")),
            form_key=f"apply {delivery_id}",  # however often it is asked for, it is applied once
            now=ask.now,
        )
        decision = await ask.calls.apply(ask.program_id, delivery_id, ask.acting.actor, entry)
    except Invalid as refused:
        ask.errors = errors_of(refused)
        return await detail(ask)
    except Refused as refused:
        ask.say(sentence(refused), "danger")
    else:
        if decision.outcome == "unchanged":
            ask.say(_("Applied: nothing had to change."), "info")
        else:
            ask.say(_("Applied. What it did stands below."))
    return ask.redirect(ask.url(f"/deliveries/{delivery_id}"))


def _pretty(body: bytes) -> str | None:
    try:
        return msgspec.json.format(body, indent=2).decode()
    except (msgspec.DecodeError, UnicodeDecodeError):
        return None


def marked(left: str, right: str) -> Pieces:
    """The right text in pieces: ("same", …) where both agree, ("other", …) where it differs from the left."""
    pieces = []
    for tag, _i, _j, start, stop in difflib.SequenceMatcher(None, left, right, autojunk=False).get_opcodes():
        if start < stop:
            pieces.append(("same" if tag == "equal" else "other", right[start:stop]))
    return pieces


ROUTES: Final = (
    Route("GET", "/deliveries", "deliveries.read", show),
    Route("GET", "/deliveries/{delivery}", "deliveries.read", detail),
    Route("POST", "/deliveries/{delivery}/apply", "orders.apply", apply),
)
