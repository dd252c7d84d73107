"""Which handler a path leads to, and what somebody must be allowed to do to get there."""

import re
from collections.abc import Awaitable, Callable, Iterable
from typing import TYPE_CHECKING, Final, NamedTuple
from urllib.parse import unquote

from regulars.app.access import PERMISSIONS

if TYPE_CHECKING:
    from regulars.doors.admin.answers import Answer
    from regulars.doors.admin.ask import Ask

OPEN: Final = "open"
"""The permission of pages that need no session: signing in, links."""
OWN: Final = "own"
"""The permission of pages about oneself, for everybody who is signed in; they belong to no program."""
PREFIX: Final = "/admin"
PROGRAM: Final = "/p/{program}"


class Route(NamedTuple):
    """One page or change. `path` is below the program's address, or below /admin when it is OPEN or OWN."""

    method: str
    path: str
    permission: str
    handle: "Callable[[Ask], Awaitable[Answer]]"

    @property
    def in_program(self) -> bool:
        return self.permission not in (OPEN, OWN)

    @property
    def address(self) -> str:
        """The whole path, with its variables in braces."""
        return PREFIX + (PROGRAM if self.in_program else "") + (self.path if self.path != "/" else "")


class NoRoute(Exception):
    """Nothing is at this address; `methods`: what else the address can be asked with."""

    def __init__(self, methods: Iterable[str] = ()) -> None:
        self.methods = sorted(methods)
        super().__init__(self.methods)


class Routes:
    """All routes, found by method and path. A permission that is none is a mistake that shows at once."""

    def __init__(self, routes: Iterable[Route]) -> None:
        self.all = tuple(routes)
        self._by_length: dict[int, list[tuple[re.Pattern[str], Route]]] = {}
        for route in self.all:
            assert route.permission in (OPEN, OWN, *PERMISSIONS), route
            pattern = re.sub(r"\\\{(\w+)\\\}", r"(?P<\1>[^/]+)", re.escape(route.address))
            parts = route.address.count("/")
            self._by_length.setdefault(parts, []).append((re.compile(pattern), route))
        # Fixed words go before variables: /customers/new is no customer.
        for found in self._by_length.values():
            found.sort(key=lambda one: one[1].address.count("{"))

    def find(self, method: str, raw_path: bytes) -> tuple[Route, dict[str, str]]:
        """The route, and what its variables caught. HEAD counts as GET. Raises NoRoute."""
        path = raw_path.decode("latin-1").partition("?")[0]
        path = path.rstrip("/") or "/"
        wanted = "GET" if method == "HEAD" else method
        others: set[str] = set()
        for pattern, route in self._by_length.get(path.count("/"), ()):
            match = pattern.fullmatch(path)
            if match is None:
                continue
            if route.method == wanted:
                return route, {name: _plain(value) for name, value in match.groupdict().items()}
            others.add(route.method)
        raise NoRoute(others)

    def permission(self, path: str) -> str | None:
        """What it takes to see the page at `path` below a program's address; None: there is no such page."""
        for route in self.all:
            if route.path == path and route.method == "GET" and route.in_program:
                return route.permission
        return None


def _plain(value: str) -> str:
    """A variable's text. Raises NoRoute for what a proxy might read otherwise than we do."""
    try:
        plain = unquote(value, errors="strict")
    except UnicodeDecodeError:
        raise NoRoute from None
    if plain in (".", "..") or any(letter in plain for letter in "/\\\x00"):
        raise NoRoute
    return plain
