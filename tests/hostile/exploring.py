"""Schemathesis on the documents of the routes: what the server says is compared with what the documents say."""

import asyncio
import contextlib
import json
import threading
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, Final

import schemathesis
import uvicorn
import uvloop
import yaml
from schemathesis.config import SchemathesisConfig
from schemathesis.engine import events, from_schema

from regulars.doors.limits import Limits, guarded
from tests.hostile.world import App, Shop, World, open_world
from tests.pages import DOCS

DOCUMENTS: Final = {
    name: DOCS / "integrate" / f"{name}.openapi.yaml" for name in ("loyaltylion", "lootly")
}
PATIENCE_SECONDS: Final = 30

CHECKS: Final = {
    # A 422 may also say that the rules forbid it (a birthday to come, more points than there are), which no
    # document can express; and 400 is right for a query that JSON Schema's date-time allows.
    "positive_data_acceptance": {"enabled": False},
    # Nothing is ever deleted through these doors.
    "use_after_free": {"enabled": False},
}


def document(name: str) -> dict[str, Any]:
    read: dict[str, Any] = yaml.safe_load(DOCUMENTS[name].read_text(encoding="utf-8"))
    return read


class Served:
    """A server in a thread: its address, its two shops, and the house's loop."""

    url: str
    world: World
    loop: asyncio.AbstractEventLoop

    def wait_for(self, work: Any) -> Any:
        """The result of a coroutine on the server's loop."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(PATIENCE_SECONDS)


@contextlib.contextmanager
def serving(database: str, home: Path, wrap: Callable[[App], App] = lambda app: app) -> Iterator[Served]:
    """The application, with the server's real limits, on a free port. `wrap` puts something between."""
    served, started, over = Served(), threading.Event(), threading.Event()

    async def serve() -> None:
        served.loop = asyncio.get_running_loop()
        served.world = await open_world(database, home)
        config = uvicorn.Config(
            wrap(served.world.app),
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


def explore(name: str, served: Served, *, examples: int, seconds: int, seed: int, most: int = 30) -> list[str]:
    """What doesn't agree with the document, one text each; and how many requests were made, as the last."""
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
                if name == "loyaltylion"
                else {}
            ),
        }
    )
    schema = schemathesis.openapi.from_dict(document(name), config=config)
    if name == "lootly":
        sign_calls(schema, served.world.mine)
    found: list[str] = []
    requests = 0
    for event in from_schema(schema).execute():
        if isinstance(event, events.ScenarioFinished):
            requests += len(event.recorder.interactions)
            for checks in event.recorder.checks.values():
                for check in checks:
                    if check.failure_info is not None:
                        failure = check.failure_info.failure
                        found.append(f"{event.recorder.label} {check.name}: {failure.title} {failure.message}")
        elif isinstance(event, events.NonFatalError):
            found.append(f"{event.label}: {event.info}")
    return [*dict.fromkeys(found), str(requests)]


def sign_calls(schema: Any, shop: Shop) -> None:
    """Signs what is generated, so that the content is reached; what is no object is sent as it is."""

    @schema.hook
    def before_call(context: Any, case: Any, kwargs: Any) -> None:
        if isinstance(case.body, dict) and "key" in case.body and "hmac" in case.body:
            members = {name: value for name, value in case.body.items() if name not in ("key", "hmac")}
            with contextlib.suppress(TypeError, ValueError):
                case.body = json.loads(shop.sign({name: json.dumps(value) for name, value in members.items()}))
        if isinstance(case.query, dict) and "hmac" in case.query:
            case.query = signed_query(case.query, shop)


def signed_query(query: dict[str, Any], shop: Shop) -> dict[str, Any]:
    asked = query.get("customer_ids")
    if asked is not None and not isinstance(asked, str):
        return query
    target = shop.read("", asked)
    from urllib.parse import parse_qsl, urlsplit

    return query | dict(parse_qsl(urlsplit(target).query, keep_blank_values=True))
