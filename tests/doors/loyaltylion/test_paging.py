"""Paging by since_id, by page and by cursor, and what is said about the pages around."""

import base64
import re

import msgspec
import pytest

from regulars.doors.loyaltylion.paging import Cursor, Listing
from tests.doors.loyaltylion.conftest import HOST, Shop

LISTS = ("orders", "customers", "activities", "transactions")


async def seven_orders(shop: Shop) -> None:
    """Orders 1 to 7 by seven customers: seven rows in every list."""
    for number in range(1, 8):
        await shop.order(str(number), customer_id=f"c{number}", customer_email=f"c{number}@example.com")


@pytest.mark.parametrize("name", LISTS)
async def test_cursors_walk_from_the_newest_to_the_oldest_and_back(shop: Shop, name: str) -> None:
    await seven_orders(shop)
    page = (await shop.get(f"/v2/{name}?limit=3")).json()
    assert page["cursor"]["prev"] is None
    seen, pages = [[row["id"] for row in page[name]]], 1
    while page["cursor"]["next"] and pages < 5:
        page = (await shop.get(f"/v2/{name}?limit=3&cursor={page['cursor']['next']}")).json()
        seen.append([row["id"] for row in page[name]])
        pages += 1
    assert seen == [[7, 6, 5], [4, 3, 2], [1]]
    page = (await shop.get(f"/v2/{name}?limit=3&cursor={page['cursor']['prev']}")).json()
    assert [row["id"] for row in page[name]] == [4, 3, 2]
    page = (await shop.get(f"/v2/{name}?limit=3&cursor={page['cursor']['prev']}")).json()
    assert ([row["id"] for row in page[name]], page["cursor"]["prev"]) == ([7, 6, 5], None)
    assert page["cursor"]["next"] is not None


@pytest.mark.parametrize("name", LISTS)
async def test_since_id_walks_upwards_and_has_cursors_too(shop: Shop, name: str) -> None:
    await seven_orders(shop)
    for since, expected in ((-5, [1, 2, 3]), (0, [1, 2, 3]), (3, [4, 5, 6]), (6, [7]), (7, []), (99, [])):
        page = (await shop.get(f"/v2/{name}?since_id={since}&limit=3")).json()
        assert [row["id"] for row in page[name]] == expected
    page = (await shop.get(f"/v2/{name}?since_id=0&limit=3")).json()
    page = (await shop.get(f"/v2/{name}?since_id=0&limit=3&cursor={page['cursor']['next']}")).json()
    assert [row["id"] for row in page[name]] == [4, 5, 6]
    page = (await shop.get(f"/v2/{name}?limit=3&cursor={page['cursor']['next']}")).json()
    assert ([row["id"] for row in page[name]], page["cursor"]["next"]) == ([7], None)


@pytest.mark.parametrize("name", ["orders", "customers", "activities"])
async def test_pages_by_number(shop: Shop, name: str) -> None:
    await seven_orders(shop)
    for number, expected in ((1, [7, 6, 5]), (2, [4, 3, 2]), (3, [1]), (4, [])):
        page = (await shop.get(f"/v2/{name}?page={number}&limit=3")).json()
        assert [row["id"] for row in page[name]] == expected
    upwards = (await shop.get(f"/v2/{name}?page=2&limit=3&since_id=1")).json()
    assert [row["id"] for row in upwards[name]] == [5, 6, 7]


async def test_the_link_header_says_previous_first_then_next(shop: Shop) -> None:
    await seven_orders(shop)
    first = await shop.get("/v2/orders?limit=3")
    assert re.fullmatch(rf'<{HOST}/v2/orders\?cursor=[\w-]+&limit=3>; rel="next"', first.headers["link"])
    middle = await shop.get(first.links["next"]["url"])
    parts = middle.headers["link"].split(", ")
    assert [part.split("; ")[1] for part in parts] == ['rel="previous"', 'rel="next"']
    assert middle.json()["cursor"]["next"] in parts[1]
    last = await shop.get(middle.links["next"]["url"])
    assert list(last.links) == ["previous"]


async def test_a_cursor_has_its_filters_baked_in_and_wins_over_all_but_the_limit(shop: Shop) -> None:
    await seven_orders(shop)
    for number in (2, 4, 6):
        await shop.join(f"x{number}", customer_email=f"x{number}@other.example")
    page = (await shop.get("/v2/customers?email=EXAMPLE.COM&limit=2")).json()
    assert [row["merchant_id"] for row in page["customers"]] == ["c7", "c6"]
    cursor = page["cursor"]["next"]
    page = (await shop.get(f"/v2/customers?cursor={cursor}&email=other&since_id=99&page=x&limit=3")).json()
    assert [row["merchant_id"] for row in page["customers"]] == ["c5", "c4", "c3"]


