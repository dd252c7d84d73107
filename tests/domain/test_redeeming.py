"""Claimed rewards as stories: points and codes, cancelling, expiry, and what orders do to codes on them."""

from typing import Any

import msgspec
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from regulars.domain.commands import (
    CancelClaim,
    CancelOrder,
    DiscountCode,
    ExpireClaim,
    FulfilClaim,
    OrderDetails,
    PatchCustomer,
    PaymentStatus,
    RefundStatus,
    SaveCustomer,
)
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import (
    ClaimClosed,
    CustomerBlocked,
    Invalid,
    LimitReached,
    NotAMember,
    NotEnoughPoints,
    OutOfStock,
    RewardUnavailable,
    UnknownClaim,
    UnknownCustomer,
    UnknownReward,
    UnknownSite,
)
from regulars.domain.program import SpendingRule
from regulars.domain.rewards import Claim, ClaimState, CodeSource, CodeState, RewardKind, Stock
from tests import make
from tests.domain.story import Story

POOL = {"codes": CodeSource.POOL}
MUG = make.reward(id=2, title="A mug", kind=RewardKind.CUSTOM, amount_minor=None, codes=CodeSource.NONE)


def rich(points: int = 100, spending: dict[str, Any] | None = None, **reward: Any) -> Story:
    """Alice has so many points, and five pounds off cost 20."""
    story = Story(rewards=(make.reward(**reward), MUG), spending=SpendingRule(**(spending or {})))
    story.do(make.order("first", total=points * 100, shipping=0))
    return story


def buys(story: Story, name: str, *codes: str, claims: tuple[int, ...] = (), **changes: Any) -> Decision:
    """An order of nothing, so that only its codes matter."""
    details = OrderDetails(codes=tuple(map(DiscountCode, codes)), claimed_reward_ids=claims)
    return story.do(make.order(name, total=0, shipping=0, details=details, **changes))


def put(story: Story, name: str, **changes: Any) -> Decision:
    return story.do(make.update(name, paid=0, payment_status=PaymentStatus.PAID, **changes))


def kinds(decision: Decision) -> list[str]:
    return [event.kind for event in decision.events]


def stock(story: Story, reward_id: int = 1) -> Stock:
    return story.page.stocks[reward_id]


# -- redeeming


def test_points_become_a_code() -> None:
    story = rich(valid_days=30, prefix="tea")
    decision = story.do(make.redeem(spare_code="7KQ2M"))
    (claim,) = decision.claims
    assert (claim.code, claim.code_key, claim.cost, claim.amount_minor) == ("TEA-7KQ2M", "TEA-7KQ2M", 20, 500)
    assert (claim.state, claim.expires_at) == (ClaimState.CLAIMED, make.NOON + make.days(30))
    assert story.balance() == (0, 80)
    assert story.account().spent == 20
    assert story.lots() == [80]
    assert kinds(decision) == ["reward.claimed", "points.spent"]
    assert stock(story) == Stock(reward_id=1, claimed=1, codes_generated=1, codes_handed=1)
    assert story.why() == [
        "Spent 20 points on “Five pounds off”.",
        "Made a code for it, valid until 2026-04-01 12:00 UTC.",
    ]


def test_a_pool_is_handed_out_to_the_last_and_says_so() -> None:
    story = rich(**POOL, low_stock=2)
    story.upload("one", "two ", "Three")
    told = [kinds(story.do(make.redeem())) for _ in range(3)]
    assert [claim.code for claim in story.page.claims.values()] == ["one", "two ", "Three"]
    assert [claim.code_key for claim in story.page.claims.values()] == ["ONE", "TWO", "THREE"]
    assert ["codes.low" in events for events in told] == [True, False, False]
    assert ["codes.out" in events for events in told] == [False, False, True]
    assert isinstance(story.refused(make.redeem()), OutOfStock)
    assert story.balance() == (0, 40)
    assert stock(story) == Stock(reward_id=1, claimed=3, codes_imported=3, codes_handed=3)


