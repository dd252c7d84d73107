"""One batch or many: what is decided on a page that is kept comes to what a page that is loaded gives."""

import asyncio
from datetime import timedelta
from pathlib import Path
from random import Random
from typing import Any

import msgspec
import pytest

from regulars.app import rewards
from regulars.app.codes.uploads import import_codes
from regulars.app.house import House
from regulars.app.programs import change_rules
from regulars.app.verify import verify
from regulars.domain.commands import AdjustPoints, Command, SaveCustomer
from regulars.domain.errors import OutOfStock, Refused
from regulars.domain.rewards import CodeSource
from tests import make
from tests.app.test_engine import open_shop
from tests.domain import chance
from tests.domain.model import Model

COMPARED = {
    "movements": "movement_id, customer_id, decision_id, from_bucket, to_bucket, points, cause, order_id, "
    "lot_id, undoes_id, claim_id",
    "lots": "lot_id, customer_id, size, remaining, state",
    "lot_uses": "lot_use_id, lot_id, movement_id, points",
    "deficits": "movement_id, customer_id, points",
    "accounts": "customer_id, pending, available, spent",
    "claimed_rewards": "claim_id, reward_id, customer_id, cost, state, order_id, fulfilled_at, movement_id, "
    "returned_id, decision_id, code_key is null as has_no_code",
    "reward_stocks": "reward_id, claimed, codes_imported, codes_generated, codes_free, codes_handed, "
    "codes_void",
    "orders": "order_id, merchant_id, given, taken, paid_minor, refunded_minor, cancelled",
    "events": "event_id, kind, decision_id, customer_id, order_id, movement_id",
}


async def open_offering(house: House) -> int:
    shop = await open_shop(house)
    for reward in chance.REWARDS:
        await rewards.create_reward(house.database, shop, reward, now=make.NOON)
    codes = b"POOL-7KQ2MXW9PD\nPOOL-4HTRAXW9PD\nPOOL-XW9PD4HTRA\n"
    await import_codes(house.database, shop, 2, codes, by=make.SUE, now=make.NOON)
    await change_rules(
        house.database,
        shop,
        spending=lambda rule: msgspec.structs.replace(rule, refund_returns="points"),
        now=make.NOON,
    )
    return shop


def commands(seed: int) -> list[Command]:
    random, model = Random(seed), Model(None)  # type: ignore[arg-type]
    model.claims = dict.fromkeys(range(1, 20))  # type: ignore[arg-type]
    model.balance = lambda *_: (0, 10)  # type: ignore[method-assign]
    return [
        SaveCustomer(customer=make.alice(email=None)),
        SaveCustomer(customer=make.alice(merchant_id="bob", email=None)),
        *(AdjustPoints(merchant_id=name, points=60, reason=None, actor="Sue") for name in ("alice", "bob")),
        *(chance.command(random, make.NOON, model) for _ in range(150)),
    ]


async def stored(house: House, shop: int) -> dict[str, Any]:
    async with house.database.acquire() as connection:
        return {
            table: [
                tuple(row)
                for row in await connection.fetch(
                    f"select {columns} from {table} where program_id = $1 order by 1, 2", shop
                )
            ]
            for table, columns in COMPARED.items()
        }


async def tell(house: House, shop: int, command: Command) -> str:
    """What came of it, in a word."""
    try:
        return (await house.engine.submit(shop, command)).outcome
    except Refused as refusal:
        return type(refusal).__name__


@pytest.mark.parametrize("seed", range(4))
async def test_one_batch_comes_to_the_same_as_many(database: str, tmp_path: Path, seed: int) -> None:
    house = await House.open(
        make.settings(tmp_path, deadline_seconds=60.0), database, clock=lambda: make.NOON
    )
    one_by_one, at_once = await open_offering(house), await open_offering(house)
    told = commands(seed)
    expected = [await tell(house, one_by_one, command) for command in told]
    seen = await asyncio.gather(*(tell(house, at_once, command) for command in told))
    assert seen == expected
    claimed = await stored(house, one_by_one)
    assert await stored(house, at_once) == claimed
    assert len(claimed["claimed_rewards"]) > 5
    report = await verify(house.database, now=make.NOON + timedelta(minutes=1))
    await house.close()
    assert report.is_clean, report.violations


async def test_many_who_redeem_the_same_reward_at_once_get_a_code_each_until_none_is_left(
    database: str, tmp_path: Path
) -> None:
    house = await House.open(
        make.settings(tmp_path, deadline_seconds=60.0), database, clock=lambda: make.NOON
    )
    shop = await open_shop(house)
    await rewards.create_reward(
        house.database, shop, make.reward(cost=1, codes=CodeSource.POOL), now=make.NOON
    )
    codes = "\n".join(f"TEA-{number}-7KQ2MXW9" for number in range(120))
    await import_codes(house.database, shop, 1, codes.encode(), by=make.SUE, now=make.NOON)
    names = [f"m{number}" for number in range(150)]
    for name in names:
        customer = make.alice(merchant_id=name, email=None)
        await house.engine.submit(shop, make.order(name, total=100, shipping=0, customer=customer))
    answers = await asyncio.gather(
        *(house.engine.submit(shop, make.redeem(name)) for name in names), return_exceptions=True
    )
    handed = [answer.claims[0].code_key for answer in answers if not isinstance(answer, BaseException)]
    assert len(handed) == len(set(handed)) == 120
    assert sum(isinstance(answer, OutOfStock) for answer in answers) == 30
    report = await verify(house.database, now=make.NOON + timedelta(minutes=1))
    await house.close()
    assert report.is_clean, report.violations
