"""Schemathesis on the documents of the routes: what the server says is compared with what they say."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import parse_qsl, urlsplit

import schemathesis
import uvicorn
import uvloop
import yaml
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from regulars.app.verify.report import Violation
from regulars.app.verify.run import verify
from regulars.doors.api import openapi
from regulars.doors.limits import Limits, guarded
from regulars.doors.lootly.hooks import INTEGRATIONS
from tests.hostile.world import App, Shop, World, open_world
from tests.pages import DOCS

DOCUMENTS: Final = {name: DOCS / "integrate" / f"{name}.openapi.yaml" for name in ("loyaltylion", "lootly")}
PATIENCE_SECONDS: Final = 30

CHECKS: Final = {
    # A 422 may also say that the rules forbid it (a birthday to come, more points than there are), which no
    # document can express.
    "positive_data_acceptance": {"enabled": False},
    # Nothing is ever deleted through these doors.
    "use_after_free": {"enabled": False},
    # Besides the usual ones: what is too long is refused before any door sees it.
    "negative_data_rejection": {
        "expected-statuses": ["400", "401", "403", "404", "405", "413", "415", "422", "431"],
    },
}


def document(name: str) -> dict[str, Any]:
    """A document of the guides; or "api", the one that our own API serves."""
    if name == "api":
        served: dict[str, Any] = json.loads(openapi.encoded())
        return served
    read: dict[str, Any] = yaml.safe_load(DOCUMENTS[name].read_text(encoding="utf-8"))
    return read


class Served:
    """A server in a thread: its address, its two shops, and the house's loop."""

    url: str
    world: World
    loop: asyncio.AbstractEventLoop

    def verify(self) -> list[Violation]:
        """What `regulars verify` finds."""
        house = self.world.house
        work = verify(house.database, now=house.clock())
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_SECONDS).violations


@contextlib.contextmanager
def serving(
    database: str, home: Path, wrap: Callable[[World], App] = lambda world: world.app
) -> Iterator[Served]:
    """The application, with the server's real limits, on a free port. `wrap` may spoil it."""
    served, started, over = Served(), threading.Event(), threading.Event()

    async def serve() -> None:
        served.loop = asyncio.get_running_loop()
        served.world = await open_world(database, home)
        config = uvicorn.Config(
            wrap(served.world),
            host="127.0.0.1",
            port=0,
            http=guarded(Limits()),
            ws="none",
            lifespan="off",
            log_config=None,
            access_log=False,
            server_header=False,
            timeout_graceful_shutdown=2,
        )
        server = uvicorn.Server(config)
        config.load()
        server.lifespan = config.lifespan_class(config)
        await server.startup()
        served.url = f"http://127.0.0.1:{server.servers[0].sockets[0].getsockname()[1]}"
        started.set()
        await asyncio.to_thread(over.wait)
        await server.shutdown()
        await served.world.house.close()

    def run() -> None:
        try:
            with asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner:
                runner.run(serve())
        finally:
            started.set()

    thread = threading.Thread(target=run)
    thread.start()
    try:
        assert started.wait(PATIENCE_SECONDS)
        yield served
    finally:
        over.set()
        thread.join(PATIENCE_SECONDS)


class Explored(NamedTuple):
    """What doesn't agree with a document, one text each, and how many requests were made."""

    findings: list[str]
    requests: int


def explore(name: str, served: Served, *, examples: int, seconds: int, seed: int, most: int = 30) -> Explored:
    """Schemathesis' checks that apply here, on every operation of a document, at the served application."""
    config = SchemathesisConfig.from_dict(
        {
            "seed": seed,
            "max-failures": most,
            "max-time": seconds,
            "base-url": served.url,
            "generation": {"max-examples": examples, "database": "none", "allow-x00": True},
            "phases": {"stateful": {"enabled": False}},
            "checks": CHECKS,
            **(
                {"auth": {"openapi": {"apiKey": {"bearer": served.world.mine.keys.api_token}}}}
                if name != "lootly"
                else {}
            ),
        }
    )
    schema = schemathesis.openapi.from_dict(document(name), config=config)
    signs = signing(served.world.mine) if name == "lootly" else contextlib.nullcontext()
    found: list[str] = []
    requests = 0
    with signs:
        for event in from_schema(schema).execute():
            if isinstance(event, events.ScenarioFinished):
                requests += len(event.recorder.interactions)
                found += failures(event)
            elif isinstance(event, events.NonFatalError):
                found.append(f"{event.label}: {event.info}")
    return Explored(list(dict.fromkeys(found)), requests)


def failures(event: events.ScenarioFinished) -> Iterator[str]:
    for checks in event.recorder.checks.values():
        for check in checks:
            if (info := check.failure_info) is not None:
                said = f"{info.failure.title}. {info.failure.message} {info.code_sample}"[:2000]
                yield f"{event.recorder.label} {check.name}: {said}"


@contextlib.contextmanager
def signing(shop: Shop) -> Iterator[None]:
    """Signs what is generated meanwhile, so that the content is reached; what is no object stays as it is."""

    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        if isinstance(case.body, dict) and "key" in case.body and "hmac" in case.body:
            members = {name: value for name, value in case.body.items() if name not in ("key", "hmac")}
            with contextlib.suppress(TypeError, ValueError):
                case.body = json.loads(
                    shop.sign({name: json.dumps(value) for name, value in members.items()})
                )
        if case.path_parameters.get("integration", "common") not in INTEGRATIONS:
            # The contract answers 500 to these; attacks.py tries them, and here every 500 is to be a finding.
            case.path_parameters["integration"] = "common"
        query = case.query
        if isinstance(query, dict) and "hmac" in query and isinstance(query.get("customer_ids", ""), str):
            target = shop.read("", query.get("customer_ids"))
            case.query = query | dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))

    schemathesis.hook(before_call)
    try:
        yield
    finally:
        schemathesis.hooks.unregister(before_call)
