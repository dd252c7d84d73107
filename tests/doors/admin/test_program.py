"""A merchant sets the program up: rules, rewards of each kind, codes with mistakes in them, the widget."""

from typing import Any

import httpx
import pytest

from regulars.app import rewards
from regulars.app.access import Role
from regulars.app.house import House
from regulars.app.programs import Created, Programs
from regulars.app.storefront.widgets import load_widget
from regulars.domain.program import Program
from regulars.domain.rewards import CodeSource, LimitPeriod, RewardKind
from regulars.doors.loyaltylion.app import build as build_loyaltylion
from tests import make
from tests.doors.admin.conftest import Browser, hire, signed_in, text_of


async def program_of(house: House, shop: Created) -> Program:
    return await Programs(house.database).get(shop.program_id)


RULES = {"enabled": "1", "points_per_unit": "1.5", "minimum": "10.00", "statuses": "Paid, done"}


async def test_earning_rules_are_saved_and_written_down(owner: Browser, house: House, shop: Created) -> None:
    answer = await owner.post("/rules", RULES | {"join_points": "50", "counts_tax": "1"})
    assert answer.status_code == 303
    program = await program_of(house, shop)
    rule = program.purchase
    assert (rule.rate_numerator, rule.rate_denominator, rule.minimum_minor) == (3, 2, 1000)
    assert (rule.statuses, rule.counts_tax, rule.counts_shipping) == (("paid", "done"), True, False)
    assert program.join.points == 50
    assert "change rules" in text_of(await owner.get("/audit"))


async def test_a_wrong_rule_changes_nothing_and_is_named_beside_its_field(
    owner: Browser, house: House, shop: Created
) -> None:
    before = await program_of(house, shop)
    answer = await owner.post("/rules", RULES | {"points_per_unit": "1,5", "join_points": "0"})
    assert answer.status_code == 422
    assert "is not a plain decimal" in text_of(answer)
    assert (await owner.post("/rules", RULES | {"join_points": "many"})).status_code == 422
    assert (await program_of(house, shop)).purchase == before.purchase


async def test_an_order_is_tried_on_the_rules(owner: Browser) -> None:
    said = {"goods": "39.99", "shipping": "10", "tax": "", "discounts": "10.00"}
    assert "29 points" in text_of(await owner.get("/rules", params=said))
    wrong = await owner.get("/rules", params={"goods": "a lot"})
    assert wrong.status_code == 422


async def test_points_settings_are_saved(owner: Browser, house: House, shop: Created) -> None:
    said = {"approval_days": "14", "whole_units_only": "1", "refund_returns": "code"}
    assert (await owner.post("/points", said | {"expired_returns_points": "1"})).status_code == 303
    program = await program_of(house, shop)
    assert (program.purchase.approval_days, program.purchase.whole_units_only) == (14, True)
    assert (program.spending.refund_returns, program.spending.expired_returns_points) == ("code", True)
    assert (await owner.post("/points", said | {"refund_returns": "all"})).status_code == 422


KINDS: dict[RewardKind, dict[str, Any]] = {
    RewardKind.FIXED_AMOUNT: {"cost": "500", "amount_minor": "5.00", "codes": "generated", "prefix": "TEA"},
    RewardKind.PERCENTAGE: {"cost": "300", "percent": "10", "codes": "pool", "low_stock": "5"},
    RewardKind.VARIABLE_AMOUNT: {
        "per_points": "100",
        "per_minor": "1.00",
        "minimum_points": "100",
        "step_points": "50",
        "codes": "generated",
    },
    RewardKind.FREE_SHIPPING: {"cost": "200", "max_shipping_minor": "7.50", "codes": "generated"},
    RewardKind.FREE_PRODUCT: {"cost": "900", "product": "mug-1", "codes": "pool"},
    RewardKind.GIFT_CARD: {"cost": "1000", "amount_minor": "10.00", "codes": "pool"},
    RewardKind.CUSTOM: {"cost": "50", "instructions": "Ask at the till."},
}