def test_a_code_of_the_pool_that_was_cancelled_is_handed_out_to_nobody_else() -> None:
    story = rich(**POOL)
    story.upload("one")
    claim = story.redeem()
    story.cancel_claim(claim)
    assert isinstance(story.refused(make.redeem()), OutOfStock)
    assert stock(story) == Stock(reward_id=1, codes_imported=1, codes_void=1)


@pytest.mark.parametrize(
    ("command", "refusal"),
    [
        (make.redeem("nobody"), UnknownCustomer),
        (make.redeem(reward_id=9), UnknownReward),
        (make.redeem(site_id=9), UnknownSite),
        (make.redeem(points=21), Invalid),
        (make.redeem("guest"), UnknownCustomer),
        (make.redeem(reward_id=3), RewardUnavailable),
        (make.redeem(reward_id=4), NotEnoughPoints),
    ],
)
def test_a_refusal_costs_nothing_and_changes_nothing(command: Any, refusal: type) -> None:
    story = rich()
    story.change_reward(make.reward(id=3, enabled=False))
    story.change_reward(make.reward(id=4, cost=101))
    before = story.page.ids
    assert isinstance(story.refused(command), refusal)
    assert story.balance() == (0, 100)
    assert story.page.ids == before
    assert not story.page.claims


def test_too_few_points_say_how_many_are_there() -> None:
    story = rich(19)
    assert story.refused(make.redeem()).data == {"asked": 20, "left": 19}


def test_points_that_fall_due_just_now_can_be_spent() -> None:
    story = Story(make.rule(approval_days=14), rewards=(make.reward(),))
    story.do(make.order("first", total=2000, shipping=0))
    assert isinstance(story.refused(make.redeem()), NotEnoughPoints)
    story.later(14)
    story.redeem()
    assert story.balance() == (0, 0)


def test_guests_and_who_is_blocked_redeem_nothing() -> None:
    story = rich()
    story.do(SaveCustomer(customer=make.guest(merchant_id="gus")))
    assert isinstance(story.refused(make.redeem("gus")), NotAMember)
    story.do(PatchCustomer(merchant_id="alice", blocked=True))
    assert isinstance(story.refused(make.redeem()), CustomerBlocked)


def test_the_oldest_member_of_an_address_is_meant_by_it() -> None:
    story = rich()
    claim = story.redeem(merchant_id=None, email=" Alice@Example.com ")
    assert claim.customer_id == story.customer().id


def test_a_limit_forgets_what_was_cancelled_but_not_what_expired() -> None:
    story = rich(limit_count=2, valid_days=1)
    first = story.redeem()
    story.cancel_claim(first)
    second, third = story.redeem(), story.redeem()
    assert isinstance(story.refused(make.redeem()), LimitReached)
    story.later(1)
    for claim in (second, third):
        story.expire(claim)
    assert isinstance(story.refused(make.redeem()), LimitReached)


def test_staff_give_a_reward_for_no_points_even_to_who_owes_some() -> None:
    story = in_debt()
    decision = story.do(make.redeem(given_by="Sue", reason="a late parcel"))
    assert (decision.claims[0].cost, decision.claims[0].movement_id) == (0, None)
    assert decision.movements == []
    assert story.why()[0] == "Sue gave “Five pounds off”: a late parcel"
    cancelled = story.cancel_claim(decision.claims[0])
    assert cancelled.claims[0].returned_id is None
    assert cancelled.movements == []


def test_what_was_claimed_keeps_its_terms() -> None:
    story = rich(valid_days=30)
    claim = story.redeem()
    story.change_reward(make.reward(title="Six pounds off", amount_minor=600, cost=30, valid_days=1))
    assert story.claim(claim) == claim
    story.cancel_claim(claim)
    assert story.balance() == (0, 100)


# -- cancelling


