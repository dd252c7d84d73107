"""What points buy: the list with what is left of each, and one page to make or change one."""

from typing import Any, Final

import msgspec

from regulars.app.configuration import save_reward, set_reward_enabled
from regulars.app.rewards import stocks
from regulars.app.storefront.panel import Shown
from regulars.app.storefront.widgets import load_widget
from regulars.domain.errors import Invalid, Refused
from regulars.domain.money import format_amount
from regulars.domain.rewards import CodeSource, LimitPeriod, Reward, RewardKind, Stock, is_out_of_stock
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.reading import optional_moment, optional_money, optional_number
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import NoRoute, Route
from regulars.doors.admin.sample import sample
from regulars.doors.admin.words import N_, _

KINDS: Final = {
    RewardKind.FIXED_AMOUNT: (N_("Amount off"), N_("So much money off an order."), "badge-percent"),
    RewardKind.PERCENTAGE: (N_("Percentage off"), N_("So many percent off an order."), "percent"),
    RewardKind.VARIABLE_AMOUNT: (
        N_("Amount of their choice"),
        N_("Customers choose how many points to spend, and get that much off."),
        "sliders-horizontal",
    ),
    RewardKind.FREE_SHIPPING: (N_("Free shipping"), N_("No shipping costs on an order."), "truck"),
    RewardKind.FREE_PRODUCT: (N_("Free product"), N_("One of your products for nothing."), "package"),
    RewardKind.GIFT_CARD: (N_("Gift card"), N_("A code that is worth so much."), "gift"),
    RewardKind.CUSTOM: (N_("Something else"), N_("You fulfil it by hand, without a code."), "hand-heart"),
}
PERIODS: Final = (
    ("", N_("ever")),
    (LimitPeriod.DAY.value, N_("in a day")),
    (LimitPeriod.WEEK.value, N_("in a week")),
    (LimitPeriod.MONTH.value, N_("in 30 days")),
    (LimitPeriod.YEAR.value, N_("in a year")),
)
SOURCES: Final = (
    (
        CodeSource.GENERATED,
        N_("Made here"),
        N_(
            "Each code is made when it is handed out, and nobody guesses it. Your shop must accept it: ask "
            "its developer, or upload codes."
        ),
    ),
    (CodeSource.POOL, N_("Uploaded"), N_("You upload codes that your shop knows; each is handed out once.")),
)
MONEY: Final = ("amount_minor", "per_minor", "max_shipping_minor", "minimum_order_minor")
NUMBERS: Final = (
    "percent",
    "per_points",
    "minimum_points",
    "maximum_points",
    "step_points",
    "valid_days",
    "limit_count",
    "stock",
)
USED: Final = {
    RewardKind.FIXED_AMOUNT: ("amount_minor",),
    RewardKind.GIFT_CARD: ("amount_minor",),
    RewardKind.PERCENTAGE: ("percent",),
    RewardKind.VARIABLE_AMOUNT: (
        "per_points",
        "per_minor",
        "minimum_points",
        "maximum_points",
        "step_points",
    ),
    RewardKind.FREE_SHIPPING: ("max_shipping_minor",),
    RewardKind.FREE_PRODUCT: ("product",),
    RewardKind.CUSTOM: ("instructions",),
}
"""The fields that a kind has of its own."""


async def show(ask: Ask) -> Answer:
    left = await stocks(ask.house.database, ask.program)
    return ask.render(
        "rewards/list.html",
        rewards=ask.program.rewards,
        stocks=left,
        gone={one.id for one in ask.program.rewards if is_out_of_stock(one, left[one.id])},
        kinds=KINDS,
        worth=lambda reward: worth(reward, ask.program.currency),
    )


async def choose(ask: Ask) -> Answer:
    """The kinds to choose from, or the form of the one that was chosen."""
    kind = ask.query.get("kind", "")
    if kind not in set(RewardKind):
        return ask.render("rewards/choose.html", kinds=KINDS)
    return await _form(ask, _blank(RewardKind(kind)))


async def make(ask: Ask) -> Answer:
    kind = ask.form.get("kind")
    if kind not in set(RewardKind):
        raise NoRoute
    return await _save(ask, _blank(RewardKind(kind)))


async def edit(ask: Ask) -> Answer:
    reward = ask.program.reward(ask.number("reward"))
    left = await stocks(ask.house.database, ask.program)
    return await _form(ask, reward, left[reward.id])


async def change(ask: Ask) -> Answer:
    return await _save(ask, ask.program.reward(ask.number("reward")))


async def enable(ask: Ask) -> Answer:
    return await _enable(ask, is_on=True)


async def disable(ask: Ask) -> Answer:
    return await _enable(ask, is_on=False)


async def _enable(ask: Ask, *, is_on: bool) -> Answer:
    reward_id = ask.number("reward")
    await set_reward_enabled(ask.house.database, ask.acting, reward_id, enabled=is_on, now=ask.now)
    ask.house.programs.forget()
    ask.say(_("Customers can claim it now.") if is_on else _("Nobody can claim it any more."))
    return ask.redirect(ask.url("/rewards"))


