"""A merchant looks after customers: finds them, sees why they have their points, and changes what must be."""

from datetime import date

import httpx
import pytest

from regulars.app.access import Acting, Role
from regulars.app.audit import list_entries
from regulars.app.house import House
from regulars.app.people import customer_id_of
from regulars.app.programs import Created
from regulars.app.rewards import create_reward
from regulars.app.verify.run import verify
from regulars.domain.commands import CustomerRef, SaveCustomer
from regulars.domain.rewards import CodeSource, RewardKind
from tests import make
from tests.doors.admin.conftest import Browser, hire, signed_in, text_of


@pytest.fixture
async def alice(house: House, shop: Created) -> int:
    """Alice, a member with the worked example's 29 points; her number."""
    await house.engine.submit(shop.program_id, make.worked_example("100001"))
    return await customer_id_of(house.database, shop.program_id, "alice")


async def go(browser: Browser, answer: httpx.Response) -> str:
    """What stands on the page that a form led to."""
    assert answer.status_code == 303, text_of(answer)
    return text_of(await browser.client.get(answer.headers["location"]))


async def log_of(house: House, shop: Created) -> list[tuple[str, str, str]]:
    owner = Acting(staff_id=1, email="", name="", program_id=shop.program_id, role=Role.OWNER)
    entries = await list_entries(house.database, owner)
    return [(entry.action, entry.subject, entry.reason) for entry in entries]


async def breaches(house: House, shop: Created) -> list[str]:
    """What `regulars verify` finds wrong in the tea shop's program."""
    report = await verify(house.database, now=house.clock(), program_id=shop.program_id)
    return [f"{one.invariant} {one.subject}: {one.saw}" for one in report.violations]


async def test_without_customers_the_list_says_how_they_come(owner: Browser) -> None:
    said = text_of(await owner.get("/customers"))
    assert "No customers yet" in said
    assert "Connect the shop" in said


async def test_somebody_is_found_by_a_part_of_the_name(owner: Browser, house: House, shop: Created) -> None:
    for merchant_id, first in (("C-1", "Jane"), ("C-2", "Olga")):
        ref = CustomerRef(merchant_id=merchant_id, first_name=first, last_name="Doe")
        await house.engine.submit(shop.program_id, SaveCustomer(customer=ref))
    everybody = text_of(await owner.get("/customers"))
    assert "Jane Doe" in everybody
    assert "Olga Doe" in everybody
    found = text_of(await owner.get("/customers", params={"q": "jan"}))
    assert "Jane Doe" in found
    assert "Olga Doe" not in found
    assert "Nobody fits" in text_of(await owner.get("/customers", params={"q": "nobody"}))


async def test_filters_that_make_no_sense_are_said_and_left_out(owner: Browser, alice: int) -> None:
    for wrong in ({"joined_from": "yesterday"}, {"birthday_month": "13"}, {"q": "x" * 300}):
        answer = await owner.get("/customers", params=wrong)
        assert answer.status_code == 422
    assert (await owner.get("/customers", params={"before": "-1"})).status_code == 200
    kept = await owner.get("/customers", params={"who": "members", "joined_from": "2026-03-01"})
    assert f"/customers/{alice}" in kept.text
    assert 'value="2026-03-01"' in kept.text


async def test_a_filter_is_saved_as_a_view_and_goes_again(owner: Browser, alice: int) -> None:
    said = await go(owner, await owner.post("/customers/views", {"name": "With points", "has_points": "1"}))
    assert "Saved as “With points”" in said
    page = await owner.get("/customers")
    assert "/customers?has_points=1" in page.text
    said = await go(owner, await owner.post("/customers/views/1/delete"))
    assert "The view “With points” is gone." in said
    assert (await owner.post("/customers/views/1/delete")).status_code == 404
    said = await go(owner, await owner.post("/customers/views", {"name": " ", "has_points": "1"}))
    assert "must be a text of" in said


async def test_the_export_has_whom_the_filter_finds(
    owner: Browser, house: House, shop: Created, alice: int
) -> None:
    evil = CustomerRef(merchant_id="E", first_name="=cmd()", email="e@example.com")
    await house.engine.submit(shop.program_id, SaveCustomer(customer=evil))
    answer = await owner.post("/customers/export", {"who": "members"})
    assert answer.headers["content-disposition"] == 'attachment; filename="customers.csv"'
    text = answer.content.decode("utf-8-sig")
    assert "alice" in text
    assert ",=cmd()" not in text
    assert "alice" not in (await owner.post("/customers/export", {"who": "guests"})).text
    assert ("export customers", "customers", "") in await log_of(house, shop)


async def test_the_profile_answers_why_there_are_29_points(owner: Browser, alice: int) -> None:
    said = text_of(await owner.get(f"/customers/{alice}"))
    assert "Gave 29 points: 29.99 GBP of the order earn, at 1 a unit, rounded down." in said
    assert "Order 100001" in said
    assert "+29 available" in said


