"""The command `regulars`: one file a noun, each command a thin caller of a use case."""

import sys

import typer

from regulars import __version__
from regulars.cli import (
    backups,
    customers,
    imports,
    keys,
    looks,
    programs,
    rewards,
    rules,
    serving,
    staff,
    storefront,
)
from regulars.cli.desk import complain

app = typer.Typer(
    name="regulars",
    help="A loyalty platform that a shop hosts itself: points, and an exact book behind them.",
    no_args_is_help=True,
    pretty_exceptions_enable=False,
    rich_markup_mode="rich",
    context_settings={"help_option_names": ["-h", "--help"]},
)
app.add_typer(programs.app, name="program")
app.add_typer(keys.app, name="key")
app.add_typer(rules.integration, name="integration")
rules.add_to(programs.app)
app.add_typer(staff.app, name="staff")
app.add_typer(rewards.app, name="reward")
app.add_typer(customers.app, name="customer")
app.add_typer(imports.app, name="import")
app.add_typer(storefront.app, name="storefront")
serving.add_to(app)
looks.add_to(app)
backups.add_to(app)


@app.command()
def version() -> None:
    """Print the version."""
    typer.echo(f"Regulars {__version__}")


def main() -> None:
    """Runs the command line. What a person can put right is said in one line, without a stack trace."""
    try:
        app()
    except Exception as error:
        sentence = complain(error)
        if sentence is None:
            raise
        typer.secho(sentence, fg=typer.colors.RED, err=True)
        sys.exit(2)
