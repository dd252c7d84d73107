"""Holds what was answered against the book: every acknowledged order is there, once, with its points."""

import asyncio
import json
import random
from collections.abc import Sequence
from typing import NamedTuple

import asyncpg
import httpx
from bodies import signed_order
from place import Place

DOUBLES = 100
SENT_AT_ONCE = 5


class Sent(NamedTuple):
    """A run's orders: thread n sent NAME-n-1 to NAME-n-`counts[n-1]`; `acknowledged` of them got a 2xx."""

    name: str
    counts: list[int]
    acknowledged: int


class Findings(NamedTuple):
    """Orders that were acknowledged, are in the book, are missing or too many, or whose points are wrong."""

    acknowledged: int
    found: int
    lost: int
    doubled: int
    strange: int
    wrong_points: int

    @property
    def is_clean(self) -> bool:
        return not (self.lost or self.doubled or self.strange or self.wrong_points)


# Each id that was sent, and how many orders have it.
_FOUND = """
    select count(*) filter (where n > 0) as found, count(*) filter (where n > 1) as doubled
      from (select count(o.order_id) as n
              from generate_series(1, $3::bigint) as g
              left join orders o on o.program_id = any($1::bigint[]) and o.merchant_id = $2 || g
             group by g) as each
"""
_ALL = "select count(*) from orders where program_id = any($1::bigint[])"
# A paid order of a member gives its points by one movement, and announces it by one event.
_WRONG_POINTS = """
    select count(*) from orders o
      left join (select program_id, order_id, count(*) as n, sum(points) as points from movements
                  where cause = 'purchase' group by program_id, order_id) m using (program_id, order_id)
      left join (select program_id, order_id, count(*) as n from events
                  where kind = 'points.earned' group by program_id, order_id) e using (program_id, order_id)
     where o.program_id = any($1::bigint[])
       and (o.given <= 0 or m.n is distinct from 1 or m.points <> o.given or e.n is distinct from 1)
"""


async def compare(place: Place, runs: Sequence[Sent], *, others: int) -> Findings:
    """What the book has of these runs' orders, and of `others` more.

    When an answer was missing, the orders of that run without one may or may not be there: only as many as
    were acknowledged can be demanded.
    """
    programs = [shop["program_id"] for shop in place.shops]
    connection = await asyncpg.connect(place.dsn)
    try:
        found = lost = doubled = 0
        for run in runs:
            found_in_run = 0
            for thread, count in enumerate(run.counts, start=1):
                [row] = await connection.fetch(_FOUND, programs, f"{run.name}-{thread}-", count)
                found_in_run += row["found"]
                doubled += row["doubled"]
            found += found_in_run
            lost += max(0, run.acknowledged - found_in_run)
        in_all = await connection.fetchval(_ALL, programs)
        wrong_points = await connection.fetchval(_WRONG_POINTS, programs)
    finally:
        await connection.close()
    acknowledged = sum(run.acknowledged for run in runs)
    return Findings(acknowledged, found, lost, doubled, in_all - found - others, wrong_points)


async def send_doubles(place: Place, url: str) -> int:
    """Sends new orders, each several times at once, half at each door. Answers how many orders that makes.

    Raises RuntimeError when one of them is not acknowledged.
    """
    chance = random.Random("doubles")
    keys = place.keys
    signing = {"key": keys["lootly_api_key"], "secret": keys["lootly_api_secret"]}
    async with httpx.AsyncClient(base_url=url, timeout=30, trust_env=False) as client:
        for number in range(DOUBLES):
            if number % 2:
                path = "/integrations/webhooks/common/orders-completed"
                body = signed_order(f"double-{number}", number + 1, chance, **signing)
            else:
                path, body = "/v2/orders", _order(number)
            headers = {"authorization": f"Bearer {keys['api_token']}", "content-type": "application/json"}
            same = [client.post(path, content=body, headers=headers) for _ in range(SENT_AT_ONCE)]
            for answer in await asyncio.gather(*same):
                if not answer.is_success:
                    raise RuntimeError(f"a repeated order was answered {answer.status_code}: {answer.text}")
    return DOUBLES


def _order(number: int) -> str:
    order = {
        "merchant_id": f"double-{number}",
        "customer_id": f"c{number + 1}",
        "customer_email": f"c{number + 1}@shop.example",
        "total": "39.99",
        "total_shipping": "4.95",
        "payment_status": "paid",
    }
    return json.dumps(order)
