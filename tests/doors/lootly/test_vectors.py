"""The contract's signed bodies, sent to the door as they are."""

import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest

from regulars.app.credentials import lootly_lookup
from regulars.app.house import House
from regulars.storage import credentials
from tests.clock import Clock
from tests.doors.lootly.conftest import Shop, client_of, make_program

VECTORS: list[dict[str, Any]] = json.loads(
    (Path(__file__).parent / "vectors" / "lootly_hmac_vectors.json").read_text()
)
CALLS = [vector for vector in VECTORS if not vector["kind"].startswith(("GET", "OUTGOING"))]
READS = [vector for vector in VECTORS if vector["kind"].startswith("GET")]

LOGGED = {8: "refused", 19: "refused", 27: "unauthorised", 29: "unauthorised"}
"""What the log says of the call where it isn't "done"; there is no such reward (8) or customer (19)."""

POINTS = {"001": 0, "17": 28, "u-1": 0, "1": 31, "8": 1, "u-3": 0, "9": 5}
"""After all of them: 001's order was refunded in part and then cancelled; 1 bought for 29.90, 1 and 1."""


@pytest.fixture
async def vector_shop(house: House, clock: Clock) -> AsyncIterator[Shop]:
    """A shop with the key and the secret of the vectors."""
    keys = await make_program(house, clock)
    key = json.loads(CALLS[0]["payload_json_sent"])["key"]
    async with house.database.acquire() as connection:
        await credentials.add(
            connection,
            keys.program_id,
            lookup=lootly_lookup(key),
            kind="lootly",
            name="the vectors'",
            site_id=keys.site_id,
            scopes=(),
            secret=house.vault.close(CALLS[0]["secret"]),
            at=clock(),
        )
    async with client_of(house) as client:
        yield Shop(house, keys, client, clock)


async def test_every_vector_gets_its_status_and_stands_in_the_log(vector_shop: Shop) -> None:
    for vector in CALLS:
        answer = await vector_shop.send(vector["kind"], vector["payload_json_sent"].encode())
        assert answer.status_code == vector["http_expected"], vector["description"]
        last = await vector_shop.last()
        assert last.outcome == LOGGED.get(vector["id"], "done"), (vector["id"], last.message)
        if vector["http_expected"] == 401:
            assert json.loads(last.details)["expected_text"] == vector["signed_string"]
    assert {one: await vector_shop.points(one) for one in POINTS} == POINTS

    for vector in READS:
        answer = await vector_shop.client.get(vector["payload_json_sent"].removeprefix("GET "))
        assert answer.status_code == vector["http_expected"]
        assert answer.json() == {"point_value": 0}
