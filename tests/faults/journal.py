"""What a shop asked for and what it was told, on disk before anything else happens; and the book."""

import json
import os
from collections import Counter
from pathlib import Path
from typing import NamedTuple

import asyncpg
import msgspec


class Call(msgspec.Struct, frozen=True):
    """A request that carries an identity. `name`: of its one effect, and found with it in the book.

    `kind`: order, refund or gift. `points`: what it does to its customer's balance.
    """

    name: str
    kind: str
    door: str
    customer: str
    points: int
    path: str
    body: str
    headers: dict[str, str] = {}


class Journal:
    """A file of lines: each call before it is sent, each answer after it came. All are on disk at once."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def asks(self, call: Call) -> None:
        self._write({"asks": msgspec.to_builtins(call)})

    def hears(self, call: Call, status: int) -> None:
        self._write({"hears": status, "name": call.name})

    def _write(self, line: dict[str, object]) -> None:
        with self.path.open("ab", buffering=0) as file:
            file.write(json.dumps(line).encode() + b"\n")
            os.fdatasync(file.fileno())

    def read(self) -> tuple[dict[str, Call], set[str]]:
        """All calls by name, and the names of those that were acknowledged."""
        calls: dict[str, Call] = {}
        acknowledged: set[str] = set()
        for line in self.path.read_text().splitlines():
            said = json.loads(line)
            if "asks" in said:
                call = msgspec.convert(said["asks"], Call)
                calls[call.name] = call
            elif said["hears"] in (200, 201, 204):
                acknowledged.add(said["name"])
        return calls, acknowledged


class Findings(NamedTuple):
    """`committed`: effects without an acknowledgement that are in the book all the same, which is right.

    `lost`: acknowledged, and not in the book. `doubled`: there twice. `strange`: nobody asked for it.
    """

    calls: int
    acknowledged: int
    committed: int
    lost: list[str]
    doubled: list[str]
    strange: list[str]
    wrong_points: list[str]

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.strange or self.wrong_points)


_EFFECTS = """
    select merchant_id as name from orders where program_id = $1
    union all select reference from refunds where program_id = $1
    union all select note from activities where program_id = $1 and note is not null
"""
_BALANCES = """
    select merchant_id, available + pending as points
      from accounts join customers using (program_id, customer_id) where program_id = $1
"""
# Each order gave its points by one movement, and announced it by one event.
_ORDERS = """
    select o.merchant_id from orders o
      left join (select order_id, count(*) as n, sum(points) as points from movements
                  where program_id = $1 and cause = 'purchase' group by order_id) m using (order_id)
      left join (select order_id, count(*) as n from events
                  where program_id = $1 and kind = 'points.earned' group by order_id) e using (order_id)
     where o.program_id = $1
       and (o.given <= 0 or m.n is distinct from 1 or m.points <> o.given or e.n is distinct from 1)
"""
_LOGGED = "select count(*) from deliveries where program_id = $1 and status = 200"


async def compare(dsn: str, program_id: int, journal: Journal) -> Findings:
    """Holds the journal against the book: effects by name, every customer's balance, the delivery log."""
    calls, acknowledged = journal.read()
    connection = await asyncpg.connect(dsn)
    try:
        async with connection.transaction(isolation="repeatable_read", readonly=True):
            rows = await connection.fetch(_EFFECTS, program_id)
            balances = dict(await connection.fetch(_BALANCES, program_id))
            wrong = [f"order {row['merchant_id']}" for row in await connection.fetch(_ORDERS, program_id)]
            logged = await connection.fetchval(_LOGGED, program_id)
    finally:
        await connection.close()
    there = Counter(row["name"] for row in rows)
    expected: Counter[str] = Counter()
    for name in there.keys() & calls.keys():
        expected[calls[name].customer] += calls[name].points
    for customer in expected.keys() | balances.keys():
        if expected[customer] != balances.get(customer):
            wrong.append(f"{customer} has {balances.get(customer)}, and should have {expected[customer]}")
    signed = sum(calls[name].door == "lootly" for name in acknowledged)
    if logged < signed:
        wrong.append(f"the delivery log has {logged} of {signed} acknowledged calls")
    return Findings(
        calls=len(calls),
        acknowledged=len(acknowledged),
        committed=len(there.keys() & calls.keys() - acknowledged),
        lost=sorted(acknowledged - there.keys()),
        doubled=sorted(name for name, number in there.items() if number > 1),
        strange=sorted(there.keys() - calls.keys()),
        wrong_points=sorted(wrong),
    )
