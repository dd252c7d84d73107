"""An order explained to a support agent, from the tea shop's and the bookshop's history."""

from collections.abc import AsyncIterator
from pathlib import Path

import pytest

from regulars.app.explain import KINDS, AmbiguousOrder, Explanation, explain, lines
from regulars.domain.commands import AdjustPoints, CancelOrder, Command
from regulars.domain.decisions import Outcome
from regulars.domain.errors import UnknownOrder
from tests import make
from tests.app.book import Town, fill


@pytest.fixture
async def town(database: str, tmp_path: Path) -> AsyncIterator[Town]:
    town = Town()
    await town.open(database, tmp_path)
    yield town
    await town.house.close()


async def told(town: Town, merchant_id: str, program_id: int | None = None) -> Explanation:
    return await explain(town.house.database, merchant_id=merchant_id, program_id=program_id, site_id=None)


async def text_of(town: Town, merchant_id: str) -> str:
    return "\n".join(lines(await told(town, merchant_id)))


async def test_an_order_that_was_refunded_in_two_parts_tells_its_whole_story(town: Town) -> None:
    await town.tell(
        town.books,
        make.worked_example("100001", merchant_number="#1001"),
        make.refund("100001", 1599, reference="R1"),
        make.refund("100001", 2400, reference="R2"),
    )
    text = await text_of(town, "100001")
    for line in (
        "Order 100001 (number #1001) at https://books.example: Book Club, program 2, site 1",
        "Placed 2026-03-02 12:01 UTC, first reported 2026-03-02 12:01 UTC (loyaltylion)",
        "Customer alice, member since 2026-03-02 12:01 UTC",
        "Money   total 49.99 GBP, of it goods 39.99, shipping 10.00, tax 0.00; discounts 10.00",
        "        to pay 39.99, paid 49.99, refunded 39.99; 29.99 earn (rules of version 2)",
        "State   paid, refunded",
        "Points  29 given, 29 taken back, so 0 stand",
        "  2026-03-02 12:01 UTC  decision 1: the shop reported the order",
        "    Gave 50 points for joining.",
        "    Gave 29 points: 29.99 GBP of the order earn, at 1 a unit, rounded down.",
        "  2026-03-02 12:02 UTC  decision 2: the shop reported a refund",
        "    Took 11 points back for the refund: 11 of the 29 given are now taken.",
        "  2026-03-02 12:03 UTC  decision 3: the shop reported a refund",
        "    Took 18 points back for the refund: 29 of the 29 given are now taken.",
        "  2026-03-02 12:02 UTC  11  available → reversed  refund, movement 3 of decision 2",
        "  2026-03-02 12:02 UTC  15.99 GBP, R1",
        "  2026-03-02 12:03 UTC  24.00 GBP, R2",
    ):
        assert line in text.split("\n"), f"{line}\n\nis not in\n\n{text}"
    assert "What it waits for" not in text


async def test_points_that_are_pending_say_until_when_and_by_whose_decision_they_became_spendable(
    town: Town,
) -> None:
    await town.tell(town.tea, make.order("A1"))
    assert "  39 points are pending; they can be spent from 2026-03-16 12:01 UTC" in await text_of(town, "A1")
    town.wait(20)
    await town.tell(town.tea, make.order("A2"))
    text = await text_of(town, "A1")
    assert "What it waits for" not in text
    assert "    39 points that were due on 2026-03-16 12:01 UTC were approved and can be spent." in text
    assert "39  pending → available" in text


async def test_an_order_that_gave_nothing_says_why(town: Town) -> None:
    await fill(town)
    guest = await text_of(town, "G1")
    assert "Customer guest@example.com, a guest, not a member" in guest
    assert "Gave nothing: the customer was a guest, not a member, when the order was paid." in guest
    blocked = await text_of(town, "C1")
    assert ", blocked" in blocked
    unpaid = await text_of(town, "U1")
    assert "  49.99 GBP are to be paid before it earns" in unpaid


async def test_points_that_were_spent_before_they_were_taken_are_said_to_be_owed(town: Town) -> None:
    await town.tell(
        town.books,
        make.order("A1"),
        AdjustPoints(merchant_id="alice", points=-69, reason="a gift", actor="Sue"),  # 20 of 50 + 39 are left
        CancelOrder(site_id=1, merchant_id="A1"),
    )
    text = await text_of(town, "A1")
    assert "39 given, 39 taken back, so 0 stand; 19 of those taken had been spent" in text


async def test_what_came_before_the_order_is_part_of_its_story(town: Town) -> None:
    await fill(town)
    early = await told(town, "E1")
    assert early.history.decisions[0].outcome == Outcome.WAITING
    text = "\n".join(lines(early))
    assert "the shop reported a refund, waiting" in text
    assert "The order E1 is not known yet; this waits for it." in text
    assert "A refund of 15.99 GBP had come before the order itself." in text


async def test_an_order_that_nobody_knows_is_unknown_with_what_waits_for_it(town: Town) -> None:
    await fill(town)
    with pytest.raises(UnknownOrder) as unknown:
        await told(town, "nowhere")
    assert unknown.value.data == {"order": "nowhere", "waiting": 0}
    with pytest.raises(UnknownOrder) as awaited:
        await told(town, "E3")
    assert awaited.value.data["waiting"] == 1
    with pytest.raises(UnknownOrder):
        await told(town, "A1", town.books)


async def test_an_id_that_two_shops_use_asks_which_is_meant(town: Town) -> None:
    await fill(town)
    with pytest.raises(AmbiguousOrder) as asked:
        await told(town, "B1")
    assert asked.value.places == [(1, 1), (2, 1)]
    assert "program 2 (Book Club), site 1 (https://books.example)" in str(asked.value)
    assert (await told(town, "B1", town.books)).place.program_name == "Book Club"


async def test_a_code_on_an_order_is_part_of_its_story_and_so_are_points_that_came_back(town: Town) -> None:
    await fill(town)
    used = await text_of(town, "D1")
    assert "    “A voucher of the pool” was used on this order." in used
    undone = await text_of(town, "D2")
    assert "“Five pounds off” was undone with its order: 20 points came back." in undone
    assert "redeemed → available" in undone
    assert ", claimed reward 4" in undone


async def test_points_that_a_redemption_found_due_say_so_in_the_story_of_their_order(town: Town) -> None:
    await town.offer(town.tea, make.reward(cost=60))
    await town.tell(town.tea, make.order("A1"))
    town.wait(20)
    await town.tell(town.tea, make.redeem())
    text = await text_of(town, "A1")
    assert "decision 2: its customer redeemed a reward" in text
    assert "    Spent 60 points on “Five pounds off”." in text


def test_every_command_is_named_in_words() -> None:
    kinds = {kind.__name__ for kind in Command.__subclasses__()}
    assert kinds == set(KINDS)


async def test_a_trace_of_another_version_is_shown_as_it_is(town: Town) -> None:
    await town.tell(town.tea, make.order("A1"))
    await town.run("""update decisions set trace = '[["moon phase", {"phase": 3}]]'""")
    assert "    moon phase {'phase': 3}" in await text_of(town, "A1")
