"""`regulars reward ...`: what points buy; and `regulars import codes`, which fills a reward's pool."""

from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated, Any, Final

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from regulars.app import rewards
from regulars.app.codes import CodesRejected, Imported, import_codes
from regulars.app.imports.rejected import Rejections
from regulars.app.programs import Programs
from regulars.cli.desk import BadArgument, Desk, at_desk, out
from regulars.cli.programs import AsJson, ProgramId
from regulars.cli.reward_options import (
    Amount,
    Codes,
    Cost,
    Enabled,
    EndsAt,
    Icon,
    InAll,
    Instructions,
    LimitCount,
    LowStock,
    MaximumPoints,
    MaxShipping,
    MinimumOrder,
    MinimumPoints,
    PerAmount,
    Percent,
    Period,
    PerPoints,
    Prefix,
    ProductId,
    Sites,
    StartsAt,
    StepPoints,
    Text,
    Tiers,
    ValidDays,
)
from regulars.domain.errors import Invalid
from regulars.domain.money import format_amount, parse_amount
from regulars.domain.program import Program
from regulars.domain.rewards import CodeSource, Reward, RewardKind, Stock, is_out_of_stock
from regulars.storage import programs as program_rows

app = typer.Typer(help="Make rewards, look at them, change them.", no_args_is_help=True)

ACTOR: Final = "command line"

RewardId = Annotated[int, typer.Argument(metavar="REWARD", help="The reward's number; `list` shows it.")]

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


@app.command()
def create(
    program: ProgramId,
    kind: Annotated[
        RewardKind, typer.Option(metavar="KIND", help=f"What it is, for good: {', '.join(RewardKind)}.")
    ],
    title: Annotated[str, typer.Option(help="What customers see, such as “£5 off”.")],
    cost: Cost = None,
    amount: Amount = None,
    percent: Percent = None,
    per_points: PerPoints = None,
    per_amount: PerAmount = None,
    minimum_points: MinimumPoints = None,
    maximum_points: MaximumPoints = None,
    step_points: StepPoints = None,
    max_shipping: MaxShipping = None,
    product: ProductId = None,
    instructions: Instructions = None,
    codes: Codes = None,
    prefix: Prefix = None,
    low_stock: LowStock = None,
    text: Text = None,
    icon: Icon = None,
    minimum_order: MinimumOrder = None,
    valid_days: ValidDays = None,
    limit_count: LimitCount = None,
    limit_period: Period = None,
    stock: InAll = None,
    starts_at: StartsAt = None,
    ends_at: EndsAt = None,
    tier: Tiers = None,
    site: Sites = None,
    enabled: Enabled = None,
    as_json: AsJson = False,
) -> None:
    """Make a reward. Customers can claim it at once, unless --no-enabled or --starts-at say otherwise.

    Its codes are a pool of your own unless --codes says generated: fill it with `regulars import codes`.
    A custom reward needs no codes; it is fulfilled by hand.

    For example: regulars reward create 1 --kind fixed_amount --title "£5 off" --cost 500 --amount 5.00
    """
    given = dict(locals())
    if codes is None and kind is RewardKind.CUSTOM:
        given["codes"] = CodeSource.NONE

    async def act(desk: Desk) -> tuple[Program, Reward]:
        found = await Programs(desk.database).get(program)
        new = Reward(id=0, kind=kind, title=title, **_fields(given, found.currency))
        return found, await rewards.create_reward(desk.database, program, new, now=desk.now)

    found, made = at_desk(act)
    _tell(found, made, Stock(reward_id=made.id), as_json)
    if not as_json and made.codes is CodeSource.POOL:
        out.print(f"\nIts pool is empty. Fill it: regulars import codes {made.id} FILE --program {program}")


