"""Not now: what a caller is told when a command couldn't be taken or finished, and when to come back."""

from typing import Final

from regulars.domain.errors import Busy, Late, Unavailable, Unsure
from regulars.doors.wire import Headers

RETRY_AFTER: Final[Headers] = ((b"retry-after", b"1"),)
"""In seconds: an engine that is full now has emptied its queue by then."""

NOT_NOW: Final[dict[type[Unavailable], str]] = {
    Busy: "The server can't take this now. Nothing was done: please try again",
    Late: "This waited too long. Nothing was done, and nothing will be: please try again",
    Unsure: "The database fell silent while saving: it may have happened, once. Send it again to find out",
}
