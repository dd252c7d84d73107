"""Any history whatever: the core against the model, and the book's invariants, after every step."""

from collections import Counter, defaultdict
from datetime import timedelta
from fractions import Fraction
from random import Random

from hypothesis import currently_in_test_context, note, settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, initialize, invariant, rule

from regulars.domain.book import PAIRS, Bucket, Movement
from regulars.domain.commands import Command, Settle
from regulars.domain.decide import decide
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.program import PurchaseRule
from regulars.domain.rewards import ClaimState, CodeState
from regulars.domain.trace import sentence
from tests.domain import chance
from tests.domain.model import Lots, Model, Terms
from tests.domain.story import Story

chances = st.randoms(use_true_random=True)


def report(text: str) -> None:
    """A line of a failing history; a walk is repeated by its seed instead."""
    if currently_in_test_context():
        note(text)


TERMS = (
    Terms(),
    Terms(rate=Fraction(1, 2), approval_days=14),
    Terms(rate=Fraction(5, 4), approval_days=7, least=1500, counts_shipping=True),
    Terms(rate=Fraction(3), approval_days=1, statuses=("completed",)),
)


def rule_of(terms: Terms) -> PurchaseRule:
    """The same rule in the core's words."""
    return PurchaseRule(
        rate_numerator=terms.rate.numerator,
        rate_denominator=terms.rate.denominator,
        approval_days=terms.approval_days,
        minimum_minor=terms.least,
        statuses=terms.statuses,
        counts_shipping=terms.counts_shipping,
    )


