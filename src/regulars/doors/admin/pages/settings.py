"""Settings of the program as a whole: its time zone, its shops; and the ways to their own pages."""

from functools import cache
from typing import Final
from zoneinfo import available_timezones

from regulars.app.staff import set_timezone
from regulars.domain.errors import Invalid
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import Route
from regulars.doors.admin.words import _


async def show(ask: Ask) -> Answer:
    return ask.render("settings/show.html", timezones=timezones())


async def save(ask: Ask) -> Answer:
    try:
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
    ask.say(_("Saved."))
    return ask.redirect(ask.url("/settings"))


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


ROUTES: Final = (
    Route("GET", "/settings", "settings.read", show),
    Route("POST", "/settings", "settings.change", save),
)
