"""What must hold for any numbers, any text and any order of events."""

from datetime import timedelta
from random import Random

import msgspec
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.domain.commands import DiscountCode, ExpireClaim, OrderDetails, RecordRefund, RefundPart, Settle
from regulars.domain.decisions import Outcome, Trace
from regulars.domain.earning import points_for, rewardable
from regulars.domain.orders import taken_back
from regulars.domain.program import PurchaseRule
from tests import make
from tests.domain import chance
from tests.domain.model import Model
from tests.domain.story import Story
from tests.domain.test_machine import TERMS, rule_of

pence = st.integers(0, 10**9)
rules = st.builds(
    PurchaseRule,
    rate_numerator=st.integers(0, 100_000),
    rate_denominator=st.sampled_from((1, 2, 4, 5, 10, 100, 10_000)),
    counts_shipping=st.booleans(),
    counts_tax=st.booleans(),
    counts_discounts=st.booleans(),
    whole_units_only=st.booleans(),
)
texts = st.text(st.characters(exclude_characters="\x00", exclude_categories=("Cs",)), min_size=1, max_size=60)


@given(rules, pence, pence, pence, pence, pence, st.sampled_from(("GBP", "JPY", "KWD", "CLF")))
def test_more_money_never_earns_less(
    rule: PurchaseRule, goods: int, more: int, shipping: int, tax: int, discounts: int, currency: str
) -> None:
    def earned(goods_minor: int) -> int:
        money = {"shipping_minor": shipping, "tax_minor": tax, "discounts_minor": discounts}
        return points_for(rule, rewardable(rule, goods_minor=goods_minor, **money), currency)

    assert 0 <= earned(goods) <= earned(goods + more)


@given(st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12), st.integers(0, 10**12))
def test_taken_is_never_more_than_given_and_more_refunded_never_takes_less(
    points: int, refunded: int, more: int, payable: int
) -> None:
    taken = taken_back(points, refunded, payable)
    assert 0 <= taken <= taken_back(points, refunded + more, payable) <= points


@given(st.lists(st.integers(0, 2000), min_size=1, max_size=6), st.integers(1, 5000))
def test_splits_make_no_difference(parts: list[int], total: int) -> None:
    split, whole = Story(), Story()
    for story in (split, whole):
        story.do(make.order("A1", total=total, shipping=0))
    for part in parts:
        split.do(make.refund("A1", part, lenient=True))
    whole.do(make.refund("A1", sum(parts), lenient=True))
    assert split.balance() == whole.balance() and split.lots() == whole.lots()
    assert split.order("A1").taken == taken_back(total // 100, min(sum(parts), total), total)


@given(
    st.dictionaries(st.sampled_from(("R1", "R2", "R3", "R4")), st.integers(0, 3000), min_size=1),
    st.randoms(use_true_random=True),
    st.integers(0, 4),
)
def test_order_and_duplication_of_refunds_with_ids_make_no_difference(
    refunds: dict[str, int], random: Random, before: int
) -> None:
    """Some come before their order; one whose money all came back before it opens no lot at all."""
    in_order, mixed = Story(), Story()
    in_order.do(make.order("A1", total=5000, shipping=0))
    for name, amount in refunds.items():
        in_order.do(make.refund("A1", amount, reference=name, lenient=True))
    calls = [*refunds.items(), *random.choices(list(refunds.items()), k=4)]
    random.shuffle(calls)
    for place, (name, amount) in enumerate(calls):
        if place == before:
            mixed.do(make.order("A1", total=5000, shipping=0))
        mixed.do(make.refund("A1", amount, reference=name, lenient=True))
    assert mixed.balance() == in_order.balance()
    assert [left for left in mixed.lots() if left] == [left for left in in_order.lots() if left]
    assert mixed.order("A1").refunded_minor == in_order.order("A1").refunded_minor


@settings(max_examples=60)
@given(st.integers(0, 2**32), st.sampled_from(TERMS), st.integers(10, 80))
def test_a_job_that_is_late_gives_the_same_as_one_that_is_punctual(
    seed: int, terms: object, steps: int
) -> None:
    """The same history twice: once each approval and expiry is settled at its very moment, once only at the
    end."""
    random = Random(seed)
    punctual, late = (Story(rule_of(terms), rewards=chance.REWARDS) for _ in range(2))  # type: ignore[arg-type]
    model = Model(terms, rewards=chance.REWARDS)  # type: ignore[arg-type]
    for _ in range(steps):
        if random.random() < 0.3:
            until = late.now + timedelta(hours=random.choice((1, 24, 167, 168, 336)))
            settle_punctually(punctual, until)
            punctual.now = late.now = until
            continue
        command = chance.command(random, late.now, model)
        if isinstance(command, ExpireClaim):
            continue  # that is the job
        model.accepts(command, late.now)
        assert punctual.ask(command).outcome is late.ask(command).outcome
    for story in (punctual, late):
        for customer_id in story.page.accounts:
            story.do(Settle(customer_id=customer_id))
        for claim in list(story.page.claims.values()):
            story.expire(claim)
    assert [(claim.state, claim.code is None) for claim in punctual.page.claims.values()] == [
        (claim.state, claim.code is None) for claim in late.page.claims.values()
    ]
    assert punctual.page.stocks == late.page.stocks
    for customer_id, account in punctual.page.accounts.items():
        other = late.page.accounts[customer_id]
        assert (account.pending, account.available) == (other.pending, other.available)
        assert account.lots == other.lots or [
            msgspec.structs.replace(lot, movement_id=0) for lot in account.lots
        ] == [msgspec.structs.replace(lot, movement_id=0) for lot in other.lots]
        assert [hole.points for hole in account.deficits] == [hole.points for hole in other.deficits]


def settle_punctually(story: Story, until: object) -> None:
    while dues := [
        (account.next_due_at, customer_id)
        for customer_id, account in story.page.accounts.items()
        if account.next_due_at is not None and account.next_due_at <= until  # type: ignore[operator]
    ]:
        story.now, customer_id = min(dues)
        assert story.do(Settle(customer_id=customer_id)).outcome is Outcome.DONE
    for claim in list(story.page.claims.values()):
        if claim.expires_at is not None and claim.has_expired(until):  # type: ignore[arg-type]
            story.now = max(claim.expires_at, story.now)
            story.expire(claim)


@given(st.tuples(texts, texts, texts, texts), st.dictionaries(texts, texts, max_size=3), texts)
def test_any_text_comes_back_as_it_was(
    said: tuple[str, str, str, str], properties: dict[str, str], code: str
) -> None:
    merchant_id, email, name, order_id = said
    story = Story()
    details = OrderDetails(codes=(DiscountCode(code, 1),), lines=({"name": name, "n": 1},), user_agent=name)
    ref = make.alice(merchant_id=merchant_id, email=email, first_name=name, properties=properties)
    command = make.order(order_id, customer=ref, details=details, merchant_number=name)
    decision = story.do(command)
    customer = story.customer(merchant_id)
    assert (customer.email, customer.first_name, customer.properties) == (email, name, properties)
    order = story.order(order_id)
    assert (order.details, order.merchant_number) == (details, name)
    assert msgspec.json.decode(msgspec.json.encode(order.details), type=OrderDetails) == details
    stored = msgspec.json.encode(decision.trace)
    assert msgspec.json.decode(stored, type=tuple[Trace, ...]) is not None
    assert story.do(command).outcome is Outcome.REPEATED
    parts = (RefundPart(1, name), RefundPart(1, name))
    story.do(RecordRefund(site_id=1, merchant_id=order_id, currency="GBP", parts=parts))
    assert story.order(order_id).refunded_minor == 1
