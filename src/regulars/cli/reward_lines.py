"""A reward as the command line shows it, to people and to programs."""

from typing import Any

import msgspec
import typer
from rich.markup import escape

from regulars.cli.desk import out
from regulars.domain.money import format_amount
from regulars.domain.program import Program
from regulars.domain.rewards import CodeSource, Reward, RewardKind, Stock, is_out_of_stock


def plain(reward: Reward, stock: Stock) -> dict[str, Any]:
    """The reward for JSON, money in minor units."""
    counts = msgspec.structs.asdict(stock)
    del counts["reward_id"]
    return {
        **msgspec.structs.asdict(reward),
        "counts": counts,
        "out_of_stock": is_out_of_stock(reward, stock),
    }


def tell(program: Program, reward: Reward, stock: Stock, as_json: bool) -> None:
    """Prints all that there is to say of it."""
    if as_json:
        typer.echo(msgspec.json.encode(plain(reward, stock)).decode())
        return
    out.print(f"[bold]{escape(reward.title)}[/bold], reward {reward.id} of {escape(program.name)}")
    for name, value in _lines(program, reward, stock):
        out.print(f"  {name:<14} {escape(value)}")


def _lines(program: Program, reward: Reward, stock: Stock) -> list[tuple[str, str]]:
    """What there is to say of a reward, for a person."""
    lines = [
        ("Kind", f"{reward.kind}"),
        ("Costs", costs(reward)),
        ("State", state(reward, stock) or "open"),
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


def costs(reward: Reward) -> str:
    """Its price in points, in words."""
    if reward.kind is not RewardKind.VARIABLE_AMOUNT:
        return f"{reward.cost:,} points"
    most = f" to {reward.maximum_points:,}" if reward.maximum_points is not None else " on"
    return f"from {reward.minimum_points:,}{most} points, in steps of {reward.step_points:,}"


def state(reward: Reward, stock: Stock) -> str:
    """Why nobody can have it now; "" when they can."""
    if not reward.enabled:
        return "switched off"
    return "out of stock" if is_out_of_stock(reward, stock) else ""
