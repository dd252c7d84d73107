"""Your account: how you read, your password, your second factor, where you are signed in."""

from typing import Final

from regulars.app import own_account
from regulars.app.sessions import SlowDown, WrongCode, WrongPassword
from regulars.app.staff.people import LOCALES
from regulars.domain.errors import Invalid, Refused
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.cookies import DEVICE, DEVICE_SECONDS, SESSION
from regulars.doors.admin.qr import qr_svg
from regulars.doors.admin.refusals import errors_of, sentence
from regulars.doors.admin.routing import OWN, PREFIX, Route
from regulars.doors.admin.words import _


async def show(ask: Ask) -> Answer:
    if ask.query.get("changed") == "password" and ask.method == "GET":
        ask.say(_("The password is changed. Everywhere else you are signed out."))
    open_sessions = await own_account.list_sessions(ask.house.database, ask.visitor, now=ask.now)
    pending = own_account.pending_second_factor(ask.house.vault, ask.visitor)
    return ask.render(
        "me/show.html",
        locales=LOCALES,
        sessions=open_sessions,
        pending=pending,
        picture=qr_svg(pending[1]) if pending else None,
    )


async def save(ask: Ask) -> Answer:
    try:
        await own_account.change_preferences(
            ask.house.database,
            ask.visitor,
            name=ask.form.get("name"),
            locale=ask.form.get("locale"),
            theme=ask.visitor.person.theme,
        )
    except Invalid as refused:
        ask.errors = errors_of(refused)
        return await show(ask)
    ask.say(_("Saved."))
    return ask.redirect(ask.own_url("/me"))


async def choose_theme(ask: Ask) -> Answer:
    person = ask.visitor.person
    await own_account.change_preferences(
        ask.house.database,
        ask.visitor,
        name=person.name,
        locale=person.locale,
        theme=ask.form.get("theme"),
    )
    back = ask.form.get("back")
    return ask.redirect(back if back.startswith(f"{PREFIX}/") and "//" not in back else ask.own_url("/me"))


async def change_password(ask: Ask) -> Answer:
    assert ask.session_token is not None, "somebody is signed in"
    try:
        signed_in = await own_account.change_password(
            ask.house.database,
            ask.visitor,
            old=ask.form.raw("old"),
            new=ask.form.raw("password"),
            token=ask.session_token,
            by=ask.by,
            now=ask.now,
        )
    except (WrongPassword, SlowDown) as refused:
        text = _("This is not your password.") if isinstance(refused, WrongPassword) else sentence(refused)
        ask.errors = {"old": text}
        return await show(ask)
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await show(ask)
    ask.keep(SESSION, signed_in.session)
    ask.keep(DEVICE, signed_in.device, seconds=DEVICE_SECONDS)
    # The session that a message would be kept with has just ended.
    return ask.redirect(ask.own_url("/me", changed="password"))


async def begin_second_factor(ask: Ask) -> Answer:
    await own_account.begin_second_factor(ask.house.database, ask.house.vault, ask.visitor)
    return ask.redirect(ask.own_url("/me") + "#second-factor")


async def confirm_second_factor(ask: Ask) -> Answer:
    try:
        await own_account.confirm_second_factor(
            ask.house.database, ask.house.vault, ask.visitor, code=ask.form.get("code"), now=ask.now
        )
    except WrongCode as refused:
        ask.errors = {"code": sentence(refused)}
        return await show(ask)
    ask.say(_("From now on signing in asks for a code, too."))
    return ask.redirect(ask.own_url("/me"))


async def remove_second_factor(ask: Ask) -> Answer:
    try:
        await own_account.remove_second_factor(
            ask.house.database, ask.visitor, password=ask.form.raw("remove_password"), now=ask.now
        )
    except (WrongPassword, SlowDown) as refused:
        text = _("This is not your password.") if isinstance(refused, WrongPassword) else sentence(refused)
        ask.errors = {"remove_password": text}
        return await show(ask)
    ask.say(_("Signing in asks for the password alone."), "warning")
    return ask.redirect(ask.own_url("/me"))


async def end_session(ask: Ask) -> Answer:
    await own_account.end_sessions(ask.house.database, ask.visitor, session_id=ask.number("session"))
    ask.say(_("Signed out there."))
    return ask.redirect(ask.own_url("/me"))


async def end_other_sessions(ask: Ask) -> Answer:
    await own_account.end_sessions(ask.house.database, ask.visitor)
    ask.say(_("Everywhere else you are signed out."))
    return ask.redirect(ask.own_url("/me"))


ROUTES: Final = (
    Route("GET", "/me", OWN, show),
    Route("POST", "/me", OWN, save),
    Route("POST", "/me/theme", OWN, choose_theme),
    Route("POST", "/me/password", OWN, change_password),
    Route("POST", "/me/second-factor", OWN, begin_second_factor),
    Route("POST", "/me/second-factor/confirm", OWN, confirm_second_factor),
    Route("POST", "/me/second-factor/remove", OWN, remove_second_factor),
    Route("POST", "/me/sessions/{session}/end", OWN, end_session),
    Route("POST", "/me/sessions/end", OWN, end_other_sessions),
)
