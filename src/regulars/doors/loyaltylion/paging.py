"""Paging: `since_id`, `page`, and cursors, which win over everything but `limit`. loyaltylion.md §2.4.

A cursor is base64url JSON: where the page before ended, the direction, and the filters baked in.
"""

import base64
import binascii
import re
from collections.abc import Callable, Sequence
from datetime import UTC, datetime
from typing import Any, Final, Generic, Literal, TypeVar
from urllib.parse import urlencode

import msgspec

from regulars.app.listings import Window
from regulars.doors.call import BadParameters
from regulars.doors.loyaltylion.fields import parse_moment
from regulars.doors.loyaltylion.request import Request
from regulars.doors.wire import Headers

T = TypeVar("T")

DEFAULT_LIMIT: Final = 100
MOST_LIMIT: Final = 500
MOST_CURSOR: Final = 4000
MOST_ID: Final = 2**63 - 1
_NUMBER = re.compile(r"-?[0-9]{1,18}")
_LOST_PLUS = re.compile(r"(?<=[0-9]) (?=[0-9]{2}:?[0-9]{2}$)")

CREATED: Final = ("created_at_min", "created_at_max")
UPDATED: Final = ("updated_at_min", "updated_at_max")

_BOUNDS: Final = {
    "created_at_min": "created_from",
    "created_at_max": "created_before",
    "updated_at_min": "changed_from",
    "updated_at_max": "changed_before",
}


class Cursor(msgspec.Struct, frozen=True, kw_only=True, rename="camel", omit_defaults=True):
    """Where to go on: beyond `last_id` (and `last_at`, in a list by change) in `direction`."""

    last_id: int
    direction: Literal["next", "prev"]
    last_at: datetime | None = None
    ascending: bool = False
    by_change: bool = False
    created_from: datetime | None = None
    created_before: datetime | None = None
    changed_from: datetime | None = None
    changed_before: datetime | None = None
    email: str | None = None
    customer_id: int | None = None
    csv: bool = False


class Page(msgspec.Struct, Generic[T]):
    """A page's rows in the list's order, and the cursors around it."""

    rows: list[T]
    prev: str | None
    next: str | None

    def cursor(self) -> dict[str, str | None]:
        return {"prev": self.prev, "next": self.next}


class Listing(msgspec.Struct, kw_only=True):
    """What a list was asked for. `ascending` is the list's own order, whichever way this page is read."""

    limit: int
    ascending: bool = False
    by_change: bool = False
    offset: int = 0
    cursor: Cursor | None = None
    beyond: int | None = None
    filters: dict[str, Any] = {}
    csv: bool = False

    @property
    def is_backwards(self) -> bool:
        return self.cursor is not None and self.cursor.direction == "prev"

    def window(self) -> Window:
        """The rows to read: one more than asked for, which tells whether there is a page after."""
        return Window(
            limit=self.limit + 1,
            offset=self.offset,
            ascending=self.ascending != self.is_backwards,
            by_change=self.by_change,
            beyond=self.cursor.last_id if self.cursor is not None else self.beyond,
            beyond_at=self.cursor.last_at if self.cursor is not None else None,
            **self.filters,
        )

    def page(self, rows: Sequence[T], key: Callable[[T], tuple[int, datetime | None]]) -> Page[T]:
        """The page of these rows, which `window()` read. `key` gives a row's id and time of change."""
        more = len(rows) > self.limit
        shown = list(rows[: self.limit])
        if not shown:
            return Page([], None, None)
        if self.is_backwards:
            shown.reverse()
            has_prev, has_next = more, True
        else:
            has_prev, has_next = self.cursor is not None or self.offset > 0, more
        return Page(
            shown,
            self._cursor("prev", key(shown[0])) if has_prev else None,
            self._cursor("next", key(shown[-1])) if has_next else None,
        )

    def _cursor(self, direction: Literal["next", "prev"], key: tuple[int, datetime | None]) -> str:
        cursor = Cursor(
            last_id=key[0],
            direction=direction,
            last_at=key[1] if self.by_change else None,
            ascending=self.ascending,
            by_change=self.by_change,
            csv=self.csv,
            **self.filters,
        )
        return base64.urlsafe_b64encode(msgspec.json.encode(cursor)).rstrip(b"=").decode()


