"""Calls that carry an identity: the same again is answered as the first time."""

from datetime import timedelta

from regulars.domain.commands import AdjustPoints, Identity
from regulars.domain.decisions import Outcome
from regulars.domain.errors import IdentityReused, NotEnoughPoints
from tests import make
from tests.domain.story import Story


def gift(
    points: int, *, fingerprint: bytes = b"a" * 16, at: int = 0, window: int | None = None
) -> AdjustPoints:
    identity = Identity(
        scope="idem:1",
        key="K1",
        fingerprint=fingerprint,
        at=make.NOON + timedelta(seconds=at),
        window_seconds=window,
    )
    return AdjustPoints(merchant_id="alice", points=points, reason=None, actor="Bob", identity=identity)


def open_story() -> Story:
    story = Story()
    story.do(make.worked_example("A1"))
    return story


def test_the_same_again_is_done_once_for_good() -> None:
    story = open_story()
    assert story.do(gift(10)).outcome is Outcome.DONE
    story.later(5000)
    again = story.do(gift(10, at=500_000_000))
    assert (again.outcome, again.id) == (Outcome.REPEATED, 0)
    assert story.balance() == (0, 39)


def test_the_key_with_another_content_is_refused() -> None:
    story = open_story()
    story.do(gift(10))
    refusal = story.refused(gift(11, fingerprint=b"b" * 16))
    assert isinstance(refusal, IdentityReused) and refusal.data == {"key": "K1"}
    assert story.do(gift(10)).outcome is Outcome.REPEATED, "and the first content is still remembered"


def test_the_same_key_in_another_scope_is_another_key() -> None:
    story = open_story()
    first = gift(10)
    assert first.identity is not None
    other = Identity(scope="idem:2", key="K1", fingerprint=b"b" * 16, at=make.NOON)
    story.do(first)
    story.do(AdjustPoints(merchant_id="alice", points=10, reason=None, actor="Bob", identity=other))
    assert story.balance() == (0, 49)


def test_a_refusal_sticks_under_its_key() -> None:
    story = open_story()
    assert isinstance(story.refused(gift(-30)), NotEnoughPoints)
    story.adjust(50)
    remembered = story.refused(gift(-30))
    assert isinstance(remembered, NotEnoughPoints) and remembered.data == {"asked": 30, "left": 29}
    assert story.balance() == (0, 79)


def test_an_unchanged_state_is_remembered_too() -> None:
    story = open_story()
    identity = Identity(scope="idem:1", key="K2", fingerprint=b"c" * 16, at=make.NOON)
    put = make.update("A1", paid=4999, identity=identity)
    assert story.do(put).outcome is Outcome.UNCHANGED
    story.do(make.update("A1", paid=4999, cancelled=True))
    assert story.do(put).outcome is Outcome.REPEATED
    assert story.order("A1").cancelled


def test_with_a_window_the_memory_ends_and_starts_again() -> None:
    story = open_story()
    story.do(gift(10, window=3600))
    assert story.do(gift(10, at=3599, window=3600)).outcome is Outcome.REPEATED
    assert story.do(gift(10, at=3600, window=3600)).outcome is Outcome.DONE
    assert story.do(gift(10, at=7199, window=3600)).outcome is Outcome.REPEATED
    assert story.balance() == (0, 49)


def test_with_a_window_a_refusal_is_not_remembered() -> None:
    story = open_story()
    story.refused(gift(-30, window=3600))
    story.adjust(50)
    assert story.do(gift(-30, at=1, window=3600)).outcome is Outcome.DONE


def test_a_refused_command_uses_no_id_and_changes_nothing() -> None:
    story = open_story()
    ids = story.page.ids
    story.refused(gift(-30))
    assert story.page.ids is ids
    done = story.do(AdjustPoints(merchant_id="alice", points=1, reason=None, actor="Bob"))
    assert done.id == 2
