"""A customer's points, what they can have for them, and what they have claimed."""

from regulars.app import claims
from regulars.app.claimed import orders_of
from regulars.app.listings import Standing, find_customer
from regulars.domain import rewards as domain
from regulars.domain.errors import Refused, UnknownClaim
from regulars.domain.rewards import ClaimState
from regulars.doors.api.errors import code_of, facts, sentence
from regulars.doors.api.request import Call
from regulars.doors.api.rewards import shown as shown_reward
from regulars.doors.api.shapes.claims import (
    Cancelling,
    Claim,
    ClaimList,
    ClaimQuery,
    Gift,
    OneClaim,
    Redemption,
)
from regulars.doors.api.shapes.customers import (
    Balance,
    Customer,
    Obstacle,
    Offer,
    OfferList,
    OffersQuery,
    OneCustomer,
)
from regulars.doors.wire import Answer, as_json


async def show_customer(call: Call) -> Answer:
    """GET /api/v1/customers/{merchant_id}."""
    by = await _standing(call)
    customer = by.customer
    return as_json(
        OneCustomer(
            customer=Customer(
                merchant_id=customer.merchant_id or call.path["merchant_id"],
                email=customer.email,
                first_name=customer.first_name,
                last_name=customer.last_name,
                birthday=customer.birthday,
                member=customer.is_member,
                member_since=customer.member_since,
                blocked=customer.blocked,
                points=_points(by),
            )
        )
    )


async def list_offers(call: Call) -> Answer:
    """GET /api/v1/customers/{merchant_id}/rewards: every enabled reward, with what stands in the way."""
    query = call.query(OffersQuery)
    site_id = query.site_id or None
    if site_id is not None:
        call.program.site(site_id)
    by = await _standing(call)
    found = await claims.offers(
        call.house.database,
        call.program,
        by.customer,
        available=by.account.available,
        site_id=site_id,
        now=call.now,
    )
    return as_json(OfferList(offers=[_offer(one) for one in found], points=_points(by)))


async def list_claims(call: Call) -> Answer:
    """GET /api/v1/customers/{merchant_id}/claims."""
    query = call.query(ClaimQuery)
    by = await _standing(call)
    found = await claims.claims_of(
        call.house.database,
        call.program.id,
        by.customer.id,
        before=query.before or None,
        most=query.limit + 1,
    )
    page = found[: query.limit]
    more = page[-1].id if len(found) > query.limit else None
    return as_json(ClaimList(claims=await _shown(call, page), next=more))


async def redeem(call: Call) -> Answer:
    """POST /api/v1/customers/{merchant_id}/claims."""
    said = call.json(Redemption)
    made = await claims.redeem(
        call.house.database,
        call.house.engine,
        call.program.id,
        said.reward_id,
        merchant_id=call.path["merchant_id"],
        points=said.points,
        multiplier=said.multiplier,
        site_id=said.site_id,
        identity=call.identity(),
    )
    return await _one(call, made, status=201)


async def give(call: Call) -> Answer:
    """POST /api/v1/customers/{merchant_id}/gifts: a reward for no points, in the key's name."""
    said = call.json(Gift)
    made = await claims.redeem(
        call.house.database,
        call.house.engine,
        call.program.id,
        said.reward_id,
        merchant_id=call.path["merchant_id"],
        points=said.points,
        multiplier=said.multiplier,
        site_id=said.site_id,
        given_by=call.actor,
        reason=said.reason,
        identity=call.identity(),
    )
    return await _one(call, made, status=201)


async def show_claim(call: Call) -> Answer:
    """GET /api/v1/customers/{merchant_id}/claims/{claim_id}."""
    return await _one(call, await _claim(call))


async def cancel(call: Call) -> Answer:
    """POST /api/v1/customers/{merchant_id}/claims/{claim_id}/cancel."""
    said = call.json(Cancelling)
    claim = await claims.cancel(
        call.house.database,
        call.house.engine,
        call.program.id,
        call.number("claim_id"),
        actor=call.actor,
        merchant_id=call.path["merchant_id"],
        reason=said.reason,
        identity=call.identity(),
    )
    return await _one(call, claim)


async def fulfil(call: Call) -> Answer:
    """POST /api/v1/customers/{merchant_id}/claims/{claim_id}/fulfil."""
    claim = await _claim(call)
    done = await claims.fulfil(
        call.house.database, call.house.engine, call.program.id, claim.id, actor=call.actor
    )
    return await _one(call, done)


async def _standing(call: Call) -> Standing:
    merchant_id = call.path["merchant_id"]
    return await find_customer(call.house.database, call.program.id, merchant_id, now=call.now)


async def _claim(call: Call) -> domain.Claim:
    """The path's claimed reward, if it is the path's customer's. Raises UnknownClaim, UnknownCustomer."""
    by = await _standing(call)
    claim = await claims.claim(call.house.database, call.program.id, call.number("claim_id"))
    if claim.customer_id != by.customer.id:
        raise UnknownClaim(claim=claim.id)
    return claim


async def _one(call: Call, claim: domain.Claim, *, status: int = 200) -> Answer:
    by = await _standing(call)
    (shown,) = await _shown(call, [claim])
    return as_json(OneClaim(claim=shown, points=_points(by)), status)


async def _shown(call: Call, found: list[domain.Claim]) -> list[Claim]:
    orders = await orders_of(call.house.database, call.program.id, found)
    return [
        Claim(
            id=claim.id,
            reward_id=claim.reward_id,
            kind=claim.kind,
            title=claim.title,
            cost=claim.cost,
            currency=claim.currency,
            amount_minor=claim.amount_minor,
            percent=claim.percent,
            max_shipping_minor=claim.max_shipping_minor,
            product=claim.product,
            minimum_order_minor=claim.minimum_order_minor,
            instructions=claim.instructions,
            code=claim.code,
            state=ClaimState.EXPIRED if claim.has_expired(call.now) else claim.state,
            claimed_at=claim.claimed_at,
            expires_at=claim.expires_at,
            used_at=claim.used_at,
            order=orders.get(claim.id),
            fulfilled_at=claim.fulfilled_at,
        )
        for claim in found
    ]


def _points(by: Standing) -> Balance:
    account = by.account
    return Balance(available=account.available, pending=account.pending, spent=account.spent)


def _offer(offer: claims.Offer) -> Offer:
    return Offer(
        reward=shown_reward(offer.reward, offer.stock),
        cost=offer.cost,
        can=offer.refusal is None,
        obstacle=None if offer.refusal is None else _obstacle(offer.refusal),
    )


def _obstacle(refusal: Refused) -> Obstacle:
    return Obstacle(code=code_of(refusal), message=sentence(refusal), details=facts(refusal))
