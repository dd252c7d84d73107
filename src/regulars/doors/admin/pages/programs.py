"""The programs that somebody works for, and making another one."""

from typing import Final

from regulars.app.access import Author, actor_of
from regulars.app.programs import create_program
from regulars.app.staff.colleagues import own_program
from regulars.app.timezones import checked_timezone
from regulars.domain.errors import Refused
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.pages.settings import timezones
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import OWN, NoRoute, Route
from regulars.doors.admin.words import _

CURRENCIES: Final = "GBP EUR USD CHF AUD CAD DKK JPY NOK NZD PLN SEK".split()  # noqa: SIM905 - reads as one
"""Offered first; any other can be typed."""


async def show(ask: Ask) -> Answer:
    if not ask.visitor.places and ask.visitor.person.keeps_house:
        return ask.redirect(ask.own_url("/programs/new"))
    return ask.render("programs/list.html")


async def show_new(ask: Ask) -> Answer:
    if not ask.visitor.person.keeps_house:
        raise NoRoute
    return ask.render("programs/new.html", currencies=CURRENCIES, timezones=timezones())


async def create(ask: Ask) -> Answer:
    person = ask.visitor.person
    if not person.keeps_house:
        raise NoRoute
    try:
        timezone = checked_timezone(ask.form.get("timezone", "UTC"))
        created = await create_program(
            ask.house.database,
            ask.house.vault,
            name=ask.form.get("name"),
            domain=ask.form.get("domain"),
            currency=ask.form.get("currency").upper(),
            test_mode=ask.form.is_on("test_mode"),
            by=Author(actor_of(person.staff_id), person.name),
            now=ask.now,
        )
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await show_new(ask)
    await own_program(
        ask.house.database, ask.visitor.person, created.program_id, timezone=timezone, now=ask.now
    )
    ask.say(_("The program is there. What comes next stands below."))
    return ask.redirect(ask.own_url(f"/p/{created.program_id}"))


ROUTES: Final = (
    Route("GET", "/programs", OWN, show),
    Route("GET", "/programs/new", OWN, show_new),
    Route("POST", "/programs/new", OWN, create),
)
