"""Settings of the program as a whole: its time zone, its shops; and the ways to their own pages."""

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from regulars.app.configuration import LANGUAGES, add_site, change_site, list_sites, rename_program
from regulars.app.timezones import set_timezone
from regulars.domain.errors import Invalid
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import NoRoute, Route
from regulars.doors.admin.words import N_, _, reader


async def show(ask: Ask) -> Answer:
    return ask.render(
        "settings/show.html",
        timezones=timezones(),
        sites=await list_sites(ask.house.database, ask.program_id),
        named=language_name,
    )


async def save(ask: Ask) -> Answer:
    try:
        if "name" in ask.form:
            await rename_program(ask.house.database, ask.acting, name=ask.form.get("name"), now=ask.now)
        await set_timezone(
            ask.house.database,
            ask.acting,
            timezone=ask.form.get("timezone"),
            before=ask.place.timezone,
            now=ask.now,
        )
    except Invalid as refused:
        ask.errors = errors_of(refused)
        return await show(ask)
    ask.house.programs.forget()
    ask.say(_("Saved."))
    return ask.redirect(ask.url("/settings"))


async def add(ask: Ask) -> Answer:
    """One more shop; connecting it is the next step."""
    try:
        await add_site(
            ask.house.database,
            ask.acting,
            name=ask.form.get("site_name"),
            domain=ask.form.get("domain"),
            now=ask.now,
        )
    except Invalid as refused:
        problems = errors_of(refused)
        ask.errors = {{"name": "site_name"}.get(field, field): text for field, text in problems.items()}
        return await show(ask)
    ask.house.programs.forget()
    ask.say(_("Added. Now connect it: it needs a key of its own."))
    return ask.redirect(ask.url("/integrations"))


async def show_site(ask: Ask) -> Answer:
    site_id = ask.number("site")
    for site in await list_sites(ask.house.database, ask.program_id):
        if site.site_id == site_id:
            tongues = sorted(
                ((tag, language_name(tag)) for tag in LANGUAGES), key=lambda pair: pair[1].lower()
            )
            return ask.render("settings/shop.html", site=site, languages=tongues)
    raise NoRoute


async def save_site(ask: Ask) -> Answer:
    try:
        await change_site(
            ask.house.database,
            ask.acting,
            ask.number("site"),
            name=ask.form.get("name"),
            language=ask.form.get("language"),
            now=ask.now,
        )
    except Invalid as refused:
        ask.errors = errors_of(refused)
        return await show_site(ask)
    ask.house.programs.forget()
    ask.say(_("Saved."))
    return ask.redirect(ask.url("/settings"))


def language_name(tag: str) -> str:
    """The language as the reader calls it; what has no name there by its tag."""
    name: str = reader().locale.languages.get(tag, tag)
    return name[:1].upper() + name[1:]


@cache
def timezones() -> list[str]:
    """The time zones that people choose from: named by a place, and UTC."""
    places = (
        "Africa/",
        "America/",
        "Antarctica/",
        "Asia/",
        "Atlantic/",
        "Australia/",
        "Europe/",
        "Indian/",
        "Pacific/",
    )
    return ["UTC", *sorted(zone for zone in available_timezones() if zone.startswith(places))]


ACTIONS: Final = (N_("rename program"), N_("add shop"), N_("change shop"))
"""What the audit log says of this page, besides the time zone."""

ROUTES: Final = (
    Route("GET", "/settings", "settings.read", show),
    Route("POST", "/settings", "settings.change", save),
    Route("POST", "/settings/shops", "settings.change", add),
    Route("GET", "/settings/shops/{site}", "settings.change", show_site),
    Route("POST", "/settings/shops/{site}", "settings.change", save_site),
)
