"""What claimed rewards are shown with: the orders on which their codes were used, by the shop's own ids."""

from collections.abc import Sequence

from regulars.domain.rewards import Claim
from regulars.storage.database import Database
from regulars.storage.listings import orders
from regulars.storage.reading import reading


async def orders_of(database: Database, program_id: int, claims: Sequence[Claim]) -> dict[int, str]:
    """By claimed reward, the shop's id of the order that used it; unused ones are left out. Raises Busy."""
    used = {claim.id: claim.order_id for claim in claims if claim.order_id is not None}
    if not used:
        return {}
    async with reading(database) as connection:
        found = await orders.by_id(connection, program_id, set(used.values()))
    return {claim_id: found[order_id].merchant_id for claim_id, order_id in used.items()}
