"""Signing in with a password and, where there is one, the second factor; signing out."""

from typing import Final

from regulars.app import sessions
from regulars.app.sessions import SignedIn, SlowDown, WrongCode, WrongPassword
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.cookies import DEVICE, DEVICE_SECONDS, SESSION, VISIT
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import OPEN, PREFIX, Route


async def start(ask: Ask) -> Answer:
    """/admin: to the program, or to where one is chosen, or to the sign-in page."""
    if not ask.is_signed_in:
        return ask.redirect(ask.own_url("/sign-in"))
    places = ask.visitor.places
    if len(places) == 1:
        return ask.redirect(ask.own_url(f"/p/{places[0].program_id}"))
    return ask.redirect(ask.own_url("/programs"))


async def show(ask: Ask) -> Answer:
    if ask.is_signed_in:
        return await start(ask)
    return ask.render("sign_in/password.html", next=_next(ask))


async def send(ask: Ask) -> Answer:
    try:
        signed_in = await sessions.sign_in(
            ask.house.database,
            email=ask.form.get("email"),
            password=ask.form.raw("password"),
            by=ask.by,
            old_session=ask.session_token,
            now=ask.now,
        )
    except WrongPassword as refused:
        ask.errors = errors_of(refused)
        return ask.render("sign_in/password.html", next=_next(ask))
    except SlowDown as refused:
        ask.errors = errors_of(refused)
        answer = ask.render("sign_in/password.html", status=429, next=_next(ask))
        return answer.with_headers(("retry-after", str(refused.seconds)))
    return let_in(ask, signed_in, _next(ask))


async def show_code(ask: Ask) -> Answer:
    if ask.is_signed_in or not _owes_a_code(ask):
        return await start(ask)
    return ask.render("sign_in/code.html", next=_next(ask))


async def send_code(ask: Ask) -> Answer:
    if not _owes_a_code(ask) or ask.session_token is None:
        return await start(ask)
    try:
        signed_in = await sessions.confirm(
            ask.house.database,
            ask.house.vault,
            ask.visitor,
            code=ask.form.get("code"),
            token=ask.session_token,
            by=ask.by,
            now=ask.now,
        )
    except (WrongCode, SlowDown) as refused:
        ask.errors = errors_of(refused)
        return ask.render("sign_in/code.html", next=_next(ask))
    return let_in(ask, signed_in, _next(ask))


async def forgot(ask: Ask) -> Answer:
    return ask.render("sign_in/forgot.html")


async def leave(ask: Ask) -> Answer:
    if ask.session_token is not None:
        await sessions.sign_out(ask.house.database, ask.session_token)
    ask.drop(SESSION)
    return ask.redirect(ask.own_url("/sign-in"))


def let_in(ask: Ask, signed_in: SignedIn, address: str) -> Answer:
    """Gives the browser its session and leads on: to the second factor if it is due, else to `address`."""
    ask.keep(SESSION, signed_in.session)
    ask.drop(VISIT)
    if signed_in.second_factor_due:
        return ask.redirect(ask.own_url("/sign-in/code", next=address))
    ask.keep(DEVICE, signed_in.device, seconds=DEVICE_SECONDS)
    return ask.redirect(address)


def _owes_a_code(ask: Ask) -> bool:
    return ask.has_session and ask.visitor.session.second_factor_due


def _next(ask: Ask) -> str:
    """Where somebody wanted to go: a page of ours, whatever the address says."""
    wanted = ask.form.get("next") or ask.query.get("next", "")
    plain = wanted.startswith(f"{PREFIX}/") and all(32 < ord(letter) < 127 for letter in wanted)
    return wanted if plain and "\\" not in wanted and "//" not in wanted else PREFIX


ROUTES: Final = (
    Route("GET", "", OPEN, start),
    Route("GET", "/sign-in", OPEN, show),
    Route("POST", "/sign-in", OPEN, send),
    Route("GET", "/sign-in/code", OPEN, show_code),
    Route("POST", "/sign-in/code", OPEN, send_code),
    Route("GET", "/sign-in/forgotten", OPEN, forgot),
    Route("POST", "/sign-out", OPEN, leave),
)
