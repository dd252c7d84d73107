"""`regulars program ...`: making programs, looking at them, and moving a test program's clock."""

from datetime import timedelta
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from regulars.app.access import BY_COMMAND_LINE
from regulars.app.credentials import SCOPES
from regulars.app.programs import Created, Programs, create_program, move_clock
from regulars.cli.desk import Desk, at_desk, duration, out
from regulars.domain.money import format_amount
from regulars.domain.program import Program
from regulars.storage import credentials
from regulars.storage import programs as storage

app = typer.Typer(
    help="Make programs, look at them, change what earns, move a test program's clock.", no_args_is_help=True
)

ProgramId = Annotated[int, typer.Argument(metavar="PROGRAM", help="The program's number.")]
AsJson = Annotated[bool, typer.Option("--json", help="Print JSON, for other programs to read.")]


@app.command()
def create(
    name: Annotated[str, typer.Option(help="What the program is called.")],
    domain: Annotated[str, typer.Option(help="The shop's origin, such as https://shop.example")],
    currency: Annotated[str, typer.Option(help="The shop's currency, such as GBP.")],
    points_per_unit: Annotated[
        str, typer.Option(help="Points for each whole unit of the currency, such as 1 or 0.5.")
    ] = "1",
    approval_days: Annotated[
        int, typer.Option(help="For how many days points are pending before they can be spent.", min=0)
    ] = 0,
    test_mode: Annotated[
        bool, typer.Option("--test-mode", help="Let its clock be moved, to rehearse what time brings.")
    ] = False,
    as_json: AsJson = False,
) -> None:
    """Make a program with one shop, and print its keys. They are shown this once.

    Works beside a running server, which knows the program at once.
    """

    async def act(desk: Desk) -> Created:
        return await create_program(
            desk.database,
            desk.vault,
            name=name,
            domain=domain,
            currency=currency.upper(),
            points_per_unit=points_per_unit,
            approval_days=approval_days,
            test_mode=test_mode,
            by=BY_COMMAND_LINE,
            now=desk.now,
        )

    made = at_desk(act)
    if as_json:
        typer.echo(msgspec.json.encode(made).decode())
        return
    out.print(f"Made the program [bold]{escape(name)}[/bold].\n")
    for field, value in msgspec.structs.asdict(made).items():
        out.print(f"{field:<18} {escape(str(value))}")  # no table: on a narrow screen that would cut the keys
    out.print("\nKeep these: the keys and secrets are shown this once.")


@app.command(name="list")
def list_programs(as_json: AsJson = False) -> None:
    """Show all programs."""

    async def act(desk: Desk) -> list[Program]:
        async with desk.database.acquire() as connection:
            ids = await storage.ids(connection)
        programs = Programs(desk.database)
        return [await programs.get(program_id) for program_id in ids]

    found = at_desk(act)
    if as_json:
        typer.echo(msgspec.json.encode([_summary(program) for program in found]).decode())
        return
    if not found:
        out.print("There is no program yet. Make one: regulars program create --help")
        return
    table = Table("Number", "Name", "Currency", "Shops", "", box=None, padding=(0, 2, 0, 0))
    for program in found:
        shops = ", ".join(site.domain for site in program.sites)
        mode = "test mode" if program.test_mode else ""
        table.add_row(str(program.id), escape(program.name), program.currency, escape(shops), mode)
    out.print(table)


