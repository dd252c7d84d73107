"""The Lootly door as an ASGI app. Four addresses and a hot path need no framework."""

import re
from collections.abc import Iterable
from typing import Final

import structlog

from regulars.app.house import House
from regulars.doors import wire
from regulars.doors.lootly.answers import Answer, problem
from regulars.doors.lootly.hooks import Hooks
from regulars.doors.lootly.reads import Reads
from regulars.doors.lootly.unverified import Ration
from regulars.doors.straight import Door, Reply
from regulars.doors.wire import App, Receive, Scope, Send, read_body, send_answer

log = structlog.get_logger(__name__)

HOOK: Final = re.compile(r"/integrations/webhooks/([^/]+)/([^/]+)/?")
PLAIN_HOOK: Final = re.compile(rb"/integrations/webhooks/[a-z0-9-]+/[a-z0-9-]+")
ONE: Final = re.compile(r"/api/custom/customer/(.+)/point-balance/?", re.DOTALL)
MANY: Final = re.compile(r"/api/custom/customers/point-balance/?")


def build(house: House) -> App:
    """The door: hooks by POST, balance reads by GET; 404 and 405 as JSON for the rest."""
    return build_both(house)[0]


def build_both(house: House) -> tuple[App, Door]:
    """The same, and the way for hooks alone, for targets that `is_hook` knows."""
    ration = Ration()
    hooks, reads = Hooks(house, ration), Reads(house, ration)

    async def answer(scope: Scope, receive: Receive) -> Answer | None:
        path, method = scope["path"], scope["method"]
        if (hook := HOOK.fullmatch(path)) is not None:
            if method != "POST":
                return _wrong_method(b"POST")
            if (body := await read_body(receive)) is None:
                return None
            return await hooks.answer(hook[1], hook[2], body, _idempotency_key(scope["headers"]))
        many = MANY.fullmatch(path)
        one = ONE.fullmatch(path) if many is None else None
        if many is None and one is None:
            return problem(404, "There is nothing at this address.")
        if method != "GET":
            return _wrong_method(b"GET")
        query = scope.get("query_string", b"")
        return await reads.many(query) if one is None else await reads.one(one[1], query)

    async def door(scope: Scope, receive: Receive, send: Send) -> None:
        if scope["type"] != "http":
            return
        try:
            found = await answer(scope, receive)
        except Exception:
            log.exception("a call of the Lootly door failed", path=scope["path"])
            found = problem(
                500, "Something went wrong here. Send it again; if it stays, tell the server's owner."
            )
        if found is not None:
            whole = wire.Answer(found.status, found.body, found.with_type())
            await send_answer(send, whole, with_body=True)

    async def hook(target: bytes, headers: Iterable[tuple[bytes, bytes]], body: bytes) -> Reply:
        _, _, _, integration, name = target.decode().split("/")
        found = await hooks.answer(integration, name, body, _idempotency_key(headers))
        return found.status, found.with_type(), found.body

    return door, hook


def is_hook(target: bytes) -> bool:
    """Whether this is a hook's address as every shop writes it: without a query or an escape."""
    return PLAIN_HOOK.fullmatch(target) is not None


def _wrong_method(allowed: bytes) -> Answer:
    found = problem(405, f"This address takes {allowed.decode()} only.")
    return found._replace(headers=((b"allow", allowed),))


def _idempotency_key(headers: Iterable[tuple[bytes, bytes]]) -> str | None:
    for name, value in headers:
        if name == b"idempotency-key":
            return bytes(value).decode("latin-1")
    return None
