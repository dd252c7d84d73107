"""Which route a request's path leads to, and what stands in it.

A path is split before it is decoded: ids such as `gid://shopify/Customer/1` come with their slashes
percent-encoded.
"""

from collections.abc import Collection, Iterable
from typing import Final, Generic, Protocol, TypeAlias, TypeVar
from urllib.parse import unquote_to_bytes

LONGEST_ID: Final = 255
LONGEST_NUMBER: Final = 15

Shape: TypeAlias = tuple[str | None, ...]
"""A path's parts, with None where an id stands: no part of a request is None."""


class HasPath(Protocol):
    """A route: its method, and its path with the names of ids in braces."""

    @property
    def method(self) -> str: ...

    @property
    def path(self) -> str: ...


RouteT = TypeVar("RouteT", bound=HasPath)


class NoRoute(Exception):
    """Nothing is at this path; or, with `allowed`, only these methods are."""

    def __init__(self, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(allowed)
        self.allowed = allowed


class Paths(Generic[RouteT]):
    """Routes by their paths. Of two that fit, the one with fewer ids counts. `numbers`: ids of digits."""

    def __init__(self, routes: Iterable[RouteT], numbers: Collection[str] = ()) -> None:
        self._numbers = numbers
        self._routes: dict[Shape, dict[str, RouteT]] = {}
        self._names: dict[Shape, tuple[tuple[int, str], ...]] = {}
        for route in routes:
            parts = route.path.split("/")[1:]
            shape = tuple(None if part.startswith("{") else part for part in parts)
            self._routes.setdefault(shape, {})[route.method] = route
            self._names[shape] = tuple(
                (place, part[1:-1]) for place, part in enumerate(parts) if part.startswith("{")
            )
        self._places: dict[int, list[tuple[int, ...]]] = {}
        """Where ids stand in paths of so many parts, fewest first."""
        for shape, named in sorted(self._names.items(), key=lambda one: len(one[1])):
            places = tuple(place for place, _ in named)
            known = self._places.setdefault(len(shape), [])
            if places not in known:
                known.append(places)

    def find(self, method: str, raw_path: bytes) -> tuple[RouteT, dict[str, str]]:
        """The route and what its path caught, decoded. HEAD is answered where GET is. Raises NoRoute."""
        shape, caught = self._match(raw_path.decode("latin-1").removesuffix("/").split("/")[1:])
        by_method = self._routes[shape]
        route = by_method.get("GET" if method == "HEAD" else method)
        if route is None:
            allowed = set(by_method) | ({"HEAD"} if "GET" in by_method else set())
            raise NoRoute(tuple(sorted(allowed)))
        return route, caught

    def _match(self, parts: list[str]) -> tuple[Shape, dict[str, str]]:
        for places in self._places.get(len(parts), ()):
            masked: list[str | None] = [*parts]
            for place in places:
                masked[place] = None
            shape = tuple(masked)
            if shape in self._routes:
                return shape, {name: self._id(name, parts[place]) for place, name in self._names[shape]}
        raise NoRoute

    def _id(self, name: str, part: str) -> str:
        """An id from a path. Nothing is stored under one that is empty, too long or no text."""
        if name in self._numbers:
            if not (part.isascii() and part.isdigit() and len(part) <= LONGEST_NUMBER):
                raise NoRoute
            return part
        try:
            text = unquote_to_bytes(part).decode()
        except UnicodeDecodeError:
            raise NoRoute from None
        if not text or len(text) > LONGEST_ID or "\x00" in text:
            raise NoRoute
        return text
