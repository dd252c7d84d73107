"""Home leads from nothing to live by facts alone, and then says how it stands and what happened."""

import re
from datetime import timedelta

import msgspec
import pytest

from regulars.app import rewards
from regulars.app.access import Role
from regulars.app.codes.uploads import import_codes
from regulars.app.house import House
from regulars.app.programs import Created, change_rules, create_program, move_clock
from regulars.app.storefront.widgets import change_widget
from regulars.domain.commands import AdjustPoints
from regulars.domain.program import JoinRule
from regulars.domain.rewards import CodeSource
from regulars.doors.admin.checklist import FIRST_ORDERS
from regulars.doors.admin.pages.home import change, part_days
from regulars.storage import programs
from tests import make
from tests.clock import Clock
from tests.doors.admin.conftest import Browser, hire, signed_in, text_of
from tests.doors.admin.test_integrations import order, send, whole


async def home(browser: Browser, **query: str) -> str:
    return text_of(await browser.get("/", params=query))


async def steps_done(browser: Browser) -> list[str]:
    """The titles of the steps that are ticked."""
    page = (await browser.get("/")).text
    found = re.findall(
        r'<li class="checklist-step is-done">.*?<div class="checklist-title">(.*?)</div>', page, re.DOTALL
    )
    return [str(title) for title in found]


async def offer(house: House, shop: Created, source: CodeSource = CodeSource.GENERATED) -> int:
    reward = make.reward(codes=source)
    made = await rewards.create_reward(house.database, shop.program_id, reward, now=house.clock())
    house.programs.forget()
    return made.id


async def test_a_new_program_is_told_what_comes_next_and_shows_no_empty_charts(owner: Browser) -> None:
    said = await home(owner)
    assert "2 of 6 done" in said
    assert await steps_done(owner) == ["Name and currency", "What earns points"]
    assert "1 point for each GBP of an order." in said
    assert "Points earned" not in said
    page = (await owner.get("/")).text
    assert page.count('class="btn btn-primary checklist-go"') == 1
    assert f'href="{owner.address("/rewards/new")}">Make the first reward' in page


async def test_without_a_rule_that_is_on_that_is_the_next_step(
    owner: Browser, house: House, shop: Created
) -> None:
    await change_rules(
        house.database,
        shop.program_id,
        purchase=lambda rule: msgspec.structs.replace(rule, enabled=False),
        now=house.clock(),
    )
    house.programs.forget()
    assert "Say what customers get points for" in await home(owner)
    await change_rules(house.database, shop.program_id, join=lambda _: JoinRule(points=50), now=house.clock())
    house.programs.forget()
    assert "50 points for becoming a member." in await home(owner)
    assert "What earns points" in await steps_done(owner)


async def test_a_reward_counts_once_it_can_be_claimed(owner: Browser, house: House, shop: Created) -> None:
    reward_id = await offer(house, shop, CodeSource.POOL)
    assert "A first reward" not in await steps_done(owner)
    page = (await owner.get("/")).text
    assert f'href="{owner.address(f"/rewards/{reward_id}/codes")}">Upload its codes' in page
    codes = b"AUTUMN-1\nAUTUMN-2\n"
    await import_codes(house.database, shop.program_id, reward_id, codes, by=make.SUE, now=house.clock())
    assert "A first reward" in await steps_done(owner)
    await rewards.set_enabled(house.database, shop.program_id, reward_id, enabled=False, now=house.clock())
    house.programs.forget()
    assert "none of them can be claimed now" in await home(owner)


async def test_a_used_key_connects_the_shop_and_a_bad_call_leads_to_the_log(
    owner: Browser, house: House, shop: Created
) -> None:
    browser = whole(house, owner)
    assert "Connect the shop" not in await steps_done(browser)
    await send(browser, shop, "orders-completed", order(), secret="not the secret")
    assert "A call came, but something was wrong with it." in await home(browser)
    await house.credentials.note_used()
    assert "Connect the shop" in await steps_done(browser)
    assert "Try it" not in await steps_done(browser)


async def test_with_the_first_order_the_program_is_live_and_home_shows_it(
    owner: Browser, house: House, shop: Created
) -> None:
    browser = whole(house, owner)
    await offer(house, shop)
    await send(browser, shop, "orders-completed", order())
    said = await home(browser)
    assert "You are live" in said
    assert len(await steps_done(browser)) == 6
    assert "Members 1" in said
    assert "Points earned 29" in said
    assert "Revenue from members £39.99" in said
    assert "100% of all revenue" in said
    assert "Points you owe 29" in said
    assert "Gave 29 points: 29.99 GBP of the order earn" in said
    for number in range(FIRST_ORDERS):
        await send(browser, shop, "orders-completed", order() | {"id": f"20{number}"})
    assert "You are live" not in await home(browser)


async def test_a_widget_that_is_off_keeps_the_program_from_being_live(
    owner: Browser, house: House, shop: Created
) -> None:
    browser = whole(house, owner)
    await offer(house, shop)
    await send(browser, shop, "orders-completed", order())
    await change_widget(house.database, shop.program_id, now=house.clock(), enabled=False)
    assert "Go live" not in await steps_done(browser)
    assert "switch it on for your customers" in await home(browser)


