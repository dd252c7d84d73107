"""`regulars import ...`: a shop's history from files."""

import asyncio
from pathlib import Path
from typing import Annotated, Self

import msgspec
import typer
import uvloop
from rich.console import Console
from rich.markup import escape
from rich.progress import BarColumn, Progress, TextColumn, TimeRemainingColumn

from regulars.app import imports as importing
from regulars.app.access import BY_COMMAND_LINE
from regulars.app.house import House
from regulars.bundled import bring_up_to_date, database
from regulars.cli.codes import codes_from_file
from regulars.cli.desk import out, settings_now
from regulars.cli.programs import AsJson
from regulars.cycles import rarely_look_for_cycles
from regulars.settings import Settings

app = typer.Typer(
    help="Take in a shop's past orders, customers and refunds from files.", no_args_is_help=True
)

File = Annotated[
    Path,
    typer.Argument(
        metavar="FILE",
        help="A CSV file with column names, or JSON lines (.jsonl); gzipped (.gz) or not.",
        exists=True,
        dir_okay=False,
    ),
]
ToProgram = Annotated[
    int | None, typer.Option("--program", help="The program; needed where there are several.")
]

ToSite = Annotated[
    int | None, typer.Option("--site", help="The shop of the program; needed where it has several.")
]


@app.command()
def orders(file: File, program: ToProgram = None, site: ToSite = None, as_json: AsJson = False) -> None:
    """Take in past orders. Points, and their approval, are as of the date of each.

    Safe to repeat, and to go on with after a stop: what is known already changes nothing. Rows that are
    refused go, with the reason, into FILE.rejected.csv. Ends with 1 when there are any.
    """
    _import("orders", file, program, site, as_json)


@app.command()
def customers(file: File, program: ToProgram = None, site: ToSite = None, as_json: AsJson = False) -> None:
    """Take in customers, enrol them, and give each the points that the file says, once.

    Safe to repeat: the points of a customer are given a single time, whatever the file is called.
    """
    _import("customers", file, program, site, as_json)


@app.command()
def refunds(file: File, program: ToProgram = None, site: ToSite = None, as_json: AsJson = False) -> None:
    """Take in past refunds of orders that are known; each counts once, by its own id.

    Import the orders first. A refund of an order that is not known is refused.
    """
    _import("refunds", file, program, site, as_json)


@app.command()
def codes(
    reward: Annotated[
        int, typer.Argument(metavar="REWARD", help="The reward whose pool it fills; `regulars reward list`.")
    ],
    file: Annotated[
        Path,
        typer.Argument(
            metavar="FILE",
            help="A CSV file with one column, the codes, with or without a heading; at most 5 MB.",
            exists=True,
            dir_okay=False,
        ),
    ],
    program: ToProgram = None,
    as_json: AsJson = False,
) -> None:
    """Fill a reward's pool with coupon codes, all of a file or none.

    Blanks around a code and its letter case don't matter. A line that is empty, too long, doubled in the file
    or known in any pool of the program is refused, and then nothing is taken: all such lines go, with the
    reason, into FILE.rejected.csv. Codes that can be guessed are warned about. Ends with 1 when refused.
    """
    with _Bar("Importing codes") as bar:
        done, rejected, rejected_file = codes_from_file(reward, file, program, bar.tell_codes)
    if as_json:
        said = {"reward_id": reward, "taken": 0, "rejected": rejected, "rejected_file": rejected_file}
        if done is not None:
            said |= msgspec.structs.asdict(done)
        typer.echo(msgspec.json.encode(said, enc_hook=str).decode())
    elif done is None:
        lines = "1 line is" if rejected == 1 else f"{rejected:,} lines are"
        out.print(f"Nothing was taken: {lines} refused. With line and reason: {escape(str(rejected_file))}")
    else:
        out.print(f"Took {done.taken:,} codes; {done.free:,} are free to be handed out now.")
        for warned in done.warnings:
            out.print(f"Warning: {escape(warned.message)}")
    if done is None:
        raise typer.Exit(1)


def _import(kind: str, file: Path, program: int | None, site: int | None, as_json: bool) -> None:
    settings = settings_now()
    rarely_look_for_cycles()
    with (
        database(settings, watched=True) as dsn,
        asyncio.Runner(loop_factory=uvloop.new_event_loop) as runner,
    ):
        summary = runner.run(_run(settings, dsn, kind, file, program, site))
    if as_json:
        typer.echo(msgspec.json.encode(summary).decode())
    else:
        for line in _said(summary):
            out.print(escape(line))
    if summary.rejected:
        raise typer.Exit(1)


async def _run(
    settings: Settings, dsn: str, kind: str, file: Path, program: int | None, site: int | None
) -> importing.Summary:
    await bring_up_to_date(dsn)
    house = await House.open(settings, dsn)
    try:
        shop = await importing.find_shop(house, program, site)
        with _Bar(f"Importing {kind}") as bar:
            return await importing.run_import(
                house, importing.KINDS[kind], file, shop, by=BY_COMMAND_LINE, progress=bar.tell
            )
    finally:
        await house.close()


def _said(done: importing.Summary) -> list[str]:
    """What became of the file, for a person."""
    speed = done.rows / done.took_seconds if done.took_seconds else 0
    sums = f"{done.recorded:,} recorded, {done.known:,} known already, {done.rejected:,} rejected"
    lines = [f"Read {done.rows:,} rows in {done.took_seconds:,.1f} s ({speed:,.0f} a second): {sums}."]
    if done.unused:
        lines.append(f"Columns that were not read: {', '.join(done.unused)}")
    if done.rejected_file is not None:
        lines.append(f"The rejected rows, with line and reason: {done.rejected_file}")
    return lines


class _Bar:
    """How far the file is read, on a terminal; nothing elsewhere."""

    def __init__(self, title: str) -> None:
        columns = (
            TextColumn("{task.description}"),
            BarColumn(),
            TextColumn("{task.percentage:.0f} %, {task.fields[rows]:,} rows"),
            TimeRemainingColumn(),
        )
        console = Console(stderr=True)
        self._bar = Progress(*columns, console=console, transient=True, disable=not console.is_terminal)
        self._task = self._bar.add_task(title, total=None, rows=0)

    def __enter__(self) -> Self:
        self._bar.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._bar.stop()

    def tell_codes(self, done: int, of: int) -> None:
        self._bar.update(self._task, completed=done, total=of, rows=done)

    def tell(self, news: importing.Progress) -> None:
        self._bar.update(self._task, completed=news.read_bytes, total=news.file_bytes, rows=news.rows)
