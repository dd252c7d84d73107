"""Claimed rewards, their codes and stocks, as a batch reads and writes them."""

import random
from collections.abc import Iterable, Sequence
from datetime import datetime
from typing import Final

import msgspec
from asyncpg import Record

from regulars.domain.book import Bucket, Taking
from regulars.domain.decisions import Decision
from regulars.domain.page import Needs, Page
from regulars.domain.rewards import (
    Claim,
    ClaimState,
    Code,
    CodeSource,
    CodeState,
    RewardKind,
    Stock,
    code_key,
)
from regulars.storage.database import Connection
from regulars.storage.tables import CLAIMS, CODES, STOCKS

_BY_ID = "select * from claimed_rewards where program_id = $1 and claim_id = any($2::bigint[])"
_BY_CODE = "select * from claimed_rewards where program_id = $1 and code_key = any($2::text[])"
_STOCKS = "select * from reward_stocks where program_id = $1 and reward_id = any($2::bigint[])"
# From a random place on, then from the beginning: whatever was used up before does not slow down the next.
_FREE_CODES = """
    (select * from codes where program_id = $1 and reward_id = $2 and state = 'free' and slot >= $3
      order by slot limit $4)
    union all
    (select * from codes where program_id = $1 and reward_id = $2 and state = 'free' and slot < $3
      order by slot limit $4)
    limit $4
"""
_CLAIMED_AT = """
    select customer_id, reward_id, claimed_at from claimed_rewards
     where program_id = $1 and customer_id = any($2::bigint[]) and reward_id = any($3::bigint[])
       and state <> 'cancelled'
     order by claim_id
"""
_HAND_OUT = """
    update codes c set state = 'handed', claim_id = u.claim_id
      from unnest($2::text[], $3::bigint[]) as u (code_key, claim_id)
     where c.program_id = $1 and c.code_key = u.code_key
"""
_SET_STATES = """
    update codes c set state = u.state from unnest($2::text[], $3::text[]) as u (code_key, state)
     where c.program_id = $1 and c.code_key = u.code_key
"""
_REPLACE_STOCK = STOCKS.replacing("reward_id")
_UPDATE_CLAIMS = CLAIMS.replacing(
    "claim_id", ["state", "used_at", "order_id", "fulfilled_at", "returned_id", "updated_at"]
)


async def load(connection: Connection, page: Page, wanted: Needs) -> None:
    """Puts the claimed rewards, stocks and free codes that are needed on a page that has its orders."""
    keys, ids = _keys_of_orders(page)
    keys |= wanted.code_keys
    ids |= wanted.claim_ids
    program_id = page.program.id
    if ids:
        _add(page, await connection.fetch(_BY_ID, program_id, list(ids)))
    if keys:
        _add(page, await connection.fetch(_BY_CODE, program_id, list(keys)))
    rewards = wanted.redeems.keys() | {claim.reward_id for claim in page.claims.values()}
    if rewards:
        for row in await connection.fetch(_STOCKS, program_id, list(rewards)):
            page.stocks[row["reward_id"]] = stock_from(row)
    for reward in page.program.rewards:
        if reward.id in wanted.redeems and reward.codes is CodeSource.POOL:
            rows = await connection.fetch(
                _FREE_CODES,
                program_id,
                reward.id,
                random.random(),  # noqa: S311
                wanted.redeems[reward.id],
            )
            page.free_codes[reward.id] = [_code_from(row) for row in rows]


async def load_times(connection: Connection, page: Page, wanted: Needs) -> None:
    """When the customers on the page claimed the rewards that are to be claimed, for their limits."""
    limited = [
        reward.id
        for reward in page.program.rewards
        if reward.id in wanted.redeems and reward.limit_count is not None
    ]
    if not limited:
        return
    times: dict[tuple[int, int], list[datetime]] = {}
    for row in await connection.fetch(_CLAIMED_AT, page.program.id, list(page.customers), limited):
        times.setdefault((row["customer_id"], row["reward_id"]), []).append(row["claimed_at"])
    page.claim_times = {key: tuple(found) for key, found in times.items()}


