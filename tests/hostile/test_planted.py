"""The runs would find what they look for: ten planted faults, each found by the corpus or by Schemathesis."""

from pathlib import Path

import pytest

from tests.hostile.attacks import all_attacks
from tests.hostile.exploring import explore, serving
from tests.hostile.judging import run
from tests.hostile.planted import FORGOTTEN, PLANTED, spoilt
from tests.hostile.world import listening, open_world

SEED = 20_260_302
MOST = 6_000
BY_SCHEMATHESIS = {"leaves_out_the_cursor"}
"""What is well-formed and says too little: only the document tells."""


@pytest.mark.parametrize("name", sorted(set(PLANTED) - BY_SCHEMATHESIS))
async def test_the_corpus_finds_it(
    name: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    world = await open_world(database, tmp_path)
    try:
        with listening(monkeypatch) as errors:
            result = await run(
                world,
                all_attacks(world.mine, seed=SEED)[:MOST],
                errors,
                app=spoilt(world, PLANTED[name]),
                most_findings=1,
            )
        assert result.findings, f"not found in {result.requests} requests"
    finally:
        FORGOTTEN.clear()
        await world.house.close()


@pytest.mark.parametrize("name", sorted(BY_SCHEMATHESIS))
def test_schemathesis_finds_it(name: str, database: str, tmp_path: Path) -> None:
    with serving(database, tmp_path, lambda world: spoilt(world, PLANTED[name])) as served:
        explored = explore("loyaltylion", served, examples=2, seconds=60, seed=SEED, most=1)
    assert explored.findings
