"""A German reads every reason in German, with German numbers, and nobody loses one."""

from regulars.domain.decisions import Trace
from regulars.domain.trace import _SENTENCES
from regulars.doors.admin.reasons import GERMAN, reason
from regulars.doors.admin.telling import plainly
from regulars.doors.admin.words import reading_as

GIVEN = Trace(
    "purchase: given",
    {
        "points": 29,
        "rewardable": 2999,
        "currency": "GBP",
        "rate": "1/1",
        "approves": "2026-03-16T12:00:00+00:00",
    },
)


def test_every_reason_has_its_german() -> None:
    assert set(GERMAN) == set(_SENTENCES)


def test_29_points_are_explained_in_german() -> None:
    with reading_as("de-DE", "Europe/Berlin"):
        said = reason(GIVEN).replace("\xa0", " ")
    assert said == (
        "29 Punkte gutgeschrieben: 29,99 £ der Bestellung bringen Punkte, 1 je Einheit, abgerundet. "
        "Sie sind vorgemerkt bis 16.03.2026, 13:00."
    )


def test_english_has_the_readers_zone_and_the_name_of_who_did_it() -> None:
    with reading_as("en-GB", "Europe/Berlin"):
        assert plainly(reason(GIVEN), {}).endswith("They are pending until 16 Mar 2026, 13:00.")
        gave = Trace("adjusted", {"points": 5, "actor": "staff:1", "reason": "staff:1 said so"})
        assert plainly(reason(gave), {"staff:1": "Toni"}) == "Toni gave 5 points: staff:1 said so"


def test_a_reason_of_another_version_is_shown_as_it_is() -> None:
    with reading_as("de-DE", "UTC"):
        assert reason(Trace("purchase: given", {})).startswith("purchase: given")
        assert reason(Trace("of tomorrow", {"a": 1})) == "of tomorrow {'a': 1}"
