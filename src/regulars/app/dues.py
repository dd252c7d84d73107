"""Doing what is due: approvals, and whatever later falls due on an account."""

import asyncio
from datetime import datetime, timedelta

from regulars.app.engine import Engine
from regulars.domain.commands import Settle
from regulars.storage import dues
from regulars.storage.database import Database

AT_ONCE = 100


async def settle_due(database: Database, engine: Engine, *, now: datetime) -> int:
    """Settles every account on which something is due by real time `now`; answers how many. Safe to run
    anywhere, twice."""
    settled = 0
    async with database.acquire() as connection:
        clocks = await dues.programs_with_clocks(connection)
    for program_id, ahead_seconds in clocks:
        program_now = now + timedelta(seconds=ahead_seconds)
        while True:
            async with database.acquire() as connection:
                customers = await dues.due_customers(connection, program_id, program_now, most=AT_ONCE)
            commands = (Settle(customer_id=customer_id) for customer_id in customers)
            await asyncio.gather(*(engine.submit(program_id, command, bulk=True) for command in commands))
            settled += len(customers)
            if len(customers) < AT_ONCE:
                break
    return settled
