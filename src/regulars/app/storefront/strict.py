"""JSON and base64url as whoever signs must write them: one way to write a thing, and nothing twice."""

import base64
import binascii
import json
import re
from typing import Any, Final

from regulars.domain.errors import RegularsError

_BASE64URL: Final = re.compile(r"[A-Za-z0-9_-]+", re.ASCII)


class Unproven(RegularsError):
    """Nothing shows that this is who it says. `why` is for the log: the caller is told nothing of it."""


def strict_object(text: bytes | str) -> dict[str, Any]:
    """The members of a JSON object. Raises ValueError for anything else, for a name that comes twice, for NaN
    and its like, and for texts that can't be UTF-8."""
    try:
        found = json.loads(
            text if isinstance(text, str) else text.decode(),
            object_pairs_hook=_once,
            parse_constant=_refuse,
        )
        json.dumps(found, ensure_ascii=False).encode()  # a lone surrogate could not be answered
    except RecursionError:
        raise ValueError("nested too deep") from None
    if not isinstance(found, dict):
        raise ValueError("not an object")  # noqa: TRY004 - what was sent is at fault, not our caller
    return found


def decoded(text: str) -> bytes:
    """What is written in base64url without padding. Raises ValueError for any other way of writing it."""
    if not _BASE64URL.fullmatch(text):
        raise ValueError("not base64url")
    try:
        found = base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))
    except binascii.Error:
        raise ValueError("not base64url") from None
    if encoded(found) != text:
        raise ValueError("not the one way to write it")
    return found


def encoded(content: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(content).rstrip(b"=").decode()


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    members = dict(pairs)
    if len(members) != len(pairs):
        raise ValueError("a name comes twice")
    return members


def _refuse(name: str) -> None:
    raise ValueError(f"{name} is no JSON")
