"""The whole of the web side, wired once: each door is an app of its own, chosen by the path's beginning."""

from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, Final, TypeAlias

import structlog

from regulars.app.house import House
from regulars.doors.lootly import app as lootly
from regulars.doors.loyaltylion import app as loyaltylion
from regulars.doors.site import app as site

Scope: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[MutableMapping[str, Any]]]
Send: TypeAlias = Callable[[MutableMapping[str, Any]], Awaitable[None]]
App: TypeAlias = Callable[[Scope, Receive, Send], Awaitable[None]]

log = structlog.get_logger(__name__)

BROKEN: Final = b'{"error":{"message":"Something went wrong on our side. It has been logged."}}'


def build(house: House) -> App:
    """One ASGI app over a house that the caller opens and closes; lifespan messages are only answered."""
    loyaltylion_door, lootly_door = loyaltylion.build(house), lootly.build(house)
    doors = {
        "/v2": loyaltylion_door,
        "/headless": loyaltylion_door,
        "/integrations/webhooks": lootly_door,
        "/api/custom": lootly_door,
    }
    return front(doors, site.build(house))


def front(doors: dict[str, App], rest: App) -> App:
    """Sends a request to the door whose prefix its path begins with, whole segments only; else to `rest`."""
    by_prefix = [(prefix, len(prefix), door) for prefix, door in doors.items()]

    async def app(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] == "lifespan":
            await _lifespan(receive, send)
            return
        path: str = scope["path"]
        chosen = rest
        for prefix, length, door in by_prefix:
            if path.startswith(prefix) and path[length : length + 1] in ("", "/"):
                chosen = door
                break
        try:
            await chosen(scope, receive, send)
        except Exception:
            log.exception("unforeseen", method=scope.get("method"), path=path)
            await _broken(send)

    return app


async def _broken(send: Send) -> None:
    """A plain 500. Where an answer has begun, the server refuses it and cuts the connection, rightly."""
    headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(BROKEN))]
    await send({"type": "http.response.start", "status": 500, "headers": headers})
    await send({"type": "http.response.body", "body": BROKEN})


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