@app.command()
def show(program: ProgramId, as_json: AsJson = False) -> None:
    """Show one program: its shops, what earns, its clock and its keys (never their secrets)."""

    async def act(desk: Desk) -> tuple[Program, list[dict[str, object]], str]:
        found = await Programs(desk.database).get(program)
        async with desk.database.acquire() as connection:
            rows = await credentials.of_program(connection, program)
        return found, [_key(dict(row)) for row in rows], f"{found.time(desk.now):%Y-%m-%d %H:%M} UTC"

    found, keys, time = at_desk(act)
    if as_json:
        typer.echo(msgspec.json.encode({**_summary(found), "time": time, "keys": keys}).decode())
        return
    mode = ", in test mode" if found.test_mode else ""
    ahead = timedelta(seconds=found.clock_offset_seconds)
    out.print(f"[bold]{escape(found.name)}[/bold], program {found.id}{mode}")
    for line in rule_lines(found):
        out.print(escape(line))
    out.print(f"Its time: {time}" + (f", {ahead} ahead" if ahead else ""))
    out.print("\nShops")
    for site in found.sites:
        out.print(f"  {site.id}  {escape(site.domain)}  {site.currency}")
    out.print("\nKeys")
    table = Table("Number", "Kind", "Name", "May", "Revoked", box=None, padding=(0, 2, 0, 0))
    for key in keys:
        scopes = key["scopes"]
        may = _may(scopes if isinstance(scopes, list) else [])
        table.add_row(
            str(key["key_id"]), str(key["kind"]), escape(str(key["name"])), may, str(key["revoked_at"] or "")
        )
    out.print(table)


@app.command()
def clock(
    program: ProgramId,
    forward: Annotated[str, typer.Option(help="How far, such as 14d, 36h, 90m or 2w.")],
) -> None:
    """Move a test program's time forward, to see what an approval or an expiry does.

    Only for a program made with --test-mode. A running server goes by it within a second.
    """
    length = duration(forward)

    async def act(desk: Desk) -> str:
        moved = await move_clock(desk.database, program, forward=length, by=BY_COMMAND_LINE, now=desk.now)
        return f"{moved:%Y-%m-%d %H:%M} UTC"

    out.print(f"In program {program} it is now {at_desk(act)}.")


def rule_lines(program: Program) -> list[str]:
    """What earns in this program, in sentences."""
    rule = program.purchase
    rate = f"{rule.rate_numerator / rule.rate_denominator:.4f}".rstrip("0").rstrip(".")
    counted = [
        word for word, is_on in (("shipping", rule.counts_shipping), ("tax", rule.counts_tax)) if is_on
    ]
    lines = [
        f"Purchases: {rate} points a {program.currency}, pending for {rule.approval_days} days."
        if rule.enabled
        else "Purchases earn nothing.",
        f"Goods{''.join(f' and {word}' for word in counted)} earn, "
        + ("discounts or not." if rule.counts_discounts else "less discounts."),
    ]
    if rule.whole_units_only:
        lines.append(f"Only whole {program.currency} count.")
    if rule.minimum_minor:
        least = format_amount(rule.minimum_minor, program.currency)
        lines.append(f"An order must come to {least} {program.currency} at least.")
    if rule.statuses:
        lines.append(f"Where the shop reports a status, these earn: {', '.join(rule.statuses)}.")
    if program.join.points:
        lines.append(f"Joining gives {program.join.points} points.")
    return lines


def _may(scopes: list[str]) -> str:
    if not scopes:
        return "everything for its shop"
    return "everything" if set(scopes) == set(SCOPES) else ", ".join(scopes)


def _summary(program: Program) -> dict[str, object]:
    return {
        "program_id": program.id,
        "name": program.name,
        "currency": program.currency,
        "test_mode": program.test_mode,
        "sites": [
            {"site_id": site.id, "name": site.name, "domain": site.domain, "currency": site.currency}
            for site in program.sites
        ],
        "points_per_unit": [program.purchase.rate_numerator, program.purchase.rate_denominator],
        "approval_days": program.purchase.approval_days,
    }


def _key(row: dict[str, object]) -> dict[str, object]:
    """A credential without its secret and without what finds it."""
    return {
        "key_id": row["credential_id"],
        "kind": row["kind"],
        "name": row["name"],
        "site_id": row["site_id"],
        "scopes": row["scopes"],
        "created_at": row["created_at"],
        "revoked_at": row["revoked_at"],
    }
