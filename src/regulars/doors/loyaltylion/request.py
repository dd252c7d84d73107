"""A request as the routes see it: its credential and program, its query, its body, its site."""

import hashlib
from collections.abc import Mapping
from datetime import datetime
from typing import Final
from urllib.parse import parse_qsl

import msgspec

from regulars.app.credentials import Credential
from regulars.app.house import House
from regulars.domain.commands import Command, Identity
from regulars.domain.decisions import Decision
from regulars.domain.errors import UnknownSite
from regulars.domain.program import Program, Site
from regulars.doors.loyaltylion.errors import BadQuery
from regulars.doors.loyaltylion.fields import Fields, parse_body

MOST_PARAMETERS: Final = 100


class Request(msgspec.Struct, kw_only=True):
    """`path` holds what the route's pattern caught, percent-decoded; `headers` are in lower case."""

    house: House
    method: str
    target: str
    path: dict[str, str]
    query_string: str
    headers: Mapping[str, str]
    scheme: str
    body: bytes
    credential: Credential
    program: Program

    @property
    def now(self) -> datetime:
        """Program time."""
        return self.program.time(self.house.clock())

    def query(self) -> dict[str, str]:
        """The query's parameters; of one that is repeated the last. Raises BadQuery."""
        if not self.query_string:
            return {}
        try:
            pairs = parse_qsl(
                self.query_string, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
            )
        except ValueError:
            raise BadQuery("The query can't be read") from None
        if any("\x00" in value for _, value in pairs):
            raise BadQuery("The query contains a NUL character")
        return dict(pairs)

    def fields(self) -> Fields:
        """The fields of the body. Raises Malformed."""
        return parse_body(self.body)

    def site(self) -> Site:
        """The site that is meant: the credential's own, or `site_id`, which a single site needs not.

        Raises BadQuery, UnknownSite.
        """
        named = self.query().get("site_id")
        if named is not None and not (named.isascii() and named.isdigit() and len(named) < 18):
            raise BadQuery("Invalid request", {"site_id": "must be a number"})
        own = self.credential.site_id
        if named is not None and own is not None and int(named) != own:
            raise UnknownSite(site=int(named))
        if named is not None or own is not None:
            return self.program.site(int(named) if named is not None else own)
        if len(self.program.sites) > 1:
            raise BadQuery("Invalid request", {"site_id": "is required: this program has several sites"})
        return self.program.site(None)

    def identity(self) -> Identity | None:
        """What makes a repeat recognisable, if the caller sent an `Idempotency-Key`. Raises BadQuery."""
        key = self.headers.get("idempotency-key")
        if key is None:
            return None
        if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
            what = "must be 1 to 255 printable ASCII characters"
            raise BadQuery("Invalid request", {"Idempotency-Key": what})
        said = b"\n".join((self.method.encode(), self.target.encode(), self.query_string.encode(), self.body))
        return Identity(
            scope=f"idem:{self.credential.credential_id}",
            key=key,
            fingerprint=hashlib.sha256(said).digest()[:16],
            at=self.house.clock(),
        )

    async def submit(self, command: Command) -> Decision:
        """The engine's decision, after its commit. Raises its refusal, or Unavailable."""
        return await self.house.engine.submit(self.program.id, command)

    @property
    def actor(self) -> str:
        """Who changes points, for the book."""
        kind = "api key" if self.credential.kind == "api_key" else "site"
        return f"{kind} {self.credential.name}"

    @property
    def address(self) -> str:
        """This request's own address without its query, as the caller sees it."""
        base = self.house.settings.public_url or f"{self.scheme}://{self.headers.get('host', 'localhost')}"
        return f"{base.rstrip('/')}{self.target}"