class TeaShop(RuleBasedStateMachine):
    """Two members, a guest and five orders, told by two doors at once, in any order."""

    @initialize(terms=st.sampled_from(TERMS), join=st.sampled_from((0, 5)))
    def opens(self, terms: Terms, join: int) -> None:
        self.story = Story(rule_of(terms), join=join, rewards=chance.REWARDS)
        self.model = Model(terms, join, chance.REWARDS)
        self.codes: dict[str, CodeState] = {}
        self.lots: dict[int, Lots] = defaultdict(Lots)
        self.flows: dict[int, Counter[tuple[str, str]]] = defaultdict(Counter)
        self.movements: dict[int, Movement] = {}

    @rule(random=chances)
    def an_order_comes(self, random: Random) -> None:
        self.tell(chance.order(random, self.story.now, self.model))

    @rule(random=chances)
    def its_state_is_put(self, random: Random) -> None:
        command = chance.update(random, self.story.now, self.model)
        if self.tell(command).refusal is None:
            again = self.story.ask(command)
            assert again.outcome is Outcome.UNCHANGED and again.id == 0, "PUT twice is PUT once"

    @rule(random=chances)
    def a_payment_comes(self, random: Random) -> None:
        self.tell(chance.payment(random, self.story.now, self.model))

    @rule(random=chances)
    def money_goes_back(self, random: Random) -> None:
        self.tell(chance.refund(random, self.story.now, self.model))

    @rule(random=chances)
    def an_order_is_cancelled(self, random: Random) -> None:
        self.tell(chance.cancel(random, self.story.now, self.model))

    @rule(random=chances)
    def staff_adjust(self, random: Random) -> None:
        self.tell(chance.adjustment(random, self.story.now, self.model))

    @rule(random=chances)
    def staff_block(self, random: Random) -> None:
        self.tell(chance.block(random, self.story.now, self.model))

    @rule(random=chances)
    def a_reward_is_redeemed(self, random: Random) -> None:
        self.tell(chance.redemption(random, self.story.now, self.model))

    @rule(random=chances)
    def a_claimed_reward_ends(self, random: Random) -> None:
        self.tell(chance.ending(random, self.story.now, self.model))

    @rule()
    def codes_are_uploaded(self) -> None:
        number = self.story.page.stocks[2].codes_imported
        self.story.upload(f"pool-{number + 1}", f"pool-{number + 2}", reward_id=2)
        self.model.left[2] += 2

    @rule(spending=st.sampled_from(chance.SPENDING))
    def the_merchant_changes_what_comes_back(self, spending: tuple[str, bool]) -> None:
        returns, back = spending
        self.story.change_spending(refund_returns=returns, expired_returns_points=back)
        self.model.refund_returns, self.model.expired_returns = returns, back

    @rule(terms=st.sampled_from(TERMS))
    def the_merchant_changes_the_rule(self, terms: Terms) -> None:
        self.story.change(rule_of(terms))
        self.model.terms = terms

    @rule(hours=st.sampled_from((1, 23, 24, 167, 168, 335, 336)))
    def time_passes(self, hours: int) -> None:
        self.story.now += timedelta(hours=hours)

    @rule(seconds=st.sampled_from((-1, 0, 1)))
    def the_next_approval_is_near(self, seconds: int) -> None:
        dues = [account.next_due_at for account in self.story.page.accounts.values() if account.next_due_at]
        if dues:
            self.story.now = max(self.story.now, min(dues) + timedelta(seconds=seconds))

    @rule(customer=st.sampled_from(chance.CUSTOMERS))
    def a_job_settles(self, customer: str) -> None:
        if self.story.page.customer(customer) is not None:
            self.tell(Settle(customer_id=self.story.customer(customer).id))

    def tell(self, command: Command) -> Decision:
        report(f"{self.story.now}: {command}")
        before = self.story.page.ids
        rehearsed = decide(self.story.page, command, self.story.now)
        decision = self.story.ask(command)
        assert decision.refusal is not None or decision == rehearsed, "deciding changes nothing"
        accepted = self.model.accepts(command, self.story.now)
        assert (decision.refusal is None) == accepted, decision.refusal
        if decision.account is not None:
            due = decision.account.next_due_at
            assert due is None or due > self.story.now, "what is due is settled first"
        if decision.refusal is not None or decision.id == 0:
            assert self.story.page.ids is before and not decision.movements
        if decision.merge is not None:
            gone, into = decision.merge.customer_id, decision.merge.into_id
            self.flows[into].update(self.flows.pop(gone, Counter()))
            self.lots[into].take_over(self.lots.pop(gone, Lots()))
        for movement in decision.movements:
            self.take(movement)
        for code in decision.codes:
            assert code.key not in self.codes, "a code is handed out once"
            self.codes[code.key] = code.state
        self.codes.update(decision.code_states)
        self.check_decision(decision)
        return decision

    def take(self, movement: Movement) -> None:
        assert movement.points > 0 and (movement.from_bucket, movement.to_bucket) in PAIRS
        assert movement.effective_at <= movement.recorded_at
        assert movement.id == len(self.movements) + 1
        undoes = movement.from_bucket in (Bucket.REVERSED, Bucket.REDEEMED)
        assert (movement.undoes_id is not None) == undoes
        claims = Bucket.REDEEMED in (movement.from_bucket, movement.to_bucket)
        assert (movement.claim_id is not None) == claims
        self.movements[movement.id] = movement
        self.flows[movement.customer_id][movement.from_bucket, movement.to_bucket] += movement.points
        self.lots[movement.customer_id].replay(movement)

    def check_decision(self, decision: Decision) -> None:
        changed = sum(event.movement_id is not None for event in decision.events)
        assert changed == len(decision.movements)
        for entry in decision.trace:
            assert sentence(entry).endswith((".", ".”"))
        for undo in decision.movements:
            if undo.undoes_id is not None and undo.claim_id is None:
                order_id = self.movements[undo.undoes_id].order_id
                later = self.story.page.takings[order_id or 0].values()
                assert all(
                    taking.undone == taking.points
                    for taking in later
                    if undo.undoes_id < taking.movement_id < decision.movements[0].id
                ), "last first"

    @invariant()
    def balances_are_what_the_orders_say(self) -> None:
        for name in chance.CUSTOMERS:
            if self.story.page.customer(name) is None:
                assert name not in self.model.members
                continue
            account = self.story.account(name)
            due = sum(
                lot.remaining
                for lot in account.lots
                if lot.state is Bucket.PENDING and lot.approves_at and lot.approves_at <= self.story.now
            )
            seen = (account.pending - due, account.available + due)
            assert seen == self.model.balance(name, self.story.now), name

    @invariant()
    def claims_are_where_the_model_has_them(self) -> None:
        page = self.story.page
        assert page.claims.keys() == self.model.claims.keys()
        names = {order.id: name for (_, name), order in page.orders.items()}
        for claim in page.claims.values():
            model = self.model.claims[claim.id]
            assert (claim.state, claim.cost) == (model.state, model.cost), claim
            assert (names[claim.order_id] if claim.order_id else None) == model.order
            assert (claim.state is ClaimState.USED) == (claim.order_id is not None)
            assert (claim.fulfilled_at is not None) == model.is_fulfilled
            assert (claim.returned_id is not None) == (model.is_back and model.cost > 0)
            if claim.code_key is not None:
                is_open = claim.state in (ClaimState.CLAIMED, ClaimState.USED)
                assert self.codes[claim.code_key] == (CodeState.HANDED if is_open else CodeState.VOID)
        for name in self.model.members:
            assert self.story.account(name).spent == self.model.spent(name)

    @invariant()
    def codes_are_conserved(self) -> None:
        page = self.story.page
        for stock in page.stocks.values():
            claims = [claim for claim in page.claims.values() if claim.reward_id == stock.reward_id]
            states = Counter(self.codes[claim.code_key] for claim in claims if claim.code_key is not None)
            assert stock.claimed == sum(claim.state is not ClaimState.CANCELLED for claim in claims)
            assert (stock.codes_handed, stock.codes_void) == (states["handed"], states["void"])
            assert stock.codes_free == len(page.free_codes.get(stock.reward_id, ()))
            made = stock.codes_imported + stock.codes_generated
            assert made == stock.codes_free + stock.codes_handed + stock.codes_void

    @invariant()
    def orders_hold_what_their_state_says(self) -> None:
        for (_, name), order in self.story.page.orders.items():
            sale = self.model.sales[name]
            assert (order.given, order.given - order.taken) == (sale.given, sale.kept), name
            assert (order.paid_minor, order.refunded_minor) == (sale.paid, sale.refunded), name
            assert 0 <= order.taken <= order.given
            assert 0 <= order.refunded_minor <= order.paid_minor <= order.total_minor
            taken = sum(taking.points - taking.undone for taking in self.story.page.takings_of(order.id))
            assert taken == order.taken

    @invariant()
    def the_book_balances(self) -> None:
        total: Counter[str] = Counter()
        for customer_id, account in self.story.page.accounts.items():
            held: Counter[str] = Counter()
            for (from_bucket, to_bucket), points in self.flows[customer_id].items():
                held[from_bucket] -= points
                held[to_bucket] += points
            assert (held["pending"], held["available"]) == (account.pending, account.available)
            total.update(held)
        assert sum(total.values()) == 0
        assert all(points >= 0 for bucket, points in total.items() if bucket not in ("issued", "available"))

    @invariant()
    def lots_and_debts_are_those_of_the_movements(self) -> None:
        for customer_id, account in self.story.page.accounts.items():
            replayed = self.lots[customer_id]
            assert {lot.id: lot.remaining for lot in account.lots} == replayed.left
            assert {hole.movement_id: hole.points for hole in account.deficits} == replayed.debts
            assert all(0 <= lot.remaining <= lot.size for lot in account.lots)
            waiting = [lot for lot in account.lots if lot.state is Bucket.PENDING and lot.remaining]
            assert sum(lot.remaining for lot in waiting) == account.pending
            open_points = sum(replayed.left[lot] for lot in replayed.left if not replayed.waits[lot])
            assert open_points == max(account.available, 0)
            assert sum(replayed.debts.values()) == max(-account.available, 0)
            dues = [lot.approves_at for lot in waiting if lot.approves_at is not None]
            assert account.next_due_at == min(dues, default=None)


