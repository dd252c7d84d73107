"""Commands at random: few orders, few customers and few sums, so that everything meets everything.

Most name an order that is known, with sums that fit it; the model says which are there.
"""

from datetime import datetime, timedelta
from random import Random
from typing import TypeAlias

from regulars.domain.commands import (
    AdjustPoints,
    CancelClaim,
    CancelOrder,
    Command,
    CustomerRef,
    ExpireClaim,
    FulfilClaim,
    OrderDetails,
    PatchCustomer,
    PaymentStatus,
    RecordOrder,
    RecordPayment,
    RecordRefund,
    RedeemReward,
    RefundPart,
    RefundStatus,
    UpdateOrder,
)
from regulars.domain.rewards import CodeSource, LimitPeriod, RewardKind
from tests import make
from tests.domain.model import Model

CUSTOMERS = ("alice", "bob")
Names: TypeAlias = tuple[str, ...]
ORDERS: Names = ("A1", "A2", "A3", "A4", "A5", "A6")
STATUSES = ("processing", "completed")
REWARDS = (
    make.reward(id=1, cost=5, valid_days=2, limit_count=2, limit_period=LimitPeriod.DAY),
    make.reward(
        id=2, cost=8, codes=CodeSource.POOL, limit_count=2, limit_period=LimitPeriod.WEEK, low_stock=1
    ),
    make.reward(
        id=3,
        kind=RewardKind.CUSTOM,
        cost=3,
        amount_minor=None,
        codes=CodeSource.NONE,
        stock=4,
        valid_days=7,
    ),
    make.reward(
        id=4,
        kind=RewardKind.VARIABLE_AMOUNT,
        cost=0,
        amount_minor=None,
        per_points=2,
        per_minor=15,
        minimum_points=2,
        step_points=2,
        limit_count=3,
    ),
)
"""One of each way to get a code, to be limited and to run out."""
SPENDING = tuple((returns, back) for returns in ("nothing", "code", "points") for back in (False, True))
_SUMS = (100, 333, 1000, 1599, 2400, 3999)


def order(random: Random, now: datetime, model: Model, names: Names = ORDERS) -> RecordOrder:
    """An order as either door tells it: paid, partly or not at all, now or in the past."""
    shipping, discounts = random.choice((0, 0, 500)), random.choice((0, 0, 0, 1000))
    total = random.choice(_SUMS) + shipping
    lenient = random.random() < 0.4
    fresh = [name for name in names if name not in model.sales] or names
    name = random.choice(fresh if random.random() < 0.9 else names)
    status = PaymentStatus.PAID if lenient else random.choice((PaymentStatus.PAID, *PaymentStatus))
    paid = random.randint(0, total) if status is PaymentStatus.PARTIALLY_PAID else None
    return RecordOrder(
        door="lootly" if lenient else "loyaltylion",
        site_id=1,
        merchant_id=name,
        customer=_customer(random),
        currency="GBP",
        total_minor=total,
        goods_minor=total - shipping,
        shipping_minor=shipping,
        tax_minor=0,
        discounts_minor=discounts,
        payment_status=status,
        paid_minor=max(total - discounts, 0) if lenient else paid,
        status=random.choice(STATUSES) if lenient else None,
        placed_at=random.choice((None, None, now - timedelta(days=random.randint(0, 20)))),
        details=OrderDetails(claimed_reward_ids=_claims_on(name)),
        first_wins=lenient,
    )


def _claims_on(name: str) -> tuple[int, ...]:
    """Which claimed rewards are on an order follows from its name, so that a repeat is one."""
    number = int(name[-1])
    return (number, 2 * number + 1, 3 * number, 7 + number, 19 - number)


def _customer(random: Random) -> CustomerRef:
    if random.random() < 0.1:
        return CustomerRef(email="guest@example.com", guest=True)
    return CustomerRef(merchant_id=random.choice(CUSTOMERS))


def update(random: Random, now: datetime, model: Model, names: Names = ORDERS) -> UpdateOrder:
    """A whole state, not always one that an order can have."""
    name = _known(random, model, names)
    sale = model.sales.get(name)
    total, payable = (sale.total, sale.payable) if sale else (1000, 1000)
    status = random.choice((*[PaymentStatus.PAID] * 4, *PaymentStatus))
    paid = random.choice((total, payable, payable, random.choice(_SUMS)))
    if status is not PaymentStatus.PAID:
        paid = 0 if status is PaymentStatus.NOT_PAID else random.randint(0, total)
    refund = random.choice((*[RefundStatus.PARTIALLY_REFUNDED] * 4, *RefundStatus))
    refunded = random.randint(0, paid)
    if refund is RefundStatus.NOT_REFUNDED and random.random() < 0.9:
        refunded = 0
    return UpdateOrder(
        site_id=1,
        merchant_id=name,
        payment_status=status,
        refund_status=refund,
        cancelled=random.random() < 0.1,
        paid_minor=paid,
        refunded_minor=refunded,
    )


