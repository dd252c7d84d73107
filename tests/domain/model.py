"""What the points must be, written a second time: balances by DESIGN's formula from the orders' states alone,
and lots by replaying the movements. Imports none of the core's arithmetic."""

from collections import defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from fractions import Fraction
from math import floor

from regulars.domain import commands as asked
from regulars.domain.book import Movement
from regulars.domain.rewards import Reward

PENCE = 100
LENGTHS = {"day": timedelta(days=1), "week": timedelta(days=7)}
FIRST = ("total_minor", "discounts_minor", "shipping_minor", "payment_status", "paid_minor", "placed_at")


@dataclass
class Terms:
    """The rule under which an order is recorded, as a merchant would say it."""

    rate: Fraction = Fraction(1)
    approval_days: int = 0
    least: int = 0
    statuses: tuple[str, ...] = ()
    counts_shipping: bool = False


@dataclass
class Claimed:
    """A claimed reward. `order`: where it is used. `points` of it are not back."""

    customer: str
    reward: int
    cost: int
    at: datetime
    expires_at: datetime | None
    is_custom: bool
    state: str = "claimed"
    order: str | None = None
    is_fulfilled: bool = False
    is_back: bool = False

    @property
    def points(self) -> int:
        return 0 if self.is_back else self.cost

    def is_over(self, now: datetime) -> bool:
        open_till = self.expires_at if self.state == "claimed" and not self.is_fulfilled else None
        return self.state == "expired" or (open_till is not None and open_till <= now)


@dataclass
class Sale:
    customer: str
    total: int
    payable: int
    earning: int
    terms: Terms
    status: str | None
    first: object
    paid: int = 0
    is_paid: bool = False
    refunded: int = 0
    is_refunded: bool = False
    cancelled: bool = False
    paid_at: datetime | None = None
    given: int = 0
    parts: dict[str | None, int] = field(default_factory=dict)
    lenient: bool = False
    placed_at: datetime | None = None
    claims: tuple[int, ...] = ()

    @property
    def stands(self) -> bool:
        return self.earns and not self.cancelled and not self.is_refunded

    @property
    def earns(self) -> bool:
        return self.is_paid and self.has_good_status

    @property
    def has_good_status(self) -> bool:
        return not self.terms.statuses or self.status is None or self.status in self.terms.statuses

    @property
    def kept(self) -> int:
        if self.cancelled or self.is_refunded or not self.is_paid:
            return 0
        return self.given - floor(self.given * Fraction(self.refunded, self.payable or 1))


