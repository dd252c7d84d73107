"""How points behave: rounding, when they are approved, and what comes back with a refund."""

from typing import Final

from regulars.app.configuration import save_rules, save_spending
from regulars.app.rules import RuleChanges
from regulars.domain.errors import Refused
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.reading import whole_number
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import Route
from regulars.doors.admin.words import N_, _

RETURNS: Final = (
    ("nothing", N_("Nothing"), N_("A code that was used stays used.")),
    ("code", N_("The code"), N_("The customer can use it again.")),
    ("points", N_("The points"), N_("The code becomes void, the points it cost come back.")),
)


async def show(ask: Ask) -> Answer:
    return ask.render(
        "points/show.html",
        rule=ask.program.purchase,
        spending=ask.program.spending,
        returns=[(value, _(label), _(hint)) for value, label, hint in RETURNS],
    )


async def save(ask: Ask) -> Answer:
    form = ask.form
    try:
        said = RuleChanges(
            approval_days=whole_number(form, "approval_days", least=0),
            whole_units_only=form.is_on("whole_units_only"),
        )
        await save_rules(ask.house.database, ask.acting, said, now=ask.now)
        await save_spending(
            ask.house.database,
            ask.acting,
            refund_returns=form.get("refund_returns"),
            expired_returns_points=form.is_on("expired_returns_points"),
            now=ask.now,
        )
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await show(ask)
    ask.house.programs.forget()
    ask.say(_("Saved."))
    return ask.redirect(ask.url("/points"))


ROUTES: Final = (
    Route("GET", "/points", "rules.read", show),
    Route("POST", "/points", "rules.change", save),
)
