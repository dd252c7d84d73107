"""A call as the endpoints see it: what every call of an API has, and its query and body by their shapes."""

import re
from typing import Any, Final, TypeVar

import msgspec

from regulars.domain.errors import Invalid
from regulars.doors import call
from regulars.doors.api.errors import Malformed
from regulars.doors.call import BadParameters

T = TypeVar("T")

_PLACE: Final = re.compile(r"^(.*) - at `(?:key in )?\$\.?(.*)`$", re.DOTALL)
_UNKNOWN: Final = re.compile(r"^Object contains unknown field `(.*)`$", re.DOTALL)
_MISSING: Final = re.compile(r"^Object missing required field `(.*)`$", re.DOTALL)


class Call(call.Call, kw_only=True):
    """`credential`: an API key."""

    @property
    def actor(self) -> str:
        """Who, for the book."""
        return f"api key {self.credential.name}"

    def number(self, name: str) -> int:
        """An id from the path; the routes let only digits through."""
        return int(self.path[name])

    def query(self, shape: type[T]) -> T:
        """The query's parameters; of one that is repeated the last. Raises BadQuery, BadParameters."""
        try:
            return msgspec.convert(self.parameters(), shape, strict=False)
        except msgspec.ValidationError as error:
            raise BadParameters(dict((blame(str(error)),))) from None

    def json(self, shape: type[T]) -> T:
        """The body. Raises Malformed for no JSON, Invalid for other content than `shape` says."""
        try:
            return msgspec.json.decode(self.body or b"{}", type=shape)
        except msgspec.ValidationError as error:
            raise Invalid(*blame(str(error))) from None
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            raise Malformed("The body is not well-formed JSON in UTF-8.") from None


def blame(said: str) -> tuple[str, str]:
    """The field at fault and what is wrong with it, of a message of the parser."""
    place = ""
    if (found := _PLACE.match(said)) is not None:
        said, place = found[1], found[2]
    for pattern, problem in ((_UNKNOWN, "is not known"), (_MISSING, "is required")):
        if (found := pattern.match(said)) is not None:
            return (f"{place}.{found[1]}" if place else found[1])[:255], problem
    return place or "body", said[:1].lower() + said[1:]


def changes(body: msgspec.Struct) -> dict[str, Any]:
    """What was sent of a body whose fields may be left out."""
    return {name: value for name, value in msgspec.structs.asdict(body).items() if value is not msgspec.UNSET}
