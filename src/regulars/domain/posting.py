"""Makes the movements of one decision on one account; lots, deficits and balances keep step with them."""

from datetime import datetime

import msgspec

from regulars.domain.book import (
    MAX_POINTS,
    PAIRS,
    Account,
    Bucket,
    Cause,
    Counters,
    Deficit,
    Lot,
    LotUse,
    Movement,
    Taking,
)
from regulars.domain.errors import Invalid


class Posting:
    """The movements that one decision makes on one account; `account()` is the account after them."""

    def __init__(self, account: Account, ids: Counters, decision_id: int, now: datetime) -> None:
        self._ids = ids
        self._decision_id = decision_id
        self._now = now
        self._account = account
        self.pending = account.pending
        self.available = account.available
        self.spent = account.spent
        self.lots: dict[int, Lot] = {lot.id: lot for lot in account.lots}
        self.deficits: dict[int, int] = {hole.movement_id: hole.points for hole in account.deficits}
        self.touched: dict[int, Lot] = {}
        self.movements: list[Movement] = []
        self.uses: list[LotUse] = []

    def grant(
        self,
        points: int,
        cause: Cause,
        *,
        order_id: int | None = None,
        effective_at: datetime | None = None,
        approves_at: datetime | None = None,
    ) -> Lot:
        """Opens a lot of `points`: pending until `approves_at`, or available at once when that is None."""
        bucket = Bucket.PENDING if approves_at else Bucket.AVAILABLE
        lot_id = self._ids.next("lot")
        movement = self._move(
            Bucket.ISSUED, bucket, points, cause, order_id=order_id, lot_id=lot_id, effective_at=effective_at
        )
        self._put(
            Lot(
                id=lot_id,
                customer_id=self._account.customer_id,
                movement_id=movement.id,
                order_id=order_id,
                size=points,
                remaining=points,
                state=bucket,
                opened_at=movement.effective_at,
                approves_at=approves_at,
            )
        )
        self._fill_deficits()
        return self.lots[lot_id]

    def approve_due(self, now: datetime) -> list[Lot]:
        """Makes available each pending lot whose time has come, as of that time. Answers the lots
        approved."""
        due = [lot for lot in self.lots.values() if _is_due(lot, now)]
        due.sort(key=lambda lot: (lot.approves_at, lot.id))
        for lot in due:
            self._move(
                Bucket.PENDING,
                Bucket.AVAILABLE,
                lot.remaining,
                Cause.APPROVAL,
                order_id=lot.order_id,
                lot_id=lot.id,
                effective_at=lot.approves_at,
            )
            self._put(msgspec.structs.replace(lot, state=Bucket.AVAILABLE))
            self._fill_deficits()
        return due

    def take_back(
        self,
        points: int,
        cause: Cause,
        *,
        order_id: int,
        lot_id: int | None,
        effective_at: datetime | None = None,
    ) -> None:
        """Takes an order's points: its own pending ones, its own lot's rest, other available lots, then a
        deficit."""
        own = self.lots.get(lot_id) if lot_id is not None else None
        if own is not None and own.state is Bucket.PENDING and own.remaining:
            taken = min(points, own.remaining)
            movement = self._move(
                Bucket.PENDING, Bucket.REVERSED, taken, cause, order_id=order_id, effective_at=effective_at
            )
            self._use(own.id, movement.id, taken)
            points -= taken
        if points:
            movement = self._move(
                Bucket.AVAILABLE, Bucket.REVERSED, points, cause, order_id=order_id, effective_at=effective_at
            )
            self._draw(movement, first=lot_id)

    def remove(self, points: int, cause: Cause) -> None:
        """Takes `points` that are there from the available lots, earliest expiry first, for good."""
        assert 0 < points <= self.available
        self._draw(self._move(Bucket.AVAILABLE, Bucket.ADJUSTED, points, cause), first=None)

    def restore(self, points: int, takings: tuple[Taking, ...], *, order_id: int) -> None:
        """Undoes the last `points` of an order's `takings`, last first, into the lots that they came from."""
        for taking in sorted(takings, key=lambda taking: -taking.movement_id):
            amount = min(points, taking.points - taking.undone)
            if amount > 0:
                self._undo(taking, amount, order_id)
                points -= amount
        assert points == 0, "more restored than was taken"

    def redeem(self, points: int, claim_id: int) -> Movement:
        """Takes `points` that are there for a claimed reward, earliest expiry first."""
        assert 0 < points <= self.available
        movement = self._move(Bucket.AVAILABLE, Bucket.REDEEMED, points, Cause.REDEMPTION, claim_id=claim_id)
        self._draw(movement, first=None)
        return movement

    def give_back(self, redemption: Taking, cause: Cause, claim_id: int) -> Movement:
        """Undoes a redemption: its points go back into the lots that they came from, on their terms."""
        movement = self._move(
            Bucket.REDEEMED,
            Bucket.AVAILABLE,
            redemption.points,
            cause,
            undoes_id=redemption.movement_id,
            claim_id=claim_id,
        )
        for lot_id, used in reversed(redemption.uses):
            if used:
                self._use(lot_id, redemption.movement_id, -used)
        self._fill_deficits()
        return movement

    def pay_debts(self) -> None:
        """Lets what is available pay for what is owed: two accounts may have come together."""
        self._fill_deficits()

    def account(self) -> Account:
        """The account as it stands after these movements."""
        lots = tuple(self.lots.values())
        dues = [
            lot.approves_at
            for lot in lots
            if lot.state is Bucket.PENDING and lot.remaining and lot.approves_at
        ]
        if not self._account.loaded and self._account.next_due_at:
            dues.append(self._account.next_due_at)
        if max(self.pending, self.available) > MAX_POINTS or self.available < -MAX_POINTS:
            raise Invalid("points", f"an account cannot hold more than {MAX_POINTS}")
        return Account(
            customer_id=self._account.customer_id,
            pending=self.pending,
            available=self.available,
            spent=self.spent,
            next_due_at=min(dues, default=None),
            updated_at=self._now if self.movements else self._account.updated_at,
            lots=lots,
            deficits=tuple(
                Deficit(movement_id=movement_id, customer_id=self._account.customer_id, points=points)
                for movement_id, points in self.deficits.items()
            ),
            loaded=self._account.loaded,
        )

    def _move(
        self,
        from_bucket: Bucket,
        to_bucket: Bucket,
        points: int,
        cause: Cause,
        *,
        order_id: int | None = None,
        lot_id: int | None = None,
        undoes_id: int | None = None,
        claim_id: int | None = None,
        effective_at: datetime | None = None,
    ) -> Movement:
        assert points > 0 and (from_bucket, to_bucket) in PAIRS
        movement = Movement(
            id=self._ids.next("movement"),
            customer_id=self._account.customer_id,
            decision_id=self._decision_id,
            from_bucket=from_bucket,
            to_bucket=to_bucket,
            points=points,
            cause=cause,
            order_id=order_id,
            lot_id=lot_id,
            undoes_id=undoes_id,
            claim_id=claim_id,
            recorded_at=self._now,
            effective_at=effective_at or self._now,
        )
        self.movements.append(movement)
        for bucket, change in ((from_bucket, -points), (to_bucket, points)):
            if bucket is Bucket.PENDING:
                self.pending += change
            elif bucket is Bucket.AVAILABLE:
                self.available += change
            elif bucket is Bucket.REDEEMED:
                self.spent += change
        return movement

    def _put(self, lot: Lot) -> None:
        self.lots[lot.id] = lot
        self.touched[lot.id] = lot

    def _use(self, lot_id: int, movement_id: int, points: int) -> None:
        lot = self.lots[lot_id]
        assert 0 <= lot.remaining - points <= lot.size
        self.uses.append(
            LotUse(
                id=self._ids.next("lot_use"),
                lot_id=lot_id,
                movement_id=movement_id,
                points=points,
                decision_id=self._decision_id,
            )
        )
        self._put(msgspec.structs.replace(lot, remaining=lot.remaining - points))

    def _draw(self, movement: Movement, *, first: int | None) -> None:
        """Pays for an outflow: from the lot `first`, then the others in their order, then as a deficit."""
        left = movement.points
        for lot in self._open_lots(first):
            if left == 0:
                return
            used = min(left, lot.remaining)
            self._use(lot.id, movement.id, used)
            left -= used
        if left:
            self.deficits[movement.id] = self.deficits.get(movement.id, 0) + left

    def _open_lots(self, first: int | None = None) -> list[Lot]:
        lots = [lot for lot in self.lots.values() if lot.state is Bucket.AVAILABLE and lot.remaining > 0]
        lots.sort(key=lambda lot: (lot.id != first, _order_of_use(lot)))
        return lots

    def _fill_deficits(self) -> None:
        """A deficit leaves no open lot: what has become available pays for the oldest hole first."""
        for movement_id in sorted(self.deficits):
            for lot in self._open_lots():
                hole = self.deficits[movement_id]
                used = min(hole, lot.remaining)
                self._use(lot.id, movement_id, used)
                self.deficits[movement_id] = hole - used
                if hole == used:
                    break
            if self.deficits[movement_id] == 0:
                del self.deficits[movement_id]

    def _undo(self, taking: Taking, amount: int, order_id: int) -> None:
        if taking.from_bucket is Bucket.PENDING:
            self._undo_pending(taking, amount, order_id)
            return
        self._move(
            Bucket.REVERSED,
            Bucket.AVAILABLE,
            amount,
            Cause.RESTORED,
            order_id=order_id,
            undoes_id=taking.movement_id,
        )
        unpaid = min(amount, self.deficits.get(taking.movement_id, 0))
        if unpaid:
            self.deficits[taking.movement_id] -= unpaid
            if self.deficits[taking.movement_id] == 0:
                del self.deficits[taking.movement_id]
            amount -= unpaid
        for lot_id, used in reversed(self._drawn(taking)):
            back = min(amount, used)
            if back > 0:
                self._use(lot_id, taking.movement_id, -back)
                amount -= back
        self._fill_deficits()

    def _drawn(self, taking: Taking) -> list[tuple[int, int]]:
        """The lots that paid for a taking, what paid its debt earlier in this very decision included."""
        drawn = dict(taking.uses)
        for use in self.uses:
            if use.movement_id == taking.movement_id:
                drawn[use.lot_id] = drawn.get(use.lot_id, 0) + use.points
        return list(drawn.items())

    def _undo_pending(self, taking: Taking, amount: int, order_id: int) -> None:
        """Points taken while pending wait again; if their time has come meanwhile, they are available."""
        lot = self.lots[taking.uses[0][0]]
        waits = lot.state is Bucket.PENDING and lot.approves_at is not None and lot.approves_at > self._now
        self._move(
            Bucket.REVERSED,
            Bucket.PENDING if waits else Bucket.AVAILABLE,
            amount,
            Cause.RESTORED,
            order_id=order_id,
            undoes_id=taking.movement_id,
        )
        self._use(lot.id, taking.movement_id, -amount)
        if not waits:
            self._put(msgspec.structs.replace(self.lots[lot.id], state=Bucket.AVAILABLE))
            self._fill_deficits()


def _is_due(lot: Lot, now: datetime) -> bool:
    return (
        lot.state is Bucket.PENDING
        and lot.remaining > 0
        and lot.approves_at is not None
        and lot.approves_at <= now
    )


def _order_of_use(lot: Lot) -> tuple[bool, float, datetime, int]:
    """Earliest expiry first, then age, then id."""
    expiry = lot.expires_at.timestamp() if lot.expires_at else 0.0
    return (lot.expires_at is None, expiry, lot.opened_at, lot.id)