@pytest.mark.parametrize("kind", list(RewardKind))
async def test_a_reward_of_each_kind_is_made_shown_and_changed(
    owner: Browser, house: House, shop: Created, kind: RewardKind
) -> None:
    said = {"kind": kind.value, "title": f"A {kind} for you", "enabled": "1"} | KINDS[kind]
    assert (await owner.get("/rewards/new", params={"kind": kind.value})).status_code == 200
    answer = await owner.post("/rewards/new", said)
    assert answer.status_code == 303, text_of(answer)
    (reward,) = (await program_of(house, shop)).rewards
    assert (reward.kind, reward.title, reward.enabled) == (kind, f"A {kind} for you", True)
    assert f"A {kind} for you" in text_of(await owner.get("/rewards"))
    assert (await owner.get(f"/rewards/{reward.id}")).status_code == 200
    changed = said | {"title": "Another", "limit_count": "2", "limit_period": "month", "stock": "0"}
    answer = await owner.post(f"/rewards/{reward.id}", changed)
    assert answer.status_code == 303, text_of(answer)
    (after,) = (await program_of(house, shop)).rewards
    assert (after.title, after.limit_count, after.limit_period, after.stock) == (
        "Another",
        2,
        LimitPeriod.MONTH,
        0,
    )
    assert "Out of stock" in text_of(await owner.get("/rewards"))


async def test_what_a_reward_lacks_is_named_beside_its_field(
    owner: Browser, house: House, shop: Created
) -> None:
    said = {"kind": "fixed_amount", "title": "Five off", "cost": "500", "codes": "generated"}
    for wrong in (
        said,
        said | {"amount_minor": "five"},
        said | {"amount_minor": "5.00", "title": " "},
        said | {"amount_minor": "5.00", "cost": "0"},
        said | {"amount_minor": "5.00", "codes": "none"},
        said | {"amount_minor": "5.00", "starts_at": "2026-05-02T10:00", "ends_at": "2026-05-01T10:00"},
        said | {"amount_minor": "5.00", "starts_at": "soon"},
    ):
        assert (await owner.post("/rewards/new", wrong)).status_code == 422
    assert (await program_of(house, shop)).rewards == ()
    assert (await owner.get("/rewards/new")).status_code == 200
    assert (await owner.get("/rewards/77")).status_code == 404


async def open_pool(house: House, shop: Created) -> int:
    reward = make.reward(codes=CodeSource.POOL, low_stock=1)
    made = await rewards.create_reward(house.database, shop.program_id, reward, now=house.clock())
    house.programs.forget()
    return made.id


async def test_a_file_with_mistakes_is_refused_whole_with_every_line_named(
    owner: Browser, house: House, shop: Created
) -> None:
    page = f"/rewards/{await open_pool(house, shop)}/codes"
    assert "shows as out of stock" in text_of(await owner.get(page))

    async def upload(content: bytes) -> Any:
        return await owner.post(page, {}, files={"file": ("codes.csv", content, "text/csv")})

    answer = await upload(b"Code\nKD83-XMQP-41ZA\nKD83-XMQP-41ZA\nQX71-BVNL-93RT\n")
    assert answer.status_code == 422
    assert "Nothing of this file was taken" in text_of(answer)
    assert "No codes yet" in text_of(await owner.get(page))
    answer = await upload(b"Code\nKD83-XMQP-41ZA\n QX71-BVNL-93RT \r\nWM55-CHTD-20YE\n")
    assert answer.status_code == 200
    assert "3 codes were taken" in text_of(answer)
    assert (await upload(b"KD83-XMQP-41ZA\n")).status_code == 422
    assert (await owner.post(page, {})).status_code == 422
    done = await owner.post(f"{page}/void", {"code": "KD83-XMQP-41ZA"})
    assert done.status_code == 303
    said = text_of(await owner.get(page))
    assert "1 code is void now." in said
    assert "KD83" not in text_of(await owner.get(page, params={"state": "free"}))
    file = await owner.post(f"{page}/export")
    assert file.headers["content-type"].startswith("text/csv")
    assert b"QX71-BVNL-93RT" in file.content
    await owner.post(f"{page}/void", {"all": "1"})
    left = await rewards.stocks(house.database, await program_of(house, shop))
    assert [(one.codes_free, one.codes_void) for one in left.values()] == [(0, 3)]


