"""The admin's lists at some size: each is paged by a key that an index has, whatever the filter."""

from collections.abc import Awaitable, Callable
from types import ModuleType
from typing import Any

import pytest

from regulars.app import audit, claims, deliveries
from regulars.app.access import Acting, Role
from regulars.app.codes import lists
from regulars.app.house import House
from regulars.app.programs import Created
from regulars.domain.rewards import CodeState
from tests.plans import explained

ROWS = 20_000
FILL = f"""
    create temporary table rows as
    select n, timestamptz '2026-01-01Z' + n * interval '1 second' as at from generate_series(1, {ROWS}) n;
    insert into deliveries (program_id, credential_id, integration, hook, body, status, outcome, problem,
        subject, received_at)
    select $1, 1 + n % 2, 'custom', case when n % 5000 = 0 then 'key-verify' else 'orders-completed' end,
        '{{}}', 200, 'done', n % 4000 = 0, 'o' || n, at from rows;
    insert into codes (program_id, code_key, code, reward_id, source, state, slot, claim_id, created_at)
    select $1, 'T' || n, 't' || n, 1 + n % 2, 'pool', state, random(), case state when 'handed' then n end, at
        from rows cross join lateral (select case when n % 5000 = 0 then 'void'
            when n % 4000 = 0 then 'handed' else 'free' end as state) states;
    insert into claimed_rewards (program_id, claim_id, reward_id, customer_id, kind, title, cost, currency,
        minimum_order_minor, instructions, state, claimed_at, decision_id, updated_at)
    select $1, n, 1, 1 + n % 100, 'fixed_amount', 'Five off', 0, 'GBP', 0, '', 'claimed', at, n, at from rows;
    insert into audit_entries (program_id, entry_id, at, actor, name, action, subject, before, after, reason,
        salt, digest, hash)
    select $1, n + 1, at, case when n % 5000 = 0 then 'staff:7' else 'staff:1' end, 'Ann', 'adjust points',
        '', 'null', 'null', '', '', sha256(''), sha256('') from rows;
    drop table rows;
"""


@pytest.fixture
async def large(house: House, shop: Created) -> Created:
    """The tea shop with twenty thousand calls, codes, claims and entries, few of them out of the ordinary."""
    async with house.database.acquire() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        for statement in FILL.replace("$1", str(shop.program_id)).split(";\n")[:-1]:
            await connection.execute(statement)
    async with house.database.acquire() as connection:
        await connection.execute("analyze deliveries, codes, claimed_rewards, audit_entries")
    return shop


Listing = Callable[[House, int], Awaitable[list[Any]]]


def calls(**wanted: Any) -> Listing:
    return lambda house, program: deliveries.page_of_deliveries(house.database, program, **wanted)


def listed_codes(**wanted: Any) -> Listing:
    return lambda house, program: lists.list_codes(house.database, program, 1, **wanted)


def entries(**wanted: Any) -> Listing:
    def ask(house: House, program: int) -> Awaitable[list[Any]]:
        ann = Acting(staff_id=1, email="a@tea.example", name="Ann", program_id=program, role=Role.OWNER)
        return audit.list_entries(house.database, ann, **wanted)

    return ask


def claims_of(**wanted: Any) -> Listing:
    return lambda house, program: claims.claims_of(house.database, program, 8, **wanted)


LISTS: list[tuple[ModuleType, Listing, int]] = [
    (deliveries, calls(), 50),
    (deliveries, calls(hook="orders-completed"), 50),
    (deliveries, calls(hook="key-verify"), 4),
    (deliveries, calls(hook="nothing-like-it"), 0),
    (deliveries, calls(subject="o777"), 1),
    (deliveries, calls(subject="nobody's"), 0),
    (deliveries, calls(problems_only=True), 5),
    (deliveries, calls(problems_only=True, hook="key-verify"), 1),
    (deliveries, calls(credential_id=1), 50),
    (lists, listed_codes(), 100),
    (lists, listed_codes(after="T5"), 100),
    (lists, listed_codes(state=CodeState.FREE), 100),
    (lists, listed_codes(state=CodeState.VOID), 4),
    (lists, listed_codes(state=CodeState.HANDED), 4),
    (claims, claims_of(), 100),
    (claims, claims_of(before=5000), 50),
    (audit, entries(), 50),
    (audit, entries(before_id=100), 50),
    (audit, entries(actor="staff:7"), 4),
    (audit, entries(actor="staff:8"), 0),
]


async def test_no_list_reads_a_whole_table_or_sorts_one(
    house: House, large: Created, monkeypatch: pytest.MonkeyPatch
) -> None:
    whole = []
    for number, (module, listing, rows) in enumerate(LISTS):
        with monkeypatch.context() as patch:
            plans = explained(patch, module)
            # Often enough for PostgreSQL to settle on a plan for whatever values may come.
            for _ in range(7):
                found = await listing(house, large.program_id)
            assert len(found) == rows, number
            assert plans
            whole += [(number, plan) for plan in plans if "Seq Scan" in plan or "Bitmap" in plan]
    assert whole == []
