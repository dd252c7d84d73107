"""One request of a person, as a handler gets it: who asks, in which program, with what, and how to answer."""

import secrets
from collections.abc import Callable, Mapping
from datetime import datetime
from typing import Any
from urllib.parse import urlencode

import jinja2
import msgspec

from regulars.app.access import Acting, Role, allows
from regulars.app.house import House
from regulars.app.sessions import From, Visitor
from regulars.domain.program import Program
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.calls import Calls
from regulars.doors.admin.cookies import DEVICE, SESSION, VISIT, Jar
from regulars.doors.admin.form import Form
from regulars.doors.admin.routing import PREFIX, NoRoute, Route, Routes
from regulars.storage.roles import Place


class Shown(msgspec.Struct):
    """A message for the next page. `kind`: success, info, warning or danger."""

    text: str
    kind: str


class Ask:
    """A request. Handlers read it, call a use case, and answer with `render`, `redirect` or an Answer."""

    def __init__(
        self,
        *,
        house: House,
        calls: Calls | None,
        pages: jinja2.Environment,
        routes: Routes,
        route: Route,
        jar: Jar,
        method: str,
        path: Mapping[str, str],
        address: str,
        query: Mapping[str, str],
        headers: Mapping[str, str],
        cookies: Mapping[str, str],
        ip: str,
        now: datetime,
    ) -> None:
        self.house = house
        self.calls = calls
        """What the webhooks' door can do for staff; None where there is no such door."""
        self.routes = routes
        self.route = route
        self.jar = jar
        self.method = method
        self.path = path
        """What the route's variables caught, as text."""
        self.address = address
        """The path that was asked for."""
        self.query = query
        """The address's `?name=value`, trimmed; the last of each name."""
        self.headers = headers
        self.cookies = cookies
        self.ip = ip
        self.now = now
        """Real time. A program's own is `ask.program.time(ask.now)`."""
        self.form = Form()
        self.errors: dict[str, str] = {}
        """What is wrong with the form, by field; "" is for the whole. Set it and show the page again."""
        self.flash: list[Shown] = []
        self.nonce = secrets.token_urlsafe(16)
        self.csrf = ""
        self.new_cookies: list[tuple[str, str]] = []
        self.after: list[Callable[[], Any]] = []
        self._pages = pages
        self._visitor: Visitor | None = None
        self._place: Place | None = None
        self._program: Program | None = None

    # -- who asks, and where

    @property
    def visitor(self) -> Visitor:
        """Who is signed in."""
        assert self._visitor is not None, "this page is open to everybody"
        return self._visitor

    @property
    def has_session(self) -> bool:
        """Whether somebody has shown a password, if not their second factor."""
        return self._visitor is not None

    @property
    def is_signed_in(self) -> bool:
        return self._visitor is not None and not self._visitor.session.second_factor_due

    @property
    def place(self) -> Place:
        """The program as its staff see it: name, currency, time zone, one's role."""
        assert self._place is not None, "this page is in no program"
        return self._place

    @property
    def in_program(self) -> bool:
        return self._place is not None

    @property
    def program(self) -> Program:
        """The program's configuration: rules, rewards, sites, clock."""
        assert self._program is not None, "this page is in no program"
        return self._program

    @property
    def program_id(self) -> int:
        return self.place.program_id

    @property
    def acting(self) -> Acting:
        """Who acts, for use cases."""
        person = self.visitor.person
        return Acting(
            staff_id=person.staff_id,
            email=person.email,
            name=person.name,
            program_id=self.place.program_id,
            role=Role(self.place.role),
        )

    def may(self, permission: str) -> bool:
        """Whether who asks may do this here: for leaving out buttons. Use cases ask again."""
        return self._place is not None and allows(self.acting, permission)

    def enter(self, visitor: Visitor, place: Place | None = None, program: Program | None = None) -> None:
        """Sets who asks, and in which program; the door's part."""
        self._visitor = visitor
        self._place = place or self._place
        self._program = program or self._program

    @property
    def by(self) -> From:
        """Where the request comes from."""
        agent = self.headers.get("user-agent", "")
        return From(ip=self.ip, user_agent=agent, device=self.cookies.get(DEVICE))

    @property
    def session_token(self) -> str | None:
        return self.cookies.get(SESSION)

    @property
    def form_cookie(self) -> str | None:
        """The cookie that forms of this page are tied to."""
        return self.cookies.get(SESSION) if self._visitor is not None else self.cookies.get(VISIT)

    # -- what is asked

    def number(self, name: str) -> int:
        """A variable of the path as a number from 1. Raises NoRoute (a 404) for anything else."""
        text = self.path[name]
        if not (text.isascii() and text.isdigit()) or len(text) > 18 or int(text) < 1:
            raise NoRoute
        return int(text)

    @property
    def form_key(self) -> str:
        """What makes this form's sending one: pass it on where twice must be once."""
        return self.form.get("form_key")[:64]

    # -- answers

    def url(self, path: str = "/", **query: object) -> str:
        """The address of a page of this program: `ask.url("/customers", q="ann")`. None is left out."""
        return self.own_url(f"/p/{self.place.program_id}{path if path != '/' else ''}", **query)

    def own_url(self, path: str = "", **query: object) -> str:
        """The address of a page that belongs to no program: `ask.own_url("/me")`."""
        kept = {name: value for name, value in query.items() if value not in (None, "")}
        return PREFIX + path + (f"?{urlencode(kept)}" if kept else "")

    def render(self, template: str, *, status: int | None = None, **facts: object) -> Answer:
        """A page. With `errors` set it is a 422."""
        if status is None:
            status = 422 if self.errors else 200
        text = self._pages.get_template(template).render(ask=self, **facts)
        return Answer(status, text.encode(), nonce=self.nonce)

    def redirect(self, address: str) -> Answer:
        """Sends the browser to one of our own addresses, after a change."""
        assert address.startswith(PREFIX), address
        if self.headers.get("hx-request") == "true":
            return Answer(200).with_headers(("hx-redirect", address))
        return Answer(303).with_headers(("location", address))

    def say(self, text: str, kind: str = "success") -> None:
        """A message for the page that comes next, this one or the one that is redirected to."""
        self.flash.append(Shown(text, kind))

    def keep(self, cookie: str, value: str, *, seconds: int | None = None) -> None:
        """Sets a cookie with the answer."""
        self.new_cookies.append(self.jar.set(cookie, value, seconds=seconds))

    def drop(self, cookie: str) -> None:
        """Takes a cookie away with the answer."""
        self.new_cookies.append(self.jar.drop(cookie))
