"""Rewards as they are configured, and their stocks; claimed rewards as lists."""

from collections.abc import Sequence
from datetime import datetime

import msgspec

from regulars.domain.rewards import Claim, ClaimState, Reward, Stock
from regulars.storage.claims import claim_from, stock_from
from regulars.storage.database import Connection

_CLAIMS = "select * from claimed_rewards where program_id = $1"


async def next_id(connection: Connection, program_id: int) -> int:
    """A new reward's id; the caller holds the head's lock."""
    reward_id: int = await connection.fetchval(
        "update heads set reward = reward + 1 where program_id = $1 returning reward", program_id
    )
    return reward_id


async def add(connection: Connection, program_id: int, reward: Reward, at: datetime) -> None:
    """Stores a new reward with an empty stock."""
    await connection.execute(
        "insert into rewards (program_id, reward_id, definition, created_at, updated_at) "
        "values ($1, $2, $3, $4, $4)",
        program_id,
        reward.id,
        msgspec.json.encode(reward).decode(),
        at,
    )
    await connection.execute(
        "insert into reward_stocks (program_id, reward_id) values ($1, $2)", program_id, reward.id
    )


async def change(connection: Connection, program_id: int, reward: Reward, at: datetime) -> None:
    """Replaces a reward's definition."""
    await connection.execute(
        "update rewards set definition = $3, updated_at = $4 where program_id = $1 and reward_id = $2",
        program_id,
        reward.id,
        msgspec.json.encode(reward).decode(),
        at,
    )


async def stocks(connection: Connection, program_id: int) -> dict[int, Stock]:
    """The stock of every reward of the program, by its id."""
    rows = await connection.fetch("select * from reward_stocks where program_id = $1", program_id)
    return {row["reward_id"]: stock_from(row) for row in rows}


async def claim(connection: Connection, program_id: int, claim_id: int) -> Claim | None:
    """The claimed reward of that id."""
    row = await connection.fetchrow(f"{_CLAIMS} and claim_id = $2", program_id, claim_id)
    return claim_from(row) if row is not None else None


async def claim_of_decision(connection: Connection, program_id: int, decision_id: int) -> Claim | None:
    """The claimed reward that this decision made."""
    row = await connection.fetchrow(f"{_CLAIMS} and decision_id = $2", program_id, decision_id)
    return claim_from(row) if row is not None else None


async def claims_by_id(connection: Connection, program_id: int, ids: Sequence[int]) -> dict[int, Claim]:
    """Those of these claimed rewards that there are."""
    rows = await connection.fetch(f"{_CLAIMS} and claim_id = any($2::bigint[])", program_id, list(ids))
    return {row["claim_id"]: claim_from(row) for row in rows}


async def claims_of(
    connection: Connection, program_id: int, customer_id: int, *, before: int | None = None, most: int = 100
) -> list[Claim]:
    """A customer's claimed rewards, latest first; `before`: only those with a smaller id."""
    rows = await connection.fetch(
        f"{_CLAIMS} and customer_id = $2 and claim_id < $3 order by claim_id desc limit $4",
        program_id,
        customer_id,
        before if before is not None else 2**62,
        most,
    )
    return [claim_from(row) for row in rows]


async def claimed_at(
    connection: Connection, program_id: int, customer_id: int, reward_ids: Sequence[int]
) -> dict[int, list[datetime]]:
    """By reward, when the customer claimed it, cancelled claims apart."""
    rows = await connection.fetch(
        "select reward_id, claimed_at from claimed_rewards where program_id = $1 and customer_id = $2 "
        "and reward_id = any($3::bigint[]) and state <> 'cancelled' order by claim_id",
        program_id,
        customer_id,
        list(reward_ids),
    )
    found: dict[int, list[datetime]] = {}
    for row in rows:
        found.setdefault(row["reward_id"], []).append(row["claimed_at"])
    return found


async def tally(
    connection: Connection, program_id: int, customer_ids: Sequence[int]
) -> dict[int, tuple[int, int]]:
    """By customer, how many rewards were claimed and how many of them were used; cancelled ones apart."""
    rows = await connection.fetch(
        "select customer_id, count(*) as claimed, count(*) filter (where state = $3) as used "
        "from claimed_rewards where program_id = $1 and customer_id = any($2::bigint[]) "
        "and state <> 'cancelled' group by customer_id",
        program_id,
        list(customer_ids),
        ClaimState.USED,
    )
    return {row["customer_id"]: (row["claimed"], row["used"]) for row in rows}


async def due_claims(connection: Connection, program_id: int, now: datetime, *, most: int) -> list[int]:
    """Claimed rewards whose time is over by program time `now`, longest over first."""
    rows = await connection.fetch(
        "select claim_id from claimed_rewards where program_id = $1 and state = 'claimed' "
        "and expires_at <= $2 and fulfilled_at is null order by expires_at limit $3",
        program_id,
        now,
        most,
    )
    return [row["claim_id"] for row in rows]
