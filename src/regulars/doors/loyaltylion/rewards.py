"""Rewards: what a customer can claim, claiming, giving back; switching on and off. loyaltylion.md §1.5."""

import asyncio
from collections.abc import Iterable
from typing import Any

from regulars.app import claims
from regulars.app.listings import find_customer
from regulars.app.rewards import set_enabled
from regulars.domain.errors import Invalid, UnknownClaim, UnknownReward
from regulars.domain.program import Program
from regulars.domain.rewards import MAX_MULTIPLIER, Claim, why_unavailable
from regulars.doors.keys import Unauthenticated
from regulars.doors.loyaltylion.request import Request
from regulars.doors.loyaltylion.reward_shapes import shown_claim, shown_reward
from regulars.doors.wire import Answer, as_json


async def get_available_rewards(request: Request) -> Answer:
    """GET .../available_rewards: also those that can't be afforded, or were claimed too often."""
    program, now, site_id = request.program, request.now, _site_id(request)
    await find_customer(request.house.database, program.id, request.path["merchant_id"], now=now)
    offered = (
        reward
        for reward in program.rewards
        if why_unavailable(reward, site_id=site_id, now=now) is None and not reward.tiers
    )
    return as_json({"rewards": [shown_reward(reward, program) for reward in offered]})


async def claim_reward(request: Request) -> Answer:
    """POST .../claimed_rewards `{reward_id, multiplier?}`: points go, and 201 brings the code."""
    fields = request.fields()
    reward_id = number_or_none(fields.identifier("reward_id"))
    multiplier = fields.integer_or_none("multiplier", least=1, most=MAX_MULTIPLIER)
    if reward_id is None:
        fields.wrong("reward_id", "must be a whole number")
    fields.check()
    assert reward_id is not None
    try:
        claim = await claims.redeem(
            request.house.database,
            request.house.engine,
            request.program.id,
            reward_id,
            merchant_id=request.path["merchant_id"],
            multiplier=multiplier,
            site_id=_site_id(request),
            identity=request.identity(),
        )
    except Invalid as invalid:
        # Here points are only said through the multiplier.
        problem = invalid.problem if invalid.field != "points" else f"is wrong: points {invalid.problem}"
        raise Invalid("multiplier" if invalid.field == "points" else invalid.field, problem) from None
    return await _as_claim(request, claim, status=201)


async def refund_claim(request: Request) -> Answer:
    """POST .../claimed_rewards/{claimed_reward_id}/refund: points back, code void. Its body is not read."""
    claim_id = number_or_none(request.path["claimed_reward_id"])
    if claim_id is None:
        raise UnknownClaim(claim=request.path["claimed_reward_id"])
    claim = await claims.cancel(
        request.house.database,
        request.house.engine,
        request.program.id,
        claim_id,
        actor=request.actor,
        merchant_id=request.path["merchant_id"],
        identity=request.identity(),
    )
    return await _as_claim(request, claim, status=200)


async def enable_reward(request: Request) -> Answer:
    """POST /v2/rewards/{reward_id}/enable; for API keys alone, as documented."""
    return await _switch(request, enabled=True)


async def disable_reward(request: Request) -> Answer:
    """POST /v2/rewards/{reward_id}/disable; for API keys alone, as documented."""
    return await _switch(request, enabled=False)


async def program_with(request: Request, claimed: Iterable[Claim]) -> Program:
    """The program with the rewards of all these claims: the one at hand may be a second older than they."""
    known = {reward.id for reward in request.program.rewards}
    if all(claim.reward_id in known for claim in claimed):
        return request.program
    request.house.programs.forget()
    return await request.house.programs.get(request.program.id)


def number_or_none(text: str) -> int | None:
    """The whole number that an id must be; None for any other text."""
    return int(text) if text.isascii() and text.isdigit() and len(text) <= 18 else None


async def _switch(request: Request, *, enabled: bool) -> Answer:
    if request.credential.kind != "api_key":
        raise Unauthenticated
    request.identity()  # a key that can't be one is refused here as everywhere; the switch needs none
    reward_id = number_or_none(request.path["reward_id"])
    if reward_id is None:
        raise UnknownReward(reward=request.path["reward_id"])
    house = request.house
    async with asyncio.timeout(house.settings.deadline_seconds):
        updated = await set_enabled(
            house.database,
            request.program.id,
            reward_id,
            enabled=enabled,
            by=request.credential.author,
            now=house.clock(),
        )
    house.programs.forget()
    return as_json({"updated": updated, "reward": {"id": reward_id}})


async def _as_claim(request: Request, claim: Claim, *, status: int) -> Answer:
    program = await program_with(request, [claim])
    shown: dict[str, Any] = {"claimed_reward": shown_claim(claim, program, request.now)}
    if status == 200:
        shown["remote_resource_deleted"] = False  # nothing of ours stands in the shop's own system
    return as_json(shown, status)


def _site_id(request: Request) -> int | None:
    """The credential's own site, the one that is asked for, or the only one; else None, which is any."""
    is_named = request.credential.site_id is not None or "site_id" in request.parameters()
    if is_named or len(request.program.sites) == 1:
        return request.site().id
    return None