def payment(random: Random, now: datetime, model: Model, names: Names = ORDERS) -> RecordPayment:
    name = _known(random, model, names)
    sale = model.sales.get(name)
    rest = max(sale.payable - sale.paid, 1) if sale else 1000
    amount = random.choice((None, rest, rest, random.randint(1, rest), random.choice(_SUMS)))
    return RecordPayment(site_id=1, merchant_id=name, amount_minor=amount)


def refund(random: Random, now: datetime, model: Model, names: Names = ORDERS) -> RecordRefund:
    """One to three parts, some with ids that came before, or all of it."""
    name = _known(random, model, names)
    sale = model.sales.get(name)
    rest = max(sale.payable - sale.refunded, 1) if sale else 1000
    if random.random() < 0.05:
        return RecordRefund(site_id=1, merchant_id=name, currency="GBP")
    parts = tuple(
        RefundPart(
            random.choice((random.randint(1, rest), random.randint(1, rest // 4 + 1), 100, rest)),
            random.choice((None, None, "R1", "R2")),
        )
        for _ in range(random.choice((1, 1, 1, 2)))
    )
    if sale is not None and sale.parts and random.random() < 0.3:
        parts = (*parts, RefundPart(*random.choice([(amount, id_) for id_, amount in sale.parts.items()])))
    lenient = random.random() < 0.6
    return RecordRefund(site_id=1, merchant_id=name, currency="GBP", parts=parts, lenient=lenient)


def cancel(random: Random, now: datetime, model: Model, names: Names = ORDERS) -> CancelOrder:
    return CancelOrder(site_id=1, merchant_id=_known(random, model, names), waits=random.random() < 0.5)


def adjustment(random: Random, now: datetime, model: Model, names: Names = ORDERS) -> AdjustPoints:
    """A few points, or half or all of what is there: what is refunded after that is owed."""
    name = random.choice(CUSTOMERS)
    there = model.balance(name, now)[1]
    points = random.choice((-there, -(there // 2), -(there // 2), -30, -5, 1, 7, 20)) or 5
    return AdjustPoints(merchant_id=name, points=points, reason=None, actor="Bob")


def block(random: Random, now: datetime, model: Model, names: Names = ORDERS) -> PatchCustomer:
    return PatchCustomer(merchant_id=random.choice(CUSTOMERS), blocked=random.random() < 0.15)


def redemption(random: Random, now: datetime, model: Model, names: Names = ORDERS) -> RedeemReward:
    """Mostly of what can be paid; now and then staff give it."""
    reward = random.choice(REWARDS)
    is_variable, is_custom = reward.kind is RewardKind.VARIABLE_AMOUNT, reward.kind is RewardKind.CUSTOM
    return RedeemReward(
        merchant_id=random.choice(CUSTOMERS),
        reward_id=reward.id if random.random() < 0.98 else 99,
        points=random.choice((2, 4, 6)) if is_variable else None,
        multiplier=random.choice((1, 2)) if is_custom else None,
        spare_code=f"{random.getrandbits(75):X}",
        given_by="Sue" if random.random() < 0.1 else None,
    )


def ending(
    random: Random, now: datetime, model: Model, names: Names = ORDERS
) -> CancelClaim | FulfilClaim | ExpireClaim:
    """Something that ends a claimed reward, or the job that looks whether it has ended."""
    claim_id = random.randint(1, len(model.claims) + 1)
    chosen = random.random()
    if chosen < 0.4:
        return CancelClaim(claim_id=claim_id, actor="Sue")
    return FulfilClaim(claim_id=claim_id, actor="Sue") if chosen < 0.6 else ExpireClaim(claim_id=claim_id)


def _known(random: Random, model: Model, names: Names) -> str:
    """An order that came, for the most part."""
    return random.choice(list(model.sales) if model.sales and random.random() < 0.9 else names)


KINDS = (
    *(order, order, order, update, update, payment, refund, refund, refund, cancel, adjustment, block),
    *(redemption, redemption, redemption, ending, ending),
)


def command(random: Random, now: datetime, model: Model, names: Names = ORDERS) -> Command:
    """One of them; `names` are those of the orders that come now."""
    found: Command = random.choice(KINDS)(random, now, model, names)
    return found
