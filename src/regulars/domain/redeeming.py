"""Decisions on claimed rewards: redeem, cancel, fulfil, expire; and what orders do to the codes on them."""

from datetime import datetime, timedelta

import msgspec

from regulars.domain.book import Cause
from regulars.domain.case import Case
from regulars.domain.commands import CancelClaim, ExpireClaim, FulfilClaim, RedeemReward
from regulars.domain.customers import Customer, email_key
from regulars.domain.decisions import Outcome
from regulars.domain.errors import ClaimClosed, Invalid, OutOfStock, UnknownClaim, UnknownCustomer
from regulars.domain.orders import Order
from regulars.domain.rewards import (
    Claim,
    ClaimState,
    Code,
    CodeSource,
    CodeState,
    Reward,
    RewardKind,
    Stock,
    amount_of,
    code_key,
    cost_of,
    refusal,
)


def redeem_reward(case: Case, command: RedeemReward) -> Outcome:
    """Takes the points and hands out the code, or refuses with what stands in the way."""
    reward = case.program.reward(command.reward_id)
    customer = _customer(case, command)
    if command.site_id is not None:
        case.program.site(command.site_id)
    price = cost_of(reward, points=command.points, multiplier=command.multiplier)
    cost = 0 if command.given_by is not None else price
    stock = case.page.stocks.get(reward.id, Stock(reward_id=reward.id))
    refused = refusal(
        reward,
        customer,
        stock,
        case.page.claim_times.get((customer.id, reward.id), ()),
        cost=cost,
        available=case.points().available,
        site_id=command.site_id,
        now=case.now,
    )
    if refused is not None:
        raise refused
    case.actor = command.given_by
    claim_id = case.ids.next("claim")
    code = _code(case, reward, claim_id, command.spare_code)
    movement = case.points().redeem(cost, claim_id) if cost else None
    expires_at = _expiry(reward, case.now)
    case.put_claim(
        Claim(
            id=claim_id,
            reward_id=reward.id,
            customer_id=customer.id,
            site_id=command.site_id,
            kind=reward.kind,
            title=reward.title,
            cost=cost,
            currency=case.program.currency,
            amount_minor=amount_of(reward, price),
            percent=reward.percent,
            max_shipping_minor=reward.max_shipping_minor,
            product=reward.product,
            minimum_order_minor=reward.minimum_order_minor,
            instructions=reward.instructions,
            code=code.code if code is not None else None,
            code_key=code.key if code is not None else None,
            state=ClaimState.CLAIMED,
            claimed_at=case.now,
            expires_at=expires_at,
            used_at=None,
            order_id=None,
            fulfilled_at=None,
            movement_id=movement.id if movement is not None else None,
            returned_id=None,
            decision_id=case.decision_id,
            updated_at=case.now,
        )
    )
    _count(case, reward.id, claimed=1)
    if command.given_by is not None:
        case.say("reward given", title=reward.title, actor=command.given_by, reason=command.reason)
    else:
        case.say("redeemed", points=cost, title=reward.title)
    if code is not None:
        case.say("code handed out", source=code.source, expires=expires_at)
    _announce(case, "reward.claimed", case.claims[claim_id])
    _tell_stock(case, reward, stock)
    return Outcome.DONE


def cancel_claim(case: Case, command: CancelClaim) -> Outcome:
    """Gives the points of a claimed reward back and makes its code void, once."""
    claim = _claim(case, command.claim_id)
    if command.merchant_id is not None and case.page.customer(command.merchant_id) is not case.customer:
        raise UnknownClaim(claim=command.claim_id)
    if claim.state is not ClaimState.CLAIMED:
        raise ClaimClosed(claim=claim.id, state=claim.state)
    if claim.fulfilled_at is not None:
        raise ClaimClosed(claim=claim.id, state="fulfilled")
    if claim.has_expired(case.now):  # whether its job has come yet makes no difference
        raise ClaimClosed(claim=claim.id, state=ClaimState.EXPIRED)
    case.actor = command.actor
    points = _undo(case, claim, ClaimState.CANCELLED, Cause.CLAIM_CANCELLED)
    case.say("claim cancelled", title=claim.title, points=points, actor=command.actor, reason=command.reason)
    return Outcome.DONE


