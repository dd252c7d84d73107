"""What a reward costs and is worth, what stands in a customer's way, and which definitions make sense."""

from datetime import datetime, timedelta
from typing import Any

import msgspec
import pytest

from regulars.domain.customers import Customer
from regulars.domain.errors import Invalid, LimitReached, Refused
from regulars.domain.rewards import (
    MAX_COST,
    MAX_COUNT,
    MAX_VALID_DAYS,
    CodeSource,
    LimitPeriod,
    Reward,
    RewardKind,
    Stock,
    amount_of,
    checked,
    code_key,
    cost_of,
    is_out_of_stock,
    refusal,
)
from tests import make

NONE = CodeSource.NONE
VARIABLE: dict[str, Any] = {
    "kind": RewardKind.VARIABLE_AMOUNT,
    "cost": 0,
    "amount_minor": None,
    "per_points": 100,
    "per_minor": 150,
    "minimum_points": 200,
    "maximum_points": 1000,
    "step_points": 50,
}


def variable(**changes: Any) -> Reward:
    """1.50 for every 100 points, from 200 to 1,000 in steps of 50."""
    return make.reward(**(VARIABLE | changes))


def custom(**changes: Any) -> Reward:
    values: dict[str, Any] = {"kind": RewardKind.CUSTOM, "amount_minor": None, "codes": NONE}
    return make.reward(**(values | changes))


ONE_OF_EACH = {
    RewardKind.FIXED_AMOUNT: make.reward(),
    RewardKind.PERCENTAGE: make.reward(kind=RewardKind.PERCENTAGE, amount_minor=None, percent=10),
    RewardKind.VARIABLE_AMOUNT: variable(),
    RewardKind.FREE_SHIPPING: make.reward(
        kind=RewardKind.FREE_SHIPPING, amount_minor=None, max_shipping_minor=900
    ),
    RewardKind.FREE_PRODUCT: make.reward(kind=RewardKind.FREE_PRODUCT, amount_minor=None, product="mug-1"),
    RewardKind.GIFT_CARD: make.reward(kind=RewardKind.GIFT_CARD, codes=CodeSource.POOL),
    RewardKind.CUSTOM: custom(instructions="Ask at the till."),
}


def is_checked(reward: Reward) -> Reward:
    return checked(reward, currency="GBP", sites=[1, 2])


@pytest.mark.parametrize("kind", RewardKind)
def test_one_of_each_kind_makes_sense_and_is_worth_what_it_says(kind: RewardKind) -> None:
    reward = is_checked(ONE_OF_EACH[kind])
    worth = {RewardKind.FIXED_AMOUNT: 500, RewardKind.GIFT_CARD: 500, RewardKind.VARIABLE_AMOUNT: 300}
    cost = cost_of(reward)
    assert cost == (200 if kind is RewardKind.VARIABLE_AMOUNT else 20)
    assert amount_of(reward, cost) == worth.get(kind)


@pytest.mark.parametrize(
    ("asked", "cost", "amount"),
    [
        ({}, 200, 300),
        ({"points": 200}, 200, 300),
        ({"points": 250}, 250, 375),
        ({"points": 1000}, 1000, 1500),
        ({"multiplier": 4}, 200, 300),
        ({"multiplier": 20}, 1000, 1500),
        ({"points": 350, "multiplier": 1}, 350, 525),
    ],
)
def test_a_variable_amount_costs_what_was_chosen(asked: dict[str, int], cost: int, amount: int) -> None:
    assert cost_of(variable(), **asked) == cost
    assert amount_of(variable(), cost) == amount


def test_what_a_variable_amount_is_worth_is_rounded_down() -> None:
    reward = variable(per_points=3, per_minor=10, minimum_points=1, step_points=1)
    assert [amount_of(reward, points) for points in (1, 2, 3, 4)] == [3, 6, 10, 13]


