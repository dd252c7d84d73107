"""A row of refunds: money of an order that is known, given back once, under the refund's own id."""

from typing import Final

from regulars.app.imports.columns import Cells, Column
from regulars.app.imports.shop import Shop, Tell
from regulars.domain.commands import RecordRefund, RefundPart
from regulars.domain.decisions import Outcome

COLUMNS: Final = (
    Column("refund_id", "the shop's id of the refund; the same one counts once for an order", ("id",), True),
    Column("order_id", "the shop's id of the order, which must be known", ("order_merchant_id",), True),
    Column("amount", "the money given back", ("total_refunded",), required=True),
    Column("date", "when it was given back; blank: now", ("created_at", "refunded_at")),
    Column("currency", "must be the shop's"),
)


async def take_refund(cells: Cells, shop: Shop, tell: Tell) -> Outcome:
    """Records the refund of one row."""
    decision = await tell(refund_of(cells, shop))
    return decision.outcome


def refund_of(cells: Cells, shop: Shop) -> RecordRefund:
    """The refund that a row reports. Raises Invalid, naming the column."""
    currency = cells.currency(shop.site.currency)
    amount = cells.required_amount("amount", currency)
    return RecordRefund(
        site_id=shop.site.id,
        merchant_id=cells.required("order_id"),
        currency=currency,
        parts=(RefundPart(amount, cells.required("refund_id")),),
        at=cells.moment("date"),
    )
