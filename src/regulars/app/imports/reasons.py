"""Why a row was refused, in a sentence that names the file's columns."""

from typing import Final

from regulars.app.deliveries import describe_refusal
from regulars.domain.errors import IdentityReused, Invalid, OrderDiffers, RefundDiffers, Refused

# The commands' names of what a column says.
_COLUMN_OF: Final = {
    "placed_at": "date",
    "at": "date",
    "total_minor": "total",
    "goods_minor": "total",
    "shipping_minor": "shipping",
    "tax_minor": "tax",
    "discounts_minor": "discounts",
    "merchant_number": "number",
    "customer": "customer_id",
}


def reason_of(refusal: Refused) -> str:
    """The sentence for a row's refusal."""
    match refusal:
        case Invalid():
            return f"{_COLUMN_OF.get(refusal.field, refusal.field)} {refusal.problem}"
        case OrderDiffers():
            columns = dict.fromkeys(_COLUMN_OF.get(field, field) for field in refusal.data["fields"])
            return f"differs: the order is known with another {', '.join(columns)}"
        case RefundDiffers():
            return "differs: the refund is known with another amount"
        case IdentityReused():
            return "differs: the customer's points were imported before, and they were another number"
        case _:
            return describe_refusal(refusal).rstrip(".")
