"""Two shops in one house, a caller that asks the application, and the mark by which a leak is known."""

import base64
import hashlib
import hmac
import sys
import time
from collections.abc import Awaitable, Callable, Iterator, Mapping, MutableMapping
from contextlib import contextmanager
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import quote, unquote

import msgspec
import pytest

from regulars import asgi
from regulars.app.credentials import create_api_key
from regulars.app.house import House
from regulars.app.integrations import change_settings
from regulars.app.programs import Created, create_program
from regulars.app.rewards import create_reward
from regulars.doors.lootly.php import json_text
from regulars.settings import Settings
from tests import make

App = Callable[..., Awaitable[None]]

MARK = "neighbour-8d1f"
"""Stands in every address, name and reason of the neighbour's, and so in no answer to anyone else."""
NEXT_DOOR = "next-door"
"""What the neighbour's own ids begin with. Anybody may use such ids for things of their own."""

TABLES = (
    "customers", "accounts", "decisions", "orders", "lots", "movements", "lot_uses", "deficits", "payments",
    "refunds", "early_reports", "activities", "identities", "events", "credentials", "sites",
    "program_versions", "rewards", "reward_stocks", "codes", "claimed_rewards",
)  # fmt: skip


class Said(NamedTuple):
    """An answer, and how many seconds it took."""

    status: int
    headers: Mapping[str, str]
    body: bytes
    seconds: float

    @property
    def json(self) -> Any:
        return msgspec.json.decode(self.body)


class Shop:
    """What one shop's developer has, and the bodies that it signs."""

    def __init__(self, created: Created, *, mark: str = "mine", ids: str = "mine") -> None:
        self.keys = created
        self.mark = mark
        self.ids = ids
        self.powerless: dict[str, str] = {}
        """The header of an API key without a scope, where one was made."""
        self.bearer = {"authorization": f"Bearer {created.api_token}"}
        pair = f"{created.site_token}:{created.site_secret}".encode()
        self.basic = {"authorization": f"Basic {base64.b64encode(pair).decode()}"}

    @property
    def program_id(self) -> int:
        return self.keys.program_id

    def sign(self, sources: Mapping[str, str]) -> bytes:
        """A hook's body whose members have these very JSON texts, signed over them as they stand."""
        texts = dict(sources) | {"key": json_text(self.keys.lootly_api_key)}
        text = "{" + ",".join(f"{json_text(name)}:{texts[name]}" for name in sorted(texts)) + "}"
        signed = text.encode("utf-8", "surrogatepass")
        return signed[:-1] + f',"hmac":"{self._hmac(signed)}"}}'.encode()

    def call(self, payload: Mapping[str, Any]) -> bytes:
        """A hook's body of these members."""
        return self.sign({name: msgspec.json.encode(value).decode() for name, value in payload.items()})

    def call_as_php(self, payload: Mapping[str, Any]) -> bytes:
        """The same as PHP writes it: ASCII alone."""
        return self.sign({name: json_text(value) for name, value in payload.items()})

    def read(self, path: str, customer_ids: str | None = None) -> str:
        """The target of a signed balance read."""
        asked = {"key": self.keys.lootly_api_key}
        if customer_ids is not None:
            asked["customer_ids"] = customer_ids
        said = asked | {"hmac": self._hmac(json_text(asked).encode())}
        return f"{path}?" + "&".join(f"{name}={quote(value, safe='')}" for name, value in said.items())

    def _hmac(self, text: bytes) -> str:
        return base64.b64encode(
            hmac.digest(self.keys.lootly_api_secret.encode(), text, hashlib.sha256)
        ).decode()


class World:
    """A house with `mine`, whose keys the tests hold, and `theirs`, which nobody but its owner may see."""

    def __init__(self, house: House, mine: Shop, theirs: Shop) -> None:
        self.house = house
        self.mine = mine
        self.theirs = theirs
        self.app: App = asgi.build(house)

    async def ask(
        self,
        method: str,
        target: str,
        body: bytes = b"",
        headers: Mapping[str, str | bytes] | None = None,
        *,
        app: App | None = None,
    ) -> Said:
        """One request, as the server hands it to the application once it is whole."""
        return await ask(app or self.app, method, target, body, headers)

    async def head(self, program_id: int) -> tuple[Any, ...]:
        """What every change of a program's book moves: its counters and the chain's hash."""
        async with self.house.database.acquire() as connection:
            row = await connection.fetchrow("select * from heads where program_id = $1", program_id)
            assert row is not None
            return tuple(row.values())

    async def contents(self, shop: Shop) -> str:
        """A digest of every row that the shop's program has, but for its delivery log."""
        digest = hashlib.sha256()
        async with self.house.database.acquire() as connection:
            for table in (*TABLES, "heads"):
                rows = await connection.fetch(
                    f"select t::text as row from {table} t where program_id = $1 order by 1", shop.program_id
                )
                digest.update(f"{table} {len(rows)}\n".encode())
                for row in rows:
                    digest.update(row["row"].encode())
        return digest.hexdigest()

    async def key(self, shop: Shop, *scopes: str) -> dict[str, str]:
        """The header of a new API key with these scopes."""
        key = await create_api_key(
            self.house.database,
            program_id=shop.program_id,
            name=shop.mark,
            scopes=scopes,
            now=self.house.clock(),
        )
        return {"authorization": f"Bearer {key}"}