async def test_points_are_given_and_taken_with_a_reason(
    owner: Browser, house: House, shop: Created, alice: int
) -> None:
    page = f"/customers/{alice}/points"
    form = {"way": "give", "points": "1 000", "reason": "a late parcel", "form_key": "one"}
    said = await go(owner, await owner.post(page, form))
    assert "Toni owner gave 1000 points: a late parcel" in said
    assert "+1,000 available" in said
    await owner.post(page, form)
    again = text_of(await owner.get(f"/customers/{alice}"))
    assert again.count("a late parcel") == 1

    said = await go(owner, await owner.post(page, {"way": "take", "points": "29", "reason": "by mistake"}))
    assert "Toni owner took 29 points: by mistake" in said
    assert ("give points", f"customer {alice}", "a late parcel") in await log_of(house, shop)
    assert await breaches(house, shop) == []


@pytest.mark.parametrize(
    ("form", "wrong"),
    [
        ({"way": "take", "points": "30", "reason": "r"}, "30 points are asked for, 29 left."),
        ({"way": "give", "points": "", "reason": "r"}, "Is required"),
        ({"way": "give", "points": "-5", "reason": "r"}, "Must be a whole number"),
        ({"way": "give", "points": "5", "reason": " "}, "Must say why"),
        ({"way": "", "points": "5", "reason": "r"}, "Must be chosen"),
    ],
)
async def test_what_is_wrong_with_points_stands_beside_the_field(
    owner: Browser, alice: int, form: dict[str, str], wrong: str
) -> None:
    answer = await owner.post(f"/customers/{alice}/points", form)
    assert answer.status_code == 422
    assert wrong in text_of(answer)
    assert "+29 available" in text_of(await owner.get(f"/customers/{alice}"))


async def test_a_guest_is_given_nothing(owner: Browser, house: House, shop: Created) -> None:
    await house.engine.submit(shop.program_id, make.order("G1", customer=make.guest()))
    page = await owner.get("/customers", params={"who": "guests"})
    number = page.text.partition("/customers/")[2].partition('"')[0].partition("/customers/")[2]
    listed = page.text.partition('data-href="')[2].partition('"')[0]
    profile = await owner.client.get(listed)
    assert "A guest earns nothing" in text_of(profile)
    assert "Give or take points" not in text_of(profile), number
    answer = await owner.client.post(
        f"{listed}/points",
        data={"csrf": await owner.csrf(), "way": "give", "points": "5", "reason": "r"},
    )
    assert answer.status_code == 422
    assert "not a member yet" in text_of(answer)


async def test_a_reward_is_given_cancelled_and_another_fulfilled(
    owner: Browser, house: House, shop: Created, alice: int
) -> None:
    program = shop.program_id
    off = await create_reward(
        house.database, program, make.reward(codes=CodeSource.GENERATED), now=house.clock()
    )
    mug = make.reward(
        kind=RewardKind.CUSTOM, title="A mug", codes=CodeSource.NONE, amount_minor=None, instructions="Soon."
    )
    mug = await create_reward(house.database, program, mug, now=house.clock())
    empty = await create_reward(
        house.database, program, make.reward(title="Sold out", codes=CodeSource.POOL), now=house.clock()
    )
    house.programs.forget()
    page = text_of(await owner.get(f"/customers/{alice}/reward"))
    assert off.title in page
    assert "Nothing is left of this reward" in page

    form = {"reward": str(off.id), "reason": "sorry", "form_key": "gift"}
    said = await go(owner, await owner.post(f"/customers/{alice}/reward", form))
    assert "is theirs, with the code" in said
    assert f"Toni owner gave “{off.title}”: sorry" in said
    await go(owner, await owner.post(f"/customers/{alice}/reward", form))
    assert text_of(await owner.get(f"/customers/{alice}")).count("not used yet") == 1
    answer = await owner.post(f"/customers/{alice}/reward", {"reward": str(empty.id), "reason": "r"})
    assert answer.status_code == 422
    assert (
        await owner.post(f"/customers/{alice}/reward", {"reward": "999", "reason": "r"})
    ).status_code == 422

    claims = f"/customers/{alice}/claims"
    assert "its code is void" in text_of(await owner.get(f"{claims}/1/cancel"))
    assert (await owner.post(f"{claims}/1/cancel", {"reason": ""})).status_code == 422
    said = await go(owner, await owner.post(f"{claims}/1/cancel", {"reason": "not wanted"}))
    assert "Reason: not wanted" in said
    closed = await owner.post(f"{claims}/1/cancel", {"reason": "again"})
    assert closed.status_code == 422
    assert "can't be changed any more" in text_of(closed)

    said = await go(
        owner, await owner.post(f"/customers/{alice}/reward", {"reward": str(mug.id), "reason": "sorry"})
    )
    assert "to be fulfilled" in said
    said = await go(owner, await owner.post(f"{claims}/2/fulfil", {"reason": "parcel 12"}))
    assert "to be fulfilled" not in said
    log = await log_of(house, shop)
    for action in ("give reward", "give reward: refused", "cancel claimed reward", "fulfil claimed reward"):
        assert action in [entry[0] for entry in log]
    assert await breaches(house, shop) == []


