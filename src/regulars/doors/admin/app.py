"""The door itself: finds the page, asks who it is, whether they may, whether a form is ours; then answers."""

from collections.abc import Mapping
from typing import Final
from urllib.parse import parse_qsl, urlsplit

import msgspec
import structlog

from regulars.app import sessions
from regulars.app.access import NotAllowed, require
from regulars.app.house import House
from regulars.app.sessions import Visitor
from regulars.domain.errors import Refused, Unavailable
from regulars.doors import wire
from regulars.doors.admin import refusals
from regulars.doors.admin.answers import Answer, security_headers
from regulars.doors.admin.ask import Ask, Shown
from regulars.doors.admin.calls import Calls
from regulars.doors.admin.cookies import (
    SESSION,
    VISIT,
    Jar,
    comes_from_elsewhere,
    form_token,
    is_ours,
    new_token,
)
from regulars.doors.admin.form import BadForm, read_form
from regulars.doors.admin.rendering import built_files, environment
from regulars.doors.admin.routes import ROUTES
from regulars.doors.admin.routing import OPEN, OWN, PREFIX, NoRoute, Route, Routes
from regulars.doors.admin.words import _, reading_as
from regulars.doors.wire import App, Receive, Scope, Send, read_body, send_answer

log = structlog.get_logger(__name__)

STATIC: Final = f"{PREFIX}/static/"
SAFE: Final = ("GET", "HEAD")
LOOPBACK: Final = ("localhost", "127.0.0.1", "::1")


def build(house: House, calls: Calls | None = None) -> App:
    """The ASGI app of this door, for paths below /admin. `calls`: what the webhooks' door does for staff."""
    base = urlsplit(house.settings.base_url)
    if base.scheme != "https" and base.hostname not in LOOPBACK:
        log.warning(
            "the admin is served over plain http: passwords and sessions can be read on the way",
            cure="set REGULARS_PUBLIC_URL to an https address, behind a proxy that has a certificate",
        )
    door = Door(house, Routes(ROUTES), Jar(is_secure=base.scheme == "https"), calls)

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        assert scope["type"] == "http"
        await door.serve(scope, receive, send)

    return app


class Stranger(Exception):
    """Nobody is signed in, and this page is not for everybody."""


class NotOurForm(Exception):
    """The form lacks its token, or another site sent it."""


