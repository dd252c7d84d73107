"""The whole way of an order on PostgreSQL 15, the oldest server that Regulars promises to work with."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from tests import make
from tests.conftest import fresh_database

from regulars.app import verify
from regulars.app.explain import explain, lines
from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.app.vault import Vault
from regulars.domain.commands import AdjustPoints, CancelOrder
from regulars.storage.database import Database, NotDurable
from regulars.storage.migrate import migrate


@pytest.fixture
def database_15(postgres_15: str) -> Iterator[str]:
    yield from fresh_database(postgres_15, "template0")


async def test_orders_refunds_debts_and_a_clean_book(database_15: str, tmp_path: Path) -> None:
    await migrate(database_15)
    opened = await Database.connect(database_15)
    with pytest.raises(NotDurable, match="fsync"):
        await opened.check_durability()
    house = House(make.settings(tmp_path), opened, Vault(bytes(32)), lambda: make.NOON, [])
    created = await create_program(
        opened, house.vault, name="Tea", domain="https://tea.example", currency="GBP", now=make.NOON
    )
    shop = created.program_id
    await house.engine.submit(shop, make.refund("early", 1599, lenient=True))
    await house.engine.submit(shop, make.worked_example("early"))
    await house.engine.submit(shop, make.worked_example("A1"))
    await house.engine.submit(shop, AdjustPoints(merchant_id="alice", points=-40, reason=None, actor="Bob"))
    await house.engine.submit(shop, CancelOrder(site_id=1, merchant_id="A1"))
    await house.engine.submit(shop, make.order("A2", total=5000, shipping=0))
    async with opened.acquire() as connection:
        assert await connection.fetchval("select available from accounts") == 18 + 29 - 40 - 29 + 50
    report = await verify.verify(opened, now=make.NOON)
    assert report.is_clean, verify.lines(report)
    said = "\n".join(lines(await explain(opened, merchant_id="A1")))
    assert "29 given, 29 taken back" in said
    await house.close()
