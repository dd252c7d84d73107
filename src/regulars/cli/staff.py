"""`regulars staff ...`: who may sign in to the admin; and the links that let the first ones in."""

from datetime import UTC, datetime
from typing import Annotated

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from regulars.app.access import Role
from regulars.app.programs import Programs
from regulars.app.staff import colleagues, links
from regulars.app.staff.people import UnknownStaff
from regulars.cli.desk import BadArgument, Desk, at_desk, out
from regulars.cli.programs import AsJson
from regulars.settings import Settings
from regulars.storage import staff as storage
from regulars.storage.database import Database
from regulars.storage.staff import Person

app = typer.Typer(
    help="Let people sign in to the admin, look at who may, and let them choose a new password.",
    no_args_is_help=True,
)

DEMO_EMAIL = "owner@coffeehouse.example"
DEMO_NAME = "Robin Owner"

Email = Annotated[str, typer.Argument(metavar="EMAIL", help="Their e-mail, by which they sign in.")]


@app.command()
def add(
    email: Email,
    program: Annotated[
        list[int] | None,
        typer.Option(help="The program's number; give it several times for several programs."),
    ] = None,
    role: Annotated[Role, typer.Option(help="What they may do there.")] = Role.OWNER,
    name: Annotated[str, typer.Option(help="Their name; the e-mail's beginning otherwise.")] = "",
    keeps_house: Annotated[
        bool, typer.Option("--keeps-house", help="Let them make new programs, too.")
    ] = False,
) -> None:
    """Add somebody to the staff, or give them a role in one more program.

    Who has no password yet gets a link to choose one: it is printed this once and works once,
    for seven days. Without --program they get no role; that makes sense with --keeps-house only.
    """
    program_ids = program or []
    if not program_ids and not keeps_house:
        raise BadArgument("Say in which program: --program 1 (regulars program list shows them).")

    async def act(desk: Desk) -> tuple[str | None, Settings]:
        for program_id in program_ids:
            await Programs(desk.database).get(program_id)
        token = await colleagues.add(
            desk.database,
            email=email,
            name=name or email.partition("@")[0],
            role=role,
            program_ids=program_ids,
            keeps_house=keeps_house,
            now=desk.now,
        )
        return token, desk.settings

    token, settings = at_desk(act)
    where = ", ".join(f"program {one}" for one in program_ids) or "no program yet"
    out.print(f"{escape(email)} is on the staff: {role} of {where}.")
    if token is not None:
        _print_link(settings.base_url, f"/admin/reset/{token}", "choose a password", "for seven days")


@app.command(name="list")
def list_staff(as_json: AsJson = False) -> None:
    """Show everybody who may sign in, with their roles."""

    async def act(desk: Desk) -> list[tuple[Person, dict[int, str]]]:
        async with desk.database.acquire() as connection:
            return await storage.everybody(connection)

    found = at_desk(act)
    if as_json:
        typer.echo(msgspec.json.encode([_summary(person, roles) for person, roles in found]).decode())
        return
    if not found:
        out.print(
            "Nobody yet. `regulars serve` prints a link for the first one, or: regulars staff add --help"
        )
        return
    table = Table("E-mail", "Name", "Roles", "", box=None, padding=(0, 2, 0, 0))
    for person, roles in found:
        said = ", ".join(f"{role} of {program_id}" for program_id, role in roles.items())
        notes = ["keeps the house"] if person.keeps_house else []
        notes += ["second factor"] if person.totp_at else []
        notes += [] if person.password_hash else ["no password yet"]
        table.add_row(escape(person.email), escape(person.name), said, ", ".join(notes))
    out.print(table)


@app.command()
def reset(
    email: Email,
    without_second_factor: Annotated[
        bool,
        typer.Option("--without-second-factor", help="Take their second factor away: the phone is lost."),
    ] = False,
) -> None:
    """Print a link under which somebody chooses a new password.

    It works once, for ten minutes. Their sessions end when they use it. Works beside a running server.
    """

    async def act(desk: Desk) -> tuple[str, Settings]:
        token = await links.make_reset_link(
            desk.database, email=email, without_second_factor=without_second_factor, now=desk.now
        )
        return token, desk.settings

    try:
        token, settings = at_desk(act)
    except UnknownStaff:
        raise BadArgument(f"Nobody signs in as {email}. `regulars staff list` shows who does.") from None
    _print_link(settings.base_url, f"/admin/reset/{token}", "choose a new password", "for ten minutes")


async def setup_link(settings: Settings, dsn: str) -> str | None:
    """The path of the link that sets an empty house up; None when somebody may sign in already."""
    database = await Database.connect(dsn, most=2, statement_cache=settings.database_statement_cache)
    try:
        token = await links.make_setup_link(database, now=datetime.now(UTC))
    finally:
        await database.close()
    return None if token is None else f"/admin/set-up/{token}"


async def demo_link(settings: Settings, dsn: str, program_id: int) -> str:
    """The path of a link that signs the demo's owner in; of the sign-in page once they have a password."""
    database = await Database.connect(dsn, most=2, statement_cache=settings.database_statement_cache)
    try:
        token = await links.make_sign_in_link(
            database, email=DEMO_EMAIL, name=DEMO_NAME, program_id=program_id, now=datetime.now(UTC)
        )
    finally:
        await database.close()
    return "/admin/sign-in" if token is None else f"/admin/come-in/{token}"


def print_setup_link(base_url: str, path: str) -> None:
    """Says once, on a terminal or in a service's log, where the first person makes their account."""
    typer.echo("Nobody may sign in to the admin yet. Make the first account here, once, within a day:")
    typer.echo(f"  {base_url}{path}")


def _print_link(base_url: str, path: str, purpose: str, lasts: str) -> None:
    out.print(f"\nLet them open this to {purpose}; it works once, {lasts}:\n  {base_url}{path}")
    out.print(
        "\n(Where the server is reached under another address, REGULARS_PUBLIC_URL should say so.)",
        style="dim",
    )


def _summary(person: Person, roles: dict[int, str]) -> dict[str, object]:
    return {
        "email": person.email,
        "name": person.name,
        "roles": {str(program_id): role for program_id, role in roles.items()},
        "keeps_house": person.keeps_house,
        "has_password": person.password_hash is not None,
        "has_second_factor": person.totp_at is not None,
    }