class Door:
    """What all requests share."""

    def __init__(self, house: House, routes: Routes, jar: Jar, calls: Calls | None) -> None:
        self._house = house
        self._calls = calls
        self._routes = routes
        self._jar = jar
        self._pages = environment()
        self._static = built_files()

    async def serve(self, scope: Scope, receive: Receive, send: Send) -> None:
        raw_path: bytes = scope.get("raw_path") or scope["path"].encode()
        if scope["path"].startswith(STATIC) and scope["method"] in SAFE:
            answer = self._static.get(scope["path"].removeprefix(STATIC)) or Answer(404)
        else:
            body = await read_body(receive)
            if body is None:
                return  # the caller has left
            answer = await self._answer(scope, raw_path, body)
        headers = (
            (b"content-type", answer.content_type.encode()),
            (b"cache-control", answer.cache.encode()),
            *answer.headers,
            *security_headers(answer.nonce, is_secure=self._jar.is_secure),
        )
        whole = wire.Answer(answer.status, answer.body, headers, answer.parts)
        await send_answer(send, whole, with_body=scope["method"] != "HEAD", receive=receive)

    async def _answer(self, scope: Scope, raw_path: bytes, body: bytes) -> Answer:
        try:
            route, path = self._routes.find(scope["method"], raw_path)
            missing: NoRoute | None = None
        except NoRoute as none:
            route, path, missing = Route(scope["method"], "/", OPEN, _nothing), {}, none
        ask = self._ask(scope, route, path)
        visitor = await self._visitor(ask)
        place = (
            next((one for one in visitor.places if str(one.program_id) == path.get("program")), None)
            if visitor is not None
            else None
        )
        ask.csrf = self._csrf(ask)
        locale = visitor.person.locale if visitor is not None else _wanted(ask.headers)
        with reading_as(locale, place.timezone if place is not None else "UTC"):
            try:
                if missing is not None:
                    raise missing
                await self._admit(ask, visitor, body)
                answer = await route.handle(ask)
            except Exception as error:  # noqa: BLE001 - one table says what each means
                answer = _problem(ask, error)
        await self._keep_flash(ask, answer)
        return answer.with_headers(*ask.new_cookies)

    def _ask(self, scope: Scope, route: Route, path: Mapping[str, str]) -> Ask:
        headers = {name.decode("latin-1"): value.decode("latin-1") for name, value in scope["headers"]}
        query = parse_qsl(scope["query_string"].decode("latin-1"), keep_blank_values=True)
        return Ask(
            house=self._house,
            calls=self._calls,
            pages=self._pages,
            routes=self._routes,
            route=route,
            jar=self._jar,
            method=scope["method"],
            path=path,
            address=scope["path"],
            query={name: value.replace("\x00", "").strip() for name, value in query[:100]},
            headers=headers,
            cookies=self._jar.read(headers),
            ip=(scope.get("client") or ("",))[0],
            now=self._house.clock(),
        )

    async def _visitor(self, ask: Ask) -> Visitor | None:
        """Who is signed in; a session that waits for its second factor counts too."""
        if ask.session_token is None:
            return None
        try:
            visitor = await sessions.who_is(self._house.database, ask.session_token, ask.now)
        except Unavailable:
            return None
        if visitor is not None:
            ask.enter(visitor)
            if visitor.session.flash and ask.method == "GET":
                ask.flash = msgspec.json.decode(visitor.session.flash, type=list[Shown])
        return visitor

    def _csrf(self, ask: Ask) -> str:
        """The token for the forms of the page; before signing in it goes with a cookie made for that."""
        cookie = ask.form_cookie
        if cookie is None:
            cookie = new_token()
            ask.keep(VISIT, cookie)
        return form_token(cookie)

    async def _admit(self, ask: Ask, visitor: Visitor | None, body: bytes) -> None:
        """Raises Stranger, NotOurForm, BadForm, NotAllowed, NoRoute for somebody else's program, Busy."""
        route = ask.route
        if ask.method not in SAFE:
            self._check_origin(ask)
            ask.form = read_form(ask.headers.get("content-type", ""), body)
            token = ask.headers.get("x-csrf") or ask.form.get("csrf")
            if not is_ours(ask.form_cookie, token):
                raise NotOurForm
        if route.permission == OPEN:
            return
        if visitor is None or visitor.session.second_factor_due:
            raise Stranger
        if route.permission == OWN:
            return
        place = next((one for one in visitor.places if str(one.program_id) == ask.path["program"]), None)
        if place is None:
            raise NoRoute
        ask.enter(visitor, place)
        require(ask.acting, route.permission)
        ask.enter(visitor, place, await self._house.programs.get(place.program_id))

    def _check_origin(self, ask: Ask) -> None:
        # A proxy may speak https for us without our being told; that is no reason to refuse our own forms.
        schemes = ("https",) if self._jar.is_secure else ("http", "https")
        host = ask.headers.get("host", "").lower()
        own = {self._house.settings.base_url.lower(), *(f"{scheme}://{host}" for scheme in schemes)}
        if comes_from_elsewhere(ask.headers, frozenset(own)):
            raise NotOurForm

    async def _keep_flash(self, ask: Ask, answer: Answer) -> None:
        """Keeps messages for the page that a redirect leads to; takes away those that were shown."""
        if not ask.is_signed_in:
            return
        session = ask.visitor.session
        moves_on = answer.status == 303 or any(name == b"hx-redirect" for name, _value in answer.headers)
        text = msgspec.json.encode(ask.flash).decode() if moves_on and ask.flash else ""
        shown = answer.nonce and ask.method == "GET" and session.flash
        if text or shown:
            try:
                await sessions.say_next(self._house.database, session.session_id, text)
            except Unavailable:
                log.warning("a message was lost, as the database is busy")


async def _nothing(_: Ask) -> Answer:
    raise NoRoute


def _wanted(headers: Mapping[str, str]) -> str:
    """The locale for somebody who is not signed in: German for whom the browser says so."""
    first = headers.get("accept-language", "").split(",")[0].strip().lower()
    return "de-DE" if first.startswith("de") else "en-GB"


def _problem(ask: Ask, error: Exception) -> Answer:
    """The page for what went wrong: one table."""
    match error:
        case Stranger():
            wanted = ask.address if ask.method == "GET" else None
            return ask.redirect(ask.own_url("/sign-in", next=wanted))
        case NotOurForm():
            text = _("This form is too old, or another site sent it. Go back, reload the page, try again.")
            return _sorry(ask, 403, _("Not sent"), text)
        case BadForm():
            return _sorry(
                ask, 400, _("Not understood"), _("The browser sent something that is no form of ours.")
            )
        case NotAllowed():
            return _sorry(
                ask, 403, _("Not for your role"), _("Your role in this program does not include this.")
            )
        case NoRoute() if error.methods:
            answer = _sorry(ask, 405, _("Not like this"), _("This address can't be used in this way."))
            return answer.with_headers(("allow", ", ".join(error.methods)))
        case NoRoute():
            return _nothing_there(ask)
        case Refused() if isinstance(error, refusals.NOTHING_THERE):
            return _nothing_there(ask)
        case Refused():
            return _sorry(ask, 422, _("Not done"), refusals.sentence(error))
        case Unavailable():
            answer = _sorry(ask, 503, _("Not now"), refusals.unavailable(error))
            return answer.with_headers(("retry-after", "2"))
    log.error("unforeseen", method=ask.method, path=ask.address, exc_info=error)
    return _sorry(ask, 500, _("Our mistake"), _("Something went wrong on our side. It has been logged."))


def _nothing_there(ask: Ask) -> Answer:
    return _sorry(
        ask, 404, _("Nothing here"), _("There is nothing at this address, or it is not yours to see.")
    )


def _sorry(ask: Ask, status: int, title: str, text: str) -> Answer:
    return ask.render("sorry.html", status=status, title=title, text=text)


__all__ = ["OWN", "SESSION", "build"]