@pytest.mark.parametrize(
    ("reward", "asked", "field"),
    [
        (variable(), {"points": 199}, "points"),
        (variable(), {"points": 1001}, "points"),
        (variable(), {"points": 225}, "points"),
        (variable(), {"points": 0}, "points"),
        (variable(), {"points": -200}, "points"),
        (variable(), {"multiplier": 3}, "points"),
        (variable(), {"multiplier": 21}, "points"),
        (variable(), {"multiplier": 0}, "multiplier"),
        (variable(), {"multiplier": -1}, "multiplier"),
        (variable(), {"multiplier": 10**30}, "multiplier"),
        (variable(maximum_points=None), {"points": 10**30}, "points"),
        (variable(maximum_points=None), {"points": MAX_COST + 50}, "points"),
        (variable(maximum_points=None, per_minor=10**12), {"points": MAX_COST}, "points"),
        (make.reward(), {"points": 21}, "points"),
        (make.reward(), {"multiplier": 2}, "multiplier"),
        (make.reward(), {"multiplier": 0}, "multiplier"),
    ],
)
def test_what_nobody_can_ask_for(reward: Reward, asked: dict[str, int], field: str) -> None:
    with pytest.raises(Invalid) as invalid:
        cost_of(reward, **asked)
    assert invalid.value.data["field"] == field


def test_a_custom_reward_can_be_had_several_times_at_once() -> None:
    assert cost_of(custom(), multiplier=3) == 60
    assert cost_of(make.reward(), points=20, multiplier=1) == 20


WRONG: list[tuple[dict[str, Any], str]] = [
    # what a kind cannot do without
    ({"amount_minor": None}, "amount_minor"),
    ({"kind": RewardKind.GIFT_CARD, "amount_minor": None}, "amount_minor"),
    ({"kind": RewardKind.PERCENTAGE, "amount_minor": None}, "percent"),
    ({"kind": RewardKind.FREE_PRODUCT, "amount_minor": None}, "product"),
    *((VARIABLE | {name: None}, name) for name in ("per_points", "per_minor", "minimum_points")),
    (VARIABLE | {"step_points": None}, "step_points"),
    # what only other kinds have
    ({"percent": 10}, "percent"),
    ({"per_points": 1}, "per_points"),
    ({"per_minor": 1}, "per_minor"),
    ({"minimum_points": 1}, "minimum_points"),
    ({"maximum_points": 1}, "maximum_points"),
    ({"step_points": 1}, "step_points"),
    ({"max_shipping_minor": 1}, "max_shipping_minor"),
    ({"product": "mug-1"}, "product"),
    (VARIABLE | {"amount_minor": 5}, "amount_minor"),
    ({"kind": RewardKind.FREE_SHIPPING}, "amount_minor"),
    # codes
    ({"codes": NONE}, "codes"),
    ({"kind": RewardKind.CUSTOM, "amount_minor": None}, "codes"),
    ({"prefix": "TEA", "codes": CodeSource.POOL}, "prefix"),
    ({"prefix": "TEA "}, "prefix"),
    ({"prefix": "T" * 21}, "prefix"),
    ({"prefix": "TÉA"}, "prefix"),
    # texts
    ({"title": ""}, "title"),
    ({"title": " \t"}, "title"),
    ({"title": "T" * 121}, "title"),
    ({"title": "a\x00b"}, "title"),
    ({"title": "a\ud800b"}, "title"),
    ({"text": "T" * 2001}, "text"),
    ({"text": "a\x1bb"}, "text"),
    ({"instructions": "T" * 4001}, "instructions"),
    ({"kind": RewardKind.FREE_PRODUCT, "amount_minor": None, "product": "p" * 192}, "product"),
    ({"icon": "Gift"}, "icon"),
    ({"icon": ""}, "icon"),
    ({"icon": "../gift"}, "icon"),
    # numbers
    ({"cost": 0}, "cost"),
    ({"cost": -1}, "cost"),
    ({"cost": MAX_COST + 1}, "cost"),
    (VARIABLE | {"cost": 5}, "cost"),
    ({"amount_minor": 0}, "amount_minor"),
    ({"amount_minor": 10**14 + 1}, "amount_minor"),
    ({"kind": RewardKind.PERCENTAGE, "amount_minor": None, "percent": 0}, "percent"),
    ({"kind": RewardKind.PERCENTAGE, "amount_minor": None, "percent": 101}, "percent"),
    (VARIABLE | {"per_points": 0}, "per_points"),
    (VARIABLE | {"per_minor": 0}, "per_minor"),
    (VARIABLE | {"step_points": 0}, "step_points"),
    (VARIABLE | {"minimum_points": 0}, "minimum_points"),
    (VARIABLE | {"maximum_points": 199}, "maximum_points"),
    (VARIABLE | {"per_points": 1000, "per_minor": 4}, "minimum_points"),
    ({"kind": RewardKind.FREE_SHIPPING, "amount_minor": None, "max_shipping_minor": 0}, "max_shipping_minor"),
    ({"minimum_order_minor": -1}, "minimum_order_minor"),
    ({"valid_days": 0}, "valid_days"),
    ({"valid_days": MAX_VALID_DAYS + 1}, "valid_days"),
    ({"limit_count": 0}, "limit_count"),
    ({"limit_count": MAX_COUNT + 1}, "limit_count"),
    ({"limit_period": LimitPeriod.DAY}, "limit_count"),
    ({"stock": -1}, "stock"),
    ({"low_stock": -1}, "low_stock"),
    # when and where
    ({"starts_at": make.NOON, "ends_at": make.NOON}, "ends_at"),
    ({"starts_at": make.NOON, "ends_at": make.NOON - make.days(1)}, "ends_at"),
    ({"sites": (3,)}, "sites"),
]


