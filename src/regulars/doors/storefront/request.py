"""A request as the routes see it: who asks from which page, and what is in its body."""

import re
from typing import Any, Final
from urllib.parse import parse_qsl, urlsplit

import msgspec

from regulars.app.house import House
from regulars.app.storefront.strict import strict_object
from regulars.domain.errors import Invalid
from regulars.domain.program import Program
from regulars.doors.storefront.answers import ForeignOrigin

LONGEST_BODY: Final = 16_384
MOST_PARAMETERS: Final = 20

_ORIGIN: Final = re.compile(r"https?://[A-Za-z0-9.:_\[\]-]{1,253}", re.ASCII)


class Request(msgspec.Struct, kw_only=True):
    """`headers` are in lower case. `program`: the one that the call turned out to be about."""

    house: House
    headers: dict[str, str]
    query_string: str
    scheme: str
    address: str
    body: bytes
    program: Program | None = None

    @property
    def own_origin(self) -> str:
        """This server's own, as the caller sees it."""
        host = self.headers.get("host", "")
        public = self.house.settings.public_url
        if public is not None and urlsplit(public).netloc == host:
            return public
        return f"{self.scheme}://{host}"

    @property
    def said_origin(self) -> str | None:
        """The Origin header, where it is one that a page can have."""
        said = self.headers.get("origin")
        return said if said is not None and _ORIGIN.fullmatch(said) else None

    @property
    def origin(self) -> str:
        """The page's origin. A browser leaves it out for pages of this very server alone.

        Raises ForeignOrigin for one that no page of a shop can have, such as `null`.
        """
        if "origin" not in self.headers:
            return self.own_origin
        if (said := self.said_origin) is None:
            raise ForeignOrigin
        return said

    def allows(self, program: Program) -> bool:
        """Whether the page is at one of the program's shops, or on this server itself."""
        return self.origin == self.own_origin or any(site.domain == self.origin for site in program.sites)

    def about(self, program: Program) -> None:
        """Notes which program the call is about. Raises ForeignOrigin for a page at none of its shops."""
        self.program = program
        if not self.allows(program):
            raise ForeignOrigin

    def query(self) -> dict[str, str]:
        """The query's parameters. Raises Invalid for one that can't be read, or comes twice."""
        try:
            pairs = parse_qsl(
                self.query_string, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
            )
        except ValueError:
            raise Invalid("query", "can't be read") from None
        found = dict(pairs)
        if len(found) != len(pairs):
            raise Invalid("query", "says something twice")
        return found

    def members(self) -> dict[str, Any]:
        """The members of the body. Raises ValueError for what is no JSON object of a decent size."""
        if len(self.body) > LONGEST_BODY:
            raise ValueError("too long")
        return strict_object(self.body)

    def fields(self, *names: str) -> dict[str, Any]:
        """The members of the body, no others than these. Raises Invalid."""
        try:
            found = self.members()
        except ValueError as error:
            raise Invalid("body", f"must be a JSON object: {error}") from None
        if unknown := found.keys() - set(names):
            raise Invalid(min(unknown)[:100], "is not known here")
        return found

    def session(self) -> str:
        """What the Authorization header shows as a session; "" without one."""
        scheme, _, shown = self.headers.get("authorization", "").partition(" ")
        return shown.strip() if scheme.lower() == "bearer" else ""

    def idempotency_key(self) -> str:
        """The Idempotency-Key. Raises Invalid without one."""
        key = self.headers.get("idempotency-key", "")
        if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
            raise Invalid("Idempotency-Key", "is required: 1 to 255 printable ASCII characters")
        return key
