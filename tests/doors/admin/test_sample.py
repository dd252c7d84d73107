"""The customer who is made up for the admin's preview has what the storefront says of a real one."""

from datetime import UTC, datetime
from typing import Any

from regulars.app.storefront.panel import Shown
from regulars.app.storefront.widgets import Widget
from regulars.domain.program import Program
from regulars.domain.rewards import Reward, RewardKind, Stock
from regulars.doors.admin.sample import sample
from tests import make

NOW = datetime(2026, 3, 2, 12, tzinfo=UTC)


def sampled(*rewards: Reward, program: Program | None = None) -> dict[str, Any]:
    shown = [Shown(reward=one, stock=Stock(reward_id=one.id, codes_free=5)) for one in rewards]
    return sample(program or make.program(), Widget(), shown, now=NOW)


def test_some_rewards_are_within_reach_and_others_are_not() -> None:
    found = sampled(make.reward(id=1, cost=100), make.reward(id=2, cost=400))["me"]
    assert found["points"]["available"] == 250
    assert [one["standing"] for one in found["rewards"]] == [
        {"can": True},
        {"can": False, "why": "not_enough_points", "missing": 150},
    ]


def test_a_program_without_rewards_shows_two_examples_in_its_own_currency() -> None:
    found = sampled(program=make.program())
    assert [one["kind"] for one in found["program"]["rewards"]] == ["fixed_amount", "free_shipping"]
    assert found["program"]["rewards"][0]["title"] == "5.00 GBP off"
    assert found["program"]["program"]["name"] == make.program().name


def test_the_lines_of_the_history_add_up_to_the_balance() -> None:
    for approval_days in (0, 14):
        program = make.program(make.rule((3, 2), approval_days=approval_days), join=50)
        me = sampled(make.reward(cost=500), program=program)["me"]
        lines, points = me["history"]["lines"], me["points"]
        assert [line["kind"] for line in lines] == ["purchase", "redemption", "adjustment", "join"]
        assert sum(line["points"] for line in lines) == points["available"] + points["pending"]
        assert points["pending"] == (72 if approval_days else 0)
        assert [line["at"] for line in lines] == sorted((line["at"] for line in lines), reverse=True)


def test_a_reward_of_any_kind_can_be_shown() -> None:
    for kind in RewardKind:
        parts = {"per_points": 100, "per_minor": 100, "minimum_points": 200}
        own = parts if kind is RewardKind.VARIABLE_AMOUNT else {}
        found = sampled(make.reward(kind=kind, **own))["me"]
        assert found["rewards"][0]["standing"] == {"can": True}
