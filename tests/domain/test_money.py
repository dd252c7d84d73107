"""Amounts: one strict grammar, exact minor units for every currency, halves rounded up."""

from decimal import ROUND_HALF_UP, Decimal

import pytest
from babel.core import get_global
from babel.numbers import get_currency_precision
from hypothesis import given
from hypothesis import strategies as st

from regulars.domain.errors import Invalid
from regulars.domain.money import EXPONENTS, MAX_UNITS, exponent, format_amount, parse_amount

currencies = st.sampled_from(sorted(EXPONENTS))


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("39.99", "GBP", 3999),
        ("39.9900", "GBP", 3999),
        ("39.9", "GBP", 3990),
        ("40", "GBP", 4000),
        ("0", "GBP", 0),
        ("0.00", "GBP", 0),
        ("007.50", "GBP", 750),
        ("1250", "JPY", 1250),
        ("1250.00", "JPY", 1250),
        ("12.345", "KWD", 12345),
        ("12.3", "KWD", 12300),
        ("1.2345", "CLF", 12345),
        ("1000000000000", "GBP", 100_000_000_000_000),
    ],
)
def test_an_amount_is_read_in_minor_units(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    ("text", "currency", "minor"),
    [
        ("0.005", "GBP", 1),
        ("0.0049", "GBP", 0),
        ("0.0050", "GBP", 1),
        ("1.995", "GBP", 200),
        ("1.9949", "GBP", 199),
        ("2.675", "GBP", 268),
        ("0.5", "JPY", 1),
        ("0.4999", "JPY", 0),
        ("99.5", "JPY", 100),
        ("1.0005", "KWD", 1001),
    ],
)
def test_digits_beyond_the_currency_are_rounded_half_up(text: str, currency: str, minor: int) -> None:
    assert parse_amount(text, currency) == minor


@pytest.mark.parametrize(
    "text",
    [
        "",
        "-1",
        "+1",
        "1.",
        ".5",
        "1,5",
        "1e3",
        "1E+2",
        "NaN",
        "Infinity",
        "inf",
        "0x10",
        "1_0",
        "1 0",
        " 1",
        "1 ",
        "1\n",
        "\n1",
        "١٢",
        "１２",
        "1.12345",
        "12345678901234",
        "1.2.3",
        "--1",
        "£5",
        "½",
        "1\x00",
        "1e5000",
    ],
)
def test_what_is_no_plain_decimal_is_refused_and_the_field_named(text: str) -> None:
    with pytest.raises(Invalid) as refusal:
        parse_amount(text, "GBP", "total_price")
    assert refusal.value.field == "total_price"


def test_more_than_a_million_million_is_refused_in_every_currency() -> None:
    for currency in EXPONENTS:
        assert parse_amount(str(MAX_UNITS), currency) == MAX_UNITS * 10 ** exponent(currency)
        with pytest.raises(Invalid, match="must not be more"):
            parse_amount(str(MAX_UNITS + 1), currency)


@pytest.mark.parametrize("code", ["", "gbp", "XXX", "XAU", "EURO", "GB", "€"])
def test_a_code_that_is_no_currency_is_refused(code: str) -> None:
    with pytest.raises(Invalid) as refusal:
        exponent(code)
    assert refusal.value.field == "currency"


@pytest.mark.parametrize(
    ("minor", "currency", "text"),
    [
        (3999, "GBP", "39.99"),
        (5, "GBP", "0.05"),
        (0, "GBP", "0.00"),
        (-5, "GBP", "-0.05"),
        (5, "JPY", "5"),
        (-5, "JPY", "-5"),
        (12345, "KWD", "12.345"),
        (1, "CLF", "0.0001"),
    ],
)
def test_an_amount_is_written_with_all_of_its_currency_s_digits(minor: int, currency: str, text: str) -> None:
    assert format_amount(minor, currency) == text


@given(currencies, st.integers(0, 10**12))
def test_what_is_written_is_read_back_the_same(currency: str, minor: int) -> None:
    assert parse_amount(format_amount(minor, currency), currency) == minor


@given(currencies, st.integers(0, 10**12), st.integers(0, 4), st.integers(0, 9999))
def test_reading_agrees_with_decimal_arithmetic(currency: str, whole: int, digits: int, part: int) -> None:
    text = f"{whole}.{part:04d}"[: len(str(whole)) + 1 + digits].rstrip(".")
    exact = Decimal(text).scaleb(exponent(currency)).quantize(Decimal(1), ROUND_HALF_UP)
    if whole < MAX_UNITS:
        assert parse_amount(text, currency) == exact


# ISO 4217 names the minor unit, and payments go by it. CLDR says what is customary in print: in these
# countries the coins have gone out of use, but shops still send two digits (three for Iraq).
WITHOUT_COINS = {"AFN", "ALL", "IQD", "IRR", "KPW", "LAK", "LBP", "MGA", "MMK", "RSD", "SOS", "SYP", "YER"}


def test_our_digits_differ_from_cldr_s_only_where_the_coins_have_gone_out_of_use() -> None:
    differing = {code for code, digits in EXPONENTS.items() if get_currency_precision(code) != digits}
    assert differing == WITHOUT_COINS
    assert all(get_currency_precision(code) == 0 for code in WITHOUT_COINS)


def test_every_currency_that_is_legal_tender_somewhere_is_known() -> None:
    tender = {
        code
        for currencies_of in get_global("territory_currencies").values()
        for code, _since, until, is_tender in currencies_of
        if until is None and is_tender
    }
    assert tender <= EXPONENTS.keys()
