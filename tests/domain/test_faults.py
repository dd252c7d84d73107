"""Who watches the watchman: each of these planted faults must be found by a short run of the machine."""

import inspect
import textwrap
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

import pytest

from regulars.domain import account, earning, ordering, orders, posting, redeeming, rewards
from regulars.domain.case import Case
from regulars.domain.page import Page
from regulars.domain.posting import Posting
from regulars.domain.rewards import Claim
from tests.domain.test_machine import walk

WALKS, STEPS = 300, 100

FAULTS: dict[str, tuple[Callable[..., Any], str, str]] = {
    "a refund's points are rounded up": (
        orders.taken_back,
        "given * refunded_minor // payable_minor",
        "-(-given * refunded_minor // payable_minor)",
    ),
    "points are rounded down twice": (
        earning.points_for,
        "rewardable_minor * rule.rate_numerator // (unit * rule.rate_denominator)",
        "rewardable_minor // unit * rule.rate_numerator // rule.rate_denominator",
    ),
    "refunds go beyond the order": (
        ordering.record_refund,
        "min(refunded_minor, most, order.paid_minor)",
        "refunded_minor",
    ),
    "the same refund counts each time": (ordering._fresh_parts, "if before is None:", "if True:"),
    "a small refund after the whole one gives points back": (
        ordering.record_refund,
        "if order.wholly_refunded",
        "if False",
    ),
    "only the last early refund counts": (ordering._apply_early, "refunded_minor +=", "refunded_minor ="),
    "an early cancel is forgotten": (ordering._apply_early, "cancelled=True", "cancelled=False"),
    "a cancelled order keeps its points": (orders.taken_target, "order.cancelled or", ""),
    "an order that is no longer paid keeps them": (
        orders.taken_target,
        "or order.payment_status is not PaymentStatus.PAID",
        "",
    ),
    "an order earns again when it is paid again": (
        ordering._follow,
        "after.lot_id is None and after.qualifies and",
        "after.qualifies and",
    ),
    "today's rule is applied to yesterday's order": (
        earning.earn,
        "case.page.rules[order.rule_version]",
        "case.program.purchase",
    ),
    "who is blocked earns": (earning.earn, "elif customer.blocked:", "elif False:"),
    "guests earn": (earning.earn, "elif not customer.is_member:", "elif False:"),
    "approval counts from the report, not from the payment": (
        earning.earn,
        "approval_due(rule, order.paid_at)",
        "approval_due(rule, case.now)",
    ),
    "approval comes a second early": (
        posting._is_due,
        "lot.approves_at <= now",
        "(lot.approves_at - now).total_seconds() <= 1",
    ),
    "approval comes a moment late": (posting._is_due, "lot.approves_at <= now", "lot.approves_at < now"),
    "what is due is not settled first": (Case.points, "self.settle()", "pass"),
    "debts are never paid": (Posting._fill_deficits, "sorted(self.deficits)", "()"),
    "a debt that is undone stays": (
        Posting._undo,
        "self.deficits[taking.movement_id] -= unpaid",
        "self.deficits[taking.movement_id] -= 0",
    ),
    "what paid a debt in the same decision is lost": (
        Posting._drawn,
        "if use.movement_id == taking.movement_id",
        "if False",
    ),
    "takings are undone first first": (Posting.restore, "-taking.movement_id", "taking.movement_id"),
    "lots are refilled first first": (Posting._undo, "reversed(self._drawn(taking))", "self._drawn(taking)"),
    "a refund draws on other lots before its own": (Posting.take_back, "first=lot_id", "first=None"),
    "the newest points are spent first": (
        posting._order_of_use,
        "lot.opened_at, lot.id",
        "datetime.max, -lot.id",
    ),
    "pending points of other orders are taken": (
        Posting._open_lots,
        "lot.state is Bucket.AVAILABLE and",
        "",
    ),
    "staff take what is not there": (account.adjust_points, "-command.points > points.available", "False"),
    "joining gives points each time": (account.identify, "customer.is_member or", ""),
    "points are redeemed that are not there": (rewards.refusal, "cost > max(available, 0)", "False"),
    "who is blocked redeems": (rewards.refusal, "if customer.blocked:", "if False:"),
    "two of a custom reward cost as much as one": (
        rewards.cost_of,
        "reward.cost * (multiplier or 1)",
        "reward.cost",
    ),
    "what staff give is paid for": (
        redeeming.redeem_reward,
        "cost = 0 if command.given_by is not None else price",
        "cost = price",
    ),
    "one more is claimed than there are": (rewards.is_out_of_stock, ">= reward.stock", "> reward.stock"),
    "a limit looks back too far": (rewards._limited, "at > now - period", "at > now - 3 * period"),
    "a limit counts what was cancelled": (Page._apply_claims, "times.remove(claim.claimed_at)", "pass"),
    "a code is handed out twice": (Page._apply_claims, "free[1:]", "free"),
    "a cancelled claim keeps its points": (
        redeeming._undo,
        "claim.movement_id is not None and cause is not None",
        "False",
    ),
    "a claim is cancelled twice": (redeeming.cancel_claim, "claim.state is not ClaimState.CLAIMED", "False"),
    "what was fulfilled is cancelled": (
        redeeming.cancel_claim,
        "claim.fulfilled_at is not None",
        "False",
    ),
    "what has run out is cancelled": (
        redeeming.cancel_claim,
        "claim.has_expired(case.now)",
        "False",
    ),
    "what was fulfilled expires": (Claim.has_expired, "and self.fulfilled_at is None", ""),
    "a code expires a moment late": (Claim.has_expired, "self.expires_at <= now", "self.expires_at < now"),
    "whatever expires gives its points back": (redeeming.expire_claim, "if returns else None", ""),
    "points that come back pay no debt": (Posting.give_back, "self._fill_deficits()", "pass"),
    "a cancelled claim is still counted": (
        redeeming._undo,
        "_count(case, claim.reward_id, claimed=-1)",
        "pass",
    ),
    "the code of a cancelled claim can be used": (
        redeeming._undo,
        "case.code_states[claim.code_key] = CodeState.VOID",
        "pass",
    ),
    "a code is used on every order": (redeeming._use, "else claim.state is ClaimState.CLAIMED", "else True"),
    "a code is used after its time": (
        redeeming._counts_late,
        "and order.placed_at < claim.expires_at",
        "",
    ),
    "a code is used whose points came back": (redeeming._counts_late, "not is_returned and", ""),
    "a code used late stays void": (
        redeeming._use,
        "case.code_states[claim.code_key] = CodeState.HANDED",
        "pass",
    ),
    "a code stays used on an order that is undone": (
        redeeming.follow_codes,
        "elif claim.state is ClaimState.USED and claim.order_id == after.id",
        "elif False",
    ),
    "a second order that is undone gives the code of the first back": (
        redeeming.follow_codes,
        "and claim.order_id == after.id",
        "",
    ),
    "somebody else's order gives points back": (
        redeeming._return,
        "and claim.customer_id == order.customer_id",
        "",
    ),
    "a movement makes no event": (
        Case._make_events,
        "for movement in decision.movements",
        "for movement in ()",
    ),
}


@contextmanager
def planted(function: Callable[..., Any], sound: str, faulty: str) -> Iterator[None]:
    """The function with one piece of its text replaced, for everyone who has imported it."""
    source = textwrap.dedent(inspect.getsource(function))
    assert source.count(sound) == 1, f"{function.__qualname__} no longer says {sound!r}"
    namespace: dict[str, Any] = dict(function.__globals__)
    exec(compile(source.replace(sound, faulty), function.__module__, "exec"), namespace)
    code = function.__code__
    function.__code__ = namespace[function.__name__].__code__
    try:
        yield
    finally:
        function.__code__ = code


@pytest.mark.parametrize("fault", FAULTS)
def test_the_machine_finds_it_when(fault: str) -> None:
    with planted(*FAULTS[fault]), pytest.raises((AssertionError, LookupError)):
        walk_many()


def walk_many() -> None:
    for seed in range(WALKS):
        walk(seed, STEPS)
