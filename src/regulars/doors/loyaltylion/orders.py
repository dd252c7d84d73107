"""Orders: what shops report of them, and what they read back. Source: seed, loyaltylion.md §1.1 and §10."""

from typing import Final

from regulars.app.listings import find_order, list_orders
from regulars.domain.commands import (
    CancelOrder,
    CustomerRef,
    DiscountCode,
    Identity,
    OrderDetails,
    PaymentStatus,
    RecordOrder,
    RecordPayment,
    RecordRefund,
    RefundPart,
    RefundStatus,
    UpdateOrder,
)
from regulars.domain.program import Site
from regulars.doors.loyaltylion.answers import CREATED, NO_CONTENT
from regulars.doors.loyaltylion.fields import Cancellation, Fields, numbers
from regulars.doors.loyaltylion.paging import CREATED as CREATED_AT
from regulars.doors.loyaltylion.paging import UPDATED as UPDATED_AT
from regulars.doors.loyaltylion.paging import links, parse_listing
from regulars.doors.loyaltylion.request import Request
from regulars.doors.loyaltylion.shapes import listed_order, one_order
from regulars.doors.wire import Answer, as_json

DOOR: Final = "loyaltylion"
MOST_CODES: Final = 100
MOST_REWARDS: Final = 1000
USER_AGENT_KEPT: Final = 1000


async def create_order(request: Request) -> Answer:
    """POST /v2/orders. The same again is 201 again; other content is a 422 that names what differs."""
    await request.submit(_order(request.fields(), request.site(), request.identity()))
    return CREATED


def _order(fields: Fields, site: Site, identity: Identity | None) -> RecordOrder:
    """The order that a body reports, for its site. Raises Malformed, naming every field at fault."""
    total, shipping = fields.amount("total", site.currency), fields.amount("total_shipping", site.currency)
    tax = fields.amount_or_none("total_tax", site.currency) or 0
    codes = _codes(fields, site.currency)
    command = RecordOrder(
        identity=identity,
        door=DOOR,
        site_id=site.id,
        merchant_id=fields.identifier("merchant_id"),
        merchant_number=fields.identifier_or_none("merchant_number", empty_is_none=True)
        or fields.identifier_or_none("number", empty_is_none=True),
        customer=_customer(fields),
        currency=site.currency,
        total_minor=total,
        goods_minor=max(total - shipping - tax, 0),
        shipping_minor=shipping,
        tax_minor=tax,
        discounts_minor=sum(code.amount_minor or 0 for code in codes),
        payment_status=fields.choice("payment_status", PaymentStatus),
        paid_minor=fields.amount_or_none("total_paid", site.currency),
        placed_at=fields.moment_or_none("date"),
        details=OrderDetails(
            codes=codes,
            claimed_reward_ids=_claimed_reward_ids(fields),
            ip_address=fields.text_or_none("ip_address") or None,
            user_agent=fields.shortened("user_agent", USER_AGENT_KEPT),
            referral_id=fields.identifier_or_none("referral_id", empty_is_none=True),
            tracking_id=fields.identifier_or_none("tracking_id", empty_is_none=True),
        ),
    )
    fields.check()
    return command


def _customer(fields: Fields) -> CustomerRef:
    """Who ordered. `customer_id: null` is a guest, known by e-mail; a missing id only with `guest: true`."""
    guest = fields.flag_or_none("guest") or False
    merchant_id = fields.identifier_or_none("customer_id")
    if merchant_id is None:
        if not guest and not fields.has("customer_id"):
            fields.wrong("customer_id", "is required")
        guest = True
    return CustomerRef(merchant_id=merchant_id, email=fields.email("customer_email"), guest=guest)


def _codes(fields: Fields, currency: str) -> tuple[DiscountCode, ...]:
    """Discount codes: an array of objects, or, as Magento 2 sends it, one object."""
    name = "discount_codes"
    if fields.is_object(name):
        single = fields.object(name)
        items = [] if single is None or single.is_empty else [single]
    else:
        raws = fields.array_or_none(name) or []
        if len(raws) > MOST_CODES:
            fields.wrong(name, f"must not have more than {MOST_CODES} entries")
            raws = []
        nested = (fields.nested(f"{name}[{place}]", bytes(raw)) for place, raw in enumerate(raws))
        items = [item for item in nested if item is not None]
    return tuple(DiscountCode(item.identifier("code"), item.amount("amount", currency)) for item in items)


