"""The whole of the web side, wired once: each door is an app of its own, chosen by the path's beginning."""

from typing import NamedTuple

import structlog

from regulars.app.house import House
from regulars.demo.memory import recall
from regulars.doors.admin import app as admin
from regulars.doors.admin.calls import Calls, Checked
from regulars.doors.api import app as api
from regulars.doors.demo_shop import app as demo_shop
from regulars.doors.lootly import app as lootly
from regulars.doors.lootly import applying
from regulars.doors.loyaltylion import app as loyaltylion
from regulars.doors.proxies import behind_proxies
from regulars.doors.site import app as site
from regulars.doors.storefront import app as storefront
from regulars.doors.straight import Door, FindDoor
from regulars.doors.wire import BROKEN, Answer, App, Receive, Scope, Send, send_answer

log = structlog.get_logger(__name__)


class Wired(NamedTuple):
    """The whole as an ASGI app, and the doors for the few targets that are answered without ASGI."""

    app: App
    find_door: FindDoor


def build(house: House) -> App:
    """One ASGI app over a house that the caller opens and closes; lifespan messages are only answered."""
    return wire(house).app


def wire(house: House) -> Wired:
    """The doors over a house that the caller opens and closes."""
    loyaltylion_door, (lootly_door, hooks) = loyaltylion.build(house), lootly.build_both(house)
    orders = loyaltylion.create_orders(house)
    storefront_door = storefront.build(house)
    doors = {
        "/v2": loyaltylion_door,
        "/headless": loyaltylion_door,
        "/integrations/webhooks": lootly_door,
        "/api/custom": lootly_door,
        "/storefront": storefront_door,
        "/js/integrations": storefront_door,
        "/demo-shop": demo_shop.build(house, lambda: recall(house, "coffeehouse"), lootly_door),
        "/api/v1": api.build(house),
        "/admin": admin.build(house, _calls(house)),
    }

    def find_door(target: bytes) -> Door | None:
        if target == b"/v2/orders":
            return orders
        return hooks if target.startswith(b"/integrations/webhooks/") and lootly.is_hook(target) else None

    whole = front(doors, site.build(house))
    return Wired(behind_proxies(whole, house.settings.trusted_proxies), find_door)


def _calls(house: House) -> Calls:
    """What the webhooks' door does for staff."""

    def check(secret: str, body: bytes) -> Checked:
        return Checked(*applying.check_by_hand(secret, body))

    return Calls(
        is_applicable=applying.is_applicable,
        apply=lambda program_id, delivery_id, actor, entry: applying.apply(
            house, program_id, delivery_id, actor=actor, entry=entry
        ),
        check=check,
    )


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
    await send_answer(send, Answer(500, BROKEN, ((b"content-type", b"application/json"),)), with_body=True)


async def _lifespan(receive: Receive, send: Send) -> None:
    while True:
        message = await receive()
        await send({"type": f"{message['type']}.complete"})
        if message["type"] == "lifespan.shutdown":
            return
