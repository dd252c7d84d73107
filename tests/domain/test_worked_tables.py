"""The worked tables of docs/algorithms, worked out again by the domain: documentation as a test."""

import re
from collections.abc import Callable
from datetime import datetime
from fractions import Fraction

import msgspec
import pytest

from regulars.domain.book import PAIRS, Account, Bucket
from regulars.domain.commands import (
    AdjustPoints,
    CancelOrder,
    Command,
    PaymentStatus,
    RefundStatus,
    Settle,
    UpdateOrder,
)
from regulars.domain.decide import decide
from regulars.domain.decisions import Decision
from regulars.domain.earning import points_for, rewardable
from regulars.domain.errors import Invalid
from regulars.domain.money import format_amount, parse_amount
from regulars.domain.orders import Order
from regulars.domain.program import PurchaseRule, parse_rate
from tests.make import NOON, days, order, page, refund, update, worked_example
from tests.pages import Row, worked, worked_tables


def pence(text: str) -> int:
    return parse_amount(text, "GBP")


class Story:
    """A shop whose days are told in the tables' sentences. Orders go by a letter."""

    def __init__(self, rule: PurchaseRule) -> None:
        self.page = page(rule)
        self.now: datetime = NOON

    def tell(self, sentence: str) -> Decision | None:
        """Does what the sentence says. None where only time passes."""
        if match := re.fullmatch(r"(\d+) days pass", sentence):
            self.now += days(int(match[1]))
            return None
        for pattern, command in self.sentences:
            if match := re.fullmatch(pattern, sentence):
                return self.do(command(self, *match.groups()))
        raise AssertionError(f"no such sentence: {sentence}")

    def do(self, command: Command) -> Decision:
        decision = decide(self.page, command, self.now)
        self.page.apply(decision)
        return decision

    @property
    def account(self) -> Account:
        """Alice's, once all that is due by now was done."""
        alice = self.page.customer("alice")
        return self.page.accounts[alice.id] if alice is not None else Account(customer_id=0)

    def order(self, letter: str) -> Order:
        return self.page.orders[1, letter]

    def state(self, letter: str, **changes: object) -> UpdateOrder:
        known = self.order(letter)
        return msgspec.structs.replace(
            update(letter, paid=known.paid_minor, refunded=known.refunded_minor, cancelled=known.cancelled),
            **changes,
        )

    def staff(self, points: int) -> AdjustPoints:
        return AdjustPoints(merchant_id="alice", points=points, reason=None, actor="Bob")

    sentences: tuple[tuple[str, Callable[..., Command]], ...] = (
        (r"Order (\w) of ([\d.]+), paid", lambda _, a, money: order(a, total=pence(money), shipping=0)),
        (r"([\d.]+) of (\w) are refunded", lambda _, money, a: refund(a, pence(money))),
        (
            r"Nothing of (\w) is refunded",
            lambda self, a: self.state(a, refunded_minor=0, refund_status=RefundStatus.NOT_REFUNDED),
        ),
        (r"(\w) is cancelled", lambda _, a: CancelOrder(site_id=1, merchant_id=a)),
        (r"(\w) is no longer cancelled", lambda self, a: self.state(a, cancelled=False)),
        (r"Staff give (\d+)", lambda self, points: self.staff(int(points))),
        (r"Staff take (\d+)", lambda self, points: self.staff(-int(points))),
    )


def test_every_worked_table_is_worked_out_here() -> None:
    told = [name for name, _, _ in worked_tables()]
    assert sorted(told) == sorted({*told}), "a name comes twice"
    refunds = {"refund-example", "refund-thirds", "refund-reversed", "refund-pennies"}
    assert set(told) == {
        "amounts", "rewardable", "points", "states", "account-story", "batch", "buckets", *refunds
    }  # fmt: skip


@pytest.mark.parametrize("row", worked("amounts"), ids=lambda row: row["on the wire"])
def test_an_amount_is_read_as_the_table_says(row: Row) -> None:
    if row["minor units"] == "refused":
        with pytest.raises(Invalid):
            parse_amount(row["on the wire"], row["currency"])
    else:
        assert parse_amount(row["on the wire"], row["currency"]) == int(row["minor units"])


@pytest.mark.parametrize("row", worked("rewardable"))
def test_the_rewardable_amount_is_the_tables(row: Row) -> None:
    also = set(row["the rule also counts"].replace("nothing", "").replace(",", " ").split())
    assert also <= {"shipping", "tax", "discounts"}
    rule = PurchaseRule(**{f"counts_{name}": True for name in also})
    sums = {f"{name}_minor": pence(row[name]) for name in ("goods", "shipping", "tax", "discounts")}
    earning = rewardable(rule, **sums)
    assert format_amount(earning, "GBP") == row["rewardable"]
    assert points_for(rule, earning, "GBP") == int(row["points at 1 a unit"])