def _claimed_reward_ids(fields: Fields) -> tuple[int, ...]:
    name = "claimed_reward_ids"
    ids = numbers(fields.array_or_none(name) or [], MOST_REWARDS)
    if ids is None:
        fields.wrong(name, f"must be an array of at most {MOST_REWARDS} whole numbers")
    return tuple(ids or ())


async def update_order(request: Request) -> Answer:
    """PUT /v2/orders/{merchant_id}: the whole state of payment, refund and cancellation, and nothing else."""
    fields, site = request.fields(), request.site()
    command = UpdateOrder(
        identity=request.identity(),
        site_id=site.id,
        merchant_id=request.path["merchant_id"],
        payment_status=fields.choice("payment_status", PaymentStatus),
        refund_status=fields.choice("refund_status", RefundStatus),
        cancelled=fields.choice("cancellation_status", Cancellation) is Cancellation.CANCELLED,
        paid_minor=fields.amount("total_paid", site.currency),
        refunded_minor=fields.amount("total_refunded", site.currency),
    )
    fields.check()
    await request.submit(command)
    return NO_CONTENT


async def mark_paid(request: Request) -> Answer:
    """PUT .../paid: the rest of what is payable is paid. Its body, if any, is not read."""
    await request.submit(
        RecordPayment(
            identity=request.identity(),
            site_id=request.site().id,
            merchant_id=request.path["merchant_id"],
            amount_minor=None,
        )
    )
    return NO_CONTENT


async def mark_cancelled(request: Request) -> Answer:
    """PUT .../cancelled. Its body, if any, is not read."""
    await request.submit(
        CancelOrder(
            identity=request.identity(), site_id=request.site().id, merchant_id=request.path["merchant_id"]
        )
    )
    return NO_CONTENT


async def mark_refunded(request: Request) -> Answer:
    """PUT .../refunded: all that was paid is given back. Its body, if any, is not read."""
    site = request.site()
    await request.submit(
        RecordRefund(
            identity=request.identity(),
            site_id=site.id,
            merchant_id=request.path["merchant_id"],
            currency=site.currency,
        )
    )
    return NO_CONTENT


async def add_payment(request: Request) -> Answer:
    """POST .../payments `{amount}`: one more payment; paid in full from the payable amount on."""
    fields, site = request.fields(), request.site()
    amount = _positive(fields, site)
    fields.check()
    await request.submit(
        RecordPayment(
            identity=request.identity(),
            site_id=site.id,
            merchant_id=request.path["merchant_id"],
            amount_minor=amount,
        )
    )
    return CREATED


async def add_refund(request: Request) -> Answer:
    """POST .../refunds `{amount, id?}`: one more refund. With an `id`, the same refund again counts once."""
    fields, site = request.fields(), request.site()
    part = RefundPart(_positive(fields, site), fields.identifier_or_none("id"))
    fields.check()
    await request.submit(
        RecordRefund(
            identity=request.identity(),
            site_id=site.id,
            merchant_id=request.path["merchant_id"],
            currency=site.currency,
            parts=(part,),
        )
    )
    return CREATED


def _positive(fields: Fields, site: Site) -> int:
    amount = fields.amount("amount", site.currency)
    if amount == 0:
        fields.wrong("amount", "must be more than zero")
    return amount


async def get_orders(request: Request) -> Answer:
    """GET /v2/orders."""
    listing = parse_listing(request, times=CREATED_AT + UPDATED_AT)
    rows = await list_orders(request.house.database, request.program.id, listing.window(), now=request.now)
    page = listing.page(rows, lambda row: (row.order.id, None))
    shown = {"orders": [listed_order(row) for row in page.rows], "cursor": page.cursor()}
    return as_json(shown, headers=links(request, listing, page))


async def get_order(request: Request) -> Answer:
    """GET /v2/orders/{merchant_id}."""
    site = request.site()
    one = await find_order(request.house.database, request.program.id, site.id, request.path["merchant_id"])
    return as_json(one_order(one))
