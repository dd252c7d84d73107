"""What customers have now: the balances that a shop asks for by its own customer ids."""

from collections.abc import Sequence
from datetime import datetime

from regulars.domain.program import Program
from regulars.storage import balances
from regulars.storage.balances import Balance
from regulars.storage.database import Database
from regulars.storage.reading import reading


async def find_balances(
    database: Database, program: Program, merchant_ids: Sequence[str], now: datetime
) -> dict[str, Balance]:
    """The balances of those that are known, by their ids, at real time `now`; due approvals count as done.

    Raises Busy when the database doesn't answer.
    """
    askable = [merchant_id for merchant_id in merchant_ids if "\x00" not in merchant_id]
    if not askable:
        return {}
    async with reading(database) as connection:
        found = await balances.find(connection, program.id, askable, program.time(now))
    return {balance.merchant_id: balance for balance in found}