def test_cancelling_puts_the_points_back_where_they_were_once() -> None:
    story = rich(15)
    story.adjust(15)
    before = story.lots()
    claim = story.redeem()
    assert story.lots() == [0, 10]
    decision = story.cancel_claim(claim, "changed her mind")
    assert story.lots() == before
    assert story.account().spent == 0
    assert kinds(decision) == ["reward.cancelled", "points.returned"]
    assert decision.code_states == {claim.code_key: CodeState.VOID}
    assert story.claim(claim).returned_id == decision.movements[0].id
    assert story.why() == ["Bob cancelled “Five pounds off”: 20 points came back. Reason: changed her mind"]
    closed = story.refused(CancelClaim(claim_id=claim.id, actor="Bob"))
    assert isinstance(closed, ClaimClosed)
    assert closed.data["state"] == "cancelled"
    assert story.lots() == before


def test_nobody_cancels_what_is_not_theirs() -> None:
    story = rich()
    claim = story.redeem()
    story.do(SaveCustomer(customer=make.alice(merchant_id="bob", email=None)))
    for merchant_id in ("bob", "nobody"):
        command = CancelClaim(claim_id=claim.id, merchant_id=merchant_id, actor="shop")
        assert isinstance(story.refused(command), UnknownClaim)
    assert isinstance(story.refused(CancelClaim(claim_id=99, actor="shop")), UnknownClaim)
    story.do(CancelClaim(claim_id=claim.id, merchant_id="alice", actor="shop"))


def test_what_has_run_out_cannot_be_cancelled_though_no_job_has_noted_it_yet() -> None:
    """Whether the job comes on time must make no difference."""
    story = rich(valid_days=1)
    claim = story.redeem()
    story.later(1)
    closed = story.refused(CancelClaim(claim_id=claim.id, actor="Bob"))
    assert isinstance(closed, ClaimClosed)
    assert closed.data["state"] == "expired"


def in_debt() -> Story:
    """Alice spent 20 of her 30 points; then her order was cancelled, so that 20 are owed."""
    story = rich(30)
    story.redeem()
    story.cancel("first")
    assert story.balance() == (0, -20)
    assert story.debts() == [20]
    return story


def test_redeeming_is_refused_while_points_are_owed() -> None:
    refusal = in_debt().refused(make.redeem())
    assert isinstance(refusal, NotEnoughPoints)
    assert refusal.data == {"asked": 20, "left": 0}


def test_points_that_come_back_pay_what_is_owed_first() -> None:
    story = in_debt()
    story.cancel_claim(story.page.claims[1])
    assert (story.balance(), story.lots(), story.debts()) == ((0, 0), [0], [])


def test_what_came_back_and_paid_a_debt_is_there_again_when_the_order_stands_again() -> None:
    story = in_debt()
    story.cancel_claim(story.page.claims[1])
    story.do(make.update("first", paid=3000))
    assert (story.balance(), story.lots(), story.debts()) == ((0, 30), [30], [])


def test_a_debt_larger_than_what_comes_back_stays_in_part() -> None:
    story = rich(30)
    claim = story.redeem()
    story.adjust(-10)
    story.cancel("first")
    story.cancel_claim(claim)
    assert (story.balance(), story.debts()) == ((0, -10), [10])


# -- fulfilling


def test_a_custom_reward_is_fulfilled_once_and_cannot_be_cancelled_then() -> None:
    story = rich()
    claim = story.redeem(reward_id=2, multiplier=2)
    assert (claim.code, claim.cost) == (None, 40)
    decision = story.do(FulfilClaim(claim_id=claim.id, actor="Sue"))
    assert kinds(decision) == ["reward.fulfilled"]
    assert story.claim(claim).fulfilled_at == story.now
    assert story.ask(FulfilClaim(claim_id=claim.id, actor="Sue")).outcome is Outcome.UNCHANGED
    closed = story.refused(CancelClaim(claim_id=claim.id, actor="Sue"))
    assert closed.data["state"] == "fulfilled"


def test_only_what_is_custom_and_open_is_fulfilled() -> None:
    story = rich()
    coded, mug = story.redeem(), story.redeem(reward_id=2)
    assert isinstance(story.refused(FulfilClaim(claim_id=coded.id, actor="Sue")), Invalid)
    story.cancel_claim(mug)
    assert isinstance(story.refused(FulfilClaim(claim_id=mug.id, actor="Sue")), ClaimClosed)
    assert isinstance(story.refused(FulfilClaim(claim_id=99, actor="Sue")), UnknownClaim)