def parse_listing(
    request: Request,
    *,
    times: Sequence[str] = CREATED,
    pages: bool = True,
    email: bool = False,
    customer: bool = False,
    sorts: bool = False,
    types: bool = False,
) -> Listing:
    """The listing that a query asks for; parameters that the list does not know are ignored.

    What a list knows besides since_id, cursor and limit: `times`, `pages`, `email`, `customer` (its id),
    `sorts` and `types` (json or csv). Raises BadParameters.
    """
    query = request.parameters()
    problems: dict[str, str] = {}
    limit = _number(query, "limit", problems, least=1, most=MOST_LIMIT, default=DEFAULT_LIMIT)
    if query.get("cursor"):
        cursor = _decode(query["cursor"])
        _check(problems)
        filters = {name: getattr(cursor, name) for name in (*_BOUNDS.values(), "email", "customer_id")}
        return Listing(
            limit=limit,
            ascending=cursor.ascending,
            by_change=cursor.by_change and sorts,
            cursor=cursor,
            filters={name: value for name, value in filters.items() if value is not None},
            csv=types and query.get("type", "csv" if cursor.csv else "json") == "csv",
        )
    filters = _bounds(query, times, problems)
    if email and query.get("email"):
        filters["email"] = query["email"].strip()
    if customer and "customer_id" in query:
        filters["customer_id"] = _number(query, "customer_id", problems, least=0, most=MOST_ID, default=0)
    since = _number(query, "since_id", problems, least=-MOST_ID, most=MOST_ID, default=None)
    page = _number(query, "page", problems, least=1, most=10_000_000, default=1) if pages else 1
    by_change, ascending = _sorting(query, problems) if sorts else (False, False)
    if types and query.get("type", "json") not in ("json", "csv"):
        problems["type"] = "must be json or csv"
    _check(problems)
    assert page is not None and limit is not None
    return Listing(
        limit=limit,
        ascending=ascending if since is None else True,
        by_change=by_change and since is None,
        offset=(page - 1) * limit,
        beyond=since,
        filters=filters,
        csv=types and query.get("type") == "csv",
    )


def links(request: Request, listing: Listing, page: Page[T]) -> Headers:
    """The Link header: `previous`, then `next`, each where there is one; sent even when empty."""
    named = request.parameters().get("limit")
    parts = []
    for relation, cursor in (("previous", page.prev), ("next", page.next)):
        if cursor is not None:
            query = (
                {"cursor": cursor}
                | ({"limit": named} if named else {})
                | ({"type": "csv"} if listing.csv else {})
            )
            parts.append(f'<{request.address}?{urlencode(query)}>; rel="{relation}"')
    return ((b"link", ", ".join(parts).encode("latin-1", "replace")),)


def _decode(text: str) -> Cursor:
    try:
        if len(text) > MOST_CURSOR:
            raise ValueError
        written = base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
        cursor = msgspec.json.decode(written, type=Cursor)
        if abs(cursor.last_id) > MOST_ID or (cursor.by_change and cursor.last_at is None):
            raise ValueError
        for name in ("last_at", *_BOUNDS.values()):
            at = getattr(cursor, name)
            if at is not None and at.tzinfo is None:
                raise ValueError
        if "\x00" in (cursor.email or "") or abs(cursor.customer_id or 0) > MOST_ID:
            raise ValueError
    except (binascii.Error, ValueError, RecursionError, msgspec.MsgspecError):
        raise BadParameters({"cursor": "is not a cursor of this API"}) from None
    return cursor


def _bounds(query: dict[str, str], times: Sequence[str], problems: dict[str, str]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for name in times:
        if name in query:
            try:
                # A plus that was not percent-encoded has become a blank on its way.
                text = _LOST_PLUS.sub("+", query[name].strip())
                found[_BOUNDS[name]] = parse_moment(text, zone=UTC, least=None)
            except ValueError as error:
                problems[name] = str(error)
    return found


def _sorting(query: dict[str, str], problems: dict[str, str]) -> tuple[bool, bool]:
    field, direction = query.get("sort_field", "id"), query.get("sort_direction", "desc")
    if field not in ("id", "updated_at"):
        problems["sort_field"] = "must be id or updated_at"
    if direction not in ("asc", "desc"):
        problems["sort_direction"] = "must be asc or desc"
    return field == "updated_at", direction == "asc"


def _number(
    query: dict[str, str], name: str, problems: dict[str, str], *, least: int, most: int, default: int | None
) -> Any:
    text = query.get(name)
    if text is None:
        return default
    if not _NUMBER.fullmatch(text) or not least <= int(text) <= most:
        problems[name] = f"must be a whole number from {least} to {most}"
        return default
    return int(text)


def _check(problems: dict[str, str]) -> None:
    if problems:
        raise BadParameters(problems)
