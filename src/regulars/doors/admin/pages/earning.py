"""What earns points: the purchase rule and the joining gift; and an order to try it on."""

from typing import Final

from regulars.app.configuration import save_rules
from regulars.app.rules import RuleChanges
from regulars.domain.earning import points_for, rewardable
from regulars.domain.errors import Invalid, Refused
from regulars.domain.money import format_amount, parse_amount
from regulars.domain.program import PurchaseRule
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.reading import whole_number
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import Route
from regulars.doors.admin.words import _

SWITCHES: Final = ("enabled", "counts_shipping", "counts_tax", "counts_discounts")
TRIED: Final = ("goods", "shipping", "tax", "discounts")


async def show(ask: Ask) -> Answer:
    rule = ask.program.purchase
    tried, points = _tried(ask, rule)
    return ask.render(
        "earning/show.html",
        rule=rule,
        join=ask.program.join,
        rate=rate_of(rule),
        minimum=format_amount(rule.minimum_minor, ask.program.currency) if rule.minimum_minor else "",
        tried=tried,
        points=points,
    )


async def save(ask: Ask) -> Answer:
    form = ask.form
    try:
        said = RuleChanges(
            points_per_unit=form.get("points_per_unit"),
            minimum=form.get("minimum") or "0",
            statuses=tuple(form.get("statuses").replace(",", " ").split()),
            join_points=whole_number(form, "join_points", least=0),
            **{name: form.is_on(name) for name in SWITCHES},
        )
        await save_rules(ask.house.database, ask.acting, said, now=ask.now)
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await show(ask)
    ask.house.programs.forget()
    ask.say(_("Saved. The next order earns by these rules; orders already here keep theirs."))
    return ask.redirect(ask.url("/rules"))


def rate_of(rule: PurchaseRule) -> str:
    """Points for each currency unit, as a form takes them: "1.25"."""
    return f"{rule.rate_numerator / rule.rate_denominator:.4f}".rstrip("0").rstrip(".")


def _tried(ask: Ask, rule: PurchaseRule) -> tuple[dict[str, str], int | None]:
    """An order that the reader made up, and the points that it would give; none for what is no money."""
    said = {name: ask.query.get(name, "") for name in TRIED}
    if not any(said.values()):
        return {"goods": "39.99", "shipping": "10.00", "tax": "", "discounts": "10.00"}, None
    try:
        money = {
            f"{name}_minor": parse_amount(text or "0", ask.program.currency, name)
            for name, text in said.items()
        }
    except Invalid as refused:
        ask.errors = errors_of(refused)
        return said, None
    return said, points_for(rule, rewardable(rule, **money), ask.program.currency)


ROUTES: Final = (
    Route("GET", "/rules", "rules.read", show),
    Route("POST", "/rules", "rules.change", save),
)
