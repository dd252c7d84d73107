"""`regulars backup` and `restore`: the bundled database as one file."""

import asyncio
from collections.abc import Callable
from datetime import UTC, datetime
from pathlib import Path
from typing import Annotated

import typer
from rich.console import Console
from rich.markup import escape

from regulars.app import backup as backing
from regulars.app import verify as verifying
from regulars.bundled import bring_up_to_date
from regulars.cli.desk import BadArgument, out, settings_now
from regulars.outside.postgres import Embedded
from regulars.outside.postgres_place import wheel_version
from regulars.settings import Settings
from regulars.storage.database import Database

KEY_FILE = "secret.key"


def add_to(app: typer.Typer) -> None:
    """Adds the commands of this file."""
    app.command()(backup)
    app.command()(restore)


def backup(file: Annotated[Path, typer.Argument(metavar="FILE", help="The file to make.")]) -> None:
    """Save the bundled database into one file, while the server works.

    The secret key is not in it: keep the file secret.key of the home, too, in another place.
    """
    settings = _bundled()
    if not (settings.home / "db").exists():
        raise BadArgument(f"There is no database in {settings.home} to save.")
    with Embedded(settings.home) as server, Console(stderr=True).status("Saving") as status:

        def tell(size: int) -> None:
            status.update(f"Saving: {size / 1e6:,.1f} MB")

        manifest, size = asyncio.run(_save(settings, server, file, tell))
    rows = sum(manifest.contents.rows.values())
    out.print(escape(f"Saved {rows:,} rows into {file}, {size / 1e6:,.1f} MB."))
    for chain in manifest.contents.chains:
        length = f"{chain.movements:,} movements"
        out.print(f"Program {chain.program_id}: {length}; the chain ends in {chain.chain[:16]}…")
    if settings.secret_key is None:
        out.print(escape(f"Not in it: the key {settings.home / KEY_FILE}. Keep a copy of that, elsewhere."))
    else:
        out.print("Not in it: the key REGULARS_SECRET_KEY. Keep a copy of that, elsewhere.")


def restore(
    file: Annotated[
        Path, typer.Argument(metavar="FILE", help="What `regulars backup` made.", exists=True, dir_okay=False)
    ],
    replace: Annotated[
        bool,
        typer.Option(
            "--replace", help="Set the database that is there aside; it is kept under another name."
        ),
    ] = False,
) -> None:
    """Bring a backup back into a home without a database, then verify it.

    Stop the server first. Ends with 0 when the book is whole and the one that was saved, else with 1.
    """
    settings = _bundled()
    server = Embedded(settings.home)
    with backing.check_backup(file, postgres=int(wheel_version().split(".")[0])) as (manifest, dump):
        if (settings.home / "db").exists() and not replace:
            raise BadArgument(
                f"There is a database in {settings.home} already. With --replace it is set aside; "
                "or choose an empty folder by REGULARS_HOME."
            )
        now = datetime.now(UTC)
        aside = server.set_aside(f"db.replaced-{now:%Y%m%d-%H%M%S}")
        if aside is not None:
            out.print(escape(f"The database that was there is now {aside}."))
        try:
            with server, Console(stderr=True).status("Restoring") as status:
                target = backing.Target(server, bring_up_to_date)
                done = asyncio.run(backing.restore(manifest, dump, target, now=now, progress=status.update))
        except BaseException:
            server.set_aside(f"db.failed-{now:%Y%m%d-%H%M%S}")
            raise
    _say(done, settings)
    if not done.is_clean:
        raise typer.Exit(1)


def _say(done: backing.Restored, settings: Settings) -> None:
    for line in verifying.lines(done.report):
        out.print(escape(line))
    saved = f"{done.manifest.made_at:%Y-%m-%d %H:%M:%S} UTC"
    if done.differences:
        out.print(f"It is not what was saved at {saved}:")
        for difference in done.differences:
            out.print(escape(f"  {difference}"))
    else:
        out.print(f"Every program's chain ends as it did when this was saved, at {saved}.")
    mark = backing.key_mark(settings)
    key = settings.home / KEY_FILE
    if done.manifest.secret_key is None or mark == done.manifest.secret_key:
        return
    is_missing = "The secret key is missing" if mark is None else "The secret key here is another"
    out.print(
        escape(
            f"{is_missing}: before you start the server, put the old home's {KEY_FILE} at {key} "
            "(or set REGULARS_SECRET_KEY). Without it the shops' signing secrets can't be read."
        )
    )


async def _save(
    settings: Settings, server: Embedded, file: Path, progress: Callable[[int], None]
) -> tuple[backing.Manifest, int]:
    database = await Database.connect(server.dsn, most=2)
    try:
        return await backing.save_backup(
            database,
            server,
            file,
            secret_key=backing.key_mark(settings),
            now=datetime.now(UTC),
            progress=progress,
        )
    finally:
        await database.close()


def _bundled() -> Settings:
    """The settings of a home with the bundled database. Raises BadArgument for a server of one's own."""
    settings = settings_now()
    if settings.database_url is not None:
        raise BadArgument(
            "REGULARS_DATABASE_URL names a server of your own: save and restore that with its own tools, "
            "such as pg_dump and pg_restore."
        )
    return settings