def add_redemptions(page: Page, uses: dict[int, list[tuple[int, int]]]) -> None:
    """The movements that took points for the claims on the page. `uses`: lots and points by movement."""
    for claim in page.claims.values():
        if claim.movement_id is not None:
            page.redemptions[claim.id] = Taking(
                movement_id=claim.movement_id,
                from_bucket=Bucket.AVAILABLE,
                points=claim.cost,
                undone=0,
                uses=tuple(uses.get(claim.movement_id, ())),
            )


async def save(connection: Connection, program_id: int, decisions: Sequence[Decision]) -> None:
    """Writes what these decisions did to claimed rewards, codes and stocks."""
    concerned = [decision for decision in decisions if decision.claims]
    if not concerned:
        return
    await _save_claims(connection, program_id, concerned)
    await _save_codes(connection, program_id, concerned)
    stocks = {stock.reward_id: stock for decision in concerned for stock in decision.stocks}
    rows = [msgspec.structs.astuple(stock) for stock in stocks.values()]
    await STOCKS.insert(connection, program_id, rows, end=_REPLACE_STOCK)


async def _save_claims(connection: Connection, program_id: int, decisions: Iterable[Decision]) -> None:
    fresh: dict[int, Claim] = {}
    changed: dict[int, Claim] = {}
    for decision in decisions:
        for claim in decision.claims:
            into = fresh if claim.decision_id == decision.id or claim.id in fresh else changed
            into[claim.id] = claim
    await CLAIMS.insert(connection, program_id, [msgspec.structs.astuple(claim) for claim in fresh.values()])
    rows = [msgspec.structs.astuple(claim) for claim in changed.values()]
    await CLAIMS.insert(connection, program_id, rows, end=_UPDATE_CLAIMS)


async def _save_codes(connection: Connection, program_id: int, decisions: Sequence[Decision]) -> None:
    handed = [(code, decision.at) for decision in decisions for code in decision.codes]
    generated = [
        (code.key, code.code, code.reward_id, code.source, code.state, code.slot, code.claim_id, at)
        for code, at in handed
        if code.source is CodeSource.GENERATED
    ]
    await CODES.insert(connection, program_id, generated)
    if pooled := [code for code, _ in handed if code.source is CodeSource.POOL]:
        claim_ids = [code.claim_id for code in pooled]
        await connection.execute(_HAND_OUT, program_id, [code.key for code in pooled], claim_ids)
    states = {key: state for decision in decisions for key, state in decision.code_states.items()}
    if states:
        await connection.execute(_SET_STATES, program_id, list(states), list(states.values()))


def _keys_of_orders(page: Page) -> tuple[set[str], set[int]]:
    """The codes and claimed rewards on the orders of the page: a change of the order may concern them."""
    details = [order.details for order in page.orders.values()]
    keys = {code_key(used.code) for detail in details for used in detail.codes}
    return keys, {claim_id for detail in details for claim_id in detail.claimed_reward_ids}


def _add(page: Page, rows: Iterable[Record]) -> None:
    for row in rows:
        page.add_claim(claim_from(row))


_AS_STORED: Final = tuple(name for name in CLAIMS.columns if name not in ("claim_id", "kind", "state"))


def claim_from(row: Record) -> Claim:
    """A claimed reward as it stands in a whole row of `claimed_rewards`."""
    return Claim(
        id=row["claim_id"],
        kind=RewardKind(row["kind"]),
        state=ClaimState(row["state"]),
        **{name: row[name] for name in _AS_STORED},
    )


def stock_from(row: Record) -> Stock:
    """A stock as it stands in a whole row of `reward_stocks`."""
    return Stock(**{name: row[name] for name in STOCKS.columns})


def _code_from(row: Record) -> Code:
    return Code(
        key=row["code_key"],
        code=row["code"],
        reward_id=row["reward_id"],
        source=CodeSource(row["source"]),
        state=CodeState(row["state"]),
        slot=row["slot"],
        claim_id=row["claim_id"],
    )
