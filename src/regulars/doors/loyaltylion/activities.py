"""Activities: what customers did, as a list, and the sign-up that shops report. loyaltylion.md §1.4."""

from datetime import timedelta
from typing import Final

from regulars.app.listings import list_activities
from regulars.domain.commands import Activity, CustomerRef, SaveCustomer
from regulars.domain.errors import Invalid
from regulars.doors.loyaltylion.answers import CREATED
from regulars.doors.loyaltylion.paging import links, parse_listing
from regulars.doors.loyaltylion.request import Request
from regulars.doors.loyaltylion.shapes import activity
from regulars.doors.wire import Answer, as_json

SIGNUP: Final = ("$signup", "signup")
"""The bare name was sent by a module of 2015. Source: loyaltylion.md §1.4."""
FUTURE_ALLOWED: Final = timedelta(days=1)
MOST_PROPERTIES: Final = 50
LONGEST_PROPERTY: Final = 2000


async def get_activities(request: Request) -> Answer:
    """GET /v2/activities."""
    listing = parse_listing(request)
    rows = await list_activities(
        request.house.database, request.program.id, listing.window(), now=request.now
    )
    page = listing.page(rows, lambda row: (row.id, None))
    shown = {"activities": [activity(row) for row in page.rows], "cursor": page.cursor()}
    return as_json(shown, headers=links(request, listing, page))


async def create_activity(request: Request) -> Answer:
    """POST /v2/activities. `$signup` enrols unless `guest: true` is said; other names are not known yet."""
    fields = request.fields()
    name = fields.identifier("name")
    merchant_id = fields.identifier_or_none("merchant_id", empty_is_none=True)
    properties = fields.object("properties")
    at = fields.moment_or_none("date")
    command = SaveCustomer(
        identity=request.identity(),
        customer=CustomerRef(
            merchant_id=fields.identifier("customer_id"),
            email=fields.email("customer_email"),
            guest=fields.flag_or_none("guest") or False,
        ),
        activity=Activity(
            name=SIGNUP[0],
            merchant_id=merchant_id,
            at=at,
            properties=properties.scalars(most=MOST_PROPERTIES, longest=LONGEST_PROPERTY)
            if properties is not None
            else {},
        ),
    )
    for known in ("ip_address", "referral_id", "tracking_id", "state"):
        fields.identifier_or_none(known, empty_is_none=True)
    fields.shortened("user_agent", LONGEST_PROPERTY)
    fields.check()
    request.site()
    if name not in SIGNUP:
        raise Invalid("name", f"must be {SIGNUP[0]}: no other activity is known to this program")
    if at is not None and at > request.now + FUTURE_ALLOWED:
        raise Invalid("date", "lies in the future")
    await request.submit(command)
    return CREATED
