"""Finds the order that a return belongs to: a shop's file says only who sent back how many of what."""

from collections import defaultdict
from dataclasses import dataclass, field
from enum import StrEnum

import msgspec

from regulars.demo.reports import OrderReport


class Unmatched(StrEnum):
    """Why a return's line could not be matched to an order."""

    GUEST = "guest"
    NO_ORDER = "no earlier order"
    NO_SUCH_ITEM = "no earlier order with the item"
    TOO_MANY = "no earlier order that still holds as many"


class Return(msgspec.Struct, frozen=True):
    order: OrderReport
    amount_minor: int


@dataclass
class Held:
    """What the customer of an order still has of it. `returned` is the exact worth of the rest."""

    order: OrderReport
    items: dict[str, list[tuple[int, int]]] = field(default_factory=lambda: defaultdict(list))
    """Of each item the quantities left and their prices, in the order's sequence of lines."""
    returned: int = 0

    def quantity(self, item: str) -> int:
        return sum(quantity for quantity, _ in self.items[item]) if item in self.items else 0

    def take(self, item: str, quantity: int) -> int:
        """Takes as many of the item, first lines first. Answers what they had cost, exactly."""
        worth, lines = 0, self.items[item]
        while quantity:
            left, price = lines[0]
            taken = min(left, quantity)
            worth += taken * price
            quantity -= taken
            if taken == left:
                del lines[0]
            else:
                lines[0] = (left - taken, price)
        return worth


class Shelf:
    """The orders so far by customer, with what returns have left of them.

    Prices are integers, `scale` of which are one minor unit.
    """

    def __init__(self, *, scale: int) -> None:
        self._scale = scale
        self._held: dict[str, list[Held]] = defaultdict(list)

    def minor(self, exact: int) -> int:
        """Minor units, rounded half-up."""
        return (2 * exact + self._scale) // (2 * self._scale)

    def put(self, order: OrderReport, lines: list[tuple[str, int, int]]) -> None:
        """Adds an order of a known customer: item, quantity above zero, exact price of one."""
        held = Held(order)
        for item, quantity, price in lines:
            held.items[item].append((quantity, price))
        self._held[order.shopper.merchant_id or ""].append(held)

    def take(self, customer: str, item: str, quantity: int) -> Return | Unmatched:
        """The customer's latest order that still holds as many of the item gives them back, at its own price.

        Amounts are rounded half-up on what was returned of the order in all, so that the parts of a wholly
        returned order add up to its total.
        """
        if not customer:
            return Unmatched.GUEST
        orders = self._held.get(customer)
        if not orders:
            return Unmatched.NO_ORDER
        for held in reversed(orders):
            if held.quantity(item) >= quantity:
                before = self.minor(held.returned)
                held.returned += held.take(item, quantity)
                return Return(held.order, self.minor(held.returned) - before)
        known = any(item in held.items for held in orders)
        return Unmatched.TOO_MANY if known else Unmatched.NO_SUCH_ITEM

    def wholly_returned(self) -> int:
        """How many orders have come back to the last item."""
        return sum(
            held.returned > 0 and not any(held.items.values())
            for orders in self._held.values()
            for held in orders
        )