def fulfil_claim(case: Case, command: FulfilClaim) -> Outcome:
    """Notes that a custom reward was fulfilled, once."""
    claim = _claim(case, command.claim_id)
    if claim.kind is not RewardKind.CUSTOM:
        raise Invalid("claim", "is not a custom reward, so there is nothing to fulfil")
    if claim.fulfilled_at is not None:
        return Outcome.UNCHANGED
    if claim.state is ClaimState.CANCELLED or claim.has_expired(case.now):
        state = ClaimState.EXPIRED if claim.state is ClaimState.CLAIMED else claim.state
        raise ClaimClosed(claim=claim.id, state=state)
    case.actor = command.actor
    case.put_claim(msgspec.structs.replace(claim, fulfilled_at=case.now, updated_at=case.now))
    case.say("claim fulfilled", title=claim.title, actor=command.actor)
    _announce(case, "reward.fulfilled", case.claims[claim.id])
    return Outcome.DONE


def expire_claim(case: Case, command: ExpireClaim) -> Outcome:
    """Ends a claimed reward whose time is over; its points come back where the program says so."""
    claim = _claim(case, command.claim_id)
    if claim.state is not ClaimState.CLAIMED or not claim.has_expired(case.now):
        return Outcome.UNCHANGED
    returns = case.program.spending.expired_returns_points
    points = _undo(case, claim, ClaimState.EXPIRED, Cause.CLAIM_EXPIRED if returns else None)
    case.say("claim expired", title=claim.title, points=points, on=claim.expires_at)
    return Outcome.DONE


def follow_codes(case: Case, before: Order | None, after: Order) -> None:
    """Codes and claimed rewards that were on the order become used with it, and come back when it is undone.

    An order stands unless it is cancelled or wholly refunded; what comes back then is the program's choice.
    """
    if not after.details.codes and not after.details.claimed_reward_ids:
        return
    stood, stands = before is not None and _stands(before), _stands(after)
    if stands == stood:
        return
    for claim in _on_order(case, after):
        if stands:
            _use(case, claim, after)
        elif claim.state is ClaimState.USED and claim.order_id == after.id:
            _return(case, claim, after)


def _stands(order: Order) -> bool:
    return not order.cancelled and not order.wholly_refunded


def _on_order(case: Case, order: Order) -> list[Claim]:
    found = {}
    for used in order.details.codes:
        claim_id = case.page.claims_by_code.get(code_key(used.code))
        if claim_id is not None:
            found[claim_id] = case.page.claims[claim_id]
    for claim_id in order.details.claimed_reward_ids:
        if claim_id in case.page.claims:
            found[claim_id] = case.page.claims[claim_id]
    return list(found.values())


def _use(case: Case, claim: Claim, order: Order) -> None:
    if claim.state is ClaimState.USED and claim.order_id == order.id:
        return  # it had not come back
    has_expired = claim.has_expired(case.now)
    if not (_counts_late(case, claim, order) if has_expired else claim.state is ClaimState.CLAIMED):
        state = ClaimState.EXPIRED if has_expired else claim.state
        case.say("code not used", title=claim.title, state=state)
        return
    case.put_claim(
        msgspec.structs.replace(
            claim, state=ClaimState.USED, used_at=case.now, order_id=order.id, updated_at=case.now
        )
    )
    if claim.code_key is not None and claim.state is ClaimState.EXPIRED:
        _count(case, claim.reward_id, codes_handed=1, codes_void=-1)
        case.code_states[claim.code_key] = CodeState.HANDED
    case.say("code used", title=claim.title, of_other=claim.customer_id != order.customer_id)
    _announce(case, "reward.used", case.claims[claim.id])


def _counts_late(case: Case, claim: Claim, order: Order) -> bool:
    """A shop that took a code knows better than our clock: it counts if it was valid when the order was
    placed, unless its points have come back. Whether the job has noted the expiry yet makes no difference."""
    returns = case.program.spending.expired_returns_points and claim.movement_id is not None
    is_returned = claim.returned_id is not None if claim.state is ClaimState.EXPIRED else returns
    assert claim.expires_at is not None
    return not is_returned and order.placed_at < claim.expires_at


def _return(case: Case, claim: Claim, order: Order) -> None:
    returns = case.program.spending.refund_returns
    if returns == "nothing":
        case.say("code stays used", title=claim.title)
        return
    if returns == "points" and claim.customer_id == order.customer_id:
        points = _undo(case, claim, ClaimState.CANCELLED, Cause.CLAIM_CANCELLED)
        case.say("points of the code returned", title=claim.title, points=points)
        return
    back = msgspec.structs.replace(
        claim, state=ClaimState.CLAIMED, used_at=None, order_id=None, updated_at=case.now
    )
    case.put_claim(back)
    case.say("code returned", title=claim.title)
    _announce(case, "reward.code_returned", back)