@pytest.mark.parametrize("row", worked("points"))
def test_points_are_the_tables(row: Row) -> None:
    whole = {"no": False, "yes": True}[row["whole units only"]]
    rate = parse_rate(row["points a unit"])
    rule = PurchaseRule(rate_numerator=rate[0], rate_denominator=rate[1], whole_units_only=whole)
    minor = parse_amount(row["rewardable"], row["currency"])
    assert points_for(rule, minor, row["currency"]) == int(row["points"])
    counted = Fraction(row["rewardable"]) // 1 if whole else Fraction(row["rewardable"])
    assert counted * Fraction(row["points a unit"]) == Fraction(row["exactly"])


def test_the_points_that_stand_follow_the_orders_state_alone() -> None:
    story = Story(PurchaseRule())
    story.do(worked_example("A"))
    assert story.order("A").given == 29
    for row in worked("states"):
        paid, refunded = pence(row["paid"]), pence(row["refunded"])
        payable = story.order("A").payable_minor
        story.do(
            story.state(
                "A",
                paid_minor=paid,
                payment_status=status(paid, payable, PaymentStatus),
                refunded_minor=refunded,
                refund_status=status(refunded, payable, RefundStatus),
                cancelled={"no": False, "yes": True}[row["cancelled"]],
            )
        )
        assert story.account.available == int(row["points that stand"]), row


def status(part: int, whole: int, kind: type) -> object:
    """None of it, some of it, all of it: the three words of either status."""
    none, some, everything = kind
    return none if part == 0 else some if part < whole else everything


@pytest.mark.parametrize("name", ["refund-example", "refund-thirds", "refund-reversed", "refund-pennies"])
def test_refunds_take_what_the_table_says(name: str) -> None:
    story = Story(PurchaseRule())
    if name == "refund-pennies":
        story.do(order("A", total=300, shipping=0))
    else:
        story.do(worked_example("A"))
    given, payable, before = story.order("A").given, story.order("A").payable_minor, 0
    for row in worked(name):
        story.do(refund("A", pence(row["refund"])))
        after = story.order("A")
        assert after.refunded_minor == pence(row["refunded so far"]), row
        assert after.taken == int(row["taken so far"]), row
        assert after.taken - before == int(row["this refund takes"]), row
        assert given - after.taken == story.account.available == int(row["points that stand"]), row
        assert shown(Fraction(given * after.refunded_minor, payable)) == row["exactly"], row
        before = after.taken
    assert before == given


def shown(exact: Fraction) -> str:
    """Up to three decimals, not rounded, with dots for what follows."""
    thousandths = int(exact * 1000)
    text = f"{thousandths // 1000}.{thousandths % 1000:03d}".rstrip("0").rstrip(".")
    return text if Fraction(thousandths, 1000) == exact else f"{text}…"


def test_the_accounts_story_goes_as_told() -> None:
    story = Story(PurchaseRule(approval_days=14))
    for row in worked("account-story"):
        story.tell(row["what happens"])
        settle(story)
        account = story.account
        assert account.pending == int(row["pending"]), row
        assert account.available == int(row["available"]), row
        assert sum(deficit.points for deficit in account.deficits) == int(row["hole"]), row
        assert {"lot A": row["lot A"], "lot B": row["lot B"], "gift": row["gift"]} == lots(story), row


def settle(story: Story) -> None:
    """What a job does at that moment."""
    alice = story.page.customer("alice")
    assert alice is not None
    story.do(Settle(customer_id=alice.id))


def lots(story: Story) -> dict[str, str]:
    """What remains of each lot, as the table shows it; nothing for a lot that isn't there yet."""
    by_order = {known.id: letter for (_, letter), known in story.page.orders.items()}
    found = dict.fromkeys(("lot A", "lot B", "gift"), "")
    for lot in story.account.lots:
        name = "gift" if lot.order_id is None else f"lot {by_order[lot.order_id]}"
        found[name] = f"{lot.remaining} pending" if lot.state is Bucket.PENDING else str(lot.remaining)
    return found


def test_a_batch_decides_each_command_on_what_the_one_before_it_left() -> None:
    story = Story(PurchaseRule())
    for row in worked("batch"):
        assert story.account.available == int(row["available before"]), row
        decision = story.tell(row["command"])
        assert decision is not None
        refusal = type(decision.refusal).__name__ if decision.refusal else decision.outcome.value
        assert refusal == row["answer"], row
        assert story.account.available == int(row["available after"]), row
        assert decision.id == int(row["decision"] or 0), row


def test_the_books_buckets_are_the_glossarys() -> None:
    told = [(row["from"], row["to"]) for row in worked("buckets")]
    assert len(told) == len(set(told))
    assert set(told) == {(pair[0].value, pair[1].value) for pair in PAIRS}
