"""What a batch needs, and a page that follows its decisions."""

import pytest

from regulars.domain.commands import (
    Activity,
    AdjustPoints,
    CancelOrder,
    Command,
    Identity,
    PatchCustomer,
    RecordPayment,
    SaveCustomer,
    Settle,
)
from regulars.domain.decide import decide
from regulars.domain.page import Needs, needs
from tests import make
from tests.domain.story import Story


def needed(*commands: Command) -> Needs:
    return needs(make.program(), commands)


def test_an_order_needs_itself_and_who_may_be_meant_by_its_customer() -> None:
    wanted = needed(make.order("A1"))
    assert wanted.orders == {(1, "A1")} and wanted.merchant_ids == {"alice"}
    assert wanted.guests == {("alice", "alice@example.com")}
    assert not wanted.takes_points and not wanted.refunds and not wanted.member_keys


def test_a_guest_needs_the_guest_of_its_e_mail_in_any_case() -> None:
    assert needed(make.order("A1", customer=make.guest(email=" G@x.example "))).guest_keys == {"g@x.example"}


def test_who_is_matched_by_e_mail_needs_the_members_of_it() -> None:
    ref = make.guest(guest=False, match_email=True)
    wanted = needed(make.order("A1", customer=ref))
    assert wanted.member_keys == {"guest@example.com"} and wanted.guests == {(None, "guest@example.com")}
    assert not needed(make.order("A1", customer=make.alice(match_email=True))).member_keys


@pytest.mark.parametrize(
    ("command", "takes", "refunds"),
    [
        (make.update("A1", paid=1), True, False),
        (make.refund("A1", 1), True, True),
        (CancelOrder(site_id=None, merchant_id="A1"), True, False),
        (RecordPayment(site_id=1, merchant_id="A1", amount_minor=None), True, False),
    ],
)
def test_what_may_take_points_needs_the_lots(command: Command, takes: bool, refunds: bool) -> None:
    wanted = needed(command)
    assert wanted.orders == {(1, "A1")}
    assert (wanted.takes_points, wanted.refunds) == (takes, refunds)


def test_staff_who_take_points_need_lots_and_those_who_give_do_not() -> None:
    for points, takes in ((-1, True), (1, False)):
        wanted = needed(AdjustPoints(merchant_id="alice", points=points, reason=None, actor="Bob"))
        assert (wanted.merchant_ids, wanted.takes_points) == ({"alice"}, takes)


def test_the_rest_needs_what_it_names() -> None:
    identity = Identity(scope="s", key="k", fingerprint=b"f", at=make.NOON)
    wanted = needed(
        SaveCustomer(customer=make.alice(), activity=Activity(name="$signup", merchant_id="s-1")),
        PatchCustomer(merchant_id="bob", identity=identity),
        Settle(customer_id=7),
    )
    assert wanted.activities == {("$signup", "s-1")} and wanted.identities == {("s", "k")}
    assert wanted.merchant_ids == {"alice", "bob"} and wanted.customer_ids == {7}


def test_an_order_of_a_site_that_is_not_there_needs_nothing_and_is_refused_later() -> None:
    assert not needed(make.update("A1", paid=1, site_id=9)).orders


def test_what_is_no_command_is_our_own_mistake() -> None:
    with pytest.raises(TypeError):
        needed(Command())
    with pytest.raises(TypeError):
        decide(make.page(), Command(), make.NOON)


def test_deciding_alone_changes_nothing() -> None:
    story = Story(make.rule(approval_days=14), join=5)
    story.do(make.worked_example("A1"))
    story.later(20)
    command = make.refund("A1", 1599, reference="R1")
    first = decide(story.page, command, story.now)
    assert decide(story.page, command, story.now) == first
    assert story.balance() == (29, 5)
    story.page.apply(first)
    assert story.balance() == (0, 23)


def test_every_change_is_an_event_and_events_are_numbered_in_their_order() -> None:
    story = Story(make.rule(approval_days=14), join=5)
    story.do(make.worked_example("A1"))
    story.later(14)
    story.cancel("A1")
    events = [event for decision in story.decisions for event in decision.events]
    assert [event.id for event in events] == list(range(1, len(events) + 1))
    assert [event.kind for event in events] == [
        "customer.created",
        "customer.enrolled",
        "order.recorded",
        "points.earned",
        "points.earned",
        "order.updated",
        "points.approved",
        "points.taken",
    ]
    assert events[-1].payload == {
        "points": 29,
        "from": "available",
        "to": "reversed",
        "cause": "cancel",
        "customer": "alice",
        "order": "A1",
    }