@pytest.mark.parametrize(("changes", "field"), WRONG, ids=lambda value: str(value)[:60])
def test_a_definition_that_makes_no_sense_names_the_field(changes: dict[str, Any], field: str) -> None:
    with pytest.raises(Invalid) as invalid:
        is_checked(make.reward(**changes))
    assert invalid.value.data["field"] == field


def test_texts_may_have_lines_and_any_letters() -> None:
    reward = make.reward(title="Fünf Pfund – 五ポンド", text="one\r\ntwo\tthree", prefix="Tea-2026")
    assert is_checked(reward) is reward
    assert is_checked(make.reward(sites=(2, 1), starts_at=make.NOON, ends_at=make.NOON + make.days(1)))


def member(**changes: Any) -> Customer:
    values: dict[str, Any] = {
        "id": 1,
        "merchant_id": "alice",
        "email": None,
        "member_since": make.NOON,
        "created_at": make.NOON,
        "updated_at": make.NOON,
    }
    return Customer(**(values | changes))


def in_the_way(
    reward: Reward | None = None,
    *,
    customer: Customer | str | None = "a member",
    stock: Stock | None = None,
    claimed_at: tuple[datetime, ...] = (),
    cost: int = 20,
    available: int = 20,
    site_id: int | None = None,
    now: datetime = make.NOON,
) -> str | None:
    found = in_the_way_whole(
        reward or make.reward(),
        member() if isinstance(customer, str) else customer,
        stock or Stock(reward_id=1),
        claimed_at,
        cost=cost,
        available=available,
        site_id=site_id,
        now=now,
    )
    return None if found is None else type(found).__name__


def in_the_way_whole(*args: Any, **facts: Any) -> Refused | None:
    return refusal(*args, **facts)


DAY = make.days(1)
POOL = {"codes": CodeSource.POOL}


