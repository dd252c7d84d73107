"""What this door says on the wire, and the one table from errors to answers. Source: the contract, §1."""

from typing import Final, NamedTuple

import msgspec

from regulars.app.deliveries import describe_refusal
from regulars.domain.errors import Busy, Invalid, Late, Refused, Unavailable, Unsure
from regulars.doors.unavailable import RETRY_AFTER
from regulars.doors.wire import Headers

JSON: Final[Headers] = ((b"content-type", b"application/json"),)

_NOT_NOW: Final[dict[type[Unavailable], str]] = {
    Busy: "Too many calls are waiting, or the database is away. Nothing was done; send it again.",
    Late: "The database did not answer in time. Nothing was done; send it again.",
    Unsure: "The database fell silent during the commit: this may have happened, once. Send the same again.",
}


class Answer(NamedTuple):
    """A response; without a body it has no content type either."""

    status: int
    body: bytes = b""
    headers: Headers = ()

    def with_type(self) -> Headers:
        """Its headers, with what its body is, if there is one."""
        return self.headers + JSON if self.body else self.headers


EMPTY: Final = Answer(200)


def json_answer(value: object, status: int = 200) -> Answer:
    return Answer(status, msgspec.json.encode(value))


def problem(status: int, message: str) -> Answer:
    return json_answer({"error": {"message": message}}, status)


def refused(refusal: Refused) -> Answer:
    """The answer to content that is bad, for a shop that asked for strict answers."""
    message = describe_refusal(refusal)
    details = {refusal.field: refusal.problem} if isinstance(refusal, Invalid) else {}
    return json_answer({"error": {"message": message, "details": details}}, 422)


def unavailable(error: Unavailable) -> Answer:
    """503: come again in a second."""
    return problem(503, why_not_now(error))._replace(headers=RETRY_AFTER)


def why_not_now(error: Unavailable) -> str:
    """What the caller, and the log, hear of it."""
    return _NOT_NOW.get(type(error), "Not now; send it again.")
