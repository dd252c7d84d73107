"""The audit log as a page: who it was, whichever door they came through, and every action in words."""

import re
from pathlib import Path

import httpx
import pytest

import regulars
from regulars.app import audit
from regulars.app.access import BY_COMMAND_LINE, Acting, Author, Role
from regulars.app.house import House
from regulars.app.integrations import change_settings
from regulars.app.programs import Created
from regulars.app.rewards import create_reward
from regulars.doors.loyaltylion.app import build as build_loyaltylion
from regulars.storage.audit_entries import Entry
from tests import make
from tests.doors.admin.conftest import Browser, hire, text_of
from tests.doors.admin.test_words import german


async def note(house: House, shop: Created, by: Author, action: str, **said: object) -> None:
    async with house.database.acquire() as connection, connection.transaction():
        await audit.note(
            connection, shop.program_id, by, action=action, subject="x", after=said, now=house.clock()
        )


@pytest.mark.parametrize("action", ["cut by 5 %", "50 %(name)s off", "100%s", "%"])
async def test_an_action_with_a_percent_sign_is_shown(
    house: House, shop: Created, owner: Browser, action: str
) -> None:
    await note(house, shop, BY_COMMAND_LINE, action, percent="10 %")
    answer = await owner.get("/audit")
    assert answer.status_code == 200
    assert action in text_of(answer) and "10 %" in text_of(answer)


async def test_the_log_says_which_key_it_was(house: House, shop: Created, owner: Browser) -> None:
    await note(house, shop, Author("api key 3", "The till's"), "change reward", cost=5)
    said = text_of(await owner.get("/audit"))
    assert "The till's api key 3 change reward" in said
    assert "The till's" in text_of(await owner.get("/audit", params={"who": "api key 3"}))
    assert "The till's" not in text_of(await owner.get("/audit", params={"who": "command line"}))


async def test_what_everybody_changes_of_integrations_says_before_and_after(
    house: House, shop: Created, owner: Browser
) -> None:
    await change_settings(
        house.database, shop.program_id, redelivery_window_seconds=60, by=BY_COMMAND_LINE, now=house.clock()
    )
    await change_settings(
        house.database, shop.program_id, redelivery_window_seconds=90, by=BY_COMMAND_LINE, now=house.clock()
    )
    assert "redelivery_window_seconds 60 90" in text_of(await owner.get("/audit"))


async def test_a_reward_that_loyaltylions_door_switches_is_written_down(house: House, shop: Created) -> None:
    reward = await create_reward(house.database, shop.program_id, make.reward(), now=house.clock())
    transport = httpx.ASGITransport(build_loyaltylion(house))
    headers = {"authorization": f"Bearer {shop.api_token}"}
    async with httpx.AsyncClient(transport=transport, base_url="http://a", headers=headers) as client:
        for switch in ("disable", "disable", "enable"):
            answer = await client.post(f"/v2/rewards/{reward.id}/{switch}")
            assert answer.status_code == 200, answer.text
    written = [one for one in await entries(house, shop) if one.action == "change reward"]
    assert [(one.before, one.after) for one in reversed(written)] == [
        ('{"enabled":true}', '{"enabled":false}'),
        ('{"enabled":false}', '{"enabled":true}'),
    ]
    assert {one.name for one in written} == {"First API key"}


async def entries(house: House, shop: Created) -> list[Entry]:
    email = f"reader{shop.program_id}@tea.example"
    staff_id = await hire(house, shop.program_id, Role.OWNER, email=email)
    acting = Acting(staff_id=staff_id, email=email, name="Ann", program_id=shop.program_id, role=Role.OWNER)
    return await audit.list_entries(house.database, acting, limit=500)


def test_every_action_that_is_written_has_its_german() -> None:
    source = Path(regulars.__file__).parent
    texts = [path.read_text() for path in [*source.glob("app/**/*.py"), *source.glob("doors/**/*.py")]]
    actions = {action for text in texts for action in re.findall(r'\baction(?:=|": )"([a-z ]+)"', text)}
    assert {"change reward", "make program", "upload codes"} <= actions
    assert sorted(action for action in actions if action not in german()) == []
