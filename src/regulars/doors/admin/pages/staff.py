"""Who works in the program with which role: the list, invitations, changing a role, taking somebody off."""

from typing import Final

from regulars.app.access import Role
from regulars.app.staff import colleagues, invitations
from regulars.domain.errors import Refused
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.refusals import errors_of, sentence
from regulars.doors.admin.rendering import DOES, ROLES
from regulars.doors.admin.routing import Route
from regulars.doors.admin.words import _


async def show(ask: Ask) -> Answer:
    return await _list(ask)


async def _list(ask: Ask, *, link: str | None = None, invited: str | None = None) -> Answer:
    staff, open_ones = await colleagues.list_colleagues(ask.house.database, ask.acting, now=ask.now)
    choices = [(role.value, _(ROLES[role]), _(DOES[role])) for role in Role]
    return ask.render(
        "staff/list.html",
        colleagues=staff,
        invitations=open_ones,
        choices=choices,
        link=link,
        invited=invited,
    )


async def invite(ask: Ask) -> Answer:
    """The page again with the link, this once: it is stored hashed."""
    email = ask.form.get("email")
    try:
        token = await invitations.invite(
            ask.house.database, ask.acting, email=email, role=ask.form.get("role"), now=ask.now
        )
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await _list(ask)
    ask.form.fields.clear()
    link = ask.house.settings.base_url + ask.own_url(f"/invitation/{token}")
    return await _list(ask, link=link, invited=email)


async def withdraw(ask: Ask) -> Answer:
    await invitations.withdraw(ask.house.database, ask.acting, link_id=ask.number("link"), now=ask.now)
    ask.say(_("The invitation is withdrawn: its link no longer works."))
    return ask.redirect(ask.url("/staff"))


async def change(ask: Ask) -> Answer:
    return await _change(ask, ask.form.get("role"), _("The role is changed."))


async def remove(ask: Ask) -> Answer:
    return await _change(ask, None, _("They no longer work in this program."))


async def _change(ask: Ask, role: str | None, said: str) -> Answer:
    staff_id = ask.number("staff")
    try:
        await colleagues.change_role(
            ask.house.database, ask.acting, staff_id=staff_id, role=role, now=ask.now
        )
        ask.say(said)
    except colleagues.LastOwner as refused:
        ask.say(sentence(refused), "danger")
    is_out = role is None and staff_id == ask.visitor.person.staff_id
    return ask.redirect(ask.own_url("/programs") if is_out else ask.url("/staff"))


ROUTES: Final = (
    Route("GET", "/staff", "staff.read", show),
    Route("POST", "/staff", "staff.change", invite),
    Route("POST", "/staff/invitations/{link}/withdraw", "staff.change", withdraw),
    Route("POST", "/staff/{staff}/role", "staff.change", change),
    Route("POST", "/staff/{staff}/remove", "staff.change", remove),
)
