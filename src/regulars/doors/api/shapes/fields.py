"""What the shapes are made of: single values with their bounds, and the two kinds of struct.

In a query `null` is a text like any other: what may be left out there is UNSET, not None.
"""

from datetime import datetime
from typing import Annotated, TypeAlias

import msgspec
from msgspec import Meta

from regulars.domain.rewards import MAX_COST, MAX_COUNT, MAX_MULTIPLIER, MAX_VALID_DAYS

MOST_MONEY = 10**15
"""Minor units, beyond any currency's own bound."""

Points: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_COST)]
Minor: TypeAlias = Annotated[int, Meta(ge=1, le=MOST_MONEY)]
Count: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_COUNT)]
Moment: TypeAlias = Annotated[datetime, Meta(tz=True)]
Title: TypeAlias = Annotated[str, Meta(min_length=1, max_length=120)]
Reason: TypeAlias = Annotated[str, Meta(min_length=1, max_length=1000)]
Id: TypeAlias = Annotated[int, Meta(ge=1, le=2**53)]
Icon: TypeAlias = Annotated[str, Meta(pattern="^[a-z0-9-]{1,40}$")]
Prefix: TypeAlias = Annotated[str, Meta(pattern="^[A-Za-z0-9-]{0,20}$")]
Limit: TypeAlias = Annotated[int, Meta(ge=1, le=500)]
Text: TypeAlias = Annotated[str, Meta(max_length=2000)]
Cost: TypeAlias = Annotated[int, Meta(ge=0, le=MAX_COST)]
Percent: TypeAlias = Annotated[int, Meta(ge=1, le=100)]
Product: TypeAlias = Annotated[str, Meta(max_length=191)]
Instructions: TypeAlias = Annotated[str, Meta(max_length=4000)]
MinorOrNothing: TypeAlias = Annotated[int, Meta(ge=0, le=MOST_MONEY)]
Days: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_VALID_DAYS)]
Times: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_COUNT)]
Multiplier: TypeAlias = Annotated[int, Meta(ge=1, le=MAX_MULTIPLIER)]
Tier: TypeAlias = Annotated[str, Meta(min_length=1, max_length=100)]
Tiers: TypeAlias = Annotated[tuple[Tier, ...], Meta(max_length=50)]
Sites: TypeAlias = Annotated[tuple[Id, ...], Meta(max_length=100)]


class Closed(msgspec.Struct, frozen=True, kw_only=True, forbid_unknown_fields=True):
    """What callers send: a field that is not known is an error, never overlooked."""


class Open(msgspec.Struct, frozen=True, kw_only=True):
    """What we answer: fields may be added to it."""
