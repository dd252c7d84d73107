"""Home: what there is to do until the program is live, how it stands, and what happened last."""

from collections.abc import Sequence
from datetime import date
from decimal import Decimal
from typing import Any, Final, NamedTuple, TypeAlias

from babel import dates

from regulars.app.home import Day, Figures, Home, home
from regulars.domain.money import format_amount
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.checklist import checklist
from regulars.doors.admin.figures import money, number, percent
from regulars.doors.admin.ranges import PRESETS, choose
from regulars.doors.admin.routing import Route
from regulars.doors.admin.telling import KINDS, Told, tell
from regulars.doors.admin.words import _, ngettext, reader

Series: TypeAlias = list[dict[str, Any]]
"""Lines of a chart, as it takes them."""

DAY_BY_DAY: Final = 92
"""Longer ranges are drawn in weeks, the longest in parts of thirty days."""
WEEK_BY_WEEK: Final = 740
LATEST: Final = 8
APPROVED: Final = "approved and can be spent."
"""How the sentence about points that became due ends."""


class Card(NamedTuple):
    """A figure: what it is, its value in words, how it changed (0.1 is 10 % more; None: from nothing)."""

    label: str
    value: str
    change: float | None
    hint: str | None = None


async def show(ask: Ask) -> Answer:
    chosen = await choose(ask)
    now = ask.program.time(ask.now)
    found = await home(ask.house.database, ask.program_id, chosen.range, now=now)
    steps = await checklist(ask)
    latest = found.latest[:LATEST]
    told, names = await tell(ask, (each.line for each in latest)), [each.name for each in latest]
    labels, points, revenue = charts(found, ask.program.currency)
    return ask.render(
        "home/show.html",
        home=found,
        chosen=chosen,
        presets=PRESETS,
        steps=steps,
        has_begun=bool(found.members or found.latest or found.this.orders),
        cards=cards(found, ask.program.currency),
        labels=labels,
        points=points,
        revenue=revenue,
        kinds=KINDS,
        happened=[(each.line, name, why(each)) for each, name in zip(told, names, strict=True)],
        now=now,
        may_open_customers=_may_open(ask, "/customers/{customer}"),
    )


def why(told: Told) -> str:
    """What happened, in words; but for points that became due on the way, where anything else did."""
    said = [one for one in told.sentences if not one.endswith(APPROVED)] or told.sentences
    return " ".join(said) or _(KINDS[told.line.kind][0])


def _may_open(ask: Ask, path: str) -> bool:
    permission = ask.routes.permission(path)
    return permission is not None and ask.may(permission)


def change(this: int, last: int) -> float | None:
    """By which part of what was before it became more; None where there was nothing before."""
    return (this - last) / last if last > 0 else None


def cards(found: Home, currency: str) -> list[Card]:
    """The figures of the range beside those of as many days before."""
    this, last = found.this, found.last
    share = None
    if this.revenue_minor > 0:
        part = percent(this.member_revenue_minor / this.revenue_minor)
        share = _("%(percent)s of all revenue", percent=part)
    claims = ngettext("%(num)s reward claimed", "%(num)s rewards claimed", this.redemptions)
    joined = ngettext("%(num)s of them is new", "%(num)s of them are new", this.joined)
    coded = ngettext("on %(num)s order", "on %(num)s orders", this.code_orders)
    return [
        Card(
            _("Members"),
            number(found.members),
            None,  # a change of how many joined, below how many there are, would be read as one of these
            joined if this.joined else None,
        ),
        Card(_("Points earned"), number(_earned(this)), change(_earned(this), _earned(last))),
        Card(
            _("Points spent"),
            number(this.spent),
            change(this.spent, last.spent),
            claims if this.redemptions else None,
        ),
        Card(_("Orders"), number(this.orders), change(this.orders, last.orders)),
        Card(
            _("Revenue from members"),
            money(this.member_revenue_minor, currency),
            change(this.member_revenue_minor, last.member_revenue_minor),
            share,
        ),
        Card(
            _("Revenue with codes"),
            money(this.code_revenue_minor, currency),
            change(this.code_revenue_minor, last.code_revenue_minor),
            coded if this.code_orders else None,
        ),
    ]


def _earned(figures: Figures) -> int:
    return figures.earned + figures.given


def charts(found: Home, currency: str) -> tuple[list[str], Series, Series]:
    """The labels below both charts, the lines of the points and those of the revenue."""
    size = part_days(len(found.series))
    now, before = parts(found.series, size), parts(found.before_series, size)
    labels = [_label(part[0].day, in_year=size == 1) for part in now]
    points: Series = [
        {"name": _("Earned"), "values": [sum(_earned(each.figures) for each in part) for part in now]},
        {"name": _("Spent"), "values": [sum(each.figures.spent for each in part) for part in now]},
        {
            "name": _("Earned, the time before"),
            "values": [sum(_earned(each.figures) for each in part) for part in before],
            "dashed": True,
        },
    ]

    def amounts(days: list[list[Day]], name: str) -> list[float]:
        sums = [sum(getattr(each.figures, name) for each in part) for part in days]
        return [float(Decimal(format_amount(minor, currency))) for minor in sums]

    revenue: Series = [
        {"name": _("From members"), "values": amounts(now, "member_revenue_minor")},
        {"name": _("With codes"), "values": amounts(now, "code_revenue_minor")},
        {
            "name": _("From members, the time before"),
            "values": amounts(before, "member_revenue_minor"),
            "dashed": True,
        },
    ]
    return labels, points, revenue


def part_days(days: int) -> int:
    """How many days make one point of a chart of so many days."""
    if days <= DAY_BY_DAY:
        return 1
    return 7 if days <= WEEK_BY_WEEK else 30


def parts(series: Sequence[Day], size: int) -> list[list[Day]]:
    """The days in parts of `size`; the last one may be shorter."""
    return [list(series[start : start + size]) for start in range(0, len(series), size)]


def _label(day: date, *, in_year: bool) -> str:
    """The day without its year where that goes without saying."""
    return dates.format_skeleton("MMMd" if in_year else "yMMMd", day, locale=reader().locale)


ROUTES: Final = (Route("GET", "/", "home.read", show),)
