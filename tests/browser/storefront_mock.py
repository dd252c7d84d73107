"""A small storefront for states that are hard to reach with the real one: its answers are the test's to set.

Beside it stands a shop's server on another port, whose pages carry the guide's snippet and a strict
Content-Security-Policy.
"""

import copy
import json
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

BUILT = Path(__file__).parents[2] / "src/regulars/doors/storefront/built"
LOADER = "/js/integrations/common/script.js"

Answer = tuple[int, dict[str, Any]]


def reward(number: int, title: str, cost: int, **changes: Any) -> dict[str, Any]:
    """A reward as anybody may read it."""
    return {
        "id": number,
        "kind": "fixed_amount",
        "title": title,
        "text": "",
        "icon": "gift",
        "cost": cost,
        "amount_minor": 500,
        "percent": None,
        "variable": None,
        "max_shipping_minor": None,
        "minimum_order_minor": 0,
        "valid_days": None,
        "out_of_stock": False,
    } | changes


def claim(number: int, title: str, code: str | None, **changes: Any) -> dict[str, Any]:
    return {
        "id": number,
        "reward_id": 1,
        "title": title,
        "kind": "fixed_amount",
        "amount_minor": 500,
        "percent": None,
        "cost": 100,
        "code": code,
        "state": "claimed",
        "claimed_at": "2026-11-02T10:00:00Z",
        "expires_at": None,
        "used_at": None,
        "order": None,
        "fulfilled_at": None,
        "instructions": "",
    } | changes


def line(points: int, kind: str, sentence: str, **changes: Any) -> dict[str, Any]:
    return {
        "at": "2026-11-20T09:30:00Z",
        "points": points,
        "kind": kind,
        "bucket": "available",
        "sentence": sentence,
        "order": None,
    } | changes


REWARDS = [
    reward(1, "£1 off", 100, valid_days=90),
    reward(
        2,
        "Money off, as you like",
        0,
        kind="variable_amount",
        amount_minor=None,
        variable={"per_points": 100, "per_minor": 100, "minimum": 100, "maximum": 2000, "step": 50},
        text="Choose how many points to turn into money off your next order.",
        minimum_order_minor=1500,
    ),
    reward(3, "£5 off", 500, minimum_order_minor=2500, valid_days=90),
    reward(4, "Free shipping", 250, kind="free_shipping", amount_minor=None),
    reward(5, "A tin of first-flush Darjeeling", 1200, kind="free_product", amount_minor=None),
    reward(
        6,
        "A tasting with our tea master",
        300,
        kind="custom",
        amount_minor=None,
        text="An hour, six teas, and stories from the gardens.",
    ),
]
STANDINGS: list[dict[str, Any]] = [
    {"can": True},
    {"can": True},
    {"can": False, "why": "not_enough_points", "missing": 160},
    {"can": False, "why": "limit_reached", "until": "2026-12-03T10:00:00Z", "limit": 1},
    {"can": False, "why": "not_enough_points", "missing": 860},
    {"can": False, "why": "out_of_stock"},
]
EARN: list[dict[str, Any]] = [
    {
        "kind": "purchase",
        "points": "1.25",
        "per_minor": 100,
        "rate": [5, 4],
        "whole_units_only": False,
        "minimum_minor": 0,
    },
    {"kind": "join", "points": 50},
]
PROGRAM: dict[str, Any] = {
    "program": {
        "name": "Tea Circle",
        "currency": "GBP",
        "exponent": 2,
        "points": {"one": "point", "many": "points"},
    },
    "widget": {
        "enabled": True,
        "color": "#2f5d50",
        "on_color": "#ffffff",
        "side": "right",
        "language": None,
        "texts": {"title": None, "welcome": None, "launcher": None, "join": None},
        "login_url": "/account/login",
        "signup_url": "/account/register",
        "needs_token_to_redeem": False,
    },
    "earn": EARN,
    "rewards": REWARDS,
}
LINES = [
    line(
        29,
        "purchase",
        "Gave 29 points: 29.99 GBP of the order earn, at 1 a unit, rounded down.",
        bucket="pending",
        order="100007",
    ),
    line(-100, "redemption", "Took 100 points for “£1 off”.", at="2026-11-12T16:02:00Z"),
    line(
        -11, "refund", "Took 11 points back for the refund: 11 of the 29 given are now taken.", order="100004"
    ),
    line(372, "purchase", "Gave 372 points: 298.00 GBP of the order earn.", order="100003"),
    line(50, "join", "Gave 50 points for joining.", at="2026-10-01T08:00:00Z"),
]
ME: dict[str, Any] = {
    "customer": {
        "merchant_id": "001",
        "first_name": "Jane",
        "name": "Jane Doe",
        "member": True,
        "blocked": False,
        "birthday": None,
    },
    "points": {
        "available": 340,
        "pending": 29,
        "spent": 100,
        "next_approval": {"points": 29, "at": "2026-12-04T00:00:00Z"},
    },
    "earn": [EARN[0] | {"done": False}, EARN[1] | {"done": True}],
    "rewards": [one | {"standing": standing} for one, standing in zip(REWARDS, STANDINGS, strict=True)],
    "claims": [
        claim(4, "£1 off", "TEA-7Q4K-M2XW-9RTD", expires_at="2027-02-14T00:00:00Z"),
        claim(
            3, "A cup from our potter", None, kind="custom", instructions="We send it with your next order."
        ),
        claim(2, "Free shipping", "SHIP-1188", state="used", order="100005", used_at="2026-11-05T10:00:00Z"),
        claim(1, "£5 off", "OLD-2210", state="expired", expires_at="2026-10-01T00:00:00Z"),
    ],
    "history": {"lines": LINES, "next": "5"},
}


