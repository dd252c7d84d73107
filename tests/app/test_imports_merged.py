"""A file of past orders that names a record which was merged: its points are those of the one who stayed."""

from pathlib import Path

from regulars.app.house import House
from regulars.app.merging import record_named
from tests import make
from tests.app.test_engine import open_shop
from tests.app.test_imports import ORDERS, Desk


async def test_an_imported_order_of_an_old_id_is_the_one_s_who_stayed(house: House, tmp_path: Path) -> None:
    await open_shop(house)
    desk = Desk(house, tmp_path)
    await desk.takes(
        "orders",
        ORDERS,
        "A1,2025-06-01T10:00:00Z,alice,alice@example.com,20.00,0,0",
        "B1,2025-06-02T10:00:00Z,bob,bob@example.com,10.00,0,0",
    )
    ids = [await record_named(house.database, 1, merchant_id=name) for name in ("bob", "alice")]
    await house.engine.submit(1, make.merge(*ids))
    done = await desk.takes("orders", ORDERS, "B2,2025-06-03T10:00:00Z,bob,bob@example.com,7.00,0,0")
    assert (done.recorded, done.rejected) == (1, 0)
    done = await desk.takes("refunds", "refund_id,order_id,amount,date", "R1,B1,10.00,2025-07-01T10:00:00Z")
    assert (done.recorded, done.rejected) == (1, 0)
    assert await desk.balances() == {"alice": (0, 27), "bob": (0, 0)}
    done = await desk.takes("customers", "customer_id,email,points", "bob,bob@example.com,5")
    assert done.rejected == 0
    assert (await desk.balances())["alice"] == (0, 32)
    assert await desk.is_sound()
