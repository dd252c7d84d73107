"""What the coffeehouse's points buy, and a pool of codes for it, so that there is something to redeem."""

import random
from datetime import datetime
from typing import Final

from regulars.app.access import BY_US
from regulars.app.codes.uploads import import_codes
from regulars.app.house import House
from regulars.app.rewards import create_reward, stocks
from regulars.app.storefront.widgets import change_widget, load_widget
from regulars.domain.rewards import CodeSource, LimitPeriod, Reward, RewardKind

POOL_CODES: Final = 200
LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"

REWARDS: Final = (
    Reward(
        id=1,
        kind=RewardKind.FIXED_AMOUNT,
        title="€5 off",
        text="Off your next order, whatever is in it.",
        icon="tag",
        cost=250,
        amount_minor=500,
        valid_days=90,
        codes=CodeSource.POOL,
        low_stock=20,
    ),
    Reward(
        id=2,
        kind=RewardKind.VARIABLE_AMOUNT,
        title="Money off, as much as you like",
        text="A euro for every 50 points.",
        icon="tag",
        per_points=50,
        per_minor=100,
        minimum_points=50,
        maximum_points=1000,
        step_points=50,
        valid_days=90,
        codes=CodeSource.GENERATED,
        prefix="KR",
    ),
    Reward(
        id=3,
        kind=RewardKind.FREE_SHIPPING,
        title="Free shipping",
        icon="truck",
        cost=150,
        valid_days=30,
        limit_count=1,
        limit_period=LimitPeriod.WEEK,
        codes=CodeSource.GENERATED,
        prefix="SHIP",
    ),
    Reward(
        id=4,
        kind=RewardKind.PERCENTAGE,
        title="10 % off",
        text="For a large basket: from €60.",
        icon="percent",
        cost=400,
        percent=10,
        minimum_order_minor=6000,
        valid_days=60,
        codes=CodeSource.GENERATED,
        prefix="TEN",
    ),
    Reward(
        id=5,
        kind=RewardKind.FREE_PRODUCT,
        title="A cup “Stammgast”",
        text="Put it into the basket; the code takes its price off.",
        icon="bag",
        cost=800,
        product="CUP-1",
        stock=25,
        codes=CodeSource.GENERATED,
        prefix="CUP",
    ),
    Reward(
        id=6,
        kind=RewardKind.CUSTOM,
        title="A morning at the roaster",
        text="See how it is done, and take home what you roasted.",
        icon="star",
        cost=1500,
        stock=8,
        instructions="We will write to you with dates. Bring nothing but time.",
        codes=CodeSource.NONE,
    ),
)


async def furnish(house: House, program_id: int, *, now: datetime) -> None:
    """Gives the program its rewards, the first one's codes, and a widget that knows the demo shop's log-in.

    What is there already stays as it is.
    """
    program = await house.programs.get(program_id)
    there = {reward.title: reward for reward in program.rewards}
    left = await stocks(house.database, program)
    for reward in REWARDS:
        made = there.get(reward.title) or await create_reward(house.database, program_id, reward, now=now)
        is_empty = made.id not in left or not left[made.id].codes_imported
        if made.codes is CodeSource.POOL and is_empty:
            await import_codes(house.database, program_id, made.id, _codes(), by=BY_US, now=now)
    house.programs.forget()
    widget = await load_widget(house.database, program_id)
    if widget.login_url is None:
        shop = f"{house.settings.base_url}/demo-shop/log-in"
        await change_widget(house.database, program_id, now=now, login_url=shop, signup_url=shop)


def _codes() -> list[str]:
    """The file that the coffeehouse would upload: the same for everybody."""
    chance = random.Random(POOL_CODES)  # noqa: S311 - made-up codes of a made-up shop
    return [
        f"KAFFEE-{''.join(chance.choices(LETTERS, k=5))}-{''.join(chance.choices(LETTERS, k=5))}"
        for _ in range(POOL_CODES)
    ]
