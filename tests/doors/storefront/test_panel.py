"""What the panel shows: the program to anybody, and to Alice her points, with a sentence for every line."""

import msgspec
import pytest

from regulars.app.programs import apply_changes
from regulars.app.rules import RuleChanges
from regulars.app.storefront.switches import change_switches
from regulars.app.storefront.widgets import change_widget, load_widget
from regulars.domain.errors import Invalid
from regulars.domain.rewards import CodeSource, RewardKind
from tests.doors.storefront.conftest import Shop


async def rules(shop: Shop, **changes: object) -> None:
    await apply_changes(shop.house.database, shop.keys.program_id, RuleChanges(**changes), now=shop.clock.now)
    shop.house.programs.forget()


async def test_anybody_may_read_what_the_program_offers(shop: Shop) -> None:
    await rules(shop, points_per_unit="1.25", join_points=50, approval_days=14)
    await shop.add_reward()
    await shop.add_reward(
        kind=RewardKind.VARIABLE_AMOUNT, title="Off your order", cost=0, amount_minor=None, per_points=100,
        per_minor=100, minimum_points=100, maximum_points=2000, step_points=100,
    )  # fmt: skip
    await shop.add_reward(title="From a pool", codes=CodeSource.POOL)
    await shop.add_reward(title="Hidden", enabled=False)
    for query in (f"key={shop.keys.lootly_api_key}", f"site={shop.keys.site_token}"):
        answer = await shop.get(f"program?{query}")
        assert answer.status_code == 200
        assert answer.headers["cache-control"] == "public, max-age=60"
    said = answer.json()
    assert said["program"] == {
        "name": "Tea Circle",
        "currency": "GBP",
        "exponent": 2,
        "points": {"one": "point", "many": "points"},
    }
    assert said["earn"] == [
        {
            "kind": "purchase",
            "points": "1.25",
            "per_minor": 100,
            "rate": [5, 4],
            "whole_units_only": False,
            "minimum_minor": 0,
        },
        {"kind": "join", "points": 50},
    ]
    assert [reward["title"] for reward in said["rewards"]] == ["£5 off", "Off your order", "From a pool"]
    assert said["rewards"][0] == {
        "id": 1,
        "kind": "fixed_amount",
        "title": "£5 off",
        "text": "",
        "icon": "gift",
        "cost": 500,
        "amount_minor": 500,
        "percent": None,
        "variable": None,
        "max_shipping_minor": None,
        "minimum_order_minor": 0,
        "valid_days": None,
        "out_of_stock": False,
    }
    assert said["rewards"][1]["variable"] == {
        "per_points": 100,
        "per_minor": 100,
        "minimum": 100,
        "maximum": 2000,
        "step": 100,
    }
    assert said["rewards"][2]["out_of_stock"] is True
    assert said["widget"] == {
        "enabled": True,
        "color": "#2f5d50",
        "on_color": "#ffffff",
        "side": "right",
        "language": None,
        "texts": {"title": None, "welcome": None, "launcher": None, "join": None},
        "login_url": None,
        "signup_url": None,
        "needs_token_to_redeem": False,
    }


async def test_a_browser_that_has_it_is_sent_nothing_again(shop: Shop) -> None:
    target = f"program?key={shop.keys.lootly_api_key}"
    etag = (await shop.get(target)).headers["etag"]
    again = await shop.get(target, if_none_match=etag)
    assert (again.status_code, again.content) == (304, b"")
    await shop.add_reward()
    assert (await shop.get(target, if_none_match=etag)).status_code == 200


