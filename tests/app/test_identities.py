"""What is remembered of signed bodies ends with the longest window; an Idempotency-Key is kept for good."""

from datetime import timedelta

from regulars.app.house import House
from regulars.app.identities import forget_bodies
from regulars.app.integrations import LONGEST_WINDOW_SECONDS
from regulars.domain.commands import AdjustPoints, Identity
from tests import make
from tests.app.test_programs import open_shop
from tests.clock import Clock


async def test_old_bodies_are_forgotten_and_keys_are_not(house: House, clock: Clock) -> None:
    shop = (await open_shop(house)).program_id
    await house.engine.submit(shop, make.order("A1"))
    for scope, window in (("body:1", 3600), ("idem:1", None)):
        identity = Identity(scope, "k", b"f" * 16, clock(), window)
        gift = AdjustPoints(merchant_id="alice", points=1, reason=None, actor="Bob", identity=identity)
        await house.engine.submit(shop, gift)
    assert await forget_bodies(house.database, now=clock()) == 0
    clock.forward(timedelta(seconds=LONGEST_WINDOW_SECONDS + 1))
    assert await forget_bodies(house.database, now=clock()) == 1
    async with house.database.acquire() as connection:
        assert await connection.fetchval("select scope from identities") == "idem:1"
