"""The guide's own lines, run as they stand there by a shell, against a server over real HTTP."""

import asyncio
import os
import re
import shutil
import socket
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import uvicorn

from regulars.app.rewards import create_reward
from regulars.doors.loyaltylion.app import build
from regulars.doors.loyaltylion.routes import ROUTES
from tests import make
from tests.doors.loyaltylion.conftest import Shop

GUIDE = Path(__file__).parents[3] / "docs/integrate/loyaltylion.md"


@asynccontextmanager
async def serving(shop: Shop) -> AsyncIterator[str]:
    """The address of a server that has this door alone."""
    listening = socket.create_server(("127.0.0.1", 0))
    config = uvicorn.Config(build(shop.house), lifespan="off", log_level="error", http="httptools")
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve(sockets=[listening]))
    try:
        yield f"http://127.0.0.1:{listening.getsockname()[1]}"
    finally:
        server.should_exit = True
        await task


@pytest.mark.skipif(shutil.which("curl") is None, reason="there is no curl here")
async def test_every_line_of_the_guide_does_what_it_says(shop: Shop) -> None:
    blocks = re.findall(r"```sh\n(.*?)```", GUIDE.read_text(), flags=re.DOTALL)
    await create_reward(shop.house.database, shop.program_id, make.reward(cost=40), now=shop.clock())
    lines = [block for block in blocks if "curl" in block]
    assert len(lines) == len(ROUTES)
    balances = []
    async with serving(shop) as address:
        environ = dict(os.environ, REGULARS=address, TOKEN=shop.created.api_token, no_proxy="*")
        for block in lines:
            script = block.replace("curl -sS", "curl -sS --fail-with-body")
            process = await asyncio.create_subprocess_exec(
                "sh",
                "-euc",
                script,
                env=environ,
                stdout=asyncio.subprocess.PIPE,
                stderr=asyncio.subprocess.STDOUT,
            )
            said, _ = await process.communicate()
            assert process.returncode == 0, f"{block}\n{said.decode()}"
            balances.append((await shop.customer("100"))["points_approved"])
    # 29 for the order, 11 of them back, then the rest; 50 for the other order, 20 back; 50 given, 20 taken;
    # 40 for a reward, which is given back
    changes = [
        balance for place, balance in enumerate(balances) if place == 0 or balance != balances[place - 1]
    ]
    assert changes == [29, 18, 0, 50, 30, 80, 60, 20, 60]


def test_every_route_has_a_heading_in_the_guide() -> None:
    text = GUIDE.read_text()
    for route in ROUTES:
        assert f"### `{route.method} {route.path}`\n" in text