def _undo(case: Case, claim: Claim, state: ClaimState, cause: Cause | None) -> int:
    """Ends the claim in that state, its code void. Answers the points that came back, with a cause."""
    returned = None
    if claim.movement_id is not None and cause is not None:
        returned = case.points().give_back(case.page.redemptions[claim.id], cause, claim.id)
    case.put_claim(
        msgspec.structs.replace(
            claim,
            state=state,
            used_at=None,
            order_id=None,
            returned_id=returned.id if returned is not None else None,
            updated_at=case.now,
        )
    )
    if state is ClaimState.CANCELLED:
        _count(case, claim.reward_id, claimed=-1)
    if claim.code_key is not None:
        _count(case, claim.reward_id, codes_handed=-1, codes_void=1)
        case.code_states[claim.code_key] = CodeState.VOID
    _announce(case, f"reward.{state}", case.claims[claim.id])
    return returned.points if returned is not None else 0


def _customer(case: Case, command: RedeemReward) -> Customer:
    if command.merchant_id is not None:
        customer = case.page.customer(command.merchant_id)
    else:
        key = email_key(command.email)
        customer = case.page.oldest_member(key) if key is not None else None
    if customer is None:
        raise UnknownCustomer(customer=command.merchant_id or command.email)
    case.use_customer(customer)
    return customer


def _claim(case: Case, claim_id: int) -> Claim:
    claim = case.page.claims.get(claim_id)
    if claim is None:
        raise UnknownClaim(claim=claim_id)
    case.use_customer(case.page.customers[claim.customer_id])
    return claim


def _code(case: Case, reward: Reward, claim_id: int, spare_code: str) -> Code | None:
    """The next code of the pool, or one made of `spare_code`; None where none is needed."""
    if reward.codes is CodeSource.NONE:
        return None
    if reward.codes is CodeSource.POOL:
        free = case.page.free_codes.get(reward.id)
        if not free:
            raise OutOfStock(reward=reward.id)
        code = msgspec.structs.replace(free[0], state=CodeState.HANDED, claim_id=claim_id)
        _count(case, reward.id, codes_free=-1, codes_handed=1)
    else:
        text = f"{reward.prefix.upper()}-{spare_code}" if reward.prefix else spare_code
        code = Code(
            key=code_key(text),
            code=text,
            reward_id=reward.id,
            source=CodeSource.GENERATED,
            state=CodeState.HANDED,
            slot=0.0,
            claim_id=claim_id,
        )
        _count(case, reward.id, codes_generated=1, codes_handed=1)
    case.codes.append(code)
    return code


def _count(case: Case, reward_id: int, **changes: int) -> None:
    stock = case.stocks.get(reward_id) or case.page.stocks[reward_id]
    after = {name: getattr(stock, name) + change for name, change in changes.items()}
    case.stocks[reward_id] = msgspec.structs.replace(stock, **after)


def _expiry(reward: Reward, now: datetime) -> datetime | None:
    return now + timedelta(days=reward.valid_days) if reward.valid_days is not None else None


def _tell_stock(case: Case, reward: Reward, before: Stock) -> None:
    """One event when a pool falls to its threshold, and one when it is empty."""
    if reward.codes is not CodeSource.POOL:
        return
    left = case.stocks[reward.id].codes_free
    if left == 0:
        case.announce("codes.out", reward=reward.id, title=reward.title)
    elif left <= reward.low_stock < before.codes_free:
        case.announce("codes.low", reward=reward.id, title=reward.title, left=left)


def _announce(case: Case, kind: str, claim: Claim) -> None:
    """What a shop's "redeem reward" webhook needs stands in the event."""
    owner = case.page.customers[claim.customer_id]  # not always who ordered
    case.announce(
        kind,
        claim=claim.id,
        reward={
            "id": claim.reward_id,
            "name": claim.title,
            "type": claim.kind,
            "amount_minor": claim.amount_minor,
            "percent": claim.percent,
            "currency": claim.currency,
        },
        points_spent=claim.cost,
        coupon_code=claim.code,
        customer=owner.merchant_id,
    )