async def test_a_cursor_in_a_list_by_change_goes_on_where_it_ended(shop: Shop) -> None:
    await seven_orders(shop)
    await shop.post("/v2/customers/c2/points", {"points": 1})
    seen: list[str] = []
    path = "/v2/customers?sort_field=updated_at&sort_direction=asc&limit=2"
    for _ in range(5):
        page = (await shop.get(path)).json()
        seen += [row["merchant_id"] for row in page["customers"]]
        if not page["cursor"]["next"]:
            break
        path = f"/v2/customers?limit=2&cursor={page['cursor']['next']}"
    assert seen == ["c1", "c3", "c4", "c5", "c6", "c7", "c2"]


async def test_a_cursor_reads_as_documented(shop: Shop) -> None:
    await seven_orders(shop)
    cursor = (await shop.get("/v2/orders?limit=2")).json()["cursor"]["next"]
    assert "=" not in cursor
    written = base64.urlsafe_b64decode(cursor + "=" * (-len(cursor) % 4))
    assert msgspec.json.decode(written) == {"lastId": 6, "direction": "next"}
    theirs = base64.urlsafe_b64encode(b'{"lastId":3,"direction":"next"}').decode().rstrip("=")
    page = (await shop.get(f"/v2/orders?cursor={theirs}")).json()
    assert [row["id"] for row in page["orders"]] == [2, 1]


def test_a_list_that_ends_with_its_page_has_no_page_after() -> None:
    listing = Listing(limit=2)
    assert listing.window().limit == 3
    full = listing.page([5, 4], lambda row: (row, None))
    assert (full.rows, full.prev, full.next) == ([5, 4], None, None)
    more = listing.page([5, 4, 3], lambda row: (row, None))
    assert (more.rows, more.next is not None) == ([5, 4], True)


@pytest.mark.parametrize(
    "query",
    [
        "limit=0", "limit=501", "limit=x", "limit=-1", "limit=1e2", "limit=", "limit=٣",
        "page=0", "page=-1", "page=one", "since_id=x", "since_id=1.5", "since_id=9999999999999999999",
        "created_at_min=yesterday", "created_at_max=2026-13-01T00:00:00Z", "updated_at_min=",
        "updated_at_max=12",
    ],
)  # fmt: skip
async def test_a_bad_number_or_time_is_a_400_that_names_it(shop: Shop, query: str) -> None:
    answer = await shop.get(f"/v2/orders?{query}")
    assert answer.status_code == 400
    error = answer.json()["error"]
    assert (error["message"], list(error["details"])) == ("Invalid request", [query.split("=")[0]])


@pytest.mark.parametrize(
    "cursor",
    [
        "x",
        "%00",
        "e30",
        base64.urlsafe_b64encode(b'{"lastId":"1","direction":"next"}').decode(),
        base64.urlsafe_b64encode(b'{"lastId":1,"direction":"up"}').decode(),
        base64.urlsafe_b64encode(b'{"lastId":99999999999999999999,"direction":"next"}').decode(),
        base64.urlsafe_b64encode(b'{"lastId":1,"direction":"next","byChange":true}').decode(),
        base64.urlsafe_b64encode(
            b'{"lastId":1,"direction":"next","createdFrom":"2026-01-01T00:00:00"}'
        ).decode(),
        base64.urlsafe_b64encode(b'{"lastId":1,"direction":"next","email":"\\u0000"}').decode(),
        base64.urlsafe_b64encode(b"[" * 3000).decode(),
    ],
)
async def test_a_malformed_cursor_is_a_400(shop: Shop, cursor: str) -> None:
    answer = await shop.get(f"/v2/customers?cursor={cursor}")
    assert answer.status_code == 400
    assert "error" in answer.json()


async def test_unknown_parameters_are_ignored(shop: Shop) -> None:
    await seven_orders(shop)
    answer = await shop.get("/v2/orders?sort_field=nonsense&email=%25&type=xml&foo=bar&limit=2")
    assert (answer.status_code, len(answer.json()["orders"])) == (200, 2)


@pytest.mark.parametrize("query", ["sort_field=email", "sort_direction=down"])
async def test_a_customers_list_can_only_be_sorted_as_documented(shop: Shop, query: str) -> None:
    answer = await shop.get(f"/v2/customers?{query}")
    assert (answer.status_code, list(answer.json()["error"]["details"])) == (400, [query.split("=")[0]])


def test_every_field_of_a_cursor_survives_the_way_there_and_back() -> None:
    cursor = Cursor(last_id=1, direction="prev", ascending=True, email="x", csv=True)
    assert msgspec.json.decode(msgspec.json.encode(cursor), type=Cursor) == cursor
