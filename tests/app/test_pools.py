"""A pool handed out to its last code: nobody waits longer for the last one than for the first."""

import asyncio
import time
from random import Random

import pytest

from regulars.app import rewards
from regulars.app.house import House
from regulars.app.verify import verify
from regulars.domain.commands import AdjustPoints
from regulars.domain.errors import OutOfStock
from regulars.domain.rewards import CodeSource
from regulars.storage import batch, claims
from tests import make
from tests.app.test_engine import open_shop

AT_ONCE = 100
MEMBERS = 50
FILL = """
    insert into codes (program_id, code_key, code, reward_id, source, state, slot, created_at)
    select $1, 'TEA-' || n, 'Tea-' || n, 1, 'pool', 'free', random(), $3 from generate_series(1, $2::int) n
"""


async def open_pool(house: House, codes: int) -> int:
    """A shop with so many codes, and members who have points to spare."""
    shop = await open_shop(house)
    await rewards.create_reward(
        house.database, shop, make.reward(cost=1, codes=CodeSource.POOL), now=make.NOON
    )
    async with house.database.acquire() as connection:
        await connection.execute(FILL, shop, codes, make.NOON)
        await connection.execute(
            "update reward_stocks set codes_imported = $2, codes_free = $2 where program_id = $1", shop, codes
        )
    for number in range(MEMBERS):
        customer = make.alice(merchant_id=f"m{number}", email=None)
        await house.engine.submit(shop, make.order(f"o{number}", total=100, shipping=0, customer=customer))
        gift = AdjustPoints(merchant_id=f"m{number}", points=1_000_000, reason=None, actor="Sue")
        await house.engine.submit(shop, gift)
    return shop


async def hand_out(house: House, shop: int, codes: int) -> float:
    """Redeems so many, a hundred clients at once; answers how many a second."""
    numbers = iter(range(codes))

    async def client() -> None:
        for number in numbers:
            await house.engine.submit(shop, make.redeem(f"m{number % MEMBERS}"))

    began = time.perf_counter()
    await asyncio.gather(*(client() for _ in range(AT_ONCE)))
    return codes / (time.perf_counter() - began)


async def check_all_gone(house: House, shop: int, codes: int) -> None:
    with pytest.raises(OutOfStock):
        await house.engine.submit(shop, make.redeem("m0"))
    async with house.database.acquire() as connection:
        handed = await connection.fetchval("select count(distinct code_key) from claimed_rewards")
    assert handed == codes
    report = await verify(house.database, now=make.NOON)
    assert report.is_clean, report.violations


async def test_a_pool_is_handed_out_to_the_last_code_and_each_of_them_once(house: House) -> None:
    shop = await open_pool(house, 1000)
    await hand_out(house, shop, 1000)
    await check_all_gone(house, shop, 1000)


@pytest.mark.long
async def test_a_hundred_thousand_codes_are_handed_out_at_a_steady_rate(house: House) -> None:
    shop = await open_pool(house, 100_000)
    rates = [await hand_out(house, shop, 1000) for _ in range(100)]
    print("codes a second, of each ten thousand the first:", [round(rate) for rate in rates[::10]])
    print(f"the first thousand {rates[0]:.0f} a second, the last {rates[-1]:.0f}")
    await check_all_gone(house, shop, 100_000)
    assert sum(rates[-10:]) > 0.6 * sum(rates[:10])


async def test_free_codes_are_found_along_their_own_index_however_many_are_used_up(house: House) -> None:
    """The plan is the one that batches have; it is looked at with ten codes left of twenty thousand."""
    shop = await open_pool(house, 20_000)
    async with house.database.acquire() as connection:
        await connection.execute(
            "update codes set state = 'handed', claim_id = 1 where code_key not in "
            "(select code_key from codes order by code_key limit 10)"
        )
    async with house.database.acquire() as connection:
        await connection.execute("vacuum analyze codes")
        for number in range(20):
            await connection.execute(batch._BEGIN)
            statement = await connection.prepare(f"explain (analyze, buffers) {claims._FREE_CODES}")
            start = Random(number).random()
            plan = "\n".join(row[0] for row in await statement.fetch(shop, 1, start, 5))
            await connection.execute("rollback")
            assert plan.count("Index Scan using codes_free") == 2, plan
            assert "Seq Scan" not in plan
            assert "Rows Removed" not in plan
