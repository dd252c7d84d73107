"""A merchant finds one person twice, looks at both records, and makes one of them, for good."""

import httpx
import pytest

from regulars.app.access import Acting, Role
from regulars.app.audit import list_entries
from regulars.app.house import House
from regulars.app.merging import record_named
from regulars.app.programs import Created
from regulars.app.rewards import create_reward
from regulars.app.verify.run import verify
from regulars.domain.commands import CustomerRef, SaveCustomer
from tests import make
from tests.doors.admin.conftest import Browser, hire, signed_in, text_of

JANE = CustomerRef(merchant_id="jane", email="jane@mail.example", first_name="Jane", last_name="Doe")


@pytest.fixture
async def both(house: House, shop: Created) -> tuple[int, int]:
    """Jane, a member with 29 points, and a guest who is she; their numbers."""
    for order in (make.worked_example("100001", customer=JANE), make.order("100002", customer=make.guest())):
        await house.engine.submit(shop.program_id, order)
    ids = [
        await record_named(house.database, shop.program_id, merchant_id="jane"),
        await record_named(house.database, shop.program_id, guest_email="guest@example.com"),
    ]
    return ids[0], ids[1]


async def go(browser: Browser, answer: httpx.Response) -> str:
    assert answer.status_code == 303, text_of(answer)
    return text_of(await browser.client.get(answer.headers["location"]))


async def test_a_guest_is_found_compared_and_merged(
    owner: Browser, house: House, shop: Created, both: tuple[int, int]
) -> None:
    jane, guest = both
    here = f"/customers/{jane}/merge"
    assert "Who is the same person?" in text_of(await owner.get(here))
    assert "guest@example.com" in text_of(await owner.get(here, params={"q": "guest"}))
    assert "Nobody fits" in text_of(await owner.get(here, params={"q": "xyzzy"}))
    seen = text_of(await owner.get(f"{here}/{guest}"))
    assert "Are they one person?" in seen
    assert "Jane Doe has 29 points available and 0 pending." in seen
    said = {"stays": str(jane), "sure": "1", "reason": "the same address", "form_key": "merge-1"}
    page = await go(owner, await owner.post(f"{here}/{guest}", said))
    assert "Merged: all is here now" in page
    assert "merged customer 2 into customer 1" in page
    assert "as guest@example.com" in page
    left = text_of(await owner.get(f"/customers/{guest}"))
    assert "This record was merged" in left and "merged customer 2 into customer 1" in left
    assert "Give or take points" not in left
    assert (await owner.get(f"/customers/{guest}/points")).status_code == 404
    acting = Acting(staff_id=1, email="", name="", program_id=shop.program_id, role=Role.OWNER)
    entries = [entry for entry in await list_entries(house.database, acting) if "merge" in entry.action]
    assert [(entry.action, entry.subject, entry.reason) for entry in entries] == [
        ("merge customers", "customer 2 into customer 1", "the same address")
    ]
    again = await owner.post(f"{here}/{guest}", said)
    assert again.status_code == 303, "a form sent twice counts once"
    assert (await verify(house.database, now=house.clock())).violations == []


async def test_from_the_guest_s_page_the_member_stays_all_the_same(
    owner: Browser, both: tuple[int, int]
) -> None:
    jane, guest = both
    seen = text_of(await owner.get(f"/customers/{guest}/merge/{jane}"))
    assert "Jane Doe has 29 points available" in seen
    assert "stay instead" not in seen, "a member can't go into a guest"
    turned = text_of(await owner.get(f"/customers/{guest}/merge/{jane}", params={"stays": str(guest)}))
    assert "A member can't go into a guest" in turned
    assert "Merge for good" not in turned
    answer = await owner.post(
        f"/customers/{guest}/merge/{jane}", {"stays": str(guest), "sure": "1", "reason": "one"}
    )
    assert answer.status_code == 422
    assert "A member can't go into a guest" in text_of(answer)


async def test_what_is_missing_is_said_beside_its_field(owner: Browser, both: tuple[int, int]) -> None:
    jane, guest = both
    path = f"/customers/{jane}/merge/{guest}"
    answer = await owner.post(path, {"stays": str(jane), "reason": "one"})
    assert answer.status_code == 422 and "Must be ticked" in text_of(answer)
    answer = await owner.post(path, {"stays": str(jane), "sure": "1"})
    assert answer.status_code == 422 and "Must say why" in text_of(answer)
    assert (await owner.post(path, {"stays": "99", "sure": "1", "reason": "x"})).status_code == 404
    assert (await owner.get(f"/customers/{jane}/merge/{jane}")).status_code == 404
    assert (await owner.get(f"/customers/{jane}/merge/99")).status_code == 404


async def test_two_members_may_be_turned_and_points_for_joining_are_named(
    owner: Browser, house: House, shop: Created, both: tuple[int, int]
) -> None:
    jane, _ = both
    await house.engine.submit(shop.program_id, SaveCustomer(customer=CustomerRef(merchant_id="jane-2")))
    other = await record_named(house.database, shop.program_id, merchant_id="jane-2")
    seen = text_of(await owner.get(f"/customers/{jane}/merge/{other}"))
    assert "Let jane-2 stay instead" in seen
    turned = text_of(await owner.get(f"/customers/{jane}/merge/{other}", params={"stays": str(other)}))
    assert "jane-2 has 29 points available" in turned
    await create_reward(house.database, shop.program_id, make.reward(), now=house.clock())
    said = {"stays": str(other), "sure": "1", "reason": "two accounts"}
    assert "Merged" in await go(owner, await owner.post(f"/customers/{jane}/merge/{other}", said))
    found = text_of(await owner.get("/customers", params={"q": "jane"}))
    assert f"Merged into customer {other}" in found
    assert f"Merged into customer {other}" not in text_of(await owner.get("/customers"))
    assert (await owner.get(f"/customers/{jane}/merge")).status_code == 404, "it was merged"


async def test_support_may_not_merge(house: House, shop: Created, both: tuple[int, int]) -> None:
    jane, guest = both
    staff_id = await hire(house, shop.program_id, Role.SUPPORT)
    browser = await signed_in(house, staff_id, shop.program_id)
    assert "/merge" not in (await browser.get(f"/customers/{jane}")).text
    assert (await browser.get(f"/customers/{jane}/merge/{guest}")).status_code == 403