def test_what_has_run_out_cannot_be_fulfilled_though_no_job_has_noted_it_yet() -> None:
    story = rich(spending={"expired_returns_points": True})
    story.change_reward(msgspec.structs.replace(MUG, valid_days=10))
    claim = story.redeem(reward_id=2)
    story.later(10)
    closed = story.refused(FulfilClaim(claim_id=claim.id, actor="Sue"))
    assert isinstance(closed, ClaimClosed)
    assert closed.data["state"] == "expired"


def test_what_was_fulfilled_does_not_expire_and_gives_nothing_back() -> None:
    story = rich(spending={"expired_returns_points": True})
    story.change_reward(msgspec.structs.replace(MUG, valid_days=10))
    claim = story.redeem(reward_id=2)
    story.do(FulfilClaim(claim_id=claim.id, actor="Sue"))
    story.later(11)
    assert story.expire(claim).outcome is Outcome.UNCHANGED
    assert not story.claim(claim).has_expired(story.now)
    assert story.balance() == (0, 80)


# -- expiry


@pytest.mark.parametrize(("returns", "points"), [(False, 80), (True, 100)])
def test_a_code_expires_at_its_moment_and_gives_its_points_back_if_the_program_says_so(
    returns: bool, points: int
) -> None:
    story = rich(spending={"expired_returns_points": returns}, valid_days=10)
    claim = story.redeem()
    story.later(10, seconds=-1)
    assert story.expire(claim).outcome is Outcome.UNCHANGED
    assert not story.claim(claim).has_expired(story.now)
    story.later(seconds=1)
    assert story.claim(claim).has_expired(story.now)
    decision = story.expire(claim)
    assert kinds(decision)[0] == "reward.expired"
    assert story.claim(claim).state is ClaimState.EXPIRED
    assert (story.claim(claim).returned_id is not None) == returns
    assert story.balance() == (0, points)
    assert stock(story) == Stock(reward_id=1, claimed=1, codes_generated=1, codes_void=1)
    assert story.expire(claim).outcome is Outcome.UNCHANGED
    assert story.balance() == (0, points)
    assert isinstance(story.refused(CancelClaim(claim_id=claim.id, actor="Bob")), ClaimClosed)


def test_expiry_of_a_claim_that_nobody_knows_is_refused() -> None:
    assert isinstance(rich().refused(ExpireClaim(claim_id=7)), UnknownClaim)


# -- codes on orders


def test_a_code_on_an_order_becomes_used() -> None:
    story = rich()
    claim = story.redeem()
    decision = buys(story, "o1", f" {str(claim.code).lower()} ", "unknown")
    used = story.claim(claim)
    assert (used.state, used.used_at, used.order_id) == (
        ClaimState.USED,
        story.now,
        story.order("o1").id,
    )
    assert kinds(decision).count("reward.used") == 1
    assert "“Five pounds off” was used on this order." in story.why()
    assert isinstance(story.refused(CancelClaim(claim_id=claim.id, actor="Bob")), ClaimClosed)
    assert story.expire(claim).outcome is Outcome.UNCHANGED


def test_a_claimed_reward_named_by_its_number_and_by_its_code_is_used_once() -> None:
    story = rich()
    claim, mug = story.redeem(), story.redeem(reward_id=2)
    decision = buys(story, "o1", str(claim.code), claims=(claim.id, mug.id, 99))
    assert kinds(decision).count("reward.used") == 2
    assert story.claim(mug).state is ClaimState.USED


def test_a_code_on_a_second_order_is_used_on_the_first() -> None:
    story = rich()
    claim = story.redeem()
    buys(story, "o1", str(claim.code))
    second = buys(story, "o2", str(claim.code))
    assert story.claim(claim).order_id == story.order("o1").id
    assert "reward.used" not in kinds(second)
    assert any("is used already" in line for line in story.why())
    put(story, "o2", cancelled=True)
    assert story.claim(claim).state is ClaimState.USED


