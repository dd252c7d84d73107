"""Any text without NUL and half characters comes back equal, through both doors."""

import itertools
from urllib.parse import quote

import hypothesis
import msgspec
import pytest
from hypothesis import strategies as st

from tests.hostile.world import World, an_order

pytestmark = pytest.mark.asyncio(loop_scope="module")

EXAMPLES = 60

_numbers = itertools.count(1)

texts = st.text(
    st.characters(exclude_categories=("Cs",), exclude_characters="\x00"), min_size=1, max_size=200
)
ids = texts.filter(lambda text: text != "0" and len(text.encode()) <= 150)
"""0 is nobody at the Lootly door, and a customer's id has at most 191 bytes there."""

settings = hypothesis.settings(
    max_examples=EXAMPLES, suppress_health_check=[hypothesis.HealthCheck.function_scoped_fixture]
)


@hypothesis.given(ids, texts, texts)
@settings
async def test_through_the_loyaltylion_door(shared_world: World, who: str, number: str, reason: str) -> None:
    mine = shared_world.mine
    merchant_id = f"{next(_numbers)} {who}"
    order = an_order(merchant_id, f"{merchant_id}!", merchant_number=number, customer_email="a@example.com")
    said = await shared_world.ask("POST", "/v2/orders", msgspec.json.encode(order), mine.bearer)
    assert said.status == 201, said
    one = await shared_world.ask("GET", f"/v2/orders/{quote(merchant_id, safe='')}", b"", mine.bearer)
    assert one.json["merchant_id"] == merchant_id
    listed = (await shared_world.ask("GET", "/v2/orders?limit=1", b"", mine.bearer)).json["orders"][0]
    assert (listed["merchant_id"], listed["merchant_number"]) == (merchant_id, number)
    assert listed["customer"]["merchant_id"] == f"{merchant_id}!"
    given = msgspec.json.encode({"points": 1, "reason": reason})
    path = f"/v2/customers/{quote(merchant_id + '!', safe='')}"
    assert (await shared_world.ask("POST", f"{path}/points", given, mine.bearer)).status == 201
    changes = (await shared_world.ask("GET", f"{path}/transactions", b"", mine.bearer)).json["transactions"]
    assert changes[0]["adjustment"] == {"note": reason}


@hypothesis.given(ids, texts, texts, st.booleans())
@settings
async def test_through_the_lootly_door(
    shared_world: World, who: str, first_name: str, last_name: str, as_ascii: bool
) -> None:
    """The body has its texts as they are, or, as PHP writes them, by escapes."""
    mine, customer_id = shared_world.mine, f"{next(_numbers)} {who}"
    said = {"id": customer_id, "email": "a@example.com", "first_name": first_name, "last_name": last_name}
    sign = mine.call_as_php if as_ascii else mine.call
    hooks = "/integrations/webhooks/common"
    assert (await shared_world.ask("POST", f"{hooks}/customers-create", sign(said))).status == 200
    answer = await shared_world.ask("POST", f"{hooks}/customer", sign({"customer_id": customer_id}))
    assert answer.json["data"] == said | {"points": 0, "pending": 0}
    path = f"/api/custom/customer/{quote(customer_id, safe='')}/point-balance"
    assert (await shared_world.ask("GET", mine.read(path))).json == {"point_value": 0}
