"""A row of orders: what the shop sold, when and to whom; the points and their approval are as of then."""

from typing import Final

from regulars.app.imports.columns import Cells, Column
from regulars.app.imports.shop import Shop, Tell
from regulars.domain.commands import CancelOrder, CustomerRef, PaymentStatus, RecordOrder
from regulars.domain.decisions import Outcome
from regulars.domain.errors import Invalid

DOOR: Final = "import"

COLUMNS: Final = (
    Column("order_id", "the shop's id of the order", ("merchant_id", "id"), required=True),
    Column("date", "when it was placed", ("created_at", "placed_at"), required=True),
    Column("total", "all of it, with shipping and tax, before discounts", required=True),
    Column("customer_id", "the shop's id of the customer; blank: a guest, who earns nothing"),
    Column("customer_email", "the customer's e-mail; a guest needs one", ("email",)),
    Column("guest", "true: a guest although there is an id"),
    Column("shipping", "the shipping within the total", ("total_shipping",)),
    Column("tax", "the tax within the total", ("total_tax",)),
    Column("discounts", "all discounts", ("total_discounts", "discount")),
    Column("currency", "must be the shop's"),
    Column("payment_status", "paid, partially_paid or not_paid; blank: paid"),
    Column("total_paid", "what was paid of it; needed when it is partially_paid"),
    Column("cancelled", "true: it was cancelled, so what it gave is taken again"),
    Column("status", "the shop's own word for where it stands, where the program's rules go by it"),
    Column("number", "the number that the customer sees", ("merchant_number", "order_number")),
)


async def take_order(cells: Cells, shop: Shop, tell: Tell) -> Outcome:
    """Records the order of one row, and cancels it where the row says so."""
    order = order_of(cells, shop)
    is_cancelled = cells.is_so("cancelled")
    decision = await tell(order)
    if is_cancelled:
        await tell(CancelOrder(site_id=order.site_id, merchant_id=order.merchant_id))
    return decision.outcome


def order_of(cells: Cells, shop: Shop) -> RecordOrder:
    """The order that a row reports. Raises Invalid, naming the column."""
    site = shop.site
    currency = cells.currency(site.currency)
    total = cells.required_amount("total", currency)
    shipping = cells.amount("shipping", currency) or 0
    tax = cells.amount("tax", currency) or 0
    if shipping + tax > total:
        raise Invalid("total", "is less than the shipping and the tax within it")
    customer_id = cells.text("customer_id")
    placed_at = cells.moment("date")
    if placed_at is None:
        raise Invalid("date", "is required")
    return RecordOrder(
        door=DOOR,
        site_id=site.id,
        merchant_id=cells.required("order_id"),
        merchant_number=cells.text("number"),
        customer=CustomerRef(
            merchant_id=customer_id,
            email=cells.email("customer_email"),
            guest=cells.is_so("guest") or customer_id is None,
        ),
        currency=currency,
        total_minor=total,
        goods_minor=total - shipping - tax,
        shipping_minor=shipping,
        tax_minor=tax,
        discounts_minor=cells.amount("discounts", currency) or 0,
        payment_status=cells.choice("payment_status", PaymentStatus, PaymentStatus.PAID),
        paid_minor=cells.amount("total_paid", currency),
        status=cells.text("status"),
        placed_at=placed_at,
    )
