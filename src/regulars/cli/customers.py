"""`regulars customer ...`: all that is known of one person, and forgetting them."""

from pathlib import Path
from typing import Annotated

import msgspec
import typer

from regulars.app.engine import Engine
from regulars.app.erasing import Erased, erase_now, person_json
from regulars.app.people import customer_id_of
from regulars.app.programs import Programs
from regulars.cli.desk import BadArgument, Desk, at_desk, out
from regulars.cli.programs import AsJson, ProgramId
from regulars.storage.database import Database

app = typer.Typer(help="Export all that is known of one person, or forget them.", no_args_is_help=True)

Who = Annotated[
    str, typer.Argument(metavar="CUSTOMER", help="The shop's own id of the customer, or # and our number.")
]


@app.command()
def export(
    program: ProgramId,
    customer: Who,
    to: Annotated[Path | None, typer.Option(help="The file to write; else it is printed.")] = None,
) -> None:
    """Write everything that is known of one person, as JSON."""

    async def act(desk: Desk) -> bytes:
        return await person_json(desk.database, program, await _number(desk.database, program, customer))

    said = at_desk(act)
    if to is None:
        typer.echo(said.decode())
    else:
        to.write_bytes(said)
        out.print(f"Written to {to}.")


@app.command()
def erase(
    program: ProgramId,
    customer: Who,
    yes: Annotated[bool, typer.Option("--yes", help="Don't ask.")] = False,
    as_json: AsJson = False,
) -> None:
    """Forget one person: name, e-mail, id, birthday, what the shop sent. The book's numbers stay.

    It can't be undone. Backups that were made before still have the person: erase again after a restore.
    """
    if not (yes or as_json):
        typer.confirm(f"Forget customer {customer} of program {program} for good?", abort=True)

    async def act(desk: Desk) -> Erased:
        customer_id = await _number(desk.database, program, customer)
        now = desk.now
        engine = Engine(desk.database, lambda: now)
        try:
            return await erase_now(desk.database, engine, desk.vault, program, customer_id, now=now)
        finally:
            await engine.close()

    erased = at_desk(act)
    if as_json:
        typer.echo(msgspec.json.encode(erased).decode())
    else:
        out.print(
            f"Customer #{erased.customer_id} is forgotten, and called {erased.replacement} from now on."
        )


async def _number(database: Database, program_id: int, customer: str) -> int:
    """Our number of the customer. Raises UnknownProgram, UnknownCustomer, BadArgument."""
    await Programs(database).get(program_id)
    if not customer.startswith("#"):
        return await customer_id_of(database, program_id, customer)
    if not customer[1:].isascii() or not customer[1:].isdigit() or len(customer) > 18:
        raise BadArgument(f"{customer!r} is not a number such as #12")
    return int(customer[1:])
