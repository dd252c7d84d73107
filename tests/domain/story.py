"""A shop's story in memory: commands decided one after the other on one page, and what came of them."""

from datetime import datetime
from typing import Any

import msgspec

from regulars.domain.book import Account, Lot
from regulars.domain.commands import AdjustPoints, CancelClaim, CancelOrder, Command, ExpireClaim, Settle
from regulars.domain.customers import Customer
from regulars.domain.decide import decide
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import Refused
from regulars.domain.orders import Order
from regulars.domain.page import Page
from regulars.domain.program import PurchaseRule
from regulars.domain.rewards import (
    Claim,
    Code,
    CodeSource,
    CodeState,
    Reward,
    SpendingRule,
    Stock,
    code_key,
)
from regulars.domain.trace import sentence
from tests import make


class Story:
    """The tea shop's program, from its first day on."""

    def __init__(self, purchase: PurchaseRule | None = None, **program: Any) -> None:
        self.page: Page = make.page(purchase, **program)
        self.now: datetime = make.NOON
        self.decisions: list[Decision] = []
        for reward in self.page.program.rewards:
            self.page.stocks[reward.id] = Stock(reward_id=reward.id)

    def do(self, command: Command) -> Decision:
        """Decides and applies. A refusal is raised."""
        decision = self.ask(command)
        if decision.refusal is not None:
            raise decision.refusal
        return decision

    def ask(self, command: Command) -> Decision:
        """Decides and applies; a refusal is in the decision."""
        decision = decide(self.page, command, self.now)
        self.page.apply(decision)
        self.decisions.append(decision)
        return decision

    def refused(self, command: Command) -> Refused:
        """The refusal of this command; it is an error when it is accepted."""
        decision = self.ask(command)
        assert decision.outcome is Outcome.REFUSED and decision.refusal is not None, decision.outcome
        return decision.refusal

    def later(self, days: float = 0, *, seconds: int = 0) -> None:
        self.now += make.days(days) + make.days(1) * (seconds / 86_400)

    def change(self, purchase: PurchaseRule) -> None:
        """The merchant changes the purchase rule: a new version of the program."""
        self._raise_version(purchase=purchase)

    def change_reward(self, reward: Reward) -> None:
        """The merchant changes a reward, or adds one."""
        others = [other for other in self.page.program.rewards if other.id != reward.id]
        self._raise_version(rewards=(*others, reward))
        self.page.stocks.setdefault(reward.id, Stock(reward_id=reward.id))

    def change_spending(self, **changes: Any) -> None:
        self._raise_version(spending=SpendingRule(**changes))

    def _raise_version(self, **changes: Any) -> None:
        program = self.page.program
        self.page.program = msgspec.structs.replace(program, version=program.version + 1, **changes)
        self.page.rules[program.version + 1] = self.page.program.purchase

    def upload(self, *codes: str, reward_id: int = 1) -> None:
        """Codes into a reward's pool, to be handed out in this order."""
        free = [
            Code(
                key=code_key(code),
                code=code,
                reward_id=reward_id,
                source=CodeSource.POOL,
                state=CodeState.FREE,
                slot=0.5,
                claim_id=None,
            )
            for code in codes
        ]
        self.page.free_codes[reward_id] = [*self.page.free_codes.get(reward_id, ()), *free]
        stock = self.page.stocks[reward_id]
        self.page.stocks[reward_id] = msgspec.structs.replace(
            stock,
            codes_imported=stock.codes_imported + len(codes),
            codes_free=stock.codes_free + len(codes),
        )

    def redeem(self, merchant_id: str = "alice", reward_id: int = 1, **changes: Any) -> Claim:
        return self.do(make.redeem(merchant_id, reward_id, **changes)).claims[0]

    def cancel_claim(self, claim: Claim, reason: str | None = None) -> Decision:
        return self.do(CancelClaim(claim_id=claim.id, actor="Bob", reason=reason))

    def expire(self, claim: Claim) -> Decision:
        return self.do(ExpireClaim(claim_id=claim.id))

    def claim(self, claim: Claim) -> Claim:
        """The claimed reward as it is now."""
        return self.page.claims[claim.id]

    def adjust(self, points: int, merchant_id: str = "alice") -> Decision:
        return self.do(AdjustPoints(merchant_id=merchant_id, points=points, reason="a gift", actor="Bob"))

    def cancel(self, merchant_id: str) -> Decision:
        return self.do(CancelOrder(site_id=1, merchant_id=merchant_id))

    def settle(self, merchant_id: str = "alice") -> Decision:
        return self.do(Settle(customer_id=self.customer(merchant_id).id))

    def customer(self, merchant_id: str = "alice") -> Customer:
        found = self.page.customer(merchant_id)
        assert found is not None
        return found

    def account(self, merchant_id: str = "alice") -> Account:
        return self.page.accounts[self.customer(merchant_id).id]

    def balance(self, merchant_id: str = "alice") -> tuple[int, int]:
        """Pending and available, as they are stored."""
        account = self.account(merchant_id)
        return account.pending, account.available

    def order(self, merchant_id: str) -> Order:
        return self.page.orders[1, merchant_id]

    def lots(self, merchant_id: str = "alice") -> list[int]:
        """What is left of each lot, oldest first."""
        return [lot.remaining for lot in sorted(self.account(merchant_id).lots, key=_by_id)]

    def debts(self, merchant_id: str = "alice") -> list[int]:
        return [hole.points for hole in self.account(merchant_id).deficits]

    def why(self) -> list[str]:
        """The sentences of the last decision."""
        return [sentence(entry) for entry in self.decisions[-1].trace]


def _by_id(lot: Lot) -> int:
    return lot.id
