"""What the widget's panel shows: to anybody what the program offers, to a shopper what is theirs."""

from datetime import datetime

import msgspec

from regulars.app.claims import Offer, claims_of, offers
from regulars.app.house import House
from regulars.app.listings import Standing, find_customer
from regulars.app.rewards import stocks
from regulars.app.storefront.history import Lines, lines_of
from regulars.app.storefront.sessions import Session
from regulars.domain.errors import UnknownCustomer
from regulars.domain.program import Program
from regulars.domain.rewards import Claim, Reward, Stock, why_unavailable
from regulars.storage import shoppers
from regulars.storage.reading import reading
from regulars.storage.shoppers import Approval

CLAIMS_SHOWN = 50


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A reward that is on offer to anybody, and what is left of it."""

    reward: Reward
    stock: Stock


class Mine(msgspec.Struct, frozen=True, kw_only=True):
    """What is a shopper's own. `standing` None: the program doesn't know them yet.

    `orders`: the shop's ids of the shopper's own orders on which claims were used, by our ids. `now` is
    program time.
    """

    merchant_id: str
    program: Program
    now: datetime
    standing: Standing | None
    next_approval: Approval | None
    offers: list[Offer]
    claims: list[Claim]
    orders: dict[int, str]
    lines: Lines

    @property
    def is_member(self) -> bool:
        return self.standing is not None and self.standing.customer.is_member


async def on_offer(house: House, program: Program, site_id: int | None) -> list[Shown]:
    """The rewards that a stranger at this site sees now. Raises Busy."""
    now = program.time(house.clock())
    left = await stocks(house.database, program) if program.rewards else {}
    return [
        Shown(reward=reward, stock=left[reward.id])
        for reward in program.rewards
        if why_unavailable(reward, site_id=site_id, now=now) is None
    ]


async def mine(house: House, session: Session) -> Mine:
    """All that the panel shows to the session's shopper. Raises Busy."""
    program, database = session.program, house.database
    now = program.time(house.clock())
    standing = await standing_of(house, session)
    customer = None if standing is None else standing.customer
    available = 0 if standing is None else standing.account.available
    offered = await offers(database, program, customer, available=available, site_id=session.site.id, now=now)
    seen = [
        offer for offer in offered if why_unavailable(offer.reward, site_id=session.site.id, now=now) is None
    ]
    claims: list[Claim] = []
    orders: dict[int, str] = {}
    approval, lines = None, Lines()
    if customer is not None:
        claims = await claims_of(database, program.id, customer.id, most=CLAIMS_SHOWN)
        used_on = [claim.order_id for claim in claims if claim.order_id is not None]
        async with reading(database) as connection:
            if used_on:
                orders = await shoppers.merchant_ids_of(connection, program.id, customer.id, used_on)
            approval = await shoppers.next_approval(connection, program.id, customer.id, now)
            lines = await lines_of(connection, program.id, customer.id, before=None, now=now)
    return Mine(
        merchant_id=session.merchant_id,
        program=program,
        now=now,
        standing=standing,
        next_approval=approval,
        offers=seen,
        claims=claims,
        orders=orders,
        lines=lines,
    )


async def more_history(house: House, session: Session, before: int | None) -> Lines:
    """A page of the shopper's lines, empty for somebody whom the program doesn't know. Raises Busy."""
    standing = await standing_of(house, session)
    if standing is None:
        return Lines()
    now = session.program.time(house.clock())
    async with reading(house.database) as connection:
        return await lines_of(connection, session.program.id, standing.customer.id, before=before, now=now)


async def standing_of(house: House, session: Session) -> Standing | None:
    """The session's customer with the points of now; None for one who is unknown. Raises Busy."""
    program = session.program
    try:
        return await find_customer(
            house.database, program.id, session.merchant_id, now=program.time(house.clock())
        )
    except UnknownCustomer:
        return None


async def points_of(house: House, session: Session) -> tuple[Standing | None, Approval | None]:
    """The shopper's points of now, and those that are approved next. Raises Busy."""
    standing = await standing_of(house, session)
    if standing is None:
        return None, None
    now = session.program.time(house.clock())
    async with reading(house.database) as connection:
        approval = await shoppers.next_approval(connection, session.program.id, standing.customer.id, now)
    return standing, approval