@pytest.mark.parametrize("query", ["", "key=", "key=unknown", "site=unknown", "key=%00", "key=" + "x" * 300])
async def test_an_unknown_key_has_no_program(shop: Shop, query: str) -> None:
    answer = await shop.get(f"program?{query}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (404, "unknown_shop")


async def test_a_key_is_no_token_and_a_token_no_key(shop: Shop) -> None:
    assert (await shop.get(f"program?site={shop.keys.lootly_api_key}")).status_code == 404
    assert (await shop.get(f"program?key={shop.keys.site_token}")).status_code == 404
    assert (await shop.get(f"program?key={shop.keys.api_token}")).status_code == 404


@pytest.mark.parametrize("query", ["key=a&key=b", "key=%ff", "&".join(f"a{n}=1" for n in range(30))])
async def test_a_query_that_cannot_be_read_is_refused(shop: Shop, query: str) -> None:
    assert (await shop.get(f"program?{query}")).status_code == 422


async def test_the_merchant_chooses_how_the_widget_looks(shop: Shop) -> None:
    await change_widget(
        shop.house.database,
        shop.keys.program_id,
        now=shop.clock.now,
        color="#ffd166",
        side="left",
        language="de",
        texts={"title": "Stammgäste", "welcome": "Schön, dass Sie da sind"},
        login_url="https://tea.example/account/login",
    )
    widget = (await shop.get(f"program?key={shop.keys.lootly_api_key}")).json()["widget"]
    assert (widget["color"], widget["on_color"], widget["side"]) == ("#ffd166", "#111111", "left")
    assert widget["texts"]["title"] == "Stammgäste"
    assert widget["login_url"] == "https://tea.example/account/login"
    changed = await change_widget(
        shop.house.database, shop.keys.program_id, now=shop.clock.now, texts={"title": ""}
    )
    assert changed.texts == {"welcome": "Schön, dass Sie da sind"}
    assert changed == await load_widget(shop.house.database, shop.keys.program_id)


@pytest.mark.parametrize(
    "change",
    [
        {"color": "red"},
        {"color": "#fff"},
        {"color": "#2f5d50;background:url(x)"},
        {"side": "top"},
        {"language": "tlh"},
        {"texts": {"title": "x" * 201}},
        {"texts": {"title": "two\nlines"}},
        {"texts": {"unknown": "x"}},
        {"login_url": "javascript:alert(1)"},
        {"login_url": "//tea.example/login"},
        {"login_url": "https://user@tea.example/"},
        {"signup_url": "https://tea.example/ x"},
        {"enabled": "yes"},
    ],
)
async def test_what_no_widget_can_have_is_refused(shop: Shop, change: dict[str, object]) -> None:
    with pytest.raises(Invalid):
        await change_widget(shop.house.database, shop.keys.program_id, now=shop.clock.now, **change)


async def test_that_a_token_is_demanded_is_told(shop: Shop) -> None:
    await change_switches(shop.house.database, shop.keys.program_id, token_to_redeem=True, now=shop.clock.now)
    shop.house.credentials.forget()
    widget = (await shop.get(f"program?key={shop.keys.lootly_api_key}")).json()["widget"]
    assert widget["needs_token_to_redeem"] is True


async def test_alice_sees_what_she_has_and_what_is_to_come(shop: Shop) -> None:
    await rules(shop, join_points=50, approval_days=14)
    await shop.join(customer_first_name="Alice")
    await shop.add_reward(cost=100)
    await shop.add_reward(cost=40)
    await shop.order("1001", "29.00")
    shop.clock.forward(days=2)
    await shop.order("1002", "10.00")
    me = (await shop.get("me", await shop.log_in())).json()
    assert me["customer"]["member"] is True
    assert me["points"] == {
        "available": 50,
        "pending": 39,
        "spent": 0,
        "next_approval": {"points": 29, "at": "2026-03-16T12:00:00Z"},
    }
    assert [(way["kind"], way["done"]) for way in me["earn"]] == [("purchase", False), ("join", True)]
    assert me["rewards"][0]["standing"] == {"can": False, "why": "not_enough_points", "missing": 50}
    assert me["rewards"][1]["standing"] == {"can": True}


async def test_every_line_says_why(shop: Shop) -> None:
    await rules(shop, join_points=50, approval_days=14)
    await shop.join()
    await shop.order("1001", "29.99")
    await shop.till.post(
        "/v2/orders/1001/refunds",
        json={"amount": "10.00"},
        headers={"authorization": f"Bearer {shop.keys.api_token}"},
    )
    await shop.give(30)
    history = (await shop.get("history", await shop.log_in())).json()
    assert history["next"] is None
    lines = history["lines"]
    assert [(line["kind"], line["points"], line["bucket"], line["order"]) for line in lines] == [
        ("adjustment", 30, "available", None),
        ("refund", -9, "pending", "1001"),
        ("purchase", 29, "pending", "1001"),
        ("join", 50, "available", None),
    ]
    assert lines[0]["sentence"] == "The shop gave 30 points: Sorry for the wait"
    assert lines[1]["sentence"].startswith("Took 9 points back for the refund")
    assert lines[2]["sentence"].startswith("Gave 29 points: 29.99 GBP of the order earn")
    assert lines[3]["sentence"] == "Gave 50 points for joining."
    assert "First API key" not in str(history)


async def test_an_approval_is_no_line_but_changes_one(shop: Shop) -> None:
    await rules(shop, approval_days=14)
    await shop.order("1001")
    shop.clock.forward(days=14, seconds=1)
    me = (await shop.get("me", await shop.log_in())).json()
    assert me["points"]["available"] == 20 and me["points"]["next_approval"] is None
    assert [(line["kind"], line["bucket"]) for line in me["history"]["lines"]] == [("purchase", "available")]


async def test_a_long_history_comes_in_pages(shop: Shop) -> None:
    await shop.join()
    for number in range(45):
        await shop.give(number + 1)
    session = await shop.log_in()
    seen: list[int] = []
    cursor = None
    for _ in range(10):
        page = (await shop.get("history" if cursor is None else f"history?before={cursor}", session)).json()
        seen += [line["points"] for line in page["lines"]]
        if (cursor := page["next"]) is None:
            break
    assert seen == list(range(45, 0, -1))


@pytest.mark.parametrize("before", ["0", "-1", "x", "1.5", "٣", "9" * 30, ""])
async def test_a_cursor_that_is_none_is_refused(shop: Shop, before: str) -> None:
    answer = await shop.get(f"history?before={before}", await shop.log_in())
    assert answer.status_code == 422


async def test_nobody_sees_what_is_anothers(shop: Shop, other: Shop) -> None:
    await shop.order("1001")
    await other.order("2001", customer_id="alice")
    mine = (await shop.get("me", await shop.log_in())).json()
    assert "2001" not in str(mine) and mine["points"]["available"] == 20
    bob = (await shop.get("me", await shop.log_in("bob"))).json()
    assert bob["history"]["lines"] == [] and bob["customer"]["member"] is False


async def test_a_birthday_is_said_once(shop: Shop) -> None:
    await shop.order("1001")
    session = await shop.log_in()
    answer = await shop.post("birthday", {"birthday": "1990-05-01"}, session)
    assert answer.status_code == 200
    assert answer.json()["me"]["customer"]["birthday"] == "1990-05-01"
    assert (await shop.post("birthday", {"birthday": "1990-05-01"}, session)).status_code == 200
    again = await shop.post("birthday", {"birthday": "1990-05-02"}, session)
    assert (again.status_code, again.json()["error"]["code"]) == (409, "birthday_known")


async def test_who_is_no_member_has_no_birthday_here_yet(shop: Shop) -> None:
    session = await shop.log_in()
    answer = await shop.post("birthday", {"birthday": "1990-05-01"}, session)
    assert (answer.status_code, answer.json()["error"]["code"]) == (422, "not_a_member")
    await shop.order("1001")
    assert (await shop.post("birthday", {"birthday": "1990-05-01"}, session)).status_code == 200


@pytest.mark.parametrize(
    "body",
    [{}, {"birthday": None}, {"birthday": ""}, {"birthday": "1990-5-1"}, {"birthday": "1990-02-30"},
     {"birthday": "1899-12-31"}, {"birthday": "2026-03-03"}, {"birthday": 19900501},
     {"birthday": "１990-05-01"}, {"birthday": "1990-05-01", "blocked": False}, [], b"x",
     b'{"birthday":"1990-05-01","birthday":"1991-05-01"}'],
    ids=str,
)  # fmt: skip
async def test_what_is_no_birthday_is_refused(shop: Shop, body: object) -> None:
    await shop.order("1001")
    answer = await shop.post("birthday", body, await shop.log_in())
    assert answer.status_code == 422
    assert answer.json()["error"]["code"] == "invalid"
    assert msgspec.json.decode(answer.content)["error"]["field"]
