"""Your account and the staff of the program, through the pages."""

import re

from regulars.app.access import Role
from regulars.app.house import House
from regulars.app.programs import Created
from regulars.doors.admin.cookies import SESSION
from tests.doors.admin.conftest import PASSWORD, Browser, hire, signed_in, text_of


async def test_name_and_language_are_kept(owner: Browser) -> None:
    for _ in range(2):  # the first message is still in English
        answer = await owner.post("/admin/me", {"name": "Ann  Tea", "locale": "de-DE"})
        assert answer.status_code == 303
    page = text_of(await owner.get("/admin/me"))
    assert "Ann Tea" in page and "Gespeichert." in page
    assert "Gespeichert." not in text_of(await owner.get("/admin/me"))
    assert (await owner.post("/admin/me", {"name": "", "locale": "de-DE"})).status_code == 422
    assert (await owner.post("/admin/me", {"name": "Ann", "locale": "xx"})).status_code == 422


async def test_a_first_password_is_chosen_and_then_changed(owner: Browser) -> None:
    session = owner.client.cookies[SESSION]
    assert (await owner.post("/admin/me/password", {"password": PASSWORD})).status_code == 303
    assert owner.client.cookies[SESSION] != session
    assert "The password is changed." in text_of(await owner.get("/admin/me?changed=password"))
    answer = await owner.post("/admin/me/password", {"old": "wrong", "password": PASSWORD + "!"})
    assert answer.status_code == 422
    assert "This is not your password." in text_of(answer)
    answer = await owner.post("/admin/me/password", {"old": PASSWORD, "password": "short"})
    assert "Must have at least 12 characters" in text_of(answer)
    assert (
        await owner.post("/admin/me/password", {"old": PASSWORD, "password": PASSWORD + "!"})
    ).status_code == 303


async def test_no_page_shows_a_password_back(owner: Browser) -> None:
    answer = await owner.post("/admin/me/password", {"old": "my old secret", "password": "tiny secret"})
    assert answer.status_code == 422
    assert "secret" not in answer.text


async def test_sessions_elsewhere_are_listed_and_ended(owner: Browser, house: House, shop: Created) -> None:
    async with house.database.acquire() as connection:
        staff_id = await connection.fetchval(
            "select staff_id from staff_roles where program_id = $1", shop.program_id
        )
    other = await signed_in(house, staff_id, shop.program_id)
    page = await owner.get("/admin/me")
    ended = re.search(r"/admin/me/sessions/(\d+)/end", page.text)
    assert ended is not None
    await owner.post(ended[0])
    assert (await other.get("/")).status_code == 303
    third = await signed_in(house, staff_id, shop.program_id)
    await owner.post("/admin/me/sessions/end")
    assert (await third.get("/")).status_code == 303
    assert (await owner.get("/")).status_code == 200


async def test_nobody_ends_somebody_elses_session(owner: Browser, house: House, shop: Created) -> None:
    staff_id = await hire(house, shop.program_id, Role.MANAGER, email=f"m{shop.program_id}@tea.example")
    other = await signed_in(house, staff_id, shop.program_id)
    async with house.database.acquire() as connection:
        session_id = await connection.fetchval(
            "select session_id from staff_sessions where staff_id = $1", staff_id
        )
    await owner.post(f"/admin/me/sessions/{session_id}/end")
    assert (await other.get("/")).status_code == 200


async def test_a_role_is_changed_and_the_last_owner_stays(
    owner: Browser, house: House, shop: Created
) -> None:
    staff_id = await hire(house, shop.program_id, Role.SUPPORT, email=f"s{shop.program_id}@tea.example")
    await owner.post(f"/staff/{staff_id}/role", {"role": "manager"})
    assert "The role is changed." in text_of(await owner.get("/staff"))
    async with house.database.acquire() as connection:
        owner_id = await connection.fetchval(
            "select staff_id from staff_roles where program_id = $1 and role = 'owner'", shop.program_id
        )
    await owner.post(f"/staff/{owner_id}/remove")
    assert "A program keeps at least one owner" in text_of(await owner.get("/staff"))
    await owner.post(f"/staff/{staff_id}/remove")
    assert "They no longer work in this program." in text_of(await owner.get("/staff"))
    log = text_of(await owner.get("/audit"))
    assert "remove from staff" in log and "set role" in log


async def test_the_log_is_read_page_by_page(owner: Browser, house: House, shop: Created) -> None:
    for number in range(60):
        zone = ("Europe/London", "Europe/Paris")[number % 2]
        await owner.post("/settings", {"timezone": zone})
    page = await owner.get("/audit")
    assert page.text.count("<tr>") == 51
    older = re.search(r'href="(/admin/p/\d+/audit\?before=\d+)"', page.text)
    assert older is not None
    rest = await owner.get(older[1])
    assert 10 <= rest.text.count("<tr>") <= 15
    assert "data-older" not in rest.text


async def test_what_staff_type_is_shown_as_text(owner: Browser) -> None:
    await owner.post("/admin/me", {"name": "<script>alert(1)</script>", "locale": "en-GB"})
    for path in ("/", "/staff", "/admin/me"):
        page = await owner.get(path)
        assert "<script>alert" not in page.text
        assert "&lt;script&gt;alert(1)" in page.text
