"""The widget's calls, one function each: read, do one thing, shape the answer."""

import hashlib
import re
from datetime import date
from typing import Any, Final

import structlog

from regulars.app.house import House
from regulars.app.storefront import panel, wishes
from regulars.app.storefront.proofs import find_shop, prove
from regulars.app.storefront.sessions import LIFE, Session, confirm, find_session, open_session
from regulars.app.storefront.strict import Unproven
from regulars.app.storefront.switches import switches_of
from regulars.app.storefront.widgets import Widgets
from regulars.domain.errors import Invalid
from regulars.doors.storefront.answers import NoSuchShop
from regulars.doors.storefront.guard import Guard
from regulars.doors.storefront.proofs import SHOP, proof_in, shop_named
from regulars.doors.storefront.request import Request
from regulars.doors.storefront.shapes import claim_shape, lines_shape, me_shape, points_shape
from regulars.doors.widget_shapes import program_shape
from regulars.doors.wire import Answer, as_json

log = structlog.get_logger(__name__)

MOST_ID: Final = 2**63 - 1
PUBLIC: Final = (
    (b"content-type", b"application/json"),
    (b"cache-control", b"public, max-age=60"),
)
_DAY: Final = re.compile(r"[0-9]{4}-[0-9]{2}-[0-9]{2}", re.ASCII)


class Calls:
    """What the calls need: the house, how often somebody may try, and what widgets look like."""

    def __init__(self, house: House, guard: Guard, widgets: Widgets) -> None:
        self._house = house
        self._guard = guard
        self._widgets = widgets

    async def program(self, request: Request) -> Answer:
        """GET program?key=: what anybody may read; kept by browsers for a minute."""
        query = request.query()
        shop = await find_shop(self._house, key=query.get("key"), site=query.get("site"))
        if shop is None:
            raise NoSuchShop
        request.about(shop.program)
        widget = await self._widgets.get(shop.program.id)
        shown = await panel.on_offer(self._house, shop.program, shop.site.id)
        body = as_json(program_shape(shop.program, widget, switches_of(shop.credential.settings), shown)).body
        etag = b'"%s"' % hashlib.sha256(body).hexdigest()[:20].encode()
        headers = (*PUBLIC, (b"etag", etag))
        if etag.decode() in request.headers.get("if-none-match", ""):
            return Answer(304, b"", headers)
        return Answer(200, body, headers)

    async def session(self, request: Request) -> Answer:
        """POST session: a proof in exchange for a session, and all that the panel shows."""
        origin, shown = request.origin, ""
        self._guard.before_proof(request.address, shown)
        try:
            members = _members(request)
            named = shop_named(members)
            (shown,) = named.values()
            self._guard.before_proof(request.address, shown)
            proof = proof_in(members)
            shop = await find_shop(self._house, **named)
            if shop is None:
                raise Unproven(why="no shop has this key")
            proven = await prove(self._house, shop, proof, now=self._house.clock())
        except Unproven as error:
            raise self._unproven(request, shown, error) from None
        request.about(shop.program)
        self._guard.opened(f"{shop.program.id} {proven.merchant_id}")
        opened, session = await open_session(
            self._house, shop, proven, origin=origin, now=self._house.clock()
        )
        me = me_shape(await panel.mine(self._house, session))
        return as_json({"session": opened, "expires_in": int(LIFE.total_seconds()), "me": me})

    def _unproven(self, request: Request, shown: str, error: Unproven) -> Unproven:
        """What to raise for a proof that doesn't count, once it is counted and logged."""
        self._guard.failed(request.address, shown)
        log.info("a shopper was not proved", shop=shown[:100], why=error.data.get("why"))
        return Unproven()

    async def me(self, request: Request) -> Answer:
        """GET me."""
        session = await self._enter(request)
        return as_json(me_shape(await panel.mine(self._house, session)))

    async def history(self, request: Request) -> Answer:
        """GET history?before=: a page of lines."""
        session = await self._enter(request)
        before = request.query().get("before")
        if before is not None and not re.fullmatch(r"[1-9][0-9]{0,17}", before, re.ASCII):
            raise Invalid("before", "must be the `next` of an earlier page")
        lines = await panel.more_history(self._house, session, None if before is None else int(before))
        return as_json(lines_shape(lines))

    async def redeem(self, request: Request) -> Answer:
        """POST redeem `{reward_id, points?, proof?}` with an Idempotency-Key: points for a reward."""
        session = await self._enter(request)
        key = request.idempotency_key()
        said = request.fields("reward_id", "points", "proof")
        reward_id = _number(said, "reward_id")
        points = _number(said, "points") if said.get("points") is not None else None
        self._guard.wished(f"{session.program.id} {session.merchant_id}")
        wish = hashlib.sha256(f"{key}\n{reward_id}\n{points}".encode()).digest()
        proof = None if said.get("proof") is None else _proof_of(session, said["proof"])
        await confirm(self._house, session, proof, request=wish, now=self._house.clock())
        claim = await wishes.redeem(
            self._house, session, reward_id=reward_id, points=points, key=key, request=wish
        )
        now = session.program.time(self._house.clock())
        standing, approval = await panel.points_of(self._house, session)
        shown = {"claim": claim_shape(claim, {}, now), "points": points_shape(standing, approval)}
        return as_json(shown, 201)

    async def birthday(self, request: Request) -> Answer:
        """POST birthday `{birthday}`: once."""
        session = await self._enter(request)
        said = request.fields("birthday").get("birthday")
        if not isinstance(said, str) or not _DAY.fullmatch(said):
            raise Invalid("birthday", "must be a day like 1990-05-01")
        try:
            day = date.fromisoformat(said)
        except ValueError:
            raise Invalid("birthday", "must be a day like 1990-05-01") from None
        self._guard.wished(f"{session.program.id} {session.merchant_id}")
        await wishes.say_birthday(self._house, session, day)
        return as_json({"me": me_shape(await panel.mine(self._house, session))})

    async def _enter(self, request: Request) -> Session:
        """The session that the request shows. Raises Unproven, also for a page at another origin."""
        self._guard.before_session(request.address)
        try:
            session = await find_session(self._house, request.session(), now=self._house.clock())
        except Unproven:
            self._guard.lost(request.address)
            raise
        request.program = session.program
        if request.origin != session.origin or not request.allows(session.program):
            raise Unproven(why="the session is another page's")
        self._guard.called(session.key)
        return session


def _members(request: Request) -> dict[str, Any]:
    """The members of a body that should prove something. Raises Unproven for what can't be read."""
    try:
        return request.members()
    except ValueError as error:
        raise Unproven(why=f"the body can't be read: {error}") from None


def _proof_of(session: Session, members: Any) -> Any:
    """The proof within a wish; it may name its shop, which must be the session's. Raises Unproven."""
    if not isinstance(members, dict):
        raise Unproven(why="the proof is no object")
    if named := {name: members[name] for name in SHOP if name in members}:
        own = {"key" if session.is_integration else "site": session.shown}
        if named != own:
            raise Unproven(why="the proof is another shop's")
    return proof_in(members)


def _number(said: dict[str, Any], name: str) -> int:
    value = said.get(name)
    if type(value) is not int or not 0 < value <= MOST_ID:
        raise Invalid(name, "must be a whole number above zero")
    return value