def test_a_code_of_another_customer_is_used_all_the_same_and_the_event_names_whose_it_was() -> None:
    story = rich()
    claim = story.redeem()
    decision = buys(story, "o1", str(claim.code), customer=make.alice(merchant_id="bob", email=None))
    assert story.claim(claim).state is ClaimState.USED
    (event,) = (event for event in decision.events if event.kind == "reward.used")
    assert event.payload["customer"] == "alice"
    assert any("though another customer had claimed it" in line for line in story.why())


@pytest.mark.parametrize(
    ("returns", "state", "points"),
    [
        ("nothing", ClaimState.USED, 80),
        ("code", ClaimState.CLAIMED, 80),
        ("points", ClaimState.CANCELLED, 100),
    ],
)
@pytest.mark.parametrize("undoing", ["cancel", "refund"])
def test_what_an_undone_order_gives_back_is_the_programs_choice(
    returns: str, state: ClaimState, points: int, undoing: str
) -> None:
    story = rich(spending={"refund_returns": returns})
    claim = story.redeem()
    buys(story, "o1", str(claim.code))
    if undoing == "cancel":
        story.do(CancelOrder(site_id=1, merchant_id="o1"))
    else:
        put(story, "o1", refund_status=RefundStatus.REFUNDED)
    assert story.claim(claim).state is state
    assert story.balance() == (0, points)
    put(story, "o1", cancelled=True)  # undone already: nothing more comes of it
    assert (story.claim(claim).state, story.balance()) == (state, (0, points))
    put(story, "o1")  # it stands again
    stands = ClaimState.CANCELLED if returns == "points" else ClaimState.USED
    assert (story.claim(claim).state, story.balance()) == (stands, (0, points))
    handed = returns != "points"
    assert stock(story) == Stock(
        reward_id=1,
        claimed=int(handed),
        codes_generated=1,
        codes_handed=int(handed),
        codes_void=int(not handed),
    )


def test_an_order_that_stands_again_with_the_code_still_used_on_it_says_nothing_strange() -> None:
    story = rich()
    claim = story.redeem()
    buys(story, "o1", str(claim.code))
    put(story, "o1", cancelled=True)
    put(story, "o1")
    assert not any("already" in line for line in story.why())


def test_a_part_refunded_keeps_the_code_used() -> None:
    story = rich(spending={"refund_returns": "points"})
    claim = story.redeem()
    details = OrderDetails(codes=(DiscountCode(str(claim.code)),))
    story.do(make.order("o1", total=1000, shipping=0, details=details))
    story.do(make.refund("o1", 999))
    assert story.claim(claim).state is ClaimState.USED
    story.do(make.refund("o1", 1))
    assert story.claim(claim).state is ClaimState.CANCELLED
    assert story.balance() == (0, 100)


def test_the_code_that_came_back_can_be_used_on_another_order_and_stays_used_on_that() -> None:
    story = rich(spending={"refund_returns": "code"})
    claim = story.redeem()
    buys(story, "o1", str(claim.code))
    put(story, "o1", cancelled=True)
    buys(story, "o2", str(claim.code))
    put(story, "o1")
    assert story.claim(claim).order_id == story.order("o2").id


def test_somebody_elses_order_gives_back_the_code_and_not_the_points() -> None:
    story = rich(spending={"refund_returns": "points"})
    claim = story.redeem()
    buys(story, "o1", str(claim.code), customer=make.alice(merchant_id="bob", email=None))
    put(story, "o1", cancelled=True)
    assert story.claim(claim).state is ClaimState.CLAIMED
    assert story.balance() == (0, 80)


def test_two_codes_of_one_order_come_back_together() -> None:
    story = rich(spending={"refund_returns": "points"})
    first, second = story.redeem(), story.redeem()
    buys(story, "o1", str(first.code), str(second.code))
    decision = put(story, "o1", cancelled=True)
    assert [movement.points for movement in decision.movements] == [20, 20]
    assert (story.balance(), story.lots()) == ((0, 100), [100])
    assert stock(story) == Stock(reward_id=1, codes_generated=2, codes_void=2)


