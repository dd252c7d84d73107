"""Any history whatever in which people turn out to be one: the core against the model, after every step."""

from random import Random

import msgspec
import pytest
from hypothesis import settings
from hypothesis.stateful import rule

from regulars.domain import merging
from regulars.domain.book import Account
from regulars.domain.commands import MergeCustomers
from regulars.domain.customers import Customer
from regulars.domain.page import Page
from regulars.domain.posting import Posting
from tests.domain import chance
from tests.domain.test_machine import TeaShop, chances, walk

GUEST = "a guest"


class MergingShop(TeaShop):
    """The tea shop, where now and then two of Alice, Bob and the guest are found to be one."""

    @rule(random=chances)
    def two_are_one(self, random: Random) -> None:
        page = self.story.page
        known = {name: page.record(name) for name in chance.CUSTOMERS}
        known[GUEST] = page.guest_record("guest@example.com")
        ids = {name: record.id for name, record in known.items() if record is not None}
        if len(ids) < 2:
            return
        self.model.names = {number: name for name, number in ids.items()}
        numbers = list(ids.values())
        gone, into = random.choices(numbers, k=2) if random.random() < 0.1 else random.sample(numbers, k=2)
        self.tell(MergeCustomers(customer_id=gone, into_id=into, actor="Eve"))


class Walked(MergingShop):
    """For long walks, which know nothing of merges: they come with the jobs, and more are blocked."""

    def __init__(self) -> None:
        super().__init__()
        self.random = Random(1)

    def a_job_settles(self, customer: str) -> None:
        if self.random.random() < 0.7:
            self.two_are_one(self.random)
        else:
            super().a_job_settles(customer)

    def staff_block(self, random: Random) -> None:
        for _ in range(3):
            super().staff_block(random)


def walks(number: int) -> None:
    for seed in range(number):
        walk(seed, 100, Walked)


def test_long_walks_find_nothing() -> None:
    walks(60)


def test_walks_do_merge(monkeypatch: pytest.MonkeyPatch) -> None:
    pairs = []

    def counted(page: Page, merge: merging.Merge) -> None:
        pairs.append((merge.pending, merge.available))
        apply(page, merge)

    apply = Page._apply_merge
    monkeypatch.setattr(Page, "_apply_merge", counted)
    walks(60)
    assert len(pairs) > 20
    assert any(pending for pending, _ in pairs)
    assert any(available < 0 for _, available in pairs)
    assert any(available > 0 for _, available in pairs)


def unpaid(posting: Posting) -> None:
    """Debts stay beside points."""


def unblocked(gone: Customer, stays: Customer) -> Customer:
    return stays


def without_lots(case: object, gone: Account, stays: Account) -> Account:
    both = together(case, gone, stays)  # type: ignore[arg-type]
    return msgspec.structs.replace(both, lots=stays.lots)


def without_debts(case: object, gone: Account, stays: Account) -> Account:
    both = together(case, gone, stays)  # type: ignore[arg-type]
    return msgspec.structs.replace(both, deficits=stays.deficits)


def without_orders(page: Page, merge: merging.Merge) -> None:
    orders = dict(page.orders)
    moved(page, merge)
    page.orders = orders


together, moved = merging._together, Page._apply_merge


@pytest.mark.parametrize(
    ("place", "name", "fault"),
    [
        (Posting, "pay_debts", unpaid),
        (merging, "united", unblocked),
        (merging, "_together", without_lots),
        (merging, "_together", without_debts),
        (Page, "_apply_merge", without_orders),
    ],
)
def test_planted_faults_are_found(
    monkeypatch: pytest.MonkeyPatch, place: object, name: str, fault: object
) -> None:
    monkeypatch.setattr(place, name, fault)
    with pytest.raises((AssertionError, KeyError)):
        walks(150)


TestMergingShop = MergingShop.TestCase
TestMergingShop.settings = settings(max_examples=100, stateful_step_count=50)