async def _save(ask: Ask, before: Reward) -> Answer:
    try:
        reward = await save_reward(ask.house.database, ask.acting, _said(ask, before), now=ask.now)
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await _form(ask, before)
    ask.house.programs.forget()
    is_new = before.id == 0
    if is_new and reward.codes is CodeSource.POOL:
        ask.say(_("Saved. Now upload its codes: without any, nobody can claim it."))
        return ask.redirect(ask.url(f"/rewards/{reward.id}/codes"))
    ask.say(_("Saved."))
    return ask.redirect(ask.url("/rewards"))


def _blank(kind: RewardKind) -> Reward:
    """A new reward of that kind, before anybody filled in its form."""
    codes = CodeSource.NONE if kind is RewardKind.CUSTOM else CodeSource.GENERATED
    return Reward(
        id=0, kind=kind, title="", codes=codes, valid_days=None if kind is RewardKind.CUSTOM else 90
    )


def _said(ask: Ask, before: Reward) -> Reward:
    """The reward as the form has it. Raises Invalid."""
    form, currency, kind = ask.form, ask.program.currency, before.kind
    own = USED[kind]
    said: dict[str, Any] = {
        name: optional_money(form, name, currency) if name in (*own, "minimum_order_minor") else None
        for name in MONEY
    }
    said |= {
        name: optional_number(form, name, least=0 if name == "stock" else 1)
        for name in NUMBERS
        if name in own or name in ("valid_days", "limit_count", "stock")
    }
    said["minimum_order_minor"] = said["minimum_order_minor"] or 0
    said["cost"] = 0 if kind is RewardKind.VARIABLE_AMOUNT else optional_number(form, "cost") or 0
    said["low_stock"] = optional_number(form, "low_stock", least=0) or 0
    said["product"] = form.get("product") or None if "product" in own else None
    said["instructions"] = form.get("instructions") if "instructions" in own else ""
    period = form.get("limit_period")
    if said["limit_count"] is None:
        period = ""
    said["limit_period"] = LimitPeriod(period) if period in set(LimitPeriod) else None
    if kind is not RewardKind.CUSTOM:
        codes = form.get("codes")
        if codes not in (CodeSource.POOL, CodeSource.GENERATED):
            raise Invalid("codes", "must be chosen")
        said["codes"] = CodeSource(codes)
        said["prefix"] = form.get("prefix") if codes == CodeSource.GENERATED else ""
    zone = ask.place.timezone
    said["starts_at"] = optional_moment(form, "starts_at", zone)
    said["ends_at"] = optional_moment(form, "ends_at", zone)
    sites = tuple(int(site) for site in form.all("sites") if site.isascii() and site.isdigit())
    said["sites"] = () if len(sites) == len(ask.program.sites) else sites
    return msgspec.structs.replace(
        before, title=form.get("title"), text=form.get("text"), enabled=form.is_on("enabled"), **said
    )


async def _form(ask: Ask, reward: Reward, stock: Stock | None = None) -> Answer:
    currency = ask.program.currency
    name, does, _picture = KINDS[reward.kind]
    widget = await load_widget(ask.house.database, ask.program_id)
    shown = Shown(reward=reward, stock=stock or Stock(reward_id=reward.id, codes_free=1))
    values = {
        field: "" if getattr(reward, field) is None else format_amount(getattr(reward, field), currency)
        for field in MONEY
    }
    return ask.render(
        "rewards/form.html",
        reward=reward,
        stock=stock,
        kind=_(name),
        does=_(does),
        sample=sample(ask.program, widget, [shown], now=ask.program.time(ask.now)),
        money=values,
        own=USED[reward.kind],
        periods=[(value, _(label)) for value, label in PERIODS],
        sources=[(value.value, _(label), _(hint)) for value, label, hint in SOURCES],
    )


def worth(reward: Reward, currency: str) -> str:
    """What it gives, in short: "5.00 GBP off", "10 %"."""
    match reward.kind:
        case RewardKind.FIXED_AMOUNT | RewardKind.GIFT_CARD:
            return f"{format_amount(reward.amount_minor or 0, currency)} {currency}"
        case RewardKind.PERCENTAGE:
            return f"{reward.percent} %"
        case RewardKind.VARIABLE_AMOUNT:
            return _(
                "%(amount)s for %(points)s points",
                amount=f"{format_amount(reward.per_minor or 0, currency)} {currency}",
                points=reward.per_points,
            )
    return ""


ROUTES: Final = (
    Route("GET", "/rewards", "rewards.read", show),
    Route("GET", "/rewards/new", "rewards.change", choose),
    Route("POST", "/rewards/new", "rewards.change", make),
    Route("GET", "/rewards/{reward}", "rewards.read", edit),
    Route("POST", "/rewards/{reward}", "rewards.change", change),
    Route("POST", "/rewards/{reward}/enable", "rewards.change", enable),
    Route("POST", "/rewards/{reward}/disable", "rewards.change", disable),
)
