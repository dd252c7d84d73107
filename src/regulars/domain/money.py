"""Money as integers of minor units, exact for every ISO 4217 exponent; the strict grammar of amounts."""

import re
from typing import Final

from regulars.domain.errors import Invalid

_WITHOUT_CENTS = "BIF CLP DJF GNF ISK JPY KMF KRW PYG RWF UGX UYI VND VUV XAF XOF XPF"
_WITH_MILLS = "BHD IQD JOD KWD LYD OMR TND"
_WITH_TENTHS_OF_MILLS = "CLF UYW"
_WITH_CENTS = """
    AED AFN ALL AMD ANG AOA ARS AUD AWG AZN BAM BBD BDT BGN BMD BND BOB BOV BRL BSD BTN BWP BYN BZD CAD
    CDF CHE CHF CHW CNY COP COU CRC CUP CVE CZK DKK DOP DZD EGP ERN ETB EUR FJD FKP GBP GEL GHS GIP GMD
    GTQ GYD HKD HNL HTG HUF IDR ILS INR IRR JMD KES KGS KHR KPW KYD KZT LAK LBP LKR LRD LSL MAD MDL MGA
    MKD MMK MNT MOP MRU MUR MVR MWK MXN MXV MYR MZN NAD NGN NIO NOK NPR NZD PAB PEN PGK PHP PKR PLN QAR
    RON RSD RUB SAR SBD SCR SDG SEK SGD SHP SLE SOS SRD SSP STN SVC SYP SZL THB TJS TMT TOP TRY TTD TWD
    TZS UAH USD USN UYU UZS VED VES WST XCD XCG YER ZAR ZMW ZWG
"""

EXPONENTS: Final[dict[str, int]] = {
    code: exponent
    for exponent, codes in (
        (0, _WITHOUT_CENTS),
        (2, _WITH_CENTS),
        (3, _WITH_MILLS),
        (4, _WITH_TENTHS_OF_MILLS),
    )
    for code in codes.split()
}
"""Digits after the decimal point, by ISO 4217 code."""

MAX_UNITS: Final = 10**12
"""The largest amount that is accepted, in whole currency units."""

_AMOUNT = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,4}))?")
_PADDING = ("", "0", "00", "000", "0000")


def exponent(currency: str) -> int:
    """Digits after the decimal point of `currency`. Raises Invalid for a code that ISO 4217 does not know."""
    found = EXPONENTS.get(currency)
    if found is None:
        raise Invalid("currency", f"{currency!r} is not an ISO 4217 currency code")
    return found


def parse_amount(text: str, currency: str, field: str = "amount") -> int:
    """Minor units of `text`, a plain decimal such as "39.99" with at most 13 and 4 digits.

    Digits beyond the currency's exponent are rounded half-up ("0.005" GBP is 1 minor unit).
    Raises Invalid, naming `field`, for signs, exponents, blanks, NaN and what is over MAX_UNITS.
    """
    match = _AMOUNT.fullmatch(text) if text.isascii() else None
    if match is None:
        raise Invalid(field, "must be a plain decimal amount, zero or more, with at most 4 decimals")
    digits = exponent(currency)
    whole, decimals = match.group(1), match.group(2) or ""
    if len(decimals) <= digits:
        minor = int(whole + decimals + _PADDING[digits - len(decimals)])
    else:
        minor = int(whole + decimals[:digits]) + (decimals[digits] >= "5")
    if minor > MAX_UNITS * 10**digits:
        raise Invalid(field, f"must not be more than {MAX_UNITS}")
    return minor


def format_amount(minor: int, currency: str) -> str:
    """The plain decimal text of `minor` units with all of the currency's digits: 3999 GBP is "39.99", 5
    JPY is "5"."""
    digits = exponent(currency)
    if digits == 0:
        return str(minor)
    sign = "-" if minor < 0 else ""
    whole, rest = divmod(abs(minor), 10**digits)
    return f"{sign}{whole}.{rest:0{digits}d}"
