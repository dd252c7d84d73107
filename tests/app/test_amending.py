"""Amended orders in the database: saved, loaded again, and clean under verify."""

from regulars.app.house import House
from regulars.app.verify import verify
from regulars.domain.commands import AmendOrder
from tests import make
from tests.app.conftest import balance
from tests.app.test_engine import open_shop


async def test_an_order_can_be_amended_refunded_and_amended_again(house: House) -> None:
    shop = await open_shop(house)
    for command in (
        make.order("A", total=3000, shipping=0),
        make.refund("A", 1000, reference="R1"),
        AmendOrder(order=make.order("A", total=4000, shipping=0), actor="Bob"),
        make.refund("A", 1000, reference="R2"),
        make.update("A", paid=4000, cancelled=True),
        AmendOrder(order=make.order("A", total=6000, shipping=0), actor="Bob"),
        make.update("A", paid=6000, refunded=3000),
    ):
        await house.engine.submit(shop, command)
    assert await balance(house) == (0, 30)
    report = await verify(house.database, now=house.clock())
    assert not report.violations