def walk(seed: int, steps: int, kind: type[TeaShop] = TeaShop) -> None:
    """One long history by the same rules, without the search: for many steps in little time."""
    random = Random(seed)
    shop = kind()
    shop.opens(terms=random.choice(TERMS), join=random.choice((0, 5)))
    told = (
        shop.an_order_comes,
        shop.an_order_comes,
        shop.its_state_is_put,
        shop.its_state_is_put,
        shop.a_payment_comes,
        shop.money_goes_back,
        shop.money_goes_back,
        shop.money_goes_back,
        shop.staff_adjust,
        shop.staff_adjust,
        shop.a_reward_is_redeemed,
        shop.a_reward_is_redeemed,
        shop.a_reward_is_redeemed,
        shop.a_claimed_reward_ends,
        shop.a_claimed_reward_ends,
    )
    seldom = (shop.an_order_is_cancelled, shop.staff_block)
    for _ in range(steps):
        chosen = random.random()
        if chosen < 0.7:
            random.choice(told)(random)
        elif chosen < 0.75:
            random.choice(seldom)(random)
        elif chosen < 0.8:
            shop.a_job_settles(random.choice(chance.CUSTOMERS))
        elif chosen < 0.82:
            shop.the_merchant_changes_the_rule(random.choice(TERMS))
        elif chosen < 0.84:
            shop.the_merchant_changes_what_comes_back(random.choice(chance.SPENDING))
        elif chosen < 0.86:
            shop.codes_are_uploaded()
        elif chosen < 0.9:
            shop.time_passes(random.choice((1, 24, 168)))
        else:
            shop.the_next_approval_is_near(random.choice((-1, 0, 1)))
        shop.balances_are_what_the_orders_say()
        shop.claims_are_where_the_model_has_them()
        shop.codes_are_conserved()
        shop.orders_hold_what_their_state_says()
        shop.the_book_balances()
        shop.lots_and_debts_are_those_of_the_movements()


def test_long_walks_find_nothing() -> None:
    for seed in range(60):
        walk(seed, 100)


TestTeaShop = TeaShop.TestCase
TestTeaShop.settings = settings(max_examples=120, stateful_step_count=50)