class Model:
    """Accepts or refuses the same commands as the core; `balance` is a sum over what stands."""

    def __init__(self, terms: Terms, join: int = 0, rewards: tuple[Reward, ...] = ()) -> None:
        self.terms, self.join = terms, join
        self.rewards = {reward.id: reward for reward in rewards}
        self.left: dict[int, int] = defaultdict(int)
        """Codes left in each pool."""
        self.claims: dict[int, Claimed] = {}
        self.refund_returns, self.expired_returns = "nothing", False
        self.members: dict[str, bool] = {}
        """Who joined, and whether they are blocked."""
        self.gifts: dict[str, int] = defaultdict(int)
        self.sales: dict[str, Sale] = {}
        self.waiting: dict[str, list[tuple[str | None, int] | None]] = defaultdict(list)
        self.merged: dict[str, str] = {}
        """Who was merged, and whom their name means now."""
        self.names: dict[int, str] = {}
        """Customers by the core's numbers."""

    def meant(self, name: str) -> str:
        return self.merged.get(name, name)

    def balance(self, customer: str, now: datetime) -> tuple[int, int]:
        """Pending and available at `now`, approvals that are due included."""
        customer = self.meant(customer)
        pending = available = 0
        for sale in self.sales.values():
            if sale.customer == customer and sale.given:
                assert sale.paid_at is not None
                if sale.paid_at + timedelta(days=sale.terms.approval_days) > now:
                    pending += sale.kept
                else:
                    available += sale.kept
        return pending, available + self.gifts[customer] - self.spent(customer)

    def spent(self, customer: str) -> int:
        return sum(claim.points for claim in self.claims.values() if claim.customer == self.meant(customer))

    def accepts(self, command: asked.Command, now: datetime) -> bool:
        """Takes the command in; False: it has to be refused and nothing changed."""
        match command:
            case asked.RecordOrder():
                return self._record(command, now)
            case asked.AdjustPoints():
                return self._adjust(command, now)
            case asked.PatchCustomer():
                if (name := self.meant(command.merchant_id)) not in self.members:
                    return False
                self.members[name] = bool(command.blocked)
                return True
            case asked.MergeCustomers():
                return self._merge(self.names[command.customer_id], self.names[command.into_id])
            case asked.Settle():
                return True
            case asked.RedeemReward():
                return self._redeem(command, now)
            case asked.CancelClaim() | asked.FulfilClaim() | asked.ExpireClaim():
                claim = self.claims.get(command.claim_id)
                return claim is not None and self._ends(claim, command, now)
        sale = self.sales.get(command.merchant_id)  # type: ignore[attr-defined]
        if sale is None:
            return self._comes_first(command)
        stood, held = sale.stands, _holds(sale)
        accepted = self._happens(sale, command)
        if accepted:
            self._earn(sale, stood, now)
            self._follow(command.merchant_id, sale, held, now)  # type: ignore[attr-defined]
        return accepted

    def _record(self, command: asked.RecordOrder, now: datetime) -> bool:
        first = (*(getattr(command, name) for name in FIRST), command.customer.merchant_id)
        if (sale := self.sales.get(command.merchant_id)) is not None:
            stood = sale.stands
            if not command.first_wins and (sale.lenient or first != sale.first):
                return False
            if not sale.has_good_status and command.status is not None:
                sale.status = command.status
                self._earn(sale, stood, now)
            return True
        payable = max(command.total_minor - command.discounts_minor, 0)
        if _is_wrong(command.payment_status, command.paid_minor, command.total_minor, payable):
            return False
        name = self.meant(command.customer.merchant_id or "a guest")
        if name != "a guest" and name not in self.members:
            self.members[name] = False
            self.gifts[name] += self.join
        counted = command.goods_minor + (command.shipping_minor if self.terms.counts_shipping else 0)
        earning = max(counted - command.discounts_minor, 0)
        sale = Sale(name, command.total_minor, payable, earning, self.terms, command.status, first)
        sale.lenient = command.first_wins
        self._pays(sale, command.payment_status, command.paid_minor)
        for early in self.waiting.pop(command.merchant_id, ()):
            if early is None:
                sale.cancelled = True
            else:
                self._refunds(sale, [early], most=payable)
        self.sales[command.merchant_id] = sale
        sale.placed_at = min(command.placed_at or now, now)
        sale.claims = command.details.claimed_reward_ids
        self._earn(sale, False, sale.placed_at)
        self._follow(command.merchant_id, sale, False, now)
        return True

    def _redeem(self, command: asked.RedeemReward, now: datetime) -> bool:
        name, reward = self.meant(command.merchant_id or ""), self.rewards.get(command.reward_id)
        if reward is None or self.members.get(name, True):
            return False
        cost = (command.points or reward.minimum_points or reward.cost) * (command.multiplier or 1)
        counted = [claim for claim in self.claims.values() if claim.reward == reward.id]
        counted = [claim for claim in counted if claim.state != "cancelled"]
        lately = now - LENGTHS.get(str(reward.limit_period), timedelta(days=9999))
        his = sum(claim.customer == name and claim.at > lately for claim in counted)
        if (reward.limit_count is not None and his >= reward.limit_count) or (
            reward.stock is not None and len(counted) >= reward.stock
        ):
            return False
        is_pool = reward.codes == "pool"
        if (is_pool and not self.left[reward.id]) or (
            command.given_by is None and cost > self.balance(name, now)[1]
        ):
            return False
        self.left[reward.id] -= is_pool
        ends = now + timedelta(days=reward.valid_days) if reward.valid_days else None
        paid = 0 if command.given_by else cost
        self.claims[len(self.claims) + 1] = Claimed(name, reward.id, paid, now, ends, reward.kind == "custom")
        return True

    def _ends(self, claim: Claimed, command: asked.Command, now: datetime) -> bool:
        """Cancelled, fulfilled or expired; the last is a job's, which may come for nothing."""
        match command:
            case asked.CancelClaim():
                if claim.state != "claimed" or claim.is_over(now) or claim.is_fulfilled:
                    return False
                claim.state, claim.is_back = "cancelled", True
            case asked.FulfilClaim():
                may = claim.state in ("claimed", "used") and not claim.is_over(now)
                if not claim.is_custom or not (may or claim.is_fulfilled):
                    return False
                claim.is_fulfilled = True
            case asked.ExpireClaim():
                if claim.state == "claimed" and claim.is_over(now):
                    claim.state, claim.is_back = "expired", self.expired_returns and claim.cost > 0
        return True

    def _follow(self, name: str, sale: Sale, held: bool, now: datetime) -> None:
        """Claims on an order are used with it, and come back when it is undone."""
        if _holds(sale) == held:
            return
        for claim in [self.claims[number] for number in sale.claims if number in self.claims]:
            if held and claim.order == name and self.refund_returns != "nothing":
                claim.order, claim.state = None, "claimed"
                if self.refund_returns == "points" and claim.customer == sale.customer:
                    claim.state, claim.is_back = "cancelled", True
            elif not held and claim.is_over(now):
                kept = not claim.is_back if claim.state == "expired" else not self.expired_returns
                assert sale.placed_at is not None and claim.expires_at is not None
                if (kept or not claim.cost) and sale.placed_at < claim.expires_at:
                    claim.order, claim.state = name, "used"
            elif not held and claim.state == "claimed":
                claim.order, claim.state = name, "used"

    def _pays(self, sale: Sale, status: asked.PaymentStatus, paid: int | None) -> None:
        if status == "paid":
            sale.is_paid, sale.paid = True, sale.total if paid is None else paid
        else:
            sale.paid = paid or 0
            sale.is_paid = status == "partially_paid" and sale.paid >= sale.payable > 0

    def _refunds(self, sale: Sale, parts: Iterable[tuple[str | None, int]], most: int) -> None:
        for name, amount in parts:
            sale.refunded = min(sale.refunded + amount, max(sale.refunded, most), sale.paid)
            if name is not None:
                sale.parts[name] = amount
        sale.is_refunded = sale.is_refunded or sale.refunded >= max(sale.payable, 1)

    def _happens(self, sale: Sale, command: asked.Command) -> bool:
        match command:
            case asked.CancelOrder():
                sale.cancelled = True
            case asked.RecordPayment():
                paid = sale.payable if command.amount_minor is None else sale.paid + command.amount_minor
                if paid > sale.total:
                    return False
                sale.paid = max(paid, sale.paid)
                sale.is_paid = sale.is_paid or command.amount_minor is None or sale.paid >= sale.payable
            case asked.RecordRefund(parts=()):
                sale.is_refunded, sale.refunded = True, sale.paid
            case asked.RecordRefund():
                fresh = _fresh(sale.parts, command.parts)
                if fresh is None:
                    return False
                most = sale.payable if command.lenient else sale.paid
                if fresh and not command.lenient and sale.refunded + sum(a for _, a in fresh) > most:
                    return False
                self._refunds(sale, fresh, most)
            case asked.UpdateOrder(paid_minor=paid, refunded_minor=refunded):
                whole = {"not_refunded": 0, "partially_refunded": paid}.get(command.refund_status, refunded)
                if _is_wrong(command.payment_status, paid, sale.total, sale.payable) or refunded > whole:
                    return False
                self._pays(sale, command.payment_status, paid)
                sale.cancelled, sale.refunded = command.cancelled, min(refunded, paid)
                sale.is_refunded = command.refund_status == "refunded" or refunded >= max(sale.payable, 1)
        return True

    def _comes_first(self, command: asked.Command) -> bool:
        """Lootly's refunds and cancels wait for their order; what else names an unknown one is refused."""
        match command:
            case asked.CancelOrder(waits=True):
                self.waiting[command.merchant_id].append(None)
                return True
            case asked.RecordRefund(lenient=True):
                waiting = self.waiting[command.merchant_id]
                fresh = _fresh(dict(early for early in waiting if early is not None), command.parts)
                waiting.extend(fresh or ())
                return fresh is not None
        return False

    def _earn(self, sale: Sale, stood: bool, at: datetime) -> None:
        """Points once, at the moment when the order first stands paid, if its customer may earn then."""
        if sale.given:
            return
        if not sale.earns:
            sale.paid_at = None
            return
        sale.paid_at = sale.paid_at or at
        may_earn = sale.customer in self.members and not self.members[sale.customer]
        if sale.stands and not stood and may_earn and sale.payable >= sale.terms.least:
            sale.given = floor(sale.earning * sale.terms.rate / PENCE)

    def _merge(self, gone: str, into: str) -> bool:
        """All that is the one's is the other's, and the one's name means the other."""
        if gone != into and self.merged.get(gone) == into:
            return True  # once more
        less_known = (gone in self.members and into not in self.members) or "a guest" == into != gone
        if gone == into or gone in self.merged or into in self.merged or less_known:
            return False
        for thing in (*self.sales.values(), *self.claims.values()):
            if thing.customer == gone:
                thing.customer = into
        self.gifts[into] += self.gifts.pop(gone, 0)
        if gone in self.members:
            self.members[into] = self.members[gone] or self.members[into]
        for name in [gone, *(name for name, meant in self.merged.items() if meant == gone)]:
            self.merged[name] = into
        return True

    def _adjust(self, command: asked.AdjustPoints, now: datetime) -> bool:
        name = self.meant(command.merchant_id)
        if name not in self.members or (command.points > 0 and self.members[name]):
            return False
        if command.points < 0 and -command.points > self.balance(name, now)[1]:
            return False
        self.gifts[name] += command.points
        return True


