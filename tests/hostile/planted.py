"""Ten faults that a door could have, each put before the healthy application: the runs have to find them."""

import asyncio
import json
from collections.abc import Callable, MutableMapping
from typing import Any, Final

from regulars import asgi
from tests.hostile.world import App, World

Wrap = Callable[[World], App]
Message = MutableMapping[str, Any]

FORGOTTEN: Final[list[bytearray]] = []
BIG: Final = 500_000


class Exchange:
    """One request, its body read, and the answer of the healthy application, to be spoilt."""

    def __init__(self, scope: Any, body: bytes) -> None:
        self.scope = scope
        self.body = body
        self.status = 0
        self.headers: list[tuple[bytes, bytes]] = []
        self.answer = b""

    @property
    def path(self) -> str:
        return str(self.scope["path"])

    async def ask(self, app: App, scope: Any | None = None, body: bytes | None = None) -> None:
        """What the application answers to this, or to another, request."""
        waiting = [{"type": "http.request", "body": self.body if body is None else body, "more_body": False}]
        sent: list[Message] = []

        async def receive() -> Message:
            return waiting.pop() if waiting else {"type": "http.disconnect"}

        async def send(message: Message) -> None:
            sent.append(message)

        await app(scope or self.scope, receive, send)
        self.status, self.headers = sent[0]["status"], list(sent[0]["headers"])
        self.answer = b"".join(part.get("body", b"") for part in sent[1:])

    def say(self, status: int, answer: bytes, kind: bytes = b"application/json") -> None:
        self.status, self.answer = status, answer
        kept = [pair for pair in self.headers if pair[0] not in (b"content-type", b"content-length")]
        self.headers = [*kept, (b"content-type", kind), (b"content-length", b"%d" % len(answer))]

    def scope_as(self, authorization: str) -> Any:
        """The same request with another's credential."""
        others = [pair for pair in self.scope["headers"] if pair[0] != b"authorization"]
        return self.scope | {"headers": [*others, (b"authorization", authorization.encode())]}


def spoilt(world: World, spoil: Callable[[World, Exchange], Any]) -> App:
    """The application with this fault."""

    async def app(scope: Any, receive: Any, send: Any) -> None:
        body = b""
        while True:
            message = await receive()
            body += message.get("body", b"")
            if not message.get("more_body"):
                break
        exchange = Exchange(scope, body)
        await spoil(world, exchange)
        await send({"type": "http.response.start", "status": exchange.status, "headers": exchange.headers})
        await send({"type": "http.response.body", "body": exchange.answer})

    return app


async def breaks_on_nul(world: World, exchange: Exchange) -> None:
    await exchange.ask(world.app)
    if b"\\u0000" in exchange.body:
        exchange.say(500, b'{"error":{"message":"NUL"}}')


async def forgets_the_scope(world: World, exchange: Exchange) -> None:
    headers = dict(exchange.scope["headers"])
    is_powerless = (
        headers.get(b"authorization", b"").decode("latin-1") == world.mine.powerless["authorization"]
    )
    own = exchange.scope_as(world.mine.bearer["authorization"])
    await exchange.ask(world.app, own if is_powerless and exchange.scope["method"] == "PUT" else None)


async def answers_in_html(world: World, exchange: Exchange) -> None:
    await exchange.ask(world.app)
    if exchange.status == 404 and exchange.path.startswith("/v2/customers/"):
        exchange.say(404, b"<h1>Not found</h1>", b"text/html")


async def shows_the_neighbours_rows(world: World, exchange: Exchange) -> None:
    is_list = exchange.path == "/v2/customers" and b"email=" in exchange.scope["query_string"]
    await exchange.ask(
        world.app, exchange.scope_as(world.theirs.bearer["authorization"]) if is_list else None
    )


async def takes_no_number_for_one(world: World, exchange: Exchange) -> None:
    await exchange.ask(world.app, body=exchange.body.replace(b"NaN", b"0"))


async def changes_what_it_refuses(world: World, exchange: Exchange) -> None:
    await exchange.ask(world.app)
    if exchange.status == 422 and exchange.path == "/v2/orders":
        gift = Exchange(exchange.scope | {"path": "", "raw_path": b"/v2/customers/mine-alice/points"}, b"")
        gift.scope["path"] = "/v2/customers/mine-alice/points"
        await gift.ask(world.app, body=b'{"points":1}')


async def counts_brackets_slowly(world: World, exchange: Exchange) -> None:
    await exchange.ask(world.app)
    if exchange.body.count(b"[") > 50_000:
        await asyncio.sleep(5.5)


async def keeps_large_bodies(world: World, exchange: Exchange) -> None:
    await exchange.ask(world.app)
    if len(exchange.body) > BIG:
        FORGOTTEN.append(bytearray(b"x" * 40_000_000))


async def logs_what_it_did_not_expect(world: World, exchange: Exchange) -> None:
    await exchange.ask(world.app)
    if b"\\ud800" in exchange.body:
        asgi.log.error("unforeseen", path=exchange.path)


async def leaves_out_the_cursor(world: World, exchange: Exchange) -> None:
    await exchange.ask(world.app)
    if exchange.path == "/v2/activities" and exchange.scope["method"] == "GET" and exchange.status == 200:
        said = json.loads(exchange.answer)
        exchange.say(200, json.dumps({"activities": said["activities"]}).encode())


PLANTED: Final = {
    fault.__name__: fault
    for fault in (
        breaks_on_nul,
        forgets_the_scope,
        answers_in_html,
        shows_the_neighbours_rows,
        takes_no_number_for_one,
        changes_what_it_refuses,
        counts_brackets_slowly,
        keeps_large_bodies,
        logs_what_it_did_not_expect,
        leaves_out_the_cursor,
    )
}
