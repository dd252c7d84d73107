"""The merchant's question "why did I get only 29 points?" is answered line by line."""

from collections.abc import AsyncIterator
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import pytest

from regulars.app import people
from regulars.app import timeline as timelines
from regulars.app.deliveries import Delivery
from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.app.rewards import create_reward
from regulars.app.timeline import LineKind, timeline
from regulars.domain.commands import AdjustPoints, CancelClaim, CancelOrder, PatchCustomer, Settle
from regulars.domain.errors import UnknownCustomer
from tests import make
from tests.app.book import Town, fill
from tests.clock import Clock
from tests.doors.loyaltylion.test_plans import fill as fill_lists
from tests.plans import explained


@pytest.fixture
async def shop(house: House, clock: Clock) -> House:
    """The tea shop's house: points are pending for 14 days, one reward of 20 points."""
    await create_program(
        house.database,
        house.vault,
        name="Tea Circle",
        domain="https://tea.example",
        currency="GBP",
        approval_days=14,
        now=clock.now,
    )
    await create_reward(house.database, 1, make.reward(), now=clock.now)
    return house


@pytest.fixture
async def town(database: str, tmp_path: Path) -> AsyncIterator[Town]:
    town = Town()
    await town.open(database, tmp_path)
    await fill(town)
    yield town
    await town.house.close()


async def test_each_line_says_what_happened_and_why(shop: House, clock: Clock) -> None:
    async def tell(command: Any, **more: Any) -> Any:
        clock.forward(make.days(1))
        return await shop.engine.submit(1, command, **more)

    async with shop.database.acquire() as connection:
        credential_id = await connection.fetchval(
            "select credential_id from credentials where kind = 'lootly'"
        )
    call = Delivery(
        credential_id=credential_id, integration="common", hook="orders", body=b"{}", received_at=clock.now
    )
    await tell(make.worked_example("100001"), delivery=call)
    await tell(make.refund("100001", 1599))
    clock.forward(make.days(14))
    await tell(Settle(customer_id=1))
    await tell(AdjustPoints(merchant_id="alice", points=20, reason="a late parcel", actor="staff:1"))
    claimed = (await tell(make.redeem())).claims[0]
    await tell(CancelClaim(claim_id=claimed.id, actor="staff:1", reason="by mistake"))
    await tell(PatchCustomer(merchant_id="alice", blocked=True))
    await tell(make.order("100002"))
    await tell(CancelOrder(site_id=1, merchant_id="100001"))

    told = (await timeline(shop.database, 1, 1)).lines
    assert [line.kind for line in told] == [
        LineKind.CANCEL,
        LineKind.ORDER,
        LineKind.BLOCK,
        LineKind.CLAIM,
        LineKind.REWARD,
        LineKind.ADJUSTMENT,
        LineKind.APPROVAL,
        LineKind.REFUND,
        LineKind.ORDER,
    ]
    cancel, blocked_order, block, cancelled, reward, adjusted, approval, refund, order = told
    assert any(sentence.startswith("Gave 29 points: 29.99 GBP") for sentence in order.sentences)
    assert (order.pending, order.available) == (29, 0)
    assert order.order is not None
    assert (order.order.merchant_id, order.order.site_id) == ("100001", 1)
    assert len(order.deliveries) == 1
    assert (refund.pending, refund.available) == (-11, 0)
    assert (approval.pending, approval.available) == (-18, 18)
    assert (adjusted.available, adjusted.actor) == (20, "staff:1")
    assert adjusted.sentences == ("staff:1 gave 20 points: a late parcel",)
    assert reward.available == -20
    assert [(claim.id, claim.title) for claim in reward.claims] == [(claimed.id, "Five pounds off")]
    assert cancelled.available == 20
    assert [claim.id for claim in cancelled.claims] == [claimed.id]
    assert block.sentences == ("The customer was blocked: nothing is earned from now on.",)
    assert blocked_order.sentences == ("Gave nothing: the customer was blocked when the order was paid.",)
    assert (blocked_order.pending, blocked_order.available, blocked_order.moves) == (0, 0, ())
    assert (cancel.available, [move.cause for move in cancel.moves]) == (-18, ["cancel"])


async def test_the_lines_add_up_to_the_balance(town: Town) -> None:
    for name in ("alice", "bob", "carol"):
        customer_id = await people.customer_id_of(town.house.database, town.tea, name)
        profile = await people.profile(town.house.database, town.tea, customer_id, now=town.now)
        told = (await timeline(town.house.database, town.tea, customer_id, most=200)).lines
        async with town.house.database.acquire() as connection:
            stored = await connection.fetchrow(
                "select pending, available from accounts where program_id = $1 and customer_id = $2",
                town.tea,
                customer_id,
            )
        assert stored is not None
        assert sum(line.pending for line in told) == stored["pending"]
        assert sum(line.available for line in told) == stored["available"]
        assert len(told) >= 2
        assert profile.orders_in_all == len(profile.orders)


async def test_pages_follow_one_another_without_gap_or_double(town: Town) -> None:
    whole = await timeline(town.house.database, town.tea, 2, most=200)
    assert whole.next is None
    assert len(whole.lines) > 7
    pages = []
    before: int | None = None
    while True:
        page = await timeline(town.house.database, town.tea, 2, before=before, most=3)
        pages.append(page.lines)
        before = page.next
        if before is None:
            break
    assert [line for lines in pages for line in lines] == whole.lines


async def test_every_stored_line_has_words(town: Town) -> None:
    for customer_id in range(1, 6):
        for line in (await timeline(town.house.database, town.tea, customer_id, most=200)).lines:
            assert not any("{" in sentence for sentence in line.sentences), line


async def test_a_stranger_has_no_history(town: Town) -> None:
    with pytest.raises(UnknownCustomer):
        await timeline(town.house.database, town.tea, 99)
    with pytest.raises(UnknownCustomer):
        await timeline(town.house.database, town.books, 3)


async def test_a_history_is_read_by_key(shop: House, monkeypatch: pytest.MonkeyPatch) -> None:
    async with shop.database.acquire() as connection:
        await connection.execute("delete from reward_stocks; delete from rewards")
    await fill_lists(SimpleNamespace(house=shop, program_id=1))  # type: ignore[arg-type]
    plans = explained(monkeypatch, timelines)
    for customer_id in (1_007, 10_000, 19_999):
        page = await timeline(shop.database, 1, customer_id)
        assert [line.decision_id for line in page.lines] == [customer_id]
    assert len(plans) > 12
    empty = ("on deliveries", "on merges")
    assert [plan for plan in plans if "Seq Scan" in plan and not any(one in plan for one in empty)] == []
