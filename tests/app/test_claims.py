"""Claiming rewards through the engine, on a real database."""

import asyncio
from typing import Any

import msgspec
import pytest

from regulars.app import claims, rewards
from regulars.app.house import House
from regulars.app.programs import change_rules
from regulars.domain.commands import DiscountCode, Identity, OrderDetails
from regulars.domain.errors import ClaimClosed, LimitReached, NotEnoughPoints, OutOfStock, UnknownClaim
from regulars.domain.rewards import Claim, ClaimState, LimitPeriod
from tests import make
from tests.app.conftest import balance
from tests.app.test_engine import open_shop
from tests.clock import Clock


async def open_with_reward(house: House, **changes: Any) -> int:
    """A shop with one reward and Alice, who has 100 points."""
    shop = await open_shop(house)
    await rewards.create_reward(house.database, shop, make.reward(**changes), now=make.NOON)
    await house.engine.submit(shop, make.order("first", total=10_000, shipping=0))
    return shop


async def redeem(house: House, shop: int, **changes: Any) -> Claim:
    values: dict[str, Any] = {"merchant_id": "alice"}
    return await claims.redeem(house.database, house.engine, shop, 1, **(values | changes))


async def cancel(house: House, shop: int, claim_id: int, **changes: Any) -> Claim:
    return await claims.cancel(house.database, house.engine, shop, claim_id, actor="Bob", **changes)


def order_with(code: str, merchant_id: str = "second") -> Any:
    details = OrderDetails(codes=(DiscountCode(code),))
    return make.order(merchant_id, total=1000, shipping=0, details=details)


async def test_points_become_a_code_and_the_code_is_used_on_an_order(house: House) -> None:
    shop = await open_with_reward(house, prefix="TEA", valid_days=30)
    claim = await redeem(house, shop)
    assert claim.code is not None
    assert claim.code.startswith("TEA-")
    assert claim.expires_at == make.NOON + make.days(30)
    assert await balance(house) == (0, 80)
    await house.engine.submit(shop, order_with(f" {claim.code.lower()} "))
    used = await claims.claim(house.database, shop, claim.id)
    assert used.state is ClaimState.USED
    assert used.order_id is not None
    with pytest.raises(ClaimClosed):
        await cancel(house, shop, claim.id)


async def test_a_cancelled_claim_gives_its_points_back_once(house: House) -> None:
    shop = await open_with_reward(house)
    claim = await redeem(house, shop)
    with pytest.raises(UnknownClaim):
        await cancel(house, shop, claim.id, merchant_id="bob")
    cancelled = await cancel(house, shop, claim.id, merchant_id="alice")
    assert cancelled.state is ClaimState.CANCELLED
    assert await balance(house) == (0, 100)
    with pytest.raises(ClaimClosed):
        await cancel(house, shop, claim.id)
    assert await balance(house) == (0, 100)


async def test_the_same_key_gives_the_same_claim(house: House) -> None:
    shop = await open_with_reward(house)
    identity = Identity(scope="redeem", key="K1", fingerprint=bytes(32), at=make.NOON)
    first, second = await asyncio.gather(*(redeem(house, shop, identity=identity) for _ in range(2)))
    assert first == second
    assert await redeem(house, shop, identity=identity) == first
    assert await balance(house) == (0, 80)


async def test_too_few_points_limits_and_stock_refuse_and_cost_nothing(house: House, clock: Clock) -> None:
    shop = await open_with_reward(house, limit_count=2, limit_period=LimitPeriod.DAY, stock=3)
    await redeem(house, shop)
    await redeem(house, shop)
    with pytest.raises(LimitReached) as limit:
        await redeem(house, shop)
    assert limit.value.data["until"] == (make.NOON + make.days(1)).isoformat()
    clock.forward(make.days(1))
    await redeem(house, shop)
    with pytest.raises(OutOfStock):
        await redeem(house, shop)
    assert await balance(house) == (0, 40)
    await rewards.change_reward(house.database, shop, 1, {"cost": 50, "stock": None}, now=make.NOON)
    with pytest.raises(NotEnoughPoints):
        await redeem(house, shop)


@pytest.mark.parametrize(
    ("returns", "state", "points"),
    [
        ("nothing", ClaimState.USED, 80),
        ("code", ClaimState.CLAIMED, 80),
        ("points", ClaimState.CANCELLED, 100),
    ],
)
async def test_what_a_cancelled_order_gives_back_is_the_programs_choice(
    house: House, returns: str, state: ClaimState, points: int
) -> None:
    shop = await open_with_reward(house)
    await change_rules(
        house.database,
        shop,
        spending=lambda rule: msgspec.structs.replace(rule, refund_returns=returns),
        now=make.NOON,
    )
    claim = await redeem(house, shop)
    assert claim.code is not None
    await house.engine.submit(shop, order_with(claim.code))
    await house.engine.submit(shop, make.update("second", paid=1000, cancelled=True))
    assert (await claims.claim(house.database, shop, claim.id)).state is state
    assert await balance(house) == (0, points)
    await house.engine.submit(shop, make.update("second", paid=1000))
    after = (await claims.claim(house.database, shop, claim.id)).state
    assert after is (ClaimState.CANCELLED if returns == "points" else ClaimState.USED)


async def test_a_code_that_is_not_used_in_time_expires(house: House, clock: Clock) -> None:
    shop = await open_with_reward(house, valid_days=10)
    await change_rules(
        house.database,
        shop,
        spending=lambda rule: msgspec.structs.replace(rule, expired_returns_points=True),
        now=make.NOON,
    )
    claim = await redeem(house, shop)
    clock.forward(make.days(9))
    assert await claims.expire_due(house.database, house.engine, now=clock.now) == 0
    clock.forward(make.days(1))
    assert await claims.expire_due(house.database, house.engine, now=clock.now) == 1
    assert (await claims.claim(house.database, shop, claim.id)).state is ClaimState.EXPIRED
    assert await balance(house) == (0, 100)
    assert await claims.expire_due(house.database, house.engine, now=clock.now) == 0
