"""A call as the endpoints see it: its key and program, its path, query and body, each parsed and checked."""

import asyncio
import hashlib
import re
from collections.abc import Mapping
from datetime import datetime
from typing import Any, Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from regulars.app.credentials import Credential, api_key_lookup
from regulars.app.house import House
from regulars.domain.commands import Identity
from regulars.domain.errors import Invalid
from regulars.domain.program import Program
from regulars.doors.api.errors import Forbidden, Malformed, Unauthenticated

T = TypeVar("T")

MOST_PARAMETERS: Final = 100
_PLACE: Final = re.compile(r"^(.*) - at `(?:key in )?\$\.?(.*)`$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"^Object contains unknown field `(.*)`$", re.DOTALL)
_MISSING: Final = re.compile(r"^Object missing required field `(.*)`$", re.DOTALL)


class Call(msgspec.Struct, kw_only=True):
    """`path` holds what the route's pattern caught, percent-decoded; `headers` are in lower case."""

    house: House
    method: str
    target: str
    path: dict[str, str]
    query_string: str
    headers: Mapping[str, str]
    body: bytes
    credential: Credential
    program: Program

    @property
    def now(self) -> datetime:
        """Program time."""
        return self.program.time(self.house.clock())

    @property
    def actor(self) -> str:
        """Who, for the book."""
        return f"api key {self.credential.name}"

    def number(self, name: str) -> int:
        """An id from the path; the routes let only digits through."""
        return int(self.path[name])

    def query(self, shape: type[T]) -> T:
        """The query's parameters; of one that is repeated the last. Raises Malformed."""
        try:
            pairs = parse_qsl(
                self.query_string, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
            )
        except ValueError:
            raise Malformed("The query can't be read.") from None
        if any("\x00" in value for _, value in pairs):
            raise Malformed("The query contains a NUL character.")
        try:
            return msgspec.convert(dict(pairs), shape, strict=False)
        except msgspec.ValidationError as error:
            field, problem = blame(str(error))
            raise Malformed(f"{field} {problem}.", {"fields": {field: problem}}) from None

    def json(self, shape: type[T]) -> T:
        """The body. Raises Malformed for no JSON, Invalid for other content than `shape` says."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=shape)
        except msgspec.ValidationError as error:
            raise Invalid(*blame(str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed("The body is not well-formed JSON in UTF-8.") from None

    def identity(self) -> Identity | None:
        """What makes a repeat recognisable, if the caller sent an `Idempotency-Key`. Raises Malformed."""
        key = self.headers.get("idempotency-key")
        if key is None:
            return None
        if not (0 < len(key) <= 255 and key.isascii() and key.isprintable()):
            problem = "must be 1 to 255 printable ASCII characters"
            raise Malformed(f"Idempotency-Key {problem}.", {"fields": {"Idempotency-Key": problem}})
        said = b"\n".join((self.method.encode(), self.target.encode(), self.query_string.encode(), self.body))
        return Identity(
            scope=f"idem:{self.credential.credential_id}",
            key=key,
            fingerprint=hashlib.sha256(said).digest()[:16],
            at=self.house.clock(),
        )


def blame(said: str) -> tuple[str, str]:
    """The field at fault and what is wrong with it, of a message of the parser."""
    place = ""
    if (found := _PLACE.match(said)) is not None:
        said, place = found[1], found[2]
    for pattern, problem in ((_UNKNOWN, "is not known"), (_MISSING, "is required")):
        if (found := pattern.match(said)) is not None:
            return (f"{place}.{found[1]}" if place else found[1])[:255], problem
    return place or "body", said[:1].lower() + said[1:]


async def authenticate(house: House, authorization: str | None) -> Credential:
    """The API key that an Authorization header shows. Raises Unauthenticated for none that counts."""
    scheme, _, shown = (authorization or "").strip().partition(" ")
    shown = shown.strip()
    if scheme.lower() != "bearer" or not shown:
        raise Unauthenticated
    lookup = api_key_lookup(shown)
    credential = house.credentials.cached(lookup)
    if credential is None:
        async with asyncio.timeout(house.settings.deadline_seconds):
            credential = await house.credentials.find(lookup)
    if credential is None or credential.kind != "api_key":
        raise Unauthenticated
    return credential


def require(credential: Credential, scopes: tuple[str, ...]) -> None:
    """Raises Forbidden unless the key has one of `scopes`; write implies read."""
    if not any(credential.allows(scope) for scope in scopes):
        raise Forbidden(scopes)


def changes(body: msgspec.Struct) -> dict[str, Any]:
    """What was sent of a body whose fields may be left out."""
    return {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