class Storefront:
    """What the storefront would answer, and what it was asked."""

    def __init__(self) -> None:
        self.program = copy.deepcopy(PROGRAM)
        self.me = copy.deepcopy(ME)
        self.older = {"lines": [line(7, "adjustment", "The shop gave 7 points: thanks!")], "next": None}
        self.calls: list[tuple[str, dict[str, Any], dict[str, str]]] = []
        self.answers: dict[str, list[Answer | None]] = {}
        """Answers to come by the call's name, first in first out; None hangs up without an answer."""
        self.knows_sessions = True

    def next_is(self, call: str, *answers: Answer | None) -> None:
        self.answers.setdefault(call, []).extend(answers)

    def asked(self, call: str) -> list[tuple[dict[str, Any], dict[str, str]]]:
        """Bodies and headers of the calls of that name, in order."""
        return [(body, headers) for name, body, headers in self.calls if name == call]

    def answer(self, call: str, body: dict[str, Any], headers: dict[str, str]) -> Answer | None:
        self.calls.append((call, body, headers))
        if self.answers.get(call):
            return self.answers[call].pop(0)
        if call == "program":
            return 200, self.program
        if call == "session":
            self.knows_sessions = True
            return 200, {"session": f"s{len(self.asked('session'))}", "expires_in": 900, "me": self.me}
        if not self.knows_sessions or "authorization" not in headers:
            return 401, {"error": {"code": "unauthenticated", "message": "No."}}
        if call == "redeem":
            return self.redeem(body)
        if call == "birthday":
            self.me["customer"]["birthday"] = body["birthday"]
            return 200, {"me": self.me}
        return 200, {"me": self.me, "history": self.older}[call]

    def redeem(self, body: dict[str, Any]) -> Answer:
        chosen = next(one for one in self.me["rewards"] if one["id"] == body["reward_id"])
        cost = body.get("points") or chosen["cost"]
        made = claim(9, chosen["title"], "TEA-NEW0-C0DE", cost=cost, expires_at="2027-02-20T00:00:00Z")
        self.me["claims"].insert(0, made)
        self.me["points"] |= {"available": self.me["points"]["available"] - cost}
        return 201, {"claim": made, "points": self.me["points"]}


class Servers:
    """The storefront at `provider`, the shop at `shop`; `page`: what the shop answers with."""

    def __init__(self) -> None:
        self.storefront = Storefront()
        self.page = ""
        self.is_down = False
        self.provider, self._provider = self._serve(_answer_as_provider)
        self.shop, self._shop = self._serve(_answer_as_shop)

    def _serve(self, answer: Callable[["Servers", BaseHTTPRequestHandler], None]) -> tuple[str, Any]:
        servers = self

        class Handler(BaseHTTPRequestHandler):
            def do_GET(self) -> None:
                answer(servers, self)

            do_POST = do_OPTIONS = do_GET  # noqa: N815

            def log_message(self, *_: Any) -> None:
                """Says nothing."""

        server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        server.daemon_threads = True
        threading.Thread(target=server.serve_forever, args=(0.02,), daemon=True).start()
        return f"http://127.0.0.1:{server.server_address[1]}", server

    def close(self) -> None:
        for server in (self._provider, self._shop):
            server.shutdown()
            server.server_close()


