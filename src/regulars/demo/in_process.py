"""Sends reports straight into the doors of this process, where no server runs."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from typing import Any

import httpx

from regulars.app.house import House
from regulars.app.programs import Created
from regulars.demo.client import CONNECTIONS, Sender
from regulars.doors.lootly import app as lootly
from regulars.doors.loyaltylion import app as loyaltylion


@asynccontextmanager
async def in_process(house: House, keys: Created) -> AsyncIterator[Sender]:
    """A sender into this process's own doors, as a request would come in, but without a server."""
    transport = httpx.ASGITransport(app=_front(house))
    async with httpx.AsyncClient(transport=transport, base_url=house.settings.base_url) as client:
        yield Sender([client] * CONNECTIONS, keys)


def _front(house: House) -> Any:
    doors = {"integrations": lootly.build(house), "v2": loyaltylion.build(house)}

    async def front(scope: Any, receive: Any, send: Any) -> None:
        await doors[scope["path"].split("/", 2)[1]](scope, receive, send)

    return front
