"""A shopper's session: what a proof is exchanged for, so that a signature crosses the wire once.

It is 256 random bits, stored as a hash, bound to a site and an origin, and over after a quarter of an hour.
"""

import hashlib
import re
import secrets
from datetime import datetime, timedelta
from typing import Final

import msgspec

from regulars.app.house import House
from regulars.app.storefront.proofs import Proof, Proven, Shop, TokenProof, find_shop, prove
from regulars.app.storefront.strict import Unproven
from regulars.app.storefront.switches import Switches, switches_of
from regulars.domain.program import Program, Site
from regulars.storage import storefront_sessions as storage
from regulars.storage import token_keys
from regulars.storage.database import Database
from regulars.storage.reading import reading
from regulars.storage.storefront_sessions import StoredSession

LIFE: Final = timedelta(minutes=15)
FORGOTTEN_AT_ONCE: Final = 5000
USED_TOKENS_KEPT: Final = timedelta(minutes=10)
"""After a token's end; it counts for a minute beyond that, where clocks differ."""

_SHOWN: Final = re.compile(r"([1-9][0-9]{0,17})\.([A-Za-z0-9_-]{43})", re.ASCII)


class Session(msgspec.Struct, frozen=True, kw_only=True):
    """A session that counts. `key`: a name for it that shows nothing of it."""

    key: str
    program: Program
    site: Site
    credential_id: int
    shown: str
    """What the shop's page shows of its credential: an API key or a site's token."""
    is_integration: bool
    merchant_id: str
    origin: str
    method: str
    switches: Switches


async def open_session(
    house: House, shop: Shop, proven: Proven, *, origin: str, now: datetime
) -> tuple[str, Session]:
    """What the shopper shows from here on, and the session. Raises Busy."""
    shown = f"{shop.program.id}.{secrets.token_urlsafe(32)}"
    stored = StoredSession(
        credential_id=shop.credential.credential_id,
        site_id=shop.site.id,
        merchant_id=proven.merchant_id,
        origin=origin,
        method=proven.method,
        started_at=now,
        expires_at=now + LIFE,
    )
    async with reading(house.database) as connection:
        await storage.open_session(connection, shop.program.id, _hash(shown), stored)
    return shown, Session(
        key=_hash(shown).hex()[:32],
        program=shop.program,
        site=shop.site,
        credential_id=shop.credential.credential_id,
        shown=shop.shown,
        is_integration=shop.credential.kind == "lootly",
        merchant_id=proven.merchant_id,
        origin=origin,
        method=proven.method,
        switches=switches_of(shop.credential.settings),
    )


async def find_session(house: House, shown: str, *, now: datetime) -> Session:
    """The session that is shown, at real time `now`. Raises Unproven for one that doesn't count."""
    match = _SHOWN.fullmatch(shown)
    if match is None:
        raise Unproven(why="this has not the form of a session")
    program_id = int(match[1])
    async with reading(house.database) as connection:
        found = await storage.find(connection, program_id, _hash(shown), now)
    if found is None:
        raise Unproven(why="there is no such session")
    switches = switches_of(msgspec.json.decode(found.settings))
    switches.check_method(found.session.method)
    if switches.not_before is not None and found.session.started_at < switches.not_before:
        raise Unproven(why="the session is from before all were ended")
    program = await house.programs.get(program_id)
    kind, _, credential = found.lookup.partition(":")
    return Session(
        key=_hash(shown).hex()[:32],
        program=program,
        site=program.site(found.session.site_id),
        credential_id=found.session.credential_id,
        shown=credential,
        is_integration=kind == "lootly",
        merchant_id=found.session.merchant_id,
        origin=found.session.origin,
        method=found.session.method,
        switches=switches,
    )


async def confirm(
    house: House, session: Session, proof: Proof | None, *, request: bytes, now: datetime
) -> None:
    """Checks the proof that comes with a wish to redeem, or that none is demanded; uses a token up.

    `request` (32 bytes) tells wishes apart: the same one may come again with its token. Raises Unproven.
    """
    if session.switches.token_to_redeem and not isinstance(proof, TokenProof):
        raise Unproven(why="this shop demands a token for redeeming")
    if proof is None:
        return
    where = {"key" if session.is_integration else "site": session.shown}
    shop = await find_shop(house, **where)
    if shop is None:
        raise Unproven(why="the shop's credential has ended")
    proven = await prove(house, shop, proof, now=now)
    if proven.merchant_id != session.merchant_id:
        raise Unproven(why="the proof is of somebody else")
    if proven.jti is None or proven.until is None:
        return
    async with reading(house.database) as connection:
        is_first = await token_keys.use_up(
            connection,
            session.program.id,
            session.credential_id,
            proven.jti,
            used_for=request,
            expires_at=proven.until,
        )
    if not is_first:
        raise Unproven(why="the token was used before")


async def forget_ended(database: Database, *, now: datetime) -> int:
    """Deletes sessions that are over and used tokens that could not count again; answers how many."""
    forgotten = 0
    async with database.acquire() as connection:
        while True:
            deleted = await storage.forget(connection, before=now, most=FORGOTTEN_AT_ONCE)
            deleted += await token_keys.forget_used(
                connection, before=now - USED_TOKENS_KEPT, most=FORGOTTEN_AT_ONCE
            )
            forgotten += deleted
            if deleted < FORGOTTEN_AT_ONCE:
                return forgotten


def _hash(shown: str) -> bytes:
    return hashlib.sha256(shown.encode()).digest()