def test_points_of_a_code_come_back_beside_those_that_its_order_loses() -> None:
    story = rich(20, spending={"refund_returns": "points"})
    claim = story.redeem()
    details = OrderDetails(codes=(DiscountCode(str(claim.code)),))
    story.do(make.order("o1", total=3000, shipping=0, details=details))
    story.adjust(-25)
    story.cancel("o1")
    assert (story.balance(), story.debts()) == ((0, -5), [5])


def test_a_code_on_an_order_that_arrives_cancelled_is_not_used() -> None:
    story = rich()
    claim = story.redeem()
    story.do(CancelOrder(site_id=1, merchant_id="o1", waits=True))
    buys(story, "o1", str(claim.code))
    assert story.order("o1").cancelled
    assert story.claim(claim).state is ClaimState.CLAIMED
    put(story, "o1")
    assert story.claim(claim).state is ClaimState.USED


def test_a_code_that_was_cancelled_is_worth_nothing_on_an_order() -> None:
    story = rich()
    claim = story.redeem()
    story.cancel_claim(claim)
    buys(story, "o1", str(claim.code))
    assert story.claim(claim).state is ClaimState.CANCELLED
    assert any("is cancelled already" in line for line in story.why())


# -- a code's last day: whether the job was on time makes no difference

LAST_DAY = [
    # points come back, the order was placed so many days after the claim: what becomes of the claim
    (False, 9, ClaimState.USED),
    (False, 10, ClaimState.EXPIRED),
    (False, 11, ClaimState.EXPIRED),
    (True, 9, ClaimState.EXPIRED),
    (True, 11, ClaimState.EXPIRED),
]


@pytest.mark.parametrize(("returns", "placed", "state"), LAST_DAY)
@pytest.mark.parametrize("job", ["on time", "late"])
def test_an_order_reported_after_a_code_expired(
    returns: bool, placed: int, state: ClaimState, job: str
) -> None:
    story = rich(spending={"expired_returns_points": returns}, valid_days=10)
    claim = story.redeem()
    story.later(12)
    if job == "on time":
        story.expire(claim)
    buys(story, "o1", str(claim.code), placed_at=make.NOON + make.days(placed))
    story.expire(claim)
    assert story.claim(claim).state is state
    assert story.balance() == (0, 100 if returns else 80)
    used = state is ClaimState.USED
    assert stock(story) == Stock(
        reward_id=1, claimed=1, codes_generated=1, codes_handed=int(used), codes_void=int(not used)
    )
    if not used:
        assert "is expired already" in story_says(story, "o1")


def story_says(story: Story, name: str) -> str:
    (decision,) = (d for d in story.decisions if d.order_is_new and d.order and d.order.merchant_id == name)
    codes = {entry.code: entry.facts for entry in decision.trace}
    return f"is {codes['code not used']['state']} already"


# -- any order of redeeming and cancelling

COSTS = (1, 7, 20, 33)


@settings(max_examples=150)
@given(
    st.lists(st.integers(1, 40), min_size=1, max_size=5),
    st.lists(st.sampled_from(COSTS), min_size=1, max_size=8),
    st.randoms(use_true_random=False),
)
def test_redeemed_and_cancelled_in_any_order_lots_are_exactly_where_they_were(
    gifts: list[int], costs: list[int], random: Any
) -> None:
    rewards = tuple(make.reward(id=cost, cost=cost) for cost in COSTS)
    story = Story(rewards=rewards)
    story.do(make.order("first", total=100, shipping=0))
    for points in gifts:
        story.adjust(points)
    lots = story.lots()
    claims: list[Claim] = []
    for cost in costs:
        decision = story.ask(make.redeem(reward_id=cost))
        assert (decision.refusal is None) == (
            cost <= story.balance()[1] + sum(c.cost for c in decision.claims)
        )
        claims += decision.claims
        if claims and random.random() < 0.4:
            story.cancel_claim(claims.pop(random.randrange(len(claims))))
    random.shuffle(claims)
    for claim in claims:
        story.cancel_claim(claim)
    assert story.lots() == lots
    assert story.balance() == (0, sum(lots))
    assert story.account().spent == 0
