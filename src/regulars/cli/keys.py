"""`regulars key ...`: keys for the API."""

from typing import Annotated

import msgspec
import typer

from regulars.app.access import BY_COMMAND_LINE
from regulars.app.credentials import SCOPES, create_api_key, revoke
from regulars.app.programs import Programs
from regulars.cli.desk import BadArgument, Desk, at_desk, duration, out
from regulars.cli.programs import AsJson, ProgramId

app = typer.Typer(help="Make and revoke keys for the API.", no_args_is_help=True)


@app.command()
def create(
    program: ProgramId,
    name: Annotated[str, typer.Option(help="What the key is for; it is shown with what it does.")],
    scope: Annotated[
        list[str] | None,
        typer.Option(help=f"What it may do; give it several times. One of: {', '.join(SCOPES)}."),
    ] = None,
    expires_in: Annotated[
        str | None, typer.Option(metavar="TIME", help="End it after this long, such as 90d or 12w.")
    ] = None,
    as_json: AsJson = False,
) -> None:
    """Make an API key and print it, this once. Without --scope it may do everything."""

    async def act(desk: Desk) -> str:
        await Programs(desk.database).get(program)
        return await create_api_key(
            desk.database,
            program_id=program,
            name=name,
            scopes=tuple(scope or SCOPES),
            expires_at=desk.now + duration(expires_in) if expires_in is not None else None,
            by=BY_COMMAND_LINE,
            now=desk.now,
        )

    key = at_desk(act)
    if as_json:
        typer.echo(msgspec.json.encode({"program_id": program, "name": name, "api_token": key}).decode())
    else:
        out.print(f"{key}\n\nKeep it: it is shown this once. Send it as `Authorization: Bearer …`.")


@app.command(name="revoke")
def revoke_key(
    program: ProgramId,
    key: Annotated[int, typer.Argument(metavar="KEY", help="Its number; `regulars program show` has it.")],
) -> None:
    """End a key, a site's token or an integration's key. A running server knows within a second."""

    async def act(desk: Desk) -> bool:
        await Programs(desk.database).get(program)
        return await revoke(
            desk.database, program_id=program, credential_id=key, by=BY_COMMAND_LINE, now=desk.now
        )

    if not at_desk(act):
        raise BadArgument(f"Program {program} has no key {key} that could be revoked.")
    out.print(f"Key {key} of program {program} is revoked.")