async def ask(
    app: App,
    method: str,
    target: str,
    body: bytes = b"",
    headers: Mapping[str, str | bytes] | None = None,
) -> Said:
    path, _, query = target.partition("?")
    scope: MutableMapping[str, Any] = {
        "type": "http",
        "asgi": {"version": "3.0"},
        "http_version": "1.1",
        "method": method,
        "scheme": "http",
        "path": unquote(path),
        "raw_path": path.encode(),
        "query_string": query.encode(),
        "root_path": "",
        "headers": [
            (b"host", b"127.0.0.1"),
            *((name.lower().encode(), bytes_of(value)) for name, value in (headers or {}).items()),
        ],
        "client": ("127.0.0.1", 1),
        "server": ("127.0.0.1", 80),
    }
    waiting = [{"type": "http.request", "body": body, "more_body": False}]
    sent: list[MutableMapping[str, Any]] = []

    async def receive() -> MutableMapping[str, Any]:
        return waiting.pop() if waiting else {"type": "http.disconnect"}

    async def send(message: MutableMapping[str, Any]) -> None:
        sent.append(message)

    begun = time.perf_counter()
    await app(scope, receive, send)
    seconds = time.perf_counter() - begun
    start = sent[0]
    answered = {name.decode().lower(): value.decode("latin-1") for name, value in start["headers"]}
    return Said(start["status"], answered, b"".join(part.get("body", b"") for part in sent[1:]), seconds)


def bytes_of(value: str | bytes) -> bytes:
    return value if isinstance(value, bytes) else value.encode("latin-1")


async def open_world(database: str, home: Path) -> World:
    """Both shops, furnished."""
    house = await House.open(Settings(home=home, secret_key=bytes(range(32))), database)
    mine, theirs = await open_shop(house), await open_shop(house, mark=MARK, ids=NEXT_DOOR)
    world = World(house, mine, theirs)
    await furnish(world, mine)
    await furnish(world, theirs)
    mine.powerless = await world.key(mine)
    return world


async def open_shop(house: House, *, mark: str = "mine", ids: str = "mine") -> Shop:
    """A new program, whose signed calls get strict answers."""
    created = await create_program(
        house.database,
        house.vault,
        name=f"{mark} Tea",
        domain=f"https://{mark}.example",
        currency="GBP",
        now=house.clock(),
    )
    await change_settings(house.database, created.program_id, strict_answers=True, now=house.clock())
    return Shop(created, mark=mark, ids=ids)


async def furnish(world: World, shop: Shop) -> None:
    """Orders, a refund, points given with a reason, a sign-up under an Idempotency-Key, claimed rewards."""

    async def post(path: str, body: dict[str, Any], **headers: str) -> None:
        said = await world.ask("POST", path, msgspec.json.encode(body), shop.bearer | headers)
        assert said.status == 201, said

    who, email = f"{shop.ids}-alice", f"alice@{shop.mark}.example"
    for number in range(1 if shop is world.mine else 3):
        await post("/v2/orders", an_order(f"{shop.ids}-{number}", who, customer_email=email))
    await post(f"/v2/orders/{shop.ids}-0/refunds", {"amount": "5.00", "id": f"{shop.ids}-refund"})
    await post(f"/v2/customers/{who}/points", {"points": 500, "reason": f"{shop.mark} likes you"})
    bob = {"name": "$signup", "customer_id": f"{shop.ids}-bob", "customer_email": f"bob@{shop.mark}.example"}
    await post("/v2/activities", bob, **{"idempotency-key": f"{shop.ids}-key"})
    for number in range(1 if shop is world.mine else 3):
        # the neighbour has rewards and claims of higher ids than anybody else
        title = f"{shop.mark} {number}"
        reward = make.reward(title=title, cost=1)
        await create_reward(world.house.database, shop.program_id, reward, now=world.house.clock())
        await post(f"/v2/customers/{who}/claimed_rewards", {"reward_id": number + 1})
    world.house.programs.forget()


def an_order(merchant_id: str, who: str, **changes: Any) -> dict[str, Any]:
    """A paid order of 20.00 at the LoyaltyLion door."""
    return {
        "merchant_id": merchant_id,
        "customer_id": who,
        "customer_email": f"{who}@example.com",
        "total": "20.00",
        "total_shipping": "0.00",
        "payment_status": "paid",
    } | changes


class Listener:
    """Stands in for a module's logger, and keeps what was said at the level of an error."""

    def __init__(self, name: str, errors: list[str]) -> None:
        self._name = name
        self._errors = errors

    def __getattr__(self, level: str) -> Callable[..., None]:
        def say(event: str, *_: Any, **facts: Any) -> None:
            if level in ("error", "exception", "critical"):
                fault = facts.get("exc_info") or sys.exc_info()[1]
                self._errors.append(f"{self._name}: {event} {facts} {fault!r}"[:1000])

        return say


@contextmanager
def listening(patch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """What the application logs as an error meanwhile, one text each."""
    errors: list[str] = []
    with patch.context() as own:
        for name, module in list(sys.modules.items()):
            if name.startswith("regulars.") and hasattr(module, "log"):
                own.setattr(module, "log", Listener(name, errors))
        yield errors


def resident_bytes() -> int:
    """The memory of this process."""
    pages = int(Path("/proc/self/statm").read_text().split()[1])
    return pages * 4096
