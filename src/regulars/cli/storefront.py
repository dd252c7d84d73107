"""`regulars storefront ...`: which signatures count on a shop's pages, token keys, the widget's looks."""

from datetime import UTC, datetime, timedelta
from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape

from regulars.app.access import BY_COMMAND_LINE
from regulars.app.programs import Programs
from regulars.app.storefront.keys import MadeKey, make_key
from regulars.app.storefront.switches import KINDS, Switches, change_switches, switches_of
from regulars.app.storefront.widgets import Widget, change_widget, load_widget
from regulars.cli.desk import BadArgument, Desk, at_desk, out
from regulars.cli.programs import AsJson, ProgramId
from regulars.storage import credentials
from regulars.storage.storefront_sessions import uses

app = typer.Typer(help="What counts and what is shown on the shop's own pages.", no_args_is_help=True)

USES_DAYS = 30


@app.command()
def show(program: ProgramId, as_json: AsJson = False) -> None:
    """Show which signatures count, how often each opened a session lately, and how the widget looks."""

    async def act(desk: Desk) -> dict[str, Any]:
        await Programs(desk.database).get(program)
        since = desk.now - timedelta(days=USES_DAYS)
        async with desk.database.acquire() as connection:
            rows = await credentials.of_program(connection, program)
            counted = await uses(connection, program, since=since)
        shops = [
            {
                "key_id": row["credential_id"],
                "kind": row["kind"],
                "name": row["name"],
                "switches": msgspec.to_builtins(switches_of(msgspec.json.decode(row["settings"]))),
                "sessions": {
                    method: number for (key, method), number in counted.items() if key == row["credential_id"]
                },
            }
            for row in rows
            if row["kind"] in KINDS and row["revoked_at"] is None
        ]
        return {"shops": shops, "widget": msgspec.to_builtins(await load_widget(desk.database, program))}

    found = at_desk(act)
    if as_json:
        typer.echo(msgspec.json.encode(found).decode())
        return
    for shop in found["shops"]:
        out.print(f"[bold]{escape(shop['name'])}[/bold], key {shop['key_id']} ({shop['kind']})")
        for line in _switch_lines(msgspec.convert(shop["switches"], Switches), shop["kind"]):
            out.print(f"  {line}")
        opened = ", ".join(f"{number:,} by {method}" for method, number in sorted(shop["sessions"].items()))
        out.print(f"  Sessions in {USES_DAYS} days: {opened or 'none'}.")
    _print_widget(msgspec.convert(found["widget"], Widget))


@app.command(name="set")
def set_switches(
    program: ProgramId,
    md5: Annotated[
        bool | None, typer.Option(help="Whether the guide's md5 signatures count. They never expire.")
    ] = None,
    token_to_redeem: Annotated[
        bool | None, typer.Option(help="Whether spending points asks for a signed token of its own.")
    ] = None,
    end_all: Annotated[
        bool, typer.Option("--end-all", help="End all sessions, and every token that was signed before now.")
    ] = False,
    sha1_hours: Annotated[
        int | None,
        typer.Option(help="For how many hours LoyaltyLion's tokens count.", min=1, max=24),
    ] = None,
) -> None:
    """Change which signatures count. Running servers go by it within a second."""
    if md5 is None and token_to_redeem is None and sha1_hours is None and not end_all:
        raise BadArgument("Say what to change; `regulars storefront set --help` lists it.")

    async def act(desk: Desk) -> list[Switches]:
        await Programs(desk.database).get(program)
        return await change_switches(
            desk.database,
            program,
            md5=md5,
            token_to_redeem=token_to_redeem,
            not_before=datetime.now(UTC) if end_all else None,
            sha1_seconds=None if sha1_hours is None else sha1_hours * 3600,
            by=BY_COMMAND_LINE,
            now=desk.now,
        )

    changed = at_desk(act)
    for line in _switch_lines(changed[0], "") if changed else ["It has no shop whose pages could sign."]:
        out.print(line)


@app.command(name="key")
def token_key(
    program: ProgramId,
    key: Annotated[int, typer.Argument(metavar="KEY", help="The shop's; `regulars storefront show` has it.")],
    as_json: AsJson = False,
) -> None:
    """Make a new key for signed tokens and print it, this once. The one before counts for another day."""

    async def act(desk: Desk) -> MadeKey:
        await Programs(desk.database).get(program)
        return await make_key(desk.database, desk.vault, program, key, by=BY_COMMAND_LINE, now=desk.now)

    made = at_desk(act)
    if as_json:
        typer.echo(msgspec.json.encode(made).decode())
        return
    out.print(f"kid     {made.kid}\nsecret  {made.secret}\n\nKeep them: the secret is shown this once.")


@app.command()
def widget(
    program: ProgramId,
    enabled: Annotated[
        bool | None, typer.Option(help="Whether its button shows; inline elements work in any case.")
    ] = None,
    color: Annotated[str | None, typer.Option(help="Its colour, such as #2f5d50.")] = None,
    side: Annotated[str | None, typer.Option(help="At which side its button stands: left or right.")] = None,
    language: Annotated[
        str | None, typer.Option(help="en, de, fr, es or ar; `page` takes the page's own.")
    ] = None,
    login_url: Annotated[str | None, typer.Option(help="Where customers log in at the shop.")] = None,
    signup_url: Annotated[str | None, typer.Option(help="Where customers sign up at the shop.")] = None,
    text: Annotated[
        list[str] | None,
        typer.Option(help="A text of yours, as title=…, welcome=…, launcher=… or join=…; repeatable."),
    ] = None,
) -> None:
    """Change how the widget looks, or show it. Pages show it within a minute."""
    said = {
        "enabled": enabled,
        "color": color.lower() if color else None,
        "side": side,
        "login_url": login_url,
        "signup_url": signup_url,
    }
    changes: dict[str, Any] = {name: value for name, value in said.items() if value is not None}
    if language is not None:
        changes["language"] = None if language == "page" else language
    if text:
        pairs = [one.partition("=") for one in text]
        if not all(equals for _, equals, _ in pairs):
            raise BadArgument("Write a text as name=words, such as title=“Our regulars”.")
        changes["texts"] = {name: words for name, _, words in pairs}

    async def act(desk: Desk) -> Widget:
        await Programs(desk.database).get(program)
        if not changes:
            return await load_widget(desk.database, program)
        return await change_widget(desk.database, program, by=BY_COMMAND_LINE, now=desk.now, **changes)

    _print_widget(at_desk(act))


def _switch_lines(switches: Switches, kind: str) -> list[str]:
    lines = []
    if kind != "site":
        lines.append(f"The guide's md5 signatures {'count' if switches.md5 else 'do not count'}.")
    if kind != "lootly":
        lines.append(f"LoyaltyLion's customer tokens count for {switches.sha1_seconds // 3600} hours.")
    if switches.token_to_redeem:
        lines.append("Spending points asks for a signed token of its own.")
    if switches.not_before is not None:
        lines.append(f"Nothing from before {switches.not_before:%Y-%m-%d %H:%M} UTC counts.")
    return lines


def _print_widget(widget: Widget) -> None:
    out.print(f"Widget: {'shown' if widget.enabled else 'hidden'}, {widget.color}, {widget.side} side")
    out.print(f"  language  {widget.language or 'the page’s'}")
    out.print(f"  log in    {escape(widget.login_url or 'nowhere yet')}")
    out.print(f"  sign up   {escape(widget.signup_url or 'nowhere yet')}")
    for name, words in sorted(widget.texts.items()):
        out.print(f"  {name:<9} {escape(words)}")
