"""What a shop knows by itself: a shopper's orders, what a code is worth, who its customers are.

The demo shop has no database of its own, so it looks here; real shops look into theirs.
"""

from datetime import datetime

from regulars.app.house import House
from regulars.app.listings import Standing, find_customer
from regulars.domain.errors import UnknownCustomer
from regulars.domain.orders import Order
from regulars.domain.program import Program
from regulars.domain.rewards import Claim, ClaimState
from regulars.storage import shoppers
from regulars.storage.listings import orders
from regulars.storage.reading import reading

ORDERS_SHOWN = 12


async def customer_of(house: House, program: Program, merchant_id: str) -> Standing | None:
    """The customer with the points of now; None for one who is unknown. Raises Busy."""
    try:
        return await find_customer(house.database, program.id, merchant_id, now=program.time(house.clock()))
    except UnknownCustomer:
        return None


async def richest_customers(house: House, program: Program, *, most: int) -> list[Standing]:
    """The members with the most points to spend, of a program that is small. Raises Busy."""
    async with reading(house.database) as connection:
        ids = await shoppers.richest(connection, program.id, most=most)
    found = [await customer_of(house, program, merchant_id) for merchant_id in ids]
    return [standing for standing in found if standing is not None]


async def orders_of(
    house: House, program: Program, *, customer_id: int | None, merchant_ids: tuple[str, ...] = ()
) -> list[Order]:
    """The customer's latest orders, or a guest's by their own ids. Raises Busy."""
    site = program.site(None)
    async with reading(house.database) as connection:
        if customer_id is not None:
            return await shoppers.orders_of(connection, program.id, customer_id, most=ORDERS_SHOWN)
        found = [
            await orders.one(connection, program.id, site.id, merchant_id)
            for merchant_id in merchant_ids[:ORDERS_SHOWN]
        ]
    return [order for order in found if order is not None]


async def usable_claim(house: House, program: Program, code: str, now: datetime) -> Claim | None:
    """What a code is for, if it can be used at program time `now`; None for any other. Raises Busy."""
    async with reading(house.database) as connection:
        claim = await shoppers.claim_by_code(connection, program.id, code)
    if claim is None or claim.state is not ClaimState.CLAIMED or claim.has_expired(now):
        return None
    return claim
