"""Customers: found by what one knows of them, by filters, by views that staff have saved; and as a file."""

from datetime import date
from typing import Final, Literal, cast

from babel import dates

from regulars.app import audit, people
from regulars.app.people import Filter
from regulars.domain.errors import Invalid, Refused
from regulars.doors.admin.answers import Answer, growing
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.asked import Get, key_before, read_day
from regulars.doors.admin.refusals import errors_of, sentence
from regulars.doors.admin.routing import NoRoute, Route
from regulars.doors.admin.telling import called
from regulars.doors.admin.words import N_, _, reader

SHOWN: Final = 50
WHO: Final = (
    ("everybody", N_("Members and guests")),
    ("members", N_("Only members")),
    ("guests", N_("Only guests")),
)
DAYS: Final = ("joined_from", "joined_until", "last_order_from", "last_order_until")


async def show(ask: Ask) -> Answer:
    wanted = _asked(ask)
    try:
        page = await people.search(
            ask.house.database,
            ask.program_id,
            wanted,
            before=key_before(ask.query),
            most=SHOWN,
            now=ask.program.time(ask.now),
        )
    except Invalid as refused:
        ask.errors |= errors_of(refused)
        page = people.People(rows=[], next=None)
    views = await people.list_views(ask.house.database, ask.program_id)
    query = in_query(wanted)
    return ask.render(
        "customers/list.html",
        people=page.rows,
        called=called,
        older=page.next,
        wanted=wanted,
        query=query,
        is_narrowed=bool(query),
        more=len([name for name in query if name != "q"]),
        views=[(view, in_query(view.filter)) for view in views],
        who=[(value, _(label)) for value, label in WHO],
        months=[(number, dates.get_month_names(locale=reader().locale)[number]) for number in range(1, 13)],
    )


def _asked(ask: Ask) -> Filter:
    """The filter that the address asks for; what can't be read is left out, and said."""
    try:
        return read_filter(ask.query.get)
    except Invalid as refused:
        ask.errors = errors_of(refused)
        return Filter(text=ask.query.get("q", "")[: people.LONGEST_TEXT])


def read_filter(get: Get) -> Filter:
    """The filter as an address or a form has it. Raises Invalid."""
    who, month = get("who", "") or "everybody", get("birthday_month", "")
    if who not in dict(WHO):
        raise Invalid("who", "must be one of the choices")
    if month and not (month.isascii() and month.isdigit() and 1 <= int(month[:4]) <= 12):
        raise Invalid("birthday_month", "must be from 1 to 12")
    return Filter(
        text=get("q", ""),
        who=cast(Literal["everybody", "members", "guests"], who),
        blocked=True if get("blocked", "") else None,
        has_points=bool(get("has_points", "")),
        in_debt=bool(get("in_debt", "")),
        birthday_month=int(month) if month else None,
        **{name: read_day(get, name) for name in DAYS},
    )


def in_query(wanted: Filter) -> dict[str, str]:
    """The filter as an address has it, without what does not matter."""
    said = {
        "q": wanted.text,
        "who": wanted.who if wanted.who != "everybody" else "",
        "blocked": "1" if wanted.blocked else "",
        "has_points": "1" if wanted.has_points else "",
        "in_debt": "1" if wanted.in_debt else "",
        "birthday_month": str(wanted.birthday_month or ""),
    }
    for name in DAYS:
        day: date | None = getattr(wanted, name)
        said[name] = "" if day is None else day.isoformat()
    return {name: value for name, value in said.items() if value}


async def save_view(ask: Ask) -> Answer:
    """Names the filter that the list shows."""
    try:
        wanted = read_filter(ask.form.get)
        name = ask.form.get("name")
        await people.save_view(
            ask.house.database, ask.program_id, name, wanted, made_by=ask.acting.actor, now=ask.now
        )
    except Refused as refused:
        ask.say(sentence(refused), "danger")
        return ask.redirect(ask.url("/customers"))
    await audit.write(
        ask.house.database,
        ask.acting,
        permission="customers.change",
        action="save view",
        subject="views of customers",
        after={"name": name},
        now=ask.now,
    )
    ask.say(_("Saved as “%(name)s”, for all staff.", name=name))
    return ask.redirect(ask.url("/customers", **in_query(wanted)))


async def delete_view(ask: Ask) -> Answer:
    view_id = ask.number("view")
    views = await people.list_views(ask.house.database, ask.program_id)
    gone = next((view for view in views if view.id == view_id), None)
    if gone is None:
        raise NoRoute
    await audit.write(
        ask.house.database,
        ask.acting,
        permission="customers.change",
        action="delete view",
        subject="views of customers",
        before={"name": gone.name},
        now=ask.now,
    )
    await people.delete_view(ask.house.database, ask.program_id, view_id)
    ask.say(_("The view “%(name)s” is gone.", name=gone.name))
    return ask.redirect(ask.url("/customers"))


async def export(ask: Ask) -> Answer:
    """All who pass the filter, as CSV; the log says who took them out."""
    wanted = read_filter(ask.form.get)
    await audit.write(
        ask.house.database,
        ask.acting,
        permission="customers.export",
        action="export customers",
        subject="customers",
        after={name: value for name, value in in_query(wanted).items() if name != "q"},
        now=ask.now,
    )
    now = ask.program.time(ask.now)
    return await growing(people.export(ask.house.database, ask.program_id, wanted, now=now), "customers.csv")


ACTIONS: Final = (N_("save view"), N_("delete view"), N_("export customers"))
"""What the audit log says of these pages."""

ROUTES: Final = (
    Route("GET", "/customers", "customers.read", show),
    Route("POST", "/customers/views", "customers.change", save_view),
    Route("POST", "/customers/views/{view}/delete", "customers.change", delete_view),
    Route("POST", "/customers/export", "customers.export", export),
)
