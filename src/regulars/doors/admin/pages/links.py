"""Links that work once: setting the house up, signing in at the demo, a new password, an invitation.

Opening one changes nothing (mail programs look at links, too): the form on the page does.
"""

from typing import Final

from regulars.app.staff import arrivals, invitations, links
from regulars.app.staff.links import LinkSpent
from regulars.app.staff.people import LOCALES
from regulars.domain.errors import Refused
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.pages.sign_in import let_in
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import OPEN, Route
from regulars.doors.admin.words import _, reader


async def show_set_up(ask: Ask) -> Answer:
    await links.look_at_link(ask.house.database, ask.path["token"], "setup", now=ask.now)
    return _set_up(ask)


async def send_set_up(ask: Ask) -> Answer:
    try:
        signed_in = await arrivals.set_up(
            ask.house.database,
            token=ask.path["token"],
            email=ask.form.get("email"),
            name=ask.form.get("name"),
            password=ask.form.raw("password"),
            locale=ask.form.get("locale"),
            by=ask.by,
            now=ask.now,
        )
    except LinkSpent:
        raise
    except Refused as refused:
        ask.errors = errors_of(refused)
        return _set_up(ask)
    return let_in(ask, signed_in, ask.own_url("/programs"))


def _set_up(ask: Ask) -> Answer:
    return ask.render("sign_in/set_up.html", locales=LOCALES, locale=reader().tag)


async def show_sign_in(ask: Ask) -> Answer:
    _link, person = await links.look_at_link(ask.house.database, ask.path["token"], "sign_in", now=ask.now)
    return ask.render("sign_in/by_link.html", person=person)


async def send_sign_in(ask: Ask) -> Answer:
    signed_in = await arrivals.sign_in_by_link(
        ask.house.database, token=ask.path["token"], by=ask.by, now=ask.now
    )
    return let_in(ask, signed_in, ask.own_url())


async def show_reset(ask: Ask) -> Answer:
    _link, person = await links.look_at_link(ask.house.database, ask.path["token"], "reset", now=ask.now)
    return ask.render("sign_in/reset.html", person=person)


async def send_reset(ask: Ask) -> Answer:
    try:
        signed_in = await arrivals.reset_password(
            ask.house.database,
            token=ask.path["token"],
            password=ask.form.raw("password"),
            by=ask.by,
            now=ask.now,
        )
    except LinkSpent:
        raise
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await show_reset(ask)
    return let_in(ask, signed_in, ask.own_url())


async def show_invitation(ask: Ask) -> Answer:
    link, known = await links.look_at_link(ask.house.database, ask.path["token"], "invitation", now=ask.now)
    assert link.program_id is not None, "a constraint holds it"
    program = await ask.house.programs.get(link.program_id)
    is_them = known is not None and ask.is_signed_in and ask.visitor.person.staff_id == known.staff_id
    return ask.render(
        "sign_in/invitation.html",
        link=link,
        program=program,
        known=known,
        is_them=is_them,
        locales=LOCALES,
        locale=reader().tag,
    )


async def send_invitation(ask: Ask) -> Answer:
    token = ask.path["token"]
    if ask.is_signed_in:
        program_id = await invitations.accept_as(
            ask.house.database, ask.visitor.person, token=token, now=ask.now
        )
        ask.say(_("Welcome to the staff of this program."))
        return ask.redirect(ask.own_url(f"/p/{program_id}"))
    try:
        signed_in, program_id = await invitations.accept_as_new(
            ask.house.database,
            token=token,
            name=ask.form.get("name"),
            password=ask.form.raw("password"),
            locale=ask.form.get("locale"),
            by=ask.by,
            now=ask.now,
        )
    except LinkSpent:
        raise
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await show_invitation(ask)
    return let_in(ask, signed_in, ask.own_url(f"/p/{program_id}"))


ROUTES: Final = (
    Route("GET", "/set-up/{token}", OPEN, show_set_up),
    Route("POST", "/set-up/{token}", OPEN, send_set_up),
    Route("GET", "/come-in/{token}", OPEN, show_sign_in),
    Route("POST", "/come-in/{token}", OPEN, send_sign_in),
    Route("GET", "/reset/{token}", OPEN, show_reset),
    Route("POST", "/reset/{token}", OPEN, send_reset),
    Route("GET", "/invitation/{token}", OPEN, show_invitation),
    Route("POST", "/invitation/{token}", OPEN, send_invitation),
)