async def test_the_widget_is_changed_and_a_wrong_colour_is_named(
    owner: Browser, house: House, shop: Created
) -> None:
    said = {"enabled": "1", "color": "#AA3300", "side": "left", "language": "de", "title": "Teekreis"}
    assert (await owner.post("/appearance", said)).status_code == 303
    widget = await load_widget(house.database, shop.program_id)
    assert (widget.color, widget.side, widget.language, widget.texts) == (
        "#aa3300",
        "left",
        "de",
        {"title": "Teekreis"},
    )
    for wrong in ({"color": "red"}, {"side": "top"}, {"login_url": "javascript:alert(1)"}):
        assert (await owner.post("/appearance", said | wrong)).status_code == 422


async def test_support_sees_rules_and_rewards_and_changes_none(
    owner: Browser, house: House, shop: Created
) -> None:
    staff_id = await hire(house, shop.program_id, Role.SUPPORT, email=f"u{shop.program_id}@tea.example")
    support = await signed_in(house, staff_id, shop.program_id)
    page = await support.get("/rules")
    assert page.status_code == 200
    assert "<fieldset disabled>" in page.text
    assert (await support.post("/rules", RULES | {"join_points": "0"})).status_code == 403
    assert (await support.get("/rewards/new")).status_code == 403


async def test_the_program_is_renamed_and_gets_another_shop(
    owner: Browser, house: House, shop: Created
) -> None:
    assert (await owner.post("/settings", {"name": "The Circle", "timezone": "UTC"})).status_code == 303
    said = {"site_name": "Berlin", "domain": "https://tee.example/"}
    assert (await owner.post("/settings/shops", said)).status_code == 303
    program = await program_of(house, shop)
    assert program.name == "The Circle"
    assert [site.domain for site in program.sites] == ["https://tea.example", "https://tee.example"]
    for wrong in (said, said | {"domain": "tee"}, said | {"site_name": " ", "domain": "https://x.example"}):
        assert (await owner.post("/settings/shops", wrong)).status_code == 422
    assert (await owner.post("/settings", {"name": " ", "timezone": "UTC"})).status_code == 422
    log = text_of(await owner.get("/audit"))
    assert "rename program" in log
    assert "add shop" in log


async def test_a_shop_gets_another_name_and_language(owner: Browser, house: House, shop: Created) -> None:
    page = await owner.get("/settings/shops/1")
    assert "https://tea.example" in page.text
    said = {"name": "Tee", "language": "de"}
    assert (await owner.post("/settings/shops/1", said)).status_code == 303
    listing = text_of(await owner.get("/settings"))
    assert "Tee https://tea.example · GBP · German" in listing
    assert (await program_of(house, shop)).sites[0].name == "Tee"
    headers = {"authorization": f"Bearer {shop.api_token}"}
    transport = httpx.ASGITransport(build_loyaltylion(house))
    async with httpx.AsyncClient(transport=transport, base_url="http://a", headers=headers) as client:
        (site,) = (await client.get("/v2/sites")).json()["sites"]
    assert (site["name"], site["languages"]) == ("Tee", ["de"])
    assert "change shop shop 1" in text_of(await owner.get("/audit"))
    for wrong in (said | {"language": "xx"}, said | {"name": " "}):
        assert (await owner.post("/settings/shops/1", wrong)).status_code == 422
    assert (await owner.get("/settings/shops/7")).status_code == 404
    assert (await owner.post("/settings/shops/7", said)).status_code == 404
