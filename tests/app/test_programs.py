"""Programs are made, their rules change from the next order on, and a test program's clock moves forward."""

from datetime import timedelta
from typing import Any

import pytest

from regulars.app.credentials import api_key_lookup, create_api_key, lootly_lookup, revoke, site_lookup
from regulars.app.dues import settle_due
from regulars.app.house import House
from regulars.app.programs import (
    NotInTestMode,
    UnknownProgram,
    change_rules,
    create_program,
    move_clock,
    parse_origin,
)
from regulars.app.rules import RuleChanges, purchase_rule
from regulars.domain.commands import PaymentStatus
from regulars.domain.errors import Invalid
from regulars.domain.program import JoinRule
from tests import make
from tests.app.conftest import balance
from tests.clock import Clock


async def open_shop(house: House, **changes: Any) -> Any:
    said = {"name": "Tea Circle", "domain": "https://tea.example", "currency": "GBP", "now": house.clock()}
    return await create_program(house.database, house.vault, **(said | changes))


async def test_a_new_program_has_a_site_and_credentials_that_work_at_once(house: House) -> None:
    created = await open_shop(house, domain="HTTP://127.0.0.1:8099/")
    assert created.site_domain == "http://127.0.0.1:8099"
    key = await house.credentials.find(api_key_lookup(created.api_token))
    site = await house.credentials.find(site_lookup(created.site_token))
    lootly = await house.credentials.find(lootly_lookup(created.lootly_api_key))
    assert key is not None and key.allows("write_orders") and key.site_id is None
    assert site is not None and site.secret == created.site_secret and site.allows("read_orders")
    assert lootly is not None and lootly.secret == created.lootly_api_secret
    assert not lootly.allows("read_orders")
    assert len(created.lootly_api_secret) == 60


async def test_no_secret_stands_in_the_database_in_clear(house: House) -> None:
    created = await open_shop(house)
    async with house.database.acquire() as connection:
        rows = await connection.fetch("select credentials::text as said from credentials")
    stored = " ".join(row["said"] for row in rows)
    for secret in (created.api_token, created.site_secret, created.lootly_api_secret):
        assert secret not in stored
        assert secret.encode().hex() not in stored


@pytest.mark.parametrize(
    ("field", "said"),
    [
        ("name", {"name": " "}),
        ("name", {"name": "a\x00b"}),
        ("domain", {"domain": "tea.example"}),
        ("domain", {"domain": "https://tea.example/shop"}),
        ("domain", {"domain": "https://user@tea.example"}),
        ("domain", {"domain": "javascript:alert(1)"}),
        ("currency", {"currency": "gbp"}),
        ("currency", {"currency": "XXX"}),
        ("points_per_unit", {"points_per_unit": "-1"}),
        ("points_per_unit", {"points_per_unit": "1e3"}),
        ("points_per_unit", {"points_per_unit": "1.00001"}),
        ("approval_days", {"approval_days": -1}),
    ],
)
async def test_a_program_that_makes_no_sense_is_refused_by_the_name_of_the_field(
    house: House, field: str, said: dict[str, Any]
) -> None:
    with pytest.raises(Invalid) as refusal:
        await open_shop(house, **said)
    assert refusal.value.field == field
    async with house.database.acquire() as connection:
        assert await connection.fetchval("select count(*) from programs") == 0


def test_an_origin_may_have_a_port_and_be_plain_http() -> None:
    assert parse_origin("http://127.0.0.1:8099") == "http://127.0.0.1:8099"


async def test_an_order_keeps_the_rule_that_it_was_recorded_under(house: House) -> None:
    shop = (await open_shop(house)).program_id
    not_paid = make.order("A1", total=1000, shipping=0, payment_status=PaymentStatus.NOT_PAID)
    await house.engine.submit(shop, not_paid)
    await change_rules(
        house.database,
        shop,
        purchase=lambda rule: purchase_rule(rule, RuleChanges(points_per_unit="2.5"), "GBP"),
        now=house.clock(),
    )
    await house.engine.submit(shop, make.order("A2", total=1000, shipping=0))
    assert await balance(house) == (0, 25)
    await house.engine.submit(shop, make.update("A1", paid=1000))
    assert await balance(house) == (0, 35)


async def test_joining_gives_its_points_from_the_moment_that_the_rule_is_on(house: House) -> None:
    shop = (await open_shop(house)).program_id
    await house.engine.submit(shop, make.order("A1", total=1000, shipping=0))
    await change_rules(house.database, shop, join=lambda _: JoinRule(points=50), now=house.clock())
    bob = make.alice(merchant_id="bob", email="bob@example.com")
    await house.engine.submit(shop, make.order("B1", total=1000, shipping=0, customer=bob))
    await house.engine.submit(shop, make.order("B2", total=1000, shipping=0, customer=bob))
    assert await balance(house) == (0, 10)
    assert await balance(house, "bob") == (0, 70)


async def test_a_test_program_rehearses_its_approvals_by_moving_its_clock(house: House) -> None:
    shop = (await open_shop(house, approval_days=14, test_mode=True)).program_id
    await house.engine.submit(shop, make.worked_example("A1"))
    assert await balance(house) == (29, 0)
    await move_clock(house.database, shop, forward=timedelta(days=14, seconds=-1), now=house.clock())
    assert await settle_due(house.database, house.engine, now=house.clock()) == 0
    await move_clock(house.database, shop, forward=timedelta(seconds=1), now=house.clock())
    assert await settle_due(house.database, house.engine, now=house.clock()) == 1
    assert await balance(house) == (0, 29)


async def test_a_live_programs_clock_does_not_move_and_no_clock_goes_back(house: House) -> None:
    live = (await open_shop(house)).program_id
    rehearsal = (await open_shop(house, test_mode=True)).program_id
    with pytest.raises(NotInTestMode):
        await move_clock(house.database, live, forward=timedelta(days=1), now=house.clock())
    for forward in (timedelta(0), timedelta(days=-1), timedelta(days=40_000)):
        with pytest.raises(Invalid):
            await move_clock(house.database, rehearsal, forward=forward, now=house.clock())
    with pytest.raises(UnknownProgram):
        await move_clock(house.database, 99, forward=timedelta(days=1), now=house.clock())


async def test_a_late_job_approves_as_of_the_day_that_it_was_due(house: House, clock: Clock) -> None:
    shop = (await open_shop(house, approval_days=14)).program_id
    await house.engine.submit(shop, make.worked_example("A1"))
    clock.forward(timedelta(days=20))
    assert await settle_due(house.database, house.engine, now=clock()) == 1
    assert await settle_due(house.database, house.engine, now=clock()) == 0
    async with house.database.acquire() as connection:
        row = await connection.fetchrow(
            "select effective_at, recorded_at from movements where cause = 'approval'"
        )
    assert row["effective_at"] == make.NOON + timedelta(days=14)
    assert row["recorded_at"] == make.NOON + timedelta(days=20)


async def test_a_revoked_key_is_unknown_within_a_second(house: House) -> None:
    shop = (await open_shop(house)).program_id
    key = await create_api_key(
        house.database, program_id=shop, name="Till", scopes=("read_orders",), now=house.clock()
    )
    found = await house.credentials.find(api_key_lookup(key))
    assert found is not None and found.allows("read_orders") and not found.allows("write_orders")
    assert await revoke(house.database, program_id=shop, credential_id=found.credential_id, now=house.clock())
    house.credentials.forget()
    assert await house.credentials.find(api_key_lookup(key)) is None
    with pytest.raises(Invalid):
        await create_api_key(house.database, program_id=shop, name="x", scopes=("all",), now=house.clock())
