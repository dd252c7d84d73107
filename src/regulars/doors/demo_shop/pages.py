"""The demo shop's pages."""

from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

from regulars.app.storefront import till
from regulars.doors.demo_shop.catalogue import BY_ITEM
from regulars.doors.demo_shop.counter import Answer, Counter, Shown

REGULARS_SHOWN: Final = 6

Page: TypeAlias = Callable[[Counter, Shown], Awaitable[Answer]]


async def shelf(counter: Counter, shown: Shown) -> Answer:
    """Everything there is to buy."""
    return await counter.page(shown, "shelf.html")


async def product(counter: Counter, shown: Shown, item: str) -> Answer:
    """One product."""
    found = BY_ITEM.get(item)
    if found is None:
        return await counter.page(shown, "nothing.html", status=404)
    return await counter.page(shown, "product.html", product=found)


async def basket(counter: Counter, shown: Shown) -> Answer:
    """The basket, a field for a code, and the checkout."""
    filled, claim = await counter.basket(shown)
    return await counter.page(
        shown, "basket.html", basket=filled, claim=claim, code=shown.visit.code, email=shown.visit.email
    )


async def orders(counter: Counter, shown: Shown) -> Answer:
    """The visitor's orders, what each gave, and a button that gives its money back."""
    program = await counter.program(shown)
    who = await counter.customer(shown)
    found = await till.orders_of(
        counter.house,
        program,
        customer_id=who.customer.id if who is not None else None,
        merchant_ids=shown.visit.orders,
    )
    return await counter.page(shown, "orders.html", orders=found)


async def points(counter: Counter, shown: Shown) -> Answer:
    """A page of the shop's own about points, filled by the widget's inline elements."""
    return await counter.page(shown, "points.html")


async def log_in(counter: Counter, shown: Shown) -> Answer:
    """Some of the demo's customers, to be any of them, and a form for somebody new."""
    program = await counter.program(shown)
    regulars = await till.richest_customers(counter.house, program, most=REGULARS_SHOWN)
    return await counter.page(shown, "log-in.html", regulars=regulars)


PAGES: Final[dict[str, Page]] = {
    "": shelf,
    "basket": basket,
    "orders": orders,
    "points": points,
    "log-in": log_in,
}
