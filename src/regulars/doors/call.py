"""A call of one of the APIs: whose it is, of which program, and what was sent with it."""

import hashlib
from collections.abc import Collection, Iterable, Mapping
from datetime import datetime
from typing import Final, TypeVar
from urllib.parse import parse_qsl

import msgspec

from regulars.app.credentials import Credential
from regulars.app.house import House
from regulars.domain.commands import Identity
from regulars.domain.program import Program
from regulars.doors.wire import Scope

MOST_PARAMETERS: Final = 100
LONGEST_KEY: Final = 255


class BadQuery(Exception):
    """The query as a whole can't be read; `problem` says why."""

    def __init__(self, problem: str) -> None:
        super().__init__(problem)
        self.problem = problem


class BadParameters(Exception):
    """`problems`: what is wrong with parameters of the query, or with headers, by their names."""

    def __init__(self, problems: dict[str, str]) -> None:
        super().__init__(problems)
        self.problems = problems


class Call(msgspec.Struct, kw_only=True):
    """`target` and `path`, which holds what the route's pattern caught, are percent-encoded and decoded;
    `headers` are those that the door reads, in lower case."""

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

    def parameters(self) -> dict[str, str]:
        """The query's; of one that is repeated the last. Raises BadQuery."""
        if not self.query_string:
            return {}
        try:
            pairs = parse_qsl(
                self.query_string, keep_blank_values=True, errors="strict", max_num_fields=MOST_PARAMETERS
            )
        except ValueError:
            raise BadQuery("can't be read") from None
        if any("\x00" in value for _, value in pairs):
            raise BadQuery("contains a NUL character")
        return dict(pairs)

    def identity(self) -> Identity | None:
        """What makes a repeat recognisable, if an `Idempotency-Key` was sent. Raises BadParameters."""
        key = self.headers.get("idempotency-key")
        if key is None:
            return None
        if not (0 < len(key) <= LONGEST_KEY and key.isascii() and key.isprintable()):
            problem = f"must be 1 to {LONGEST_KEY} printable ASCII characters"
            raise BadParameters({"Idempotency-Key": problem})
        said = b"\n".join((self.method.encode(), self.target.encode(), self.query_string.encode(), self.body))
        return Identity(
            scope=f"idem:{self.credential.credential_id}",
            key=key,
            fingerprint=hashlib.sha256(said).digest()[:16],
            at=self.house.clock(),
        )


CallT = TypeVar("CallT", bound=Call)


def headers_of(sent: Iterable[tuple[bytes, bytes]], read: Collection[bytes]) -> dict[str, str]:
    """Those headers that mean something to the door."""
    return {name.decode(): value.decode("latin-1") for name, value in sent if name in read}


async def open_call(
    kind: type[CallT],
    house: House,
    scope: Scope,
    *,
    headers: dict[str, str],
    path: dict[str, str],
    body: bytes,
    credential: Credential,
) -> CallT:
    """The call, with the credential's program as it is now."""
    program = house.programs.cached(credential.program_id) or await house.programs.get(credential.program_id)
    return kind(
        house=house,
        method=scope["method"],
        target=path_of(scope).decode("latin-1"),
        path=path,
        query_string=scope["query_string"].decode("latin-1"),
        headers=headers,
        scheme=scope.get("scheme", "http"),
        body=body,
        credential=credential,
        program=program,
    )


def path_of(scope: Scope) -> bytes:
    """The path as it was sent, percent-encoded."""
    sent: bytes = scope.get("raw_path") or scope["path"].encode()
    return sent
