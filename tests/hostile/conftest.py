"""Two furnished shops: for each test that asks, or, where no test minds the others, once a module."""

from collections.abc import AsyncIterator, Iterator
from pathlib import Path

import pytest
import pytest_asyncio

from tests.conftest import fresh_database
from tests.hostile.world import World, furnish, open_shop, open_world


@pytest.fixture
async def world(database: str, tmp_path: Path) -> AsyncIterator[World]:
    opened = await open_world(database, tmp_path)
    yield opened
    await opened.house.close()


@pytest.fixture(scope="module")
def shared_database(server: str, template: str) -> Iterator[str]:
    yield from fresh_database(server, template)


@pytest_asyncio.fixture(scope="module", loop_scope="module")
async def shared_world(
    shared_database: str, tmp_path_factory: pytest.TempPathFactory
) -> AsyncIterator[World]:
    """Needs `pytestmark = pytest.mark.asyncio(loop_scope="module")` where it is used."""
    opened = await open_world(shared_database, tmp_path_factory.mktemp("home"))
    yield opened
    await opened.house.close()


@pytest_asyncio.fixture(loop_scope="module")
async def apart(shared_world: World) -> World:
    """The same house and neighbour, and a program of this test's own as `mine`."""
    world = World(shared_world.house, await open_shop(shared_world.house), shared_world.theirs)
    await furnish(world, world.mine)
    return world
