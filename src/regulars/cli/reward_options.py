"""What can be said of a reward on the command line, for making one as for changing it."""

from datetime import datetime
from typing import Annotated, Final

import typer

from regulars.domain.rewards import CodeSource, LimitPeriod

WORTH: Final = "What it is worth: by its kind"
BOUNDS: Final = "When, where, how often and for whom"
CODES: Final = "Its codes"

Text = Annotated[str | None, typer.Option(help="What customers read below the title.")]
Icon = Annotated[str | None, typer.Option(help="The name of an icon, such as gift.")]
Cost = Annotated[int | None, typer.Option(help="What it costs, in points.")]
Amount = Annotated[
    str | None,
    typer.Option(
        help="fixed_amount, gift_card: what it is worth, such as 5.00.",
        metavar="MONEY",
        rich_help_panel=WORTH,
    ),
]
Percent = Annotated[int | None, typer.Option(help="percentage: how many percent off.", rich_help_panel=WORTH)]
PerPoints = Annotated[
    int | None,
    typer.Option(
        help="variable_amount: for every so many points --per-amount is taken off.", rich_help_panel=WORTH
    ),
]
PerAmount = Annotated[
    str | None,
    typer.Option(
        help="variable_amount: what --per-points give, such as 1.00.", metavar="MONEY", rich_help_panel=WORTH
    ),
]
MinimumPoints = Annotated[
    int | None, typer.Option(help="variable_amount: the fewest points at once.", rich_help_panel=WORTH)
]
MaximumPoints = Annotated[
    int | None, typer.Option(help="variable_amount: the most points at once.", rich_help_panel=WORTH)
]
StepPoints = Annotated[
    int | None, typer.Option(help="variable_amount: in steps of so many points.", rich_help_panel=WORTH)
]
MaxShipping = Annotated[
    str | None,
    typer.Option(
        help="free_shipping: up to this much, such as 7.50.", metavar="MONEY", rich_help_panel=WORTH
    ),
]
ProductId = Annotated[
    str | None, typer.Option(help="free_product: the shop's id of the product.", rich_help_panel=WORTH)
]
Instructions = Annotated[
    str | None, typer.Option(help="custom: what customers read after claiming it.", rich_help_panel=WORTH)
]
MinimumOrder = Annotated[
    str | None,
    typer.Option(
        help="The least that an order must come to for it, such as 20.00.",
        metavar="MONEY",
        rich_help_panel=BOUNDS,
    ),
]
ValidDays = Annotated[
    int | None,
    typer.Option(help="For how many days a code is valid; unless given, for ever.", rich_help_panel=BOUNDS),
]
LimitCount = Annotated[
    int | None, typer.Option(help="How often one customer may claim it.", rich_help_panel=BOUNDS)
]
Period = Annotated[
    LimitPeriod | None,
    typer.Option(
        help="The period of --limit-count: day, week, month or year; unless given, for ever.",
        metavar="PERIOD",
        rich_help_panel=BOUNDS,
    ),
]
InAll = Annotated[int | None, typer.Option(help="How many may be claimed in all.", rich_help_panel=BOUNDS)]
StartsAt = Annotated[
    datetime | None,
    typer.Option(help="From when on it can be claimed, in UTC.", metavar="TIME", rich_help_panel=BOUNDS),
]
EndsAt = Annotated[
    datetime | None,
    typer.Option(help="Until when it can be claimed, in UTC.", metavar="TIME", rich_help_panel=BOUNDS),
]
Tiers = Annotated[
    list[str] | None,
    typer.Option("--tier", help="Only for this tier; give it several times.", rich_help_panel=BOUNDS),
]
Sites = Annotated[
    list[int] | None,
    typer.Option("--site", help="Only at this shop; give it several times.", rich_help_panel=BOUNDS),
]
Enabled = Annotated[
    bool | None, typer.Option(help="Whether it can be claimed at all.", rich_help_panel=BOUNDS)
]
Codes = Annotated[
    CodeSource | None,
    typer.Option(
        help="Where codes come from: pool, generated, or none (custom rewards alone).",
        metavar="SOURCE",
        rich_help_panel=CODES,
    ),
]
Prefix = Annotated[str | None, typer.Option(help="What generated codes begin with.", rich_help_panel=CODES)]
LowStock = Annotated[
    int | None, typer.Option(help="Tell when a pool has so many free codes left.", rich_help_panel=CODES)
]
