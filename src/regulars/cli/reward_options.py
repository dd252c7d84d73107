"""What can be said of a reward on the command line, for making one as for changing it."""

import functools
import inspect
from collections.abc import Callable
from datetime import UTC, datetime
from types import GenericAlias
from typing import Any, Final, NamedTuple

import typer

from regulars.cli.desk import BadArgument
from regulars.domain.money import parse_amount
from regulars.domain.rewards import CodeSource, LimitPeriod

WORTH: Final = "What it is worth: by its kind"
BOUNDS: Final = "When, where, how often and for whom"
CODES: Final = "Its codes"


class _Option(NamedTuple):
    kind: Any
    info: Any


def _option(
    kind: type[Any] | GenericAlias, text: str, panel: str | None = None, *, metavar: str | None = None
) -> _Option:
    """An option that may be left out."""
    return _Option(kind | None, typer.Option(default=None, help=text, rich_help_panel=panel, metavar=metavar))


TERMS: Final = {
    "cost": _option(int, "What it costs, in points."),
    "amount": _option(
        str, "fixed_amount, gift_card: what it is worth, such as 5.00.", WORTH, metavar="MONEY"
    ),
    "percent": _option(int, "percentage: how many percent off.", WORTH),
    "per_points": _option(int, "variable_amount: for every so many points --per-amount is taken off.", WORTH),
    "per_amount": _option(
        str, "variable_amount: what --per-points give, such as 1.00.", WORTH, metavar="MONEY"
    ),
    "minimum_points": _option(int, "variable_amount: the fewest points at once.", WORTH),
    "maximum_points": _option(int, "variable_amount: the most points at once.", WORTH),
    "step_points": _option(int, "variable_amount: in steps of so many points.", WORTH),
    "max_shipping": _option(str, "free_shipping: up to this much, such as 7.50.", WORTH, metavar="MONEY"),
    "product": _option(str, "free_product: the shop's id of the product.", WORTH),
    "instructions": _option(str, "custom: what customers read after claiming it.", WORTH),
    "codes": _option(
        CodeSource,
        "Where codes come from: pool, generated, or none (custom rewards alone).",
        CODES,
        metavar="SOURCE",
    ),
    "prefix": _option(str, "What generated codes begin with.", CODES),
    "low_stock": _option(int, "Tell when a pool has so many free codes left.", CODES),
    "text": _option(str, "What customers read below the title."),
    "icon": _option(str, "The name of an icon, such as gift."),
    "minimum_order": _option(
        str, "The least that an order must come to for it, such as 20.00.", BOUNDS, metavar="MONEY"
    ),
    "valid_days": _option(int, "For how many days a code is valid; unless given, for ever.", BOUNDS),
    "limit_count": _option(int, "How often one customer may claim it.", BOUNDS),
    "limit_period": _option(
        LimitPeriod,
        "The period of --limit-count: day, week, month or year; unless given, for ever.",
        BOUNDS,
        metavar="PERIOD",
    ),
    "stock": _option(int, "How many may be claimed in all.", BOUNDS),
    "starts_at": _option(datetime, "From when on it can be claimed, in UTC.", BOUNDS, metavar="TIME"),
    "ends_at": _option(datetime, "Until when it can be claimed, in UTC.", BOUNDS, metavar="TIME"),
    "tier": _option(list[str], "Only for this tier; give it several times.", BOUNDS),
    "site": _option(list[int], "Only at this shop; give it several times.", BOUNDS),
    "enabled": _option(bool, "Whether it can be claimed at all.", BOUNDS),
}
"""Every option of a reward, by its parameter's name."""
MONEY: Final = {
    "amount": "amount_minor",
    "per_amount": "per_minor",
    "max_shipping": "max_shipping_minor",
    "minimum_order": "minimum_order_minor",
}
"""Options in money, and the fields that they fill."""
CLEARABLE: Final = {
    "maximum-points": "maximum_points",
    "max-shipping": "max_shipping_minor",
    "valid-days": "valid_days",
    "limit-count": "limit_count",
    "limit-period": "limit_period",
    "stock": "stock",
    "starts-at": "starts_at",
    "ends-at": "ends_at",
    "tier": "tiers",
    "site": "sites",
}
"""What --clear takes, and the fields that it empties."""


def with_terms(command: Callable[..., None]) -> Callable[..., None]:
    """The command with an option for each of TERMS; it is called with all of them, None where not given.

    They are listed after its own parameters, before those that can only be named.
    """
    own = [one for one in inspect.signature(command).parameters.values() if one.kind is not one.VAR_KEYWORD]
    parameters = [
        *(one for one in own if one.kind is not one.KEYWORD_ONLY),
        *(
            inspect.Parameter(name, inspect.Parameter.KEYWORD_ONLY, default=one.info, annotation=one.kind)
            for name, one in TERMS.items()
        ),
        *(one for one in own if one.kind is one.KEYWORD_ONLY),
    ]

    @functools.wraps(command)
    def whole(**given: Any) -> None:
        command(**given)

    # Typer reads both of these.
    whole.__signature__ = inspect.Signature(parameters)  # type: ignore[attr-defined]
    whole.__annotations__ = {one.name: one.annotation for one in parameters}
    return whole


def fields_of(terms: dict[str, Any], currency: str) -> dict[str, Any]:
    """The reward's fields of the options that were given. Raises Invalid."""
    names = {**MONEY, "tier": "tiers", "site": "sites"}
    fields: dict[str, Any] = {}
    for option, value in terms.items():
        if value is None:
            continue
        if option in MONEY:
            value = parse_amount(value, currency, option.replace("_", "-"))
        elif isinstance(value, list):
            value = tuple(value)
        elif isinstance(value, datetime):
            value = value.replace(tzinfo=UTC)
        fields[names.get(option, option)] = value
    return fields


def cleared(names: list[str] | None) -> dict[str, Any]:
    """The fields that are emptied by these names of CLEARABLE, each with nothing. Raises BadArgument."""
    for name in names or ():
        if name not in CLEARABLE:
            raise BadArgument(f"{name} can't be cleared; these can: {', '.join(CLEARABLE)}.")
    fields = [CLEARABLE[name] for name in names or ()]
    return {name: () if name in ("tiers", "sites") else None for name in fields}
