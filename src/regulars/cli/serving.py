"""`regulars serve`, `run` and `demo`: the server, and something to look at in it."""

import asyncio
import os
import shutil
import sys
from datetime import UTC, datetime
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import msgspec
import structlog
import typer
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, MofNCompleteColumn, Progress, TextColumn, TimeRemainingColumn

from regulars.app.programs import Created
from regulars.cli.desk import Desk, at_desk, out, settings_now
from regulars.cli.staff import demo_link, print_setup_link, setup_link
from regulars.settings import Settings

if TYPE_CHECKING:
    from regulars.demo.program import DemoProgram, SentFile

Host = Annotated[str | None, typer.Option(help="The address to listen on; 0.0.0.0 is all of them.")]
Port = Annotated[
    int | None, typer.Option(help="The port to listen on; 0 takes a free one.", min=0, max=65_535)
]
Workers = Annotated[int | None, typer.Option(help="How many processes serve requests.", min=1, max=64)]
OrdersFile = Annotated[
    Path | None,
    typer.Option(
        help="Take the orders of this file (CSV, gzipped or not), in a program of their own, instead.",
        exists=True,
        dir_okay=False,
    ),
]


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command()(serve)
    app.command()(run)
    app.command()(demo)


def serve(host: Host = None, port: Port = None, workers: Workers = None) -> None:
    """Serve everything, background jobs included, until Ctrl-C or SIGTERM.

    GET /healthz answers 200 once it is ready. SIGTERM answers what is under way and ends within ten seconds.
    """
    from regulars import server  # a second's worth of imports that other commands don't need

    settings = _settings(host, port, workers)
    links: list[str | None] = []
    server.serve(
        settings,
        prepare=lambda dsn: links.append(asyncio.run(setup_link(settings, dsn))),
        ready=lambda url: print_setup_link(settings.public_url or url, links[0]) if links[0] else None,
    )


def run(host: Host = None, port: Port = None, workers: Workers = None, orders: OrdersFile = None) -> None:
    """Serve, with a demo program that is made on the first start, and say where to look."""
    from regulars import server

    settings = _settings(host, port, workers)
    made: list[DemoProgram | SentFile] = []
    links: list[str] = []

    def prepare(dsn: str) -> None:
        made.append(asyncio.run(_make_demo(settings, dsn, orders)))
        links.append(asyncio.run(demo_link(settings, dsn, made[0].keys.program_id)))

    server.serve(settings, prepare=prepare, ready=lambda url: _welcome(url, made[0], links[0]))


def demo(
    orders: OrdersFile = None,
    url: Annotated[
        str | None, typer.Option(help="Send to the server at this address, as a shop would.")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print JSON, for other programs to read.")] = False,
) -> None:
    """Make a demo program with half a year of history, or one from a file of real orders.

    The same again changes nothing, so what was interrupted can be repeated. Works beside a running server.
    """

    async def act(desk: Desk) -> "DemoProgram | SentFile":
        return await _make_demo(desk.settings, desk.database.dsn, orders, url)

    done = at_desk(act)
    if as_json:
        typer.echo(msgspec.json.encode(done).decode())
        return
    for line in _said(done):
        out.print(escape(line))
    out.print(f"\nIts keys\n{_keys(done.keys)}")
    if done.sent is not None and done.sent.refused:
        raise typer.Exit(1)


def _said(done: "DemoProgram | SentFile") -> list[str]:
    """What a file held, what of it was sent, and where to look for what was refused."""
    from regulars.demo.program import SentFile
    from regulars.demo.said import said_of_file, said_of_sending

    if done.sent is None:
        return [f"The demo program {done.name} is complete already."]
    held = said_of_file(done.counts, "GBP") if isinstance(done, SentFile) else []
    return [
        *held,
        *said_of_sending(done.sent),
        "Whether Lootly's door took all: regulars deliveries --problems",
    ]


def _settings(host: str | None, port: int | None, workers: int | None) -> Settings:
    settings = settings_now()
    given = {"host": host, "port": port, "workers": workers}
    for warning in settings.warnings:
        structlog.get_logger(__name__).warning(warning)
    settings = msgspec.structs.replace(
        settings, **{name: value for name, value in given.items() if value is not None}
    )
    if settings.is_open_in_clear:
        structlog.get_logger(__name__).warning(
            "plain http beyond this machine: whoever is in between can read and change it; put TLS in front "
            "and set REGULARS_PUBLIC_URL to its https address"
        )
    return settings


async def _make_demo(
    settings: Settings, dsn: str, orders: Path | None, url: str | None = None
) -> "DemoProgram | SentFile":
    from regulars.app.house import House
    from regulars.demo.program import make_demo, send_orders_file

    house, now = await House.open(settings, dsn), datetime.now(UTC)
    try:
        with _progress("Making the demo's history" if orders is None else "Sending orders") as tell:
            if orders is None:
                return await make_demo(house, now, tell, base_url=url)
            return await send_orders_file(house, orders, now, tell, base_url=url)
    finally:
        await house.close()


class _progress:  # noqa: N801 - it reads as a statement
    """A bar on a terminal, nothing elsewhere; gives the function that is told (done, total)."""

    def __init__(self, title: str) -> None:
        columns = (TextColumn("{task.description}"), BarColumn(), MofNCompleteColumn(), TimeRemainingColumn())
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(title, total=None)

    def __enter__(self) -> Any:
        self._bar.start()
        return self._tell

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def _tell(self, done: int, total: int) -> None:
        self._bar.update(self._task, completed=done, total=total)


def _welcome(url: str, done: "DemoProgram | SentFile", admin: str) -> None:
    """Where to look, and what to try first."""
    name, keys = done.name, done.keys
    ours = _command()
    login = f"{keys.site_token}:{keys.site_secret}"
    out.print(f"""
[bold green]Regulars is up:[/bold green] [bold]{url}[/bold]

The program [bold]{escape(name)}[/bold] has some months of history. Its keys:
{_keys(keys)}
[bold]The merchant's side:[/bold] [bold]{url}{admin}[/bold]
  {_of_link(admin)}

[bold]Open this first:[/bold] [bold]{url}/demo-shop[/bold]
  A shop with the widget on its pages: log in as one of its regulars, redeem points, use the code, refund.

[bold]Or from here[/bold] (three customers with their points):
  curl -u {login} '{url}/v2/customers?limit=3'

[bold]And an order[/bold], and what it gave:
  curl -i -u {login} {url}/v2/orders -H 'Content-Type: application/json' -d \\
    '{{"merchant_id": "try-1", "customer_id": "me", "customer_email": "me@shop.example", "total": "39.99",
      "total_shipping": "10.00", "payment_status": "paid"}}'
  {ours} explain try-1

Check the book: {ours} verify      Your own program: {ours} program create --help
Stop it all with Ctrl-C. The data stays where it is; the next start is quick.
""")
    sys.stdout.flush()


def _of_link(admin: str) -> str:
    if "come-in" not in admin:
        return "Sign in with the password that you chose there."
    return "Signs you in, once, within a day; choose a password there to come back without it."


def _keys(keys: Created) -> str:
    names = ("program_id", "site_token", "site_secret", "api_token", "lootly_api_key", "lootly_api_secret")
    return "".join(f"  {name:<18} {getattr(keys, name)}\n" for name in names)


def _command() -> str:
    """How this command is called from here."""
    if shutil.which("regulars") is not None:
        return "regulars"
    path = os.path.relpath(sys.argv[0])
    return path if len(path) < len(sys.argv[0]) else sys.argv[0]
