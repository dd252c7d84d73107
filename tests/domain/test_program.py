"""Rates, sites and the program's clock."""

from datetime import timedelta

import pytest
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.errors import Invalid, UnknownSite
from regulars.domain.program import MAX_RATE, Site, parse_rate
from tests import make


@pytest.mark.parametrize(
    ("text", "rate"),
    [
        ("1", (1, 1)),
        ("0.5", (1, 2)),
        ("1.25", (5, 4)),
        ("0", (0, 1)),
        ("010", (10, 1)),
        ("0.0001", (1, 10_000)),
        ("1000000", (1_000_000, 1)),
    ],
)
def test_a_rate_is_read_as_an_exact_fraction(text: str, rate: tuple[int, int]) -> None:
    assert parse_rate(text) == rate


@pytest.mark.parametrize(
    "text", ["", "-1", "+1", ".5", "5.", "1.00001", "1,5", "1e3", "1_0", " 1", "1.²", "1.٢", "²", "٢", "NaN"]
)
def test_what_is_no_plain_decimal_is_no_rate(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_rate(text)
    assert refusal.value.field == "points_per_unit"


@pytest.mark.parametrize("text", [str(MAX_RATE + 1), f"{MAX_RATE}.0001", "9" * 5000])
def test_a_rate_has_an_upper_bound(text: str) -> None:
    with pytest.raises(Invalid):
        parse_rate(text)


@given(st.text())
def test_any_other_text_is_refused_too_and_never_breaks(text: str) -> None:
    try:
        numerator, denominator = parse_rate(text)
    except Invalid:
        return
    assert 0 <= numerator <= MAX_RATE * denominator


def test_the_only_site_need_not_be_named() -> None:
    assert make.program().site(None).id == make.program().site(1).id == 1


def test_a_site_that_is_not_there_or_not_said_where_there_are_two_is_refused() -> None:
    mugs = Site(id=2, name="Mugs", domain="https://mugs.example", currency="EUR")
    both = make.program(sites=(*make.program().sites, mugs))
    assert both.site(2) is mugs
    for unclear in (None, 3):
        with pytest.raises(UnknownSite):
            both.site(unclear)


def test_a_program_in_test_mode_can_be_ahead_of_real_time() -> None:
    assert make.program().time(make.NOON) == make.NOON
    ahead = make.program(test_mode=True, clock_offset_seconds=86_400)
    assert ahead.time(make.NOON) == make.NOON + timedelta(days=1)
