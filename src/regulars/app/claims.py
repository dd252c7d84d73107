"""Claiming rewards, and what becomes of what was claimed; and which rewards stand open to a customer."""

import asyncio
import secrets
from collections.abc import Sequence
from datetime import datetime, timedelta
from typing import Final

import msgspec

from regulars.app.deliveries import Delivery
from regulars.app.engine import Engine
from regulars.domain.commands import CancelClaim, ExpireClaim, FulfilClaim, Identity, RedeemReward
from regulars.domain.customers import Customer
from regulars.domain.decisions import Outcome
from regulars.domain.errors import Refused, UnknownClaim
from regulars.domain.program import Program
from regulars.domain.rewards import Claim, Reward, Stock, cost_of, refusal
from regulars.storage import dues
from regulars.storage import rewards as storage
from regulars.storage.database import Database
from regulars.storage.reading import reading

ALPHABET: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""32 letters and digits, without those that are taken for one another: 5 bits each."""
CODE_GROUPS: Final = (5, 5, 5)
"""75 bits: nobody guesses one, and no two are ever the same."""
AT_ONCE: Final = 100


class Offer(msgspec.Struct, frozen=True, kw_only=True):
    """A reward as one customer sees it. `cost`: the least that it takes. `refusal`: what is in the way."""

    reward: Reward
    stock: Stock
    cost: int
    refusal: Refused | None


def random_code() -> str:
    """A code that nobody can guess, such as 7KQ2M-XW9PD-4HTRA."""
    return "-".join("".join(secrets.choice(ALPHABET) for _ in range(size)) for size in CODE_GROUPS)


async def redeem(
    database: Database,
    engine: Engine,
    program_id: int,
    reward_id: int,
    *,
    merchant_id: str | None = None,
    email: str | None = None,
    points: int | None = None,
    multiplier: int | None = None,
    site_id: int | None = None,
    given_by: str | None = None,
    reason: str | None = None,
    identity: Identity | None = None,
    delivery: Delivery | None = None,
) -> Claim:
    """The claimed reward, its code in it; for a repeat under the same identity, as it stands now.

    Raises what `domain.rewards.refusal` and `cost_of` name, UnknownReward, UnknownCustomer; Busy, Late,
    Unsure.
    """
    decision = await engine.submit(
        program_id,
        RedeemReward(
            merchant_id=merchant_id,
            email=email,
            reward_id=reward_id,
            points=points,
            multiplier=multiplier,
            site_id=site_id,
            spare_code=random_code(),
            given_by=given_by,
            reason=reason,
            identity=identity,
        ),
        delivery=delivery,
    )
    if decision.claims:
        return decision.claims[0]
    assert decision.repeats is not None
    async with reading(database) as connection:
        claim = await storage.claim_of_decision(connection, program_id, decision.repeats)
    assert claim is not None
    return claim


async def cancel(
    database: Database,
    engine: Engine,
    program_id: int,
    claim_id: int,
    *,
    actor: str,
    merchant_id: str | None = None,
    reason: str | None = None,
    identity: Identity | None = None,
) -> Claim:
    """The claimed reward, cancelled: points back, code void. Raises UnknownClaim, ClaimClosed; Busy, …"""
    command = CancelClaim(
        claim_id=claim_id, merchant_id=merchant_id, actor=actor, reason=reason, identity=identity
    )
    decision = await engine.submit(program_id, command)
    return decision.claims[0] if decision.claims else await claim(database, program_id, claim_id)


async def fulfil(database: Database, engine: Engine, program_id: int, claim_id: int, *, actor: str) -> Claim:
    """The custom reward, now fulfilled. Raises UnknownClaim, ClaimClosed, Invalid; Busy, Late, Unsure."""
    decision = await engine.submit(program_id, FulfilClaim(claim_id=claim_id, actor=actor))
    return decision.claims[0] if decision.claims else await claim(database, program_id, claim_id)


async def claim(database: Database, program_id: int, claim_id: int) -> Claim:
    """The claimed reward as it stands. Raises UnknownClaim, Busy."""
    async with reading(database) as connection:
        found = await storage.claim(connection, program_id, claim_id)
    if found is None:
        raise UnknownClaim(claim=claim_id)
    return found


async def claims_of(
    database: Database, program_id: int, customer_id: int, *, before: int | None = None, most: int = 100
) -> list[Claim]:
    """A customer's claimed rewards, latest first, from the id `before` on down. Raises Busy."""
    async with reading(database) as connection:
        return await storage.claims_of(connection, program_id, customer_id, before=before, most=most)


async def offers(
    database: Database,
    program: Program,
    customer: Customer | None,
    *,
    available: int,
    site_id: int | None,
    now: datetime,
) -> list[Offer]:
    """Every enabled reward with what stands in this customer's way at program time `now`. Raises Busy."""
    rewards = [reward for reward in program.rewards if reward.enabled]
    limited = [reward.id for reward in rewards if reward.limit_count is not None]
    async with reading(database) as connection:
        stocks = await storage.stocks(connection, program.id)
        times: dict[int, list[datetime]] = {}
        if customer is not None and limited:
            times = await storage.claimed_at(connection, program.id, customer.id, limited)
    return [
        _offer(
            reward,
            customer,
            stocks.get(reward.id, Stock(reward_id=reward.id)),
            times.get(reward.id, ()),
            available=available,
            site_id=site_id,
            now=now,
        )
        for reward in rewards
    ]


def _offer(
    reward: Reward,
    customer: Customer | None,
    stock: Stock,
    claimed_at: Sequence[datetime],
    *,
    available: int,
    site_id: int | None,
    now: datetime,
) -> Offer:
    cost = cost_of(reward)
    refused = refusal(
        reward, customer, stock, claimed_at, cost=cost, available=available, site_id=site_id, now=now
    )
    return Offer(reward=reward, stock=stock, cost=cost, refusal=refused)


async def expire_due(database: Database, engine: Engine, *, now: datetime) -> int:
    """Ends claimed rewards whose time is over by real time `now`; answers how many. Safe to run twice."""
    ended = 0
    async with database.acquire() as connection:
        clocks = await dues.programs_with_clocks(connection)
    for program_id, ahead_seconds in clocks:
        program_now = now + timedelta(seconds=ahead_seconds)
        while True:
            async with database.acquire() as connection:
                due = await storage.due_claims(connection, program_id, program_now, most=AT_ONCE)
            commands = (ExpireClaim(claim_id=claim_id) for claim_id in due)
            decisions = await asyncio.gather(
                *(engine.submit(program_id, command, bulk=True) for command in commands)
            )
            done = sum(decision.outcome is Outcome.DONE for decision in decisions)
            ended += done
            if not done or len(due) < AT_ONCE:
                break
    return ended