async def test_figures_are_held_against_the_time_before(
    owner: Browser, house: House, shop: Created, clock: Clock
) -> None:
    browser = whole(house, owner)
    await send(browser, shop, "orders-completed", order())
    clock.forward(days=8)
    again = await hire(house, shop.program_id, Role.ANALYST, email=f"a{shop.program_id}@tea.example")
    browser = whole(house, await signed_in(house, again, shop.program_id))
    await send(browser, shop, "orders-completed", order() | {"id": "1002"})
    await send(browser, shop, "orders-completed", order() | {"id": "1003"})
    week = await home(browser, days="7")
    assert "Points earned 58 100% against the time before" in week
    assert "Orders 2 100% against the time before" in week
    month = await home(browser)
    assert "Points earned 87 Points spent" in month
    own = await home(browser, **{"from": "2026-03-02", "to": "2026-03-02"})
    assert "Points earned 29 Points spent" in own
    assert "2 Mar 2026 – 2 Mar 2026" in own


@pytest.mark.parametrize(
    ("first", "last"), [("2026-03-05", "2026-03-04"), ("soon", "2026-03-04"), ("1000-01-01", "2026-03-04")]
)
async def test_days_that_are_no_range_are_said_beside_their_field(
    owner: Browser, house: House, shop: Created, first: str, last: str
) -> None:
    browser = whole(house, owner)
    await send(browser, shop, "orders-completed", order())
    answer = await browser.get("/", params={"from": first, "to": last})
    assert answer.status_code == 422
    assert 'class="invalid-feedback d-block"' in answer.text
    assert "Points earned 29" in text_of(answer)


async def test_every_length_of_range_is_drawn(owner: Browser, house: House, shop: Created) -> None:
    browser = whole(house, owner)
    await send(browser, shop, "orders-completed", order())
    for days in ("7", "90", "365", "nonsense"):
        assert (await browser.get("/", params={"days": days})).status_code == 200
    said = await home(browser, **{"from": "2020-01-01", "to": "2026-03-02"})
    assert "Points earned 29" in said
    assert [part_days(days) for days in (1, 92, 93, 740, 741)] == [1, 1, 7, 7, 30]


def test_a_change_from_nothing_is_not_put_in_percent() -> None:
    assert change(5, 0) is None
    assert change(0, 0) is None
    assert change(3, 4) == -0.25
    assert change(-1, 4) == -1.25


async def test_what_staff_did_is_told_with_their_name(owner: Browser, house: House, shop: Created) -> None:
    browser = whole(house, owner)
    await send(browser, shop, "orders-completed", order())
    staff_id = await hire(house, shop.program_id, Role.SUPPORT, email=f"h{shop.program_id}@tea.example")
    gift = AdjustPoints(merchant_id="alice", points=5, reason="sorry", actor=f"staff:{staff_id}")
    await house.engine.submit(shop.program_id, gift)
    said = await home(browser)
    assert "Toni support gave 5 points: sorry" in said
    assert "Points earned 34" in said


async def test_orders_in_another_currency_are_named_apart(
    owner: Browser, house: House, shop: Created
) -> None:
    async with house.database.acquire() as connection, connection.transaction():
        site_id = await programs.add_site(
            connection,
            shop.program_id,
            name="Tee",
            domain="https://tee.example",
            currency="EUR",
            at=house.clock(),
        )
    browser = whole(house, owner)
    await send(browser, shop, "orders-completed", order())
    abroad = make.order("E1", site_id=site_id, currency="EUR", total=1000, shipping=0)
    await house.engine.submit(shop.program_id, abroad)
    assert "in other currencies: 1 order (€10.00)" in await home(browser)


async def test_who_may_not_change_things_is_not_sent_there(house: House, shop: Created) -> None:
    staff_id = await hire(house, shop.program_id, Role.READ_ONLY, email=f"r{shop.program_id}@tea.example")
    reader = await signed_in(house, staff_id, shop.program_id)
    page = (await reader.get("/")).text
    assert "Until you are live" in page
    assert owner_only(page, reader.address("/rewards/new")) == 0
    assert owner_only(page, reader.address("/integrations")) == 0


def owner_only(page: str, address: str) -> int:
    return page.count(f'href="{address}"')


async def test_a_test_programs_present_is_its_own(house: House, clock: Clock) -> None:
    """Its clock was moved on: what came then is in its last seven days."""
    made = await create_program(
        house.database,
        house.vault,
        name="Rehearsal",
        domain="https://tea.example",
        currency="GBP",
        test_mode=True,
        now=clock(),
    )
    await move_clock(house.database, made.program_id, forward=timedelta(days=40), now=clock())
    house.programs.forget()
    staff_id = await hire(house, made.program_id, Role.OWNER, email=f"t{made.program_id}@tea.example")
    browser = whole(house, await signed_in(house, staff_id, made.program_id))
    await send(browser, made, "orders-completed", order())
    said = await home(browser, days="7")
    assert "11 Apr 2026" in said
    assert "Points earned 29" in said
    assert "just now" in said
