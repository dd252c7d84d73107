"""`decide`: the one function that answers every command, for a live order, a replay and a test alike."""

from datetime import datetime, timedelta

from regulars.domain.account import adjust_points, erase_customer, patch_customer, save_customer, settle
from regulars.domain.case import Case
from regulars.domain.commands import (
    AdjustPoints,
    AmendOrder,
    CancelClaim,
    CancelOrder,
    Command,
    EraseCustomer,
    ExpireClaim,
    FulfilClaim,
    MergeCustomers,
    PatchCustomer,
    RecordOrder,
    RecordPayment,
    RecordRefund,
    RedeemReward,
    SaveCustomer,
    Settle,
    UpdateOrder,
)
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import IdentityReused, Refused
from regulars.domain.merging import merge_customers
from regulars.domain.ordering import (
    amend_order,
    cancel_order,
    record_order,
    record_payment,
    record_refund,
    update_order,
)
from regulars.domain.page import Page
from regulars.domain.redeeming import cancel_claim, expire_claim, fulfil_claim, redeem_reward


def decide(page: Page, command: Command, now: datetime) -> Decision:
    """The decision on `command` at program time `now`, on the state that `page` holds. Changes nothing
    itself.

    A refusal is a decision too: `decision.refusal` says what stood in the way, and nothing is to be stored
    but, under an Idempotency-Key, the refusal itself.
    """
    if (remembered := _remembered(page, command, now)) is not None:
        return remembered
    case = Case(page, command, now)
    try:
        decision = case.decision(_answer(case, command))
    except Refused as refusal:
        decision = _refused(command, refusal, now)
    identity = command.identity
    if identity is not None and (decision.refusal is None or identity.window_seconds is None):
        decision.identity = identity
    return decision


def _answer(case: Case, command: Command) -> Outcome:
    match command:
        case RecordOrder():
            return record_order(case, command)
        case AmendOrder():
            return amend_order(case, command)
        case UpdateOrder():
            return update_order(case, command)
        case RecordPayment():
            return record_payment(case, command)
        case RecordRefund():
            return record_refund(case, command)
        case CancelOrder():
            return cancel_order(case, command)
        case SaveCustomer():
            return save_customer(case, command)
        case PatchCustomer():
            return patch_customer(case, command)
        case AdjustPoints():
            return adjust_points(case, command)
        case Settle():
            return settle(case, command)
        case EraseCustomer():
            return erase_customer(case, command)
        case MergeCustomers():
            return merge_customers(case, command)
        case RedeemReward():
            return redeem_reward(case, command)
        case CancelClaim():
            return cancel_claim(case, command)
        case FulfilClaim():
            return fulfil_claim(case, command)
        case ExpireClaim():
            return expire_claim(case, command)
        case _:
            raise TypeError(f"no such command: {type(command).__name__}")


def _remembered(page: Page, command: Command, now: datetime) -> Decision | None:
    """The first answer, when this identity was answered before; None when it is new or its memory has
    ended."""
    identity = command.identity
    if identity is None:
        return None
    before = page.identities.get((identity.scope, identity.key))
    if before is None:
        return None
    if identity.window_seconds is not None and identity.at >= before.at + timedelta(
        seconds=identity.window_seconds
    ):
        return None
    if before.fingerprint != identity.fingerprint:
        return _refused(command, IdentityReused(key=identity.key), now)
    if before.refusal is not None:
        return _refused(command, before.refusal, now)
    return Decision(
        id=0, kind=type(command).__name__, outcome=Outcome.REPEATED, at=now, repeats=before.decision_id
    )


def _refused(command: Command, refusal: Refused, now: datetime) -> Decision:
    return Decision(id=0, kind=type(command).__name__, outcome=Outcome.REFUSED, at=now, refusal=refusal)