@app.command()
def change(
    program: ProgramId,
    reward: RewardId,
    title: Annotated[str | None, typer.Option(help="What customers see, such as “£5 off”.")] = None,
    cost: Cost = None,
    amount: Amount = None,
    percent: Percent = None,
    per_points: PerPoints = None,
    per_amount: PerAmount = None,
    minimum_points: MinimumPoints = None,
    maximum_points: MaximumPoints = None,
    step_points: StepPoints = None,
    max_shipping: MaxShipping = None,
    product: ProductId = None,
    instructions: Instructions = None,
    codes: Codes = None,
    prefix: Prefix = None,
    low_stock: LowStock = None,
    text: Text = None,
    icon: Icon = None,
    minimum_order: MinimumOrder = None,
    valid_days: ValidDays = None,
    limit_count: LimitCount = None,
    limit_period: Period = None,
    stock: InAll = None,
    starts_at: StartsAt = None,
    ends_at: EndsAt = None,
    tier: Tiers = None,
    site: Sites = None,
    enabled: Enabled = None,
    clear: Annotated[
        list[str] | None,
        typer.Option(help=f"Take a bound away; give it several times. One of: {', '.join(CLEARABLE)}."),
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Change a reward, for claims from now on. What was claimed before keeps its terms.

    Running servers go by it at once. What is not given stays; --clear takes a bound away.
    """
    given = dict(locals())

    async def act(desk: Desk) -> tuple[Program, Reward, Stock]:
        found = await Programs(desk.database).get(program)
        changes: dict[str, Any] = {
            name: () if name in ("tiers", "sites") else None for name in _cleared(clear)
        }
        changes |= _fields(given, found.currency)
        if title is not None:
            changes["title"] = title
        if not changes:
            raise BadArgument("Say what to change; `regulars reward change --help` lists it.")
        await rewards.change_reward(desk.database, program, reward, changes, now=desk.now)
        return await _found(desk, program, reward)

    _tell(*at_desk(act), as_json)


@app.command(name="list")
def list_rewards(program: ProgramId, as_json: AsJson = False) -> None:
    """Show a program's rewards, what they cost and what is left of them."""

    async def act(desk: Desk) -> tuple[Program, dict[int, Stock]]:
        found = await Programs(desk.database).get(program)
        return found, await rewards.stocks(desk.database, found)

    found, stocks = at_desk(act)
    if as_json:
        listed = [_plain(reward, stocks[reward.id]) for reward in found.rewards]
        typer.echo(msgspec.json.encode(listed).decode())
        return
    if not found.rewards:
        out.print("There is no reward yet. Make one: regulars reward create --help")
        return
    table = Table(
        "Number", "Title", "Kind", "Costs", "Claimed", "Codes left", "", box=None, padding=(0, 2, 0, 0)
    )
    for reward in found.rewards:
        stock = stocks[reward.id]
        left = f"{stock.codes_free:,}" if reward.codes is CodeSource.POOL else reward.codes
        table.add_row(
            str(reward.id),
            escape(reward.title),
            reward.kind,
            _costs(reward),
            f"{stock.claimed:,}",
            left,
            _state(reward, stock),
        )
    out.print(table)


@app.command()
def show(program: ProgramId, reward: RewardId, as_json: AsJson = False) -> None:
    """Show one reward: its terms, its stock and where its codes are."""

    async def act(desk: Desk) -> tuple[Program, Reward, Stock]:
        return await _found(desk, program, reward)

    _tell(*at_desk(act), as_json)


@app.command()
def enable(program: ProgramId, reward: RewardId) -> None:
    """Switch a reward on: it can be claimed again."""
    _switch(program, reward, enabled=True)


@app.command()
def disable(program: ProgramId, reward: RewardId) -> None:
    """Switch a reward off: nobody can claim it. What was claimed stays good."""
    _switch(program, reward, enabled=False)


def codes_from_file(
    reward: int, file: Path, program: int | None, tell: Callable[[int, int], None]
) -> tuple[Imported | None, int, Path | None]:
    """What was taken, or None; how many lines are at fault, and the file that they went to."""

    data = file.read_bytes()

    async def act(desk: Desk) -> Imported:
        program_id = program if program is not None else await _only_program(desk)
        return await import_codes(
            desk.database, program_id, reward, data, actor=ACTOR, now=desk.now, tell=tell
        )

    with Rejections(file) as rejections:
        try:
            return at_desk(act), 0, None
        except CodesRejected as rejected:
            for problem in rejected.problems:
                rejections.add(["code"], problem.line, problem.reason, [problem.code])
            return None, len(rejected.problems), rejections.path


async def _only_program(desk: Desk) -> int:
    async with desk.database.acquire() as connection:
        known = await program_rows.ids(connection)
    if len(known) != 1:
        raise Invalid("program", f"must be named: there are {len(known)} programs")
    return known[0]


async def _found(desk: Desk, program_id: int, reward_id: int) -> tuple[Program, Reward, Stock]:
    program = await Programs(desk.database).get(program_id)
    stocks = await rewards.stocks(desk.database, program)
    return program, program.reward(reward_id), stocks[reward_id]


def _switch(program: int, reward: int, *, enabled: bool) -> None:
    async def act(desk: Desk) -> bool:
        return await rewards.set_enabled(desk.database, program, reward, enabled=enabled, now=desk.now)

    now = "on" if enabled else "off"
    changed = at_desk(act)
    out.print(f"Reward {reward} is {now}{'' if changed else ', as it was'}.")


def _fields(given: dict[str, Any], currency: str) -> dict[str, Any]:
    """The reward's fields of the options that were given. Raises Invalid."""
    names = {**MONEY, "tier": "tiers", "site": "sites"}
    fields: dict[str, Any] = {}
    for option, value in given.items():
        name = names.get(option, option)
        if value is None or name not in Reward.__struct_fields__ or name in ("id", "kind", "title"):
            continue
        if option in MONEY:
            value = parse_amount(value, currency, option.replace("_", "-"))
        elif isinstance(value, list):
            value = tuple(value)
        elif isinstance(value, datetime):
            value = value.replace(tzinfo=UTC)
        fields[name] = value
    return fields


def _cleared(names: list[str] | None) -> list[str]:
    for name in names or ():
        if name not in CLEARABLE:
            raise BadArgument(f"{name} can't be cleared; these can: {', '.join(CLEARABLE)}.")
    return [CLEARABLE[name] for name in names or ()]


def _plain(reward: Reward, stock: Stock) -> dict[str, Any]:
    counts = msgspec.structs.asdict(stock)
    del counts["reward_id"]
    return {
        **msgspec.structs.asdict(reward),
        "counts": counts,
        "out_of_stock": is_out_of_stock(reward, stock),
    }


def _tell(program: Program, reward: Reward, stock: Stock, as_json: bool) -> None:
    if as_json:
        typer.echo(msgspec.json.encode(_plain(reward, stock)).decode())
        return
    out.print(f"[bold]{escape(reward.title)}[/bold], reward {reward.id} of {escape(program.name)}")
    for name, value in _lines(program, reward, stock):
        out.print(f"  {name:<14} {escape(value)}")


def _lines(program: Program, reward: Reward, stock: Stock) -> list[tuple[str, str]]:
    """What there is to say of a reward, for a person."""
    lines = [
        ("Kind", f"{reward.kind}"),
        ("Costs", _costs(reward)),
        ("State", _state(reward, stock) or "open"),
    ]

    def add(name: str, value: object, text: str = "{}") -> None:
        if value not in (None, "", 0, ()):
            lines.append((name, text.format(value)))

    def money(name: str, minor: int | None) -> None:
        if minor:
            lines.append((name, f"{format_amount(minor, program.currency)} {program.currency}"))

    money("Worth", reward.amount_minor)
    add("Worth", reward.percent, "{} %")
    if reward.per_minor is not None:
        money(f"Per {reward.per_points}", reward.per_minor)
    money("Shipping to", reward.max_shipping_minor)
    add("Product", reward.product)
    money("Minimum order", reward.minimum_order_minor)
    add("Valid for", reward.valid_days, "{} days")
    add(
        "Limit",
        reward.limit_count,
        "{} a customer" + (f" and {reward.limit_period}" if reward.limit_period else ""),
    )
    add("From", reward.starts_at and f"{reward.starts_at:%Y-%m-%d %H:%M} UTC")
    add("Until", reward.ends_at and f"{reward.ends_at:%Y-%m-%d %H:%M} UTC")
    add("Tiers", ", ".join(reward.tiers))
    add("Shops", ", ".join(map(str, reward.sites)))
    in_all = f" of {reward.stock:,}" if reward.stock is not None else ""
    lines.append(("Claimed", f"{stock.claimed:,}{in_all}"))
    if reward.codes is CodeSource.POOL:
        left = f"{stock.codes_free:,} left, {stock.codes_handed:,} handed out, {stock.codes_void:,} void"
        lines.append(("Codes", left))
    else:
        lines.append(("Codes", "made by us" if reward.codes is CodeSource.GENERATED else "none"))
    return lines


def _costs(reward: Reward) -> str:
    if reward.kind is not RewardKind.VARIABLE_AMOUNT:
        return f"{reward.cost:,} points"
    most = f" to {reward.maximum_points:,}" if reward.maximum_points is not None else " on"
    return f"from {reward.minimum_points:,}{most} points, in steps of {reward.step_points:,}"


def _state(reward: Reward, stock: Stock) -> str:
    if not reward.enabled:
        return "switched off"
    return "out of stock" if is_out_of_stock(reward, stock) else ""
