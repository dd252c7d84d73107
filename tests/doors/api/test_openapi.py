"""The document says what the routes are, and nothing else."""

import re
from typing import Any

import msgspec

from regulars.app.credentials import SCOPES
from regulars.domain import rewards as domain
from regulars.doors.api.errors import CODES
from regulars.doors.api.openapi import document
from regulars.doors.api.routes import ROUTES
from regulars.doors.api.shapes.rewards import NewReward, Reward, RewardChanges
from tests.doors.api.conftest import Shop, error

OPERATIONS = {
    (method.upper(), path): operation
    for path, item in document()["paths"].items()
    for method, operation in item.items()
}


def test_every_route_is_documented_and_nothing_else_is() -> None:
    assert set(OPERATIONS) == {(route.method, route.path) for route in ROUTES}


async def test_every_documented_route_answers(shop: Shop) -> None:
    for method, path in OPERATIONS:
        target = re.sub(r"{\w+}", "1", path.removeprefix("/api/v1"))
        answer = await shop.send(method, target, auth="Bearer nobody")
        assert error(answer)[:2] == (401, "unauthenticated"), (method, path)


def test_operations_are_named_once_and_say_what_they_do() -> None:
    names = [operation["operationId"] for operation in OPERATIONS.values()]
    assert len(set(names)) == len(names)
    tags = {tag["name"] for tag in document()["tags"]}
    assert {tag for operation in OPERATIONS.values() for tag in operation["tags"]} == tags
    assert all(operation["summary"] for operation in OPERATIONS.values())
    assert {scope for route in ROUTES for scope in route.scopes} <= set(SCOPES)


def test_every_reference_leads_to_a_schema() -> None:
    text = msgspec.json.encode(document()).decode()
    named = set(re.findall(r"#/components/schemas/(\w+)", text))
    assert named <= set(document()["components"]["schemas"])


def test_every_refusal_in_the_document_is_one_that_is_answered() -> None:
    known = {code for _, code in CODES.values()}
    assert {code for route in ROUTES for code in route.refusals} <= known


def test_rewards_have_the_same_fields_wherever_they_are_said() -> None:
    core = set(domain.Reward.__struct_fields__)
    assert set(NewReward.__struct_fields__) == core - {"id"}
    assert set(RewardChanges.__struct_fields__) == core - {"id", "kind"}
    assert set(Reward.__struct_fields__) == core | {"counts", "out_of_stock"}


def test_what_is_sent_is_strict_and_what_is_answered_is_open() -> None:
    schemas: dict[str, Any] = document()["components"]["schemas"]
    for route in ROUTES:
        if route.body is not None:
            assert schemas[route.body.__name__]["additionalProperties"] is False
        if route.answer is not None:
            assert schemas[route.answer.__name__].get("additionalProperties") is not False


async def test_the_document_is_served_to_anybody(shop: Shop) -> None:
    answer = await shop.get("/openapi.json", auth="")
    assert answer.status_code == 200
    assert answer.json() == msgspec.json.decode(msgspec.json.encode(document()))
    assert error(await shop.post("/openapi.json"))[0] == 405