def _answer_as_provider(servers: Servers, request: BaseHTTPRequestHandler) -> None:
    url = urlsplit(request.path)
    if servers.is_down:
        request.close_connection = True
        return
    if url.path == LOADER or (url.path.startswith("/storefront/") and url.path.endswith(".js")):
        name = "loader.js" if url.path == LOADER else url.path.rsplit("/", 1)[1]
        _send(request, 200, (BUILT / name).read_bytes(), "text/javascript; charset=utf-8", cors=True)
        return
    if request.command == "OPTIONS":
        _send(request, 204, b"", "text/plain", cors=True)
        return
    length = int(request.headers.get("content-length") or 0)
    body = json.loads(request.rfile.read(length)) if length else dict(parse_qs(url.query))
    headers = {name.lower(): value for name, value in request.headers.items()}
    answer = servers.storefront.answer(url.path.rsplit("/", 1)[1], body, headers)
    if answer is None:
        request.close_connection = True
        return
    _send(request, answer[0], json.dumps(answer[1]).encode(), "application/json", cors=True)


def _answer_as_shop(servers: Servers, request: BaseHTTPRequestHandler) -> None:
    if request.path == "/fresh-token":
        _send(request, 200, b"v2.k1.fresh.signature\n", "text/plain")
        return
    own = f"'self'; script-src 'self' {servers.provider}; connect-src 'self' {servers.provider}"
    # Trusted types forbid every way of making markup from text.
    policy = f"default-src {own}; style-src 'self'; require-trusted-types-for 'script'"
    if request.path == "/shop.css":
        _send(request, 200, HOSTILE.encode(), "text/css")
    else:
        _send(request, 200, servers.page.encode(), "text/html; charset=utf-8", policy=policy)


def _send(
    request: BaseHTTPRequestHandler,
    status: int,
    content: bytes,
    kind: str,
    *,
    cors: bool = False,
    policy: str | None = None,
) -> None:
    request.send_response(status)
    request.send_header("Content-Type", kind)
    request.send_header("Content-Length", str(len(content)))
    if policy:
        request.send_header("Content-Security-Policy", policy)
    if cors:
        request.send_header("Access-Control-Allow-Origin", "*")
        request.send_header("Access-Control-Allow-Headers", "authorization, content-type, idempotency-key")
    request.end_headers()
    if request.command != "HEAD":
        request.wfile.write(content)


HOSTILE = """
body * { display: none !important; visibility: hidden !important; opacity: 0 !important;
  color: red !important; font: 40px/3 fantasy !important; width: 7px !important; transform: rotate(9deg);
  position: static !important; inset: 0 !important; filter: blur(9px) !important; clip-path: circle(0);
  pointer-events: none !important; text-transform: uppercase !important; letter-spacing: 2em !important;
  z-index: -1 !important; box-sizing: content-box !important; margin: 50px !important; }
html { font-size: 40px !important; letter-spacing: 1em; text-transform: uppercase; }
"""


def snippet(provider: str, **attributes: str) -> str:
    """The guide's `div`; logged in as customer 001 unless told otherwise."""
    said = {
        "data-provider": provider,
        "data-api-key": "key",
        "data-shop-domain": "https://tea.example",
        "data-shop-id": "0" * 32,
        "data-customer-id": "001",
        "data-customer-signature": "1" * 32,
    } | {name.replace("_", "-"): value for name, value in attributes.items()}
    written = "\n".join(f'{name}="{value}"' for name, value in said.items())
    return f'<div id="lootly-widget" class="lootly-init" style="display: none"\n{written}>\n</div>'


def shop_page(provider: str, *, head: str = "", body: str = "", html: str = 'lang="en"', **said: str) -> str:
    """A page of the shop with the guide's two pieces, exactly as they are pasted."""
    return f"""<!doctype html>
<html {html}>
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>Tea &amp; Leaves</title>
{head}
<script type="text/javascript" src="{provider}{LOADER}"></script>
</head>
<body>
<main><h1>Tea &amp; Leaves</h1>
<p>Fine teas since this morning.</p>
<button id="before">Add to basket</button>
{body}
</main>
{snippet(provider, **said)}
</body>
</html>
"""


LOGGED_OUT = {"data_customer_id": "", "data_customer_signature": ""}


@contextmanager
def running() -> Iterator[Servers]:
    servers = Servers()
    try:
        yield servers
    finally:
        servers.close()
