"""Rewards as a developer sets them up, and what becomes of what was claimed."""

import msgspec

from regulars.app import rewards
from regulars.app.programs import change_rules
from regulars.domain import rewards as domain
from regulars.domain.errors import Invalid
from regulars.domain.rewards import is_out_of_stock
from regulars.doors.api.request import Call, changes
from regulars.doors.api.shapes.rewards import NewReward, OneReward, Reward, RewardChanges, RewardList, Stock
from regulars.doors.api.shapes.spending import SpendingChanges
from regulars.doors.wire import Answer, as_json


async def list_rewards(call: Call) -> Answer:
    """GET /api/v1/rewards."""
    stocks = await rewards.stocks(call.house.database, call.program)
    return as_json(RewardList(rewards=[shown(reward, stocks[reward.id]) for reward in call.program.rewards]))


async def create_reward(call: Call) -> Answer:
    """POST /api/v1/rewards."""
    said = call.json(NewReward)
    made = await rewards.create_reward(
        call.house.database,
        call.program.id,
        domain.Reward(id=0, **msgspec.structs.asdict(said)),
        by=call.credential.author,
        now=call.house.clock(),
        identity=call.identity(),
    )
    return await _current(call, made.id, status=201)


async def show_reward(call: Call) -> Answer:
    """GET /api/v1/rewards/{reward_id}."""
    reward = call.program.reward(call.number("reward_id"))
    stocks = await rewards.stocks(call.house.database, call.program)
    return as_json(OneReward(reward=shown(reward, stocks[reward.id])))


async def change_reward(call: Call) -> Answer:
    """PATCH /api/v1/rewards/{reward_id}."""
    said, reward_id = changes(call.json(RewardChanges)), call.number("reward_id")
    if not said:
        raise Invalid("body", "says nothing to change")
    await rewards.change_reward(
        call.house.database,
        call.program.id,
        reward_id,
        said,
        by=call.credential.author,
        now=call.house.clock(),
    )
    return await _current(call, reward_id)


async def enable_reward(call: Call) -> Answer:
    """POST /api/v1/rewards/{reward_id}/enable."""
    return await _switch(call, enabled=True)


async def disable_reward(call: Call) -> Answer:
    """POST /api/v1/rewards/{reward_id}/disable."""
    return await _switch(call, enabled=False)


async def show_spending(call: Call) -> Answer:
    """GET /api/v1/spending."""
    return _spending(call.program.spending)


async def change_spending(call: Call) -> Answer:
    """PATCH /api/v1/spending."""
    said = changes(call.json(SpendingChanges))
    if not said:
        raise Invalid("body", "says nothing to change")
    program = await change_rules(
        call.house.database,
        call.program.id,
        spending=lambda rule: msgspec.structs.replace(rule, **said),
        by=call.credential.author,
        now=call.house.clock(),
    )
    call.house.programs.forget()
    return _spending(program.spending)


def shown(reward: domain.Reward, stock: domain.Stock) -> Reward:
    """The reward as this API writes it."""
    counts = msgspec.structs.asdict(stock)
    del counts["reward_id"]
    return Reward(
        **msgspec.structs.asdict(reward),
        counts=Stock(**counts),
        out_of_stock=is_out_of_stock(reward, stock),
    )


async def _switch(call: Call, *, enabled: bool) -> Answer:
    reward_id = call.number("reward_id")
    await rewards.set_enabled(
        call.house.database,
        call.program.id,
        reward_id,
        enabled=enabled,
        by=call.credential.author,
        now=call.house.clock(),
    )
    return await _current(call, reward_id)


async def _current(call: Call, reward_id: int, *, status: int = 200) -> Answer:
    """The reward as it stands after a change, whoever changed it last."""
    call.house.programs.forget()
    program = await call.house.programs.get(call.program.id)
    stocks = await rewards.stocks(call.house.database, program)
    reward = program.reward(reward_id)
    return as_json(OneReward(reward=shown(reward, stocks[reward.id])), status)


def _spending(rule: domain.SpendingRule) -> Answer:
    return as_json({"spending": rule})
