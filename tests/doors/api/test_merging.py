"""Two records that are one person, merged through our own API."""

from regulars.app.verify.run import verify
from regulars.domain.commands import CustomerRef, SaveCustomer
from tests import make
from tests.doors.api.conftest import Shop, error

MERGE = "/customers/alice/merge"
BOB = CustomerRef(merchant_id="bob", email="bob@example.com")


async def two(shop: Shop) -> None:
    """Alice and Bob, 39 points each, and a guest who has bought, too."""
    for order in (make.order("A1"), make.order("B1", customer=BOB), make.order("G1", customer=make.guest())):
        await shop.house.engine.submit(shop.program_id, order)


async def test_the_other_s_points_are_the_path_s_customer_s(shop: Shop) -> None:
    await two(shop)
    answer = await shop.post(MERGE, {"merchant_id": "bob", "reason": "one person"})
    assert answer.status_code == 200
    customer = answer.json()["customer"]
    assert (customer["merchant_id"], customer["points"]["available"]) == ("alice", 78)
    assert (await shop.get("/customers/bob")).json() == answer.json()
    assert (await verify(shop.house.database, now=shop.clock())).violations == []
    async with shop.house.database.acquire() as connection:
        entries = await connection.fetch("select actor, action, subject, reason from audit_entries")
    assert [tuple(entry) for entry in entries if entry["action"] == "merge customers"] == [
        (entries[-1]["actor"], "merge customers", "customer 2 into customer 1", "one person")
    ]
    assert entries[-1]["actor"].startswith("api key")


async def test_a_guest_is_merged_by_e_mail(shop: Shop) -> None:
    await two(shop)
    said = {"guest_email": " GUEST@example.com", "reason": "the same e-mail"}
    assert (await shop.post(MERGE, said)).status_code == 200
    await shop.house.engine.submit(shop.program_id, make.order("G2", customer=make.guest()))
    assert (await shop.get("/customers/alice")).json()["customer"]["points"]["available"] == 78


async def test_the_same_again_is_answered_the_same(shop: Shop) -> None:
    await two(shop)
    said = {"merchant_id": "bob", "reason": "one person"}
    first = await shop.post(MERGE, said, idempotency_key="M1")
    assert (await shop.post(MERGE, said, idempotency_key="M1")).json() == first.json()
    assert (await shop.post(MERGE, said)).json() == first.json()
    other = said | {"reason": "another"}
    assert error(await shop.post(MERGE, other, idempotency_key="M1"))[1] == "idempotency_key_reused"


async def test_what_can_t_be_merged_is_refused_with_its_field(shop: Shop) -> None:
    await two(shop)
    await shop.house.engine.submit(
        shop.program_id, SaveCustomer(customer=CustomerRef(merchant_id="gus", guest=True))
    )
    for path, said, fields in (
        (MERGE, {"merchant_id": "alice"}, {"into": "must be another customer"}),
        (MERGE, {}, {"merchant_id": "or guest_email is required, and not both"}),
        (
            "/customers/gus/merge",
            {"merchant_id": "bob"},
            {"into": "is a guest and the other a member: the member has to stay"},
        ),
        (MERGE, {"merchant_id": "bob", "reason": " "}, {"reason": "must say why: the audit log keeps it"}),
    ):
        answer = error(await shop.post(path, {"reason": "one person"} | said))
        assert answer == (422, "invalid", {"fields": fields})
    for said in ({"merchant_id": "nobody"}, {"guest_email": "bob@example.com"}):
        assert error(await shop.post(MERGE, {"reason": "one person"} | said))[:2] == (404, "unknown_customer")
    await shop.post("/customers/gus/merge", {"guest_email": "guest@example.com", "reason": "one"})
    merged = {"guest_email": "guest@example.com", "reason": "one"}
    assert error(await shop.post(MERGE, merged))[2] == {
        "fields": {"guest_email": "was merged into customer 4 before"}
    }
