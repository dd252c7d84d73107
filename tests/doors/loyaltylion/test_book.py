"""After anything that comes through this door, in whatever order and however often, the book is sound."""

import asyncio
import random

from regulars.app.verify import lines, verify
from tests.doors.loyaltylion.conftest import Shop, an_order, an_update

STATES = (
    {},
    {"refund_status": "partially_refunded", "total_refunded": "7.77"},
    {"refund_status": "refunded", "total_refunded": "20.00"},
    {"cancellation_status": "cancelled"},
    {"payment_status": "partially_paid", "total_paid": "9.99"},
    {"payment_status": "not_paid", "total_paid": "0"},
)


async def test_the_book_is_sound_after_a_stampede(slow_shop: Shop) -> None:
    """Six customers, twelve orders, a few hundred calls at once, none of them in a sensible order."""
    shop, dice = slow_shop, random.Random(7)

    async def one_call() -> int:
        order, customer = f"o{dice.randrange(12)}", f"c{dice.randrange(6)}"
        match dice.randrange(8):
            case 0 | 1:
                body = an_order(order, customer_id=customer, payment_status=dice.choice(["paid", "not_paid"]))
                answer = await shop.post("/v2/orders", body)
            case 2 | 3:
                answer = await shop.put(f"/v2/orders/{order}", an_update(**dice.choice(STATES)))
            case 4:
                refund = {"amount": "3.33", "id": f"r{dice.randrange(3)}"}
                answer = await shop.post(f"/v2/orders/{order}/refunds", refund)
            case 5:
                call = dice.choice(["paid", "cancelled", "refunded"])
                answer = await shop.put(f"/v2/orders/{order}/{call}")
            case 6:
                call = dice.choice(["points", "remove_points"])
                answer = await shop.post(
                    f"/v2/customers/{customer}/{call}", {"points": dice.randrange(1, 30)}
                )
            case _:
                shop.clock.forward(days=dice.randrange(3))
                answer = await shop.get(
                    f"/v2/{dice.choice(['orders', 'customers', 'activities', 'transactions'])}"
                )
        return answer.status_code

    seen = [status for _ in range(10) for status in await asyncio.gather(*(one_call() for _ in range(40)))]
    assert set(seen) == {200, 201, 204, 404, 422}
    report = await verify(shop.house.database, program_id=shop.program_id, now=shop.clock())
    assert report.is_clean, "\n".join(lines(report))

    listed = (await shop.get("/v2/transactions?limit=500&since_id=0")).json()["transactions"]
    for customer in (await shop.get("/v2/customers")).json()["customers"]:
        own = [change for change in listed if change["customer"]["merchant_id"] == customer["merchant_id"]]
        approved, pending = customer["points_approved"], customer["points_pending"]
        assert sum(c["points_approved"] + c["points_pending"] for c in own) == approved + pending
    states = {
        activity["state"] for activity in (await shop.get("/v2/activities?limit=500")).json()["activities"]
    }
    assert states <= {"pending", "approved", "declined", "void"}