def _holds(sale: Sale) -> bool:
    return not sale.cancelled and not sale.is_refunded


def _is_wrong(status: asked.PaymentStatus, paid: int | None, total: int, payable: int) -> bool:
    if status == "paid":
        return paid is not None and paid not in (total, payable)
    return paid is None or paid > total if status == "partially_paid" else bool(paid)


def _fresh(
    known: dict[str | None, int], parts: Iterable[asked.RefundPart]
) -> list[tuple[str | None, int]] | None:
    """The parts that were not known; None when one was, with another amount. Without an id, always fresh."""
    fresh: list[tuple[str | None, int]] = []
    for part in parts:
        before = {**known, **dict(fresh)}.get(part.id) if part.id is not None else None
        if before is not None and before != part.amount_minor:
            return None
        if before is None:
            fresh.append((part.id, part.amount_minor))
    return fresh


class Lots:
    """One account's lots and debts, replayed from its movements and nothing else."""

    def __init__(self) -> None:
        self.left: dict[int, int] = {}
        self.waits: dict[int, bool] = {}
        self.age: dict[int, datetime] = {}
        self.of_order: dict[int, int] = {}
        self.drawn: dict[int, dict[int, int]] = {}
        self.debts: dict[int, int] = {}

    def replay(self, movement: Movement) -> None:
        points, lot = movement.points, movement.lot_id
        match movement.from_bucket, movement.to_bucket:
            case "issued", to:
                assert lot is not None
                self.left[lot], self.waits[lot] = points, to == "pending"
                self.age[lot] = movement.effective_at
                if movement.order_id is not None:
                    self.of_order[movement.order_id] = lot
            case "pending", "available":
                assert lot is not None and self.left[lot] == points
                self.waits[lot] = False
            case "pending", "reversed":
                assert movement.order_id is not None
                self._draw(movement.id, points, [self.of_order[movement.order_id]])
            case "available", _:
                own = self.of_order.get(movement.order_id or 0)
                others = sorted(self._open(), key=lambda lot: (lot != own, self.age[lot], lot))
                self._draw(movement.id, points, others)
            case "reversed" | "redeemed", to:
                self._undo(movement.undoes_id or 0, points, waits=to == "pending")
        self._pay_debts()

    def take_over(self, other: "Lots") -> None:
        """Two accounts have become one."""
        for mine, theirs in zip(vars(self).values(), vars(other).values(), strict=True):
            mine.update(theirs)
        self._pay_debts()

    def _open(self) -> list[int]:
        return [lot for lot, left in self.left.items() if left and not self.waits[lot]]

    def _draw(self, movement_id: int, points: int, lots: Iterable[int]) -> None:
        drawn = self.drawn.setdefault(movement_id, {})
        for lot in lots:
            if used := min(points, self.left[lot]):
                self.left[lot] -= used
                points -= used
                drawn[lot] = used
        if points:
            self.debts[movement_id] = points

    def _undo(self, movement_id: int, points: int, *, waits: bool) -> None:
        forgiven = min(points, self.debts.get(movement_id, 0))
        if forgiven:
            self.debts[movement_id] -= forgiven
            points -= forgiven
        drawn = self.drawn[movement_id]
        for lot in reversed(drawn):
            if back := min(points, drawn[lot]):
                drawn[lot] -= back
                points -= back
                self.left[lot] += back
                self.waits[lot] = waits
        assert points == 0

    def _pay_debts(self) -> None:
        for movement_id in sorted(self.debts):
            for lot in sorted(self._open(), key=lambda lot: (self.age[lot], lot)):
                used = min(self.debts[movement_id], self.left[lot])
                if used:
                    self.left[lot] -= used
                    self.debts[movement_id] -= used
                    self.drawn[movement_id][lot] = self.drawn[movement_id].get(lot, 0) + used
            if not self.debts[movement_id]:
                del self.debts[movement_id]