async def test_a_claim_of_somebody_else_is_not_there(
    owner: Browser, house: House, shop: Created, alice: int
) -> None:
    await create_reward(
        house.database, shop.program_id, make.reward(codes=CodeSource.GENERATED), now=house.clock()
    )
    house.programs.forget()
    bob = CustomerRef(merchant_id="bob", email="bob@example.com")
    await house.engine.submit(shop.program_id, SaveCustomer(customer=bob))
    other = await customer_id_of(house.database, shop.program_id, "bob")
    await owner.post(f"/customers/{alice}/reward", {"reward": "1", "reason": "sorry"})
    assert (await owner.get(f"/customers/{alice}/claims/1/cancel")).status_code == 200
    assert (await owner.get(f"/customers/{other}/claims/1/cancel")).status_code == 404
    assert (await owner.post(f"/customers/{other}/claims/1/fulfil", {"reason": "r"})).status_code == 404


async def test_blocking_says_why_and_goes_back(
    owner: Browser, house: House, shop: Created, alice: int
) -> None:
    page = f"/customers/{alice}/block"
    assert (await owner.post(page, {"reason": ""})).status_code == 422
    said = await go(owner, await owner.post(page, {"reason": "fraud", "form_key": "b"}))
    assert "The customer was blocked" in said
    await owner.post(page, {"reason": "fraud", "form_key": "b"})
    assert "The customer was unblocked" not in text_of(await owner.get(f"/customers/{alice}"))
    said = await go(owner, await owner.post(page, {"reason": "cleared"}))
    assert "The customer was unblocked" in said
    assert ("block customer", f"customer {alice}", "fraud") in await log_of(house, shop)


async def test_one_person_is_taken_out_and_erased(
    owner: Browser, house: House, shop: Created, alice: int
) -> None:
    taken = await owner.post(f"/customers/{alice}/export")
    assert taken.headers["content-type"] == "application/json"
    assert "alice@example.com" in taken.text
    page = f"/customers/{alice}/erase"
    unsure = await owner.post(page, {"reason": "asked for it"})
    assert unsure.status_code == 422
    assert "Must be ticked" in text_of(unsure)
    said = await go(owner, await owner.post(page, {"reason": "asked for it", "sure": "1"}))
    assert "This person was erased on 2 Mar 2026" in said
    assert "alice" not in said
    assert "Give or take points" not in said
    log = [entry[:2] for entry in await log_of(house, shop)]
    assert ("export customer", f"customer {alice}") in log
    assert ("erase customer", f"customer {alice}") in log
    assert (await owner.post(f"/customers/{alice}/block", {"reason": "r"})).status_code == 422


async def test_a_long_history_goes_on_on_older_pages(
    owner: Browser, house: House, shop: Created, alice: int
) -> None:
    for number in range(40):
        await house.engine.submit(shop.program_id, make.order(f"L{number}"))
    first = await owner.get(f"/customers/{alice}")
    assert "Order 100001" not in text_of(first).partition("Who this is")[0]
    older = first.text.partition('rel="next" data-older href="')[2].partition('"')[0]
    said = text_of(await owner.client.get(older.replace("&amp;", "&")))
    assert "Order 100001" in said.partition("Who this is")[0]


async def test_roles_see_the_buttons_that_are_theirs(house: House, shop: Created, alice: int) -> None:
    offered = {}
    for role in (Role.SUPPORT, Role.ANALYST, Role.READ_ONLY):
        staff_id = await hire(house, shop.program_id, role, email=f"{role}{shop.program_id}@tea.example")
        browser = await signed_in(house, staff_id, shop.program_id)
        said = text_of(await browser.get(f"/customers/{alice}"))
        words = ("Give or take points", "Block", "Export everything", "Erase")
        offered[role] = [word for word in words if word in said]
    assert offered == {
        Role.SUPPORT: ["Give or take points", "Block"],
        Role.ANALYST: ["Export everything"],
        Role.READ_ONLY: [],
    }


async def test_a_birthday_and_what_else_the_shop_says_is_shown(
    owner: Browser, house: House, shop: Created
) -> None:
    ref = CustomerRef(
        merchant_id="B", birthday=date(1990, 5, 1), properties={"loves": "<script>alert(1)</script>"}
    )
    await house.engine.submit(shop.program_id, SaveCustomer(customer=ref))
    number = await customer_id_of(house.database, shop.program_id, "B")
    answer = await owner.get(f"/customers/{number}")
    assert "1 May 1990" in text_of(answer)
    assert "<script>alert(1)</script>" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text
