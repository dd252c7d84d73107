"""What staff do for one customer by hand, each written down first; and what to call the staff who did it."""

import hashlib
from collections.abc import Iterable
from datetime import datetime
from typing import TYPE_CHECKING

import msgspec

from regulars.app import audit, claims, people
from regulars.app.access import STAFF, Acting, require
from regulars.domain.commands import Identity
from regulars.domain.errors import NotAMember, Refused
from regulars.domain.rewards import Claim
from regulars.storage import staff
from regulars.storage.database import Database
from regulars.storage.reading import reading

if TYPE_CHECKING:
    from regulars.app.house import House


async def give_reward(
    house: "House",
    acting: Acting,
    customer_id: int,
    reward_id: int,
    *,
    points: int | None = None,
    reason: str,
    form_key: str | None = None,
    now: datetime,
) -> Claim:
    """The reward, claimed for this customer at no cost. `points`: what a VARIABLE_AMOUNT is to be worth.

    The code is made by chance at each try, so what is written down, and what makes a form sent twice count
    once, is all but the code. Raises NotAllowed, Invalid, UnknownCustomer, NotAMember, what else refuses
    a claim; Busy, Late, Unsure.
    """
    require(acting, "rewards.give")
    reason = audit.needed_reason(reason)
    program = await house.programs.get(acting.program_id)
    reward = program.reward(reward_id)
    found = await people.profile(house.database, acting.program_id, customer_id, now=program.time(now))
    customer = found.standing.customer
    if customer.merchant_id is None:
        raise NotAMember(customer=None)
    site_id = program.sites[0].id if len(program.sites) == 1 else None
    asked = {"customer": customer_id, "reward": reward.title, "reward_id": reward_id, "points": points}
    words = {"action": "give reward", "subject": f"customer {customer_id}", "reason": reason}
    entry = await audit.write(
        house.database,
        acting,
        permission="rewards.give",
        after=asked,
        form_key=form_key,
        now=now,
        **words,
    )
    fingerprint = hashlib.sha256(msgspec.json.encode([asked, reason])).digest()
    try:
        return await claims.redeem(
            house.database,
            house.engine,
            acting.program_id,
            reward_id,
            merchant_id=customer.merchant_id,
            points=points,
            site_id=site_id,
            given_by=acting.actor,
            reason=reason,
            identity=Identity(scope=audit.SCOPE, key=str(entry), fingerprint=fingerprint, at=now),
        )
    except Refused as refused:
        await audit.write(
            house.database,
            acting,
            permission="rewards.give",
            after=type(refused).__name__,
            form_key=f"refused {entry}",
            now=now,
            **(words | {"action": "give reward: refused"}),
        )
        raise


async def names_of(database: Database, actors: Iterable[str | None]) -> dict[str, str]:
    """By actor, what those of them who are or were staff are called. Raises Busy."""
    wanted = {actor for actor in actors if actor is not None and actor.startswith(STAFF)}
    found = {}
    async with reading(database) as connection:
        for actor in sorted(wanted):
            number = actor.removeprefix(STAFF)
            person = await staff.get(connection, int(number)) if number.isdigit() else None
            if person is not None:
                found[actor] = person.name
    return found
