"""What no honest shop sends, on every route: refused with a reason, at once, and the book is as before."""

import itertools

import pytest

from regulars.app.verify.run import verify
from regulars.doors.loyaltylion.routes import ROUTES
from tests.hostile.attacks import HOOKS, Attack, all_attacks, at_random
from tests.hostile.forms import FORMS, HOOK_FORMS, NO_BODY
from tests.hostile.judging import MEMORY_BYTES, Result, run
from tests.hostile.world import World, listening
from tests.pace import within

SEED = 20_260_302
IN_THE_SUITE = 5_500
AT_RANDOM_IN_THE_SUITE = 1_000
LONG = 200_000
USUAL_SECONDS = 0.1


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
    assert result.findings == [], "\n".join(result.findings)
    assert await world.contents(world.theirs) == neighbour
    report = await verify(world.house.database, now=world.house.clock())
    assert report.violated == {}
    return result


def check(result: Result, least: int) -> None:
    shares = {share: round(result.refusals_within(share), 4) for share in (0.5, 0.95, 0.99, 1)}
    print(f"{result.requests} requests, {dict(sorted(result.statuses.items()))}")
    print(f"refused within seconds, by share: {shares}; memory grew by {result.grown_bytes} bytes")
    assert result.requests >= least
    assert result.grown_bytes < MEMORY_BYTES
    within(result.refusals_within(0.95), USUAL_SECONDS, "a refusal")


async def test_every_route_stands_a_part_of_the_corpus(world: World, monkeypatch: pytest.MonkeyPatch) -> None:
    attacks = all_attacks(world.mine, seed=SEED)[:IN_THE_SUITE]
    check(await attack(world, monkeypatch, attacks, AT_RANDOM_IN_THE_SUITE), 5_000)


@pytest.mark.long
async def test_every_route_stands_the_whole_corpus_and_more(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    attacks = all_attacks(world.mine, seed=SEED)
    check(await attack(world, monkeypatch, attacks, LONG - len(attacks)), LONG)