@pytest.mark.parametrize(
    ("reward", "facts", "expected"),
    [
        ({}, {}, None),
        ({"enabled": False}, {}, "RewardUnavailable"),
        ({"starts_at": make.NOON}, {}, None),
        ({"starts_at": make.NOON + timedelta(seconds=1)}, {}, "RewardUnavailable"),
        ({"ends_at": make.NOON}, {}, "RewardUnavailable"),
        ({"ends_at": make.NOON + timedelta(seconds=1)}, {}, None),
        ({"sites": (2,)}, {"site_id": 1}, "RewardUnavailable"),
        ({"sites": (2,)}, {"site_id": 2}, None),
        ({"sites": (2,)}, {"site_id": None}, None),
        ({}, {"customer": None}, "NotAMember"),
        ({}, {"customer": member(member_since=None)}, "NotAMember"),
        ({}, {"customer": member(blocked=True)}, "CustomerBlocked"),
        ({"tiers": ("gold",)}, {}, "TierRequired"),
        ({"limit_count": 1}, {"claimed_at": (make.NOON - make.days(900),)}, "LimitReached"),
        ({"limit_count": 2}, {"claimed_at": (make.NOON - make.days(900),)}, None),
        ({"stock": 3}, {"stock": Stock(reward_id=1, claimed=2)}, None),
        ({"stock": 3}, {"stock": Stock(reward_id=1, claimed=3)}, "OutOfStock"),
        ({"stock": 0}, {}, "OutOfStock"),
        (POOL, {}, "OutOfStock"),
        (POOL, {"stock": Stock(reward_id=1, codes_imported=1, codes_free=1)}, None),
        ({}, {"available": 19}, "NotEnoughPoints"),
        ({}, {"available": -5}, "NotEnoughPoints"),
        ({}, {"available": -5, "cost": 0}, None),
        ({}, {"available": 0, "cost": 0}, None),
    ],
)
def test_what_stands_in_the_way(reward: dict[str, Any], facts: dict[str, Any], expected: str | None) -> None:
    assert in_the_way(make.reward(**reward), **facts) == expected


@pytest.mark.parametrize(("period", "days"), [("day", 1), ("week", 7), ("month", 30), ("year", 365)])
def test_a_limit_looks_back_so_far_and_says_until_when(period: str, days: int) -> None:
    reward = make.reward(limit_count=2, limit_period=LimitPeriod(period))
    first, second = make.NOON, make.NOON + timedelta(hours=1)
    just_before = first + make.days(days) - timedelta(microseconds=1)
    whole = in_the_way_whole(
        reward,
        member(),
        Stock(reward_id=1),
        (first, second),
        cost=20,
        available=20,
        site_id=None,
        now=just_before,
    )
    assert isinstance(whole, LimitReached)
    assert whole.data["until"] == (first + make.days(days)).isoformat()
    assert in_the_way(reward, claimed_at=(first, second), now=first + make.days(days)) is None
    assert in_the_way(reward, claimed_at=(first, first, second), now=just_before) == "LimitReached"


def test_when_a_limit_was_lowered_it_says_when_enough_of_them_are_past() -> None:
    reward = make.reward(limit_count=1, limit_period=LimitPeriod.DAY)
    times = tuple(make.NOON + timedelta(hours=hours) for hours in (0, 3, 2))
    found = in_the_way_whole(
        reward,
        member(),
        Stock(reward_id=1),
        times,
        cost=1,
        available=1,
        site_id=None,
        now=make.NOON + timedelta(hours=4),
    )
    assert found is not None
    assert found.data["until"] == (make.NOON + timedelta(hours=27)).isoformat()


def test_codes_are_the_same_whatever_the_case_and_the_blanks_around() -> None:
    assert code_key(" tea-1\t") == code_key("TEA-1") == "TEA-1"
    assert code_key("straße") == code_key("STRASSE")


def test_generated_codes_never_run_out() -> None:
    assert not is_out_of_stock(make.reward(), Stock(reward_id=1, claimed=10**6))
    assert not is_out_of_stock(custom(), Stock(reward_id=1))
    assert is_out_of_stock(make.reward(codes=CodeSource.POOL), Stock(reward_id=1))


def test_a_definition_comes_back_from_its_text_as_it_was() -> None:
    for reward in ONE_OF_EACH.values():
        assert msgspec.json.decode(msgspec.json.encode(reward), type=Reward) == reward
