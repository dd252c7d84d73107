"""What a shopper does in the panel: redeems points, says when their birthday is."""

import hashlib
from datetime import date

from regulars.app import claims
from regulars.app.house import House
from regulars.app.storefront.panel import standing_of
from regulars.app.storefront.sessions import Session
from regulars.domain.commands import Identity, PatchCustomer
from regulars.domain.errors import IdentityReused, Invalid, NotAMember, UnknownCustomer
from regulars.domain.rewards import Claim

FIRST_YEAR = 1900


class BirthdayKnown(IdentityReused):
    """The birthday has been said before; from then on only the shop changes it."""


async def redeem(
    house: House, session: Session, *, reward_id: int, points: int | None, key: str, request: bytes
) -> Claim:
    """The claimed reward. The same `key` again is answered as the first time; `request` tells wishes apart.

    Raises what `claims.redeem` does, NotAMember in the place of UnknownCustomer.
    """
    identity = Identity(
        scope=f"shopper:{_digest(session.merchant_id)}", key=key, fingerprint=request[:16], at=house.clock()
    )
    try:
        return await claims.redeem(
            house.database,
            house.engine,
            session.program.id,
            reward_id,
            merchant_id=session.merchant_id,
            points=points,
            site_id=session.site.id,
            identity=identity,
        )
    except UnknownCustomer:
        raise NotAMember(customer=session.merchant_id) from None


async def say_birthday(house: House, session: Session, birthday: date) -> None:
    """Notes the birthday, once: the first day that is said stays, whoever says another at the same moment.

    Raises BirthdayKnown, Invalid, NotAMember; Busy, Late, Unsure.
    """
    standing = await standing_of(house, session)
    if standing is None or not standing.customer.is_member:
        raise NotAMember(customer=session.merchant_id)
    known = standing.customer.birthday
    today = session.program.time(house.clock()).date()
    if birthday.year < FIRST_YEAR or birthday > today:
        raise Invalid("birthday", f"must lie between {FIRST_YEAR} and today")
    if known is not None and known != birthday:
        raise BirthdayKnown(key="birthday")
    identity = Identity(
        scope="shopper: birthday",
        key=_digest(session.merchant_id),
        fingerprint=hashlib.sha256(birthday.isoformat().encode()).digest()[:16],
        at=house.clock(),
    )
    command = PatchCustomer(merchant_id=session.merchant_id, birthday=birthday, identity=identity)
    try:
        await house.engine.submit(session.program.id, command)
    except IdentityReused as error:
        raise BirthdayKnown(**error.data) from None


def _digest(merchant_id: str) -> str:
    """Stands for the customer where nothing of the person shall stand."""
    return hashlib.sha256(merchant_id.encode()).hexdigest()[:32]
