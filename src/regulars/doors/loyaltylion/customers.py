"""Customers: the list, small changes, points given and taken. Source: loyaltylion.md §1.2."""

from typing import Final

from regulars.app.listings import list_customers, show_customer
from regulars.domain.commands import AdjustPoints, PatchCustomer
from regulars.domain.errors import Busy, Invalid, Late, Unsure
from regulars.doors.loyaltylion.answers import CREATED, NO_CONTENT
from regulars.doors.loyaltylion.paging import CREATED as CREATED_AT
from regulars.doors.loyaltylion.paging import UPDATED as UPDATED_AT
from regulars.doors.loyaltylion.paging import links, parse_listing
from regulars.doors.loyaltylion.request import Request
from regulars.doors.loyaltylion.shapes import full_customer
from regulars.doors.wire import Answer, as_json

MOST_GIVEN: Final = 1_000_000
MOST_TAKEN: Final = 1_000_000_000_000
LONGEST_REASON: Final = 1000
FIRST_YEAR: Final = 1900


async def get_customers(request: Request) -> Answer:
    """GET /v2/customers: all of them, guests included."""
    listing = parse_listing(request, times=CREATED_AT + UPDATED_AT, email=True, sorts=True)
    rows = await list_customers(request.house.database, request.program.id, listing.window(), now=request.now)
    page = listing.page(rows, lambda row: (row.by.customer.id, row.by.account.updated_at))
    shown = {"customers": [full_customer(row) for row in page.rows], "cursor": page.cursor()}
    return as_json(shown, headers=links(request, listing, page))


async def patch_customer(request: Request) -> Answer:
    """PATCH /v2/customers/{merchant_id} `{"customer": {birthday?, blocked?}}`."""
    fields, merchant_id = request.fields(), request.path["merchant_id"]
    said = fields.object("customer", required=True)
    birthday = said.day_or_none("birthday") if said is not None else None
    blocked = said.flag_or_none("blocked") if said is not None else None
    fields.check()
    if birthday is not None and not (birthday.year >= FIRST_YEAR and birthday <= request.now.date()):
        raise Invalid("customer.birthday", f"must lie between {FIRST_YEAR} and today")
    await request.submit(
        PatchCustomer(
            identity=request.identity(), merchant_id=merchant_id, birthday=birthday, blocked=blocked
        )
    )
    try:
        listed = await show_customer(request.house.database, request.program.id, merchant_id, now=request.now)
    except (Busy, Late) as error:  # these say that nothing was done
        raise Unsure(**error.data) from None
    return as_json({"customer": full_customer(listed)})


async def add_points(request: Request) -> Answer:
    """POST .../points `{points, reason?}`: given at once."""
    await request.submit(_adjustment(request, most=MOST_GIVEN, sign=1))
    return CREATED


async def remove_points(request: Request) -> Answer:
    """POST .../remove_points `{points, reason?}`: down to zero, not beyond."""
    await request.submit(_adjustment(request, most=MOST_TAKEN, sign=-1))
    return NO_CONTENT


def _adjustment(request: Request, *, most: int, sign: int) -> AdjustPoints:
    fields = request.fields()
    points = fields.integer("points", least=1, most=most)
    reason = fields.text_or_none("reason", most=LONGEST_REASON) or None
    fields.check()
    return AdjustPoints(
        identity=request.identity(),
        merchant_id=request.path["merchant_id"],
        points=sign * points,
        reason=reason,
        actor=request.actor,
    )
