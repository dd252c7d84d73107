"""A shopper who logs in with an account that was merged sees and spends the points of who stayed."""

from regulars.app.merging import record_named
from regulars.app.verify import verify
from tests import make
from tests.doors.storefront.conftest import Shop


async def test_the_old_account_s_panel_shows_and_spends_what_there_is_now(shop: Shop) -> None:
    await shop.add_reward()
    await shop.give_member(300)
    await shop.give_member(400, "bob")
    before = await shop.log_in("bob")
    ids = [
        await record_named(shop.house.database, shop.keys.program_id, merchant_id=name)
        for name in ("bob", "alice")
    ]
    await shop.house.engine.submit(shop.keys.program_id, make.merge(*ids))
    for session in (before, await shop.log_in("bob")):
        assert (await shop.get("me", session)).json()["points"]["available"] == 700
    history = (await shop.get("history", before)).json()
    assert sum(line["points"] for line in history["lines"]) == 700
    answer = await shop.post("redeem", {"reward_id": 1}, before, idempotency_key="k-1")
    assert answer.status_code == 201, answer.text
    assert (await shop.get("me", await shop.log_in("alice"))).json()["points"]["available"] == 200
    assert (await verify(shop.house.database, now=shop.clock.now)).violations == []
