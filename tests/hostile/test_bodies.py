"""What no honest shop sends, on every route: refused with a reason, in no time, and the book stays as it was."""

import itertools

import pytest

from regulars.app.verify.run import verify
from regulars.doors.loyaltylion.routes import ROUTES
from tests.hostile.attacks import (
    FORMS,
    HOOK_FORMS,
    HOOKS,
    MEMORY_BYTES,
    NO_BODY,
    Attack,
    Result,
    all_attacks,
    at_random,
    run,
)
from tests.hostile.world import World, listening

SEED = 20_260_302
LEAST_IN_THE_SUITE = 5_000
AT_RANDOM_IN_THE_SUITE = 1_500
LONG = 100_000


def test_no_route_is_left_out() -> None:
    changing = {(route.method, route.path) for route in ROUTES if route.method != "GET"}
    assert changing == set(FORMS) | NO_BODY
    assert set(HOOK_FORMS) == set(HOOKS)


async def attack(world: World, patch: pytest.MonkeyPatch, attacks: list[Attack], more: int) -> Result:
    neighbour = await world.contents(world.theirs)
    with listening(patch) as errors:
        result = await run(
            world, itertools.chain(attacks, itertools.islice(at_random(world.mine, seed=SEED), more)), errors
        )
    assert result.findings == []
    assert await world.contents(world.theirs) == neighbour
    report = await verify(world.house.database, now=world.house.clock())
    assert report.violated == {}
    return result


async def test_every_route_stands_the_corpus(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    attacks = all_attacks(world.mine, seed=SEED)
    result = await attack(world, monkeypatch, attacks, AT_RANDOM_IN_THE_SUITE)
    print(result.statuses, result.refusals_within(0.5), result.refusals_within(0.99), result.grown_bytes)
    assert result.requests >= LEAST_IN_THE_SUITE
    assert result.refusals_within(0.95) <= 0.1
    assert result.grown_bytes < MEMORY_BYTES
