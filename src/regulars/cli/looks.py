"""`regulars verify`, `explain`, `deliveries`: looking into the book and at what came in."""

import sys
from typing import Annotated

import msgspec
import typer
from rich.console import Console
from rich.markup import escape
from rich.table import Table

from regulars.app import explain as explaining
from regulars.app import verify as verifying
from regulars.app.deliveries import list_deliveries
from regulars.app.programs import Programs
from regulars.cli.desk import Desk, at_desk, out
from regulars.cli.programs import AsJson
from regulars.storage.deliveries import LoggedDelivery

InProgram = Annotated[int | None, typer.Option("--program", help="Only in this program; else in all.")]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command()(verify)
    app.command()(explain)
    app.command()(deliveries)


def verify(as_json: AsJson = False, program: InProgram = None) -> None:
    """Recompute the book and check that nothing was lost or doubled.

    Changes nothing, and works beside a running server. Ends with 0 when all is well,
    with 1 when an invariant is violated.
    """

    async def act(desk: Desk) -> verifying.Report:
        with Console(stderr=True).status("Checking") as status:
            return await verifying.verify(
                desk.database, program_id=program, now=desk.now, progress=status.update
            )

    report = at_desk(act)
    if as_json:
        typer.echo(verifying.as_json(report))
    else:
        for line in verifying.lines(report):
            typer.echo(line)
    if not report.is_clean:
        raise typer.Exit(1)


def explain(
    order: Annotated[str, typer.Argument(metavar="ORDER", help="The shop's own id of the order.")],
    program: InProgram = None,
    site: Annotated[int | None, typer.Option(help="Only of this shop of the program.")] = None,
) -> None:
    """Say in plain words what an order gave or didn't, and why."""

    async def act(desk: Desk) -> explaining.Explanation:
        return await explaining.explain(desk.database, merchant_id=order, program_id=program, site_id=site)

    for line in explaining.lines(at_desk(act)):
        typer.echo(line)


def deliveries(
    program: InProgram = None,
    integration: Annotated[str | None, typer.Option(help="Only of this name, such as common.")] = None,
    last: Annotated[int, typer.Option(help="How many, the newest first.", min=1, max=10_000)] = 20,
    problems: Annotated[bool, typer.Option("--problems", help="Only those with a problem.")] = False,
    as_json: AsJson = False,
) -> None:
    """Show what came in from shops at the Lootly door, what was answered, and what was wrong with it.

    With a wrong signature, the text that we would have signed is shown too.
    """

    async def act(desk: Desk) -> list[LoggedDelivery]:
        if program is not None:
            await Programs(desk.database).get(program)
        return await list_deliveries(
            desk.database, program, integration=integration, problems_only=problems, last=last
        )

    found = at_desk(act)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    if not found:
        out.print("Nothing has come in yet." if not problems else "Nothing with a problem.")
        return
    table = Table(box=None)
    for title in ("When (UTC)", "Program", "Hook", "About", "Answer", "What was done"):
        table.add_column(title, overflow="fold")
    for row in found:
        mark = "[red]![/red] " if row.problem else ""
        details = msgspec.json.decode(row.details)
        expected = f"\nWe would have signed: {details['expected_text']}" if "expected_text" in details else ""
        table.add_row(
            f"{row.received_at:%Y-%m-%d %H:%M:%S}",
            str(row.program_id),
            escape(f"{row.integration}/{row.hook}"),
            escape(row.subject or ""),
            f"{mark}{row.status}",
            escape((row.message or row.outcome) + expected),
        )
    Console(highlight=False, width=None if sys.stdout.isatty() else 200).print(table)
