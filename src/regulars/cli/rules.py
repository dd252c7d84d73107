"""`regulars program set` and `regulars integration set`: what earns, and how the Lootly door answers."""

from typing import Annotated

import typer
from rich.markup import escape

from regulars.app.access import BY_COMMAND_LINE
from regulars.app.integrations import change_settings
from regulars.app.programs import Programs, apply_changes
from regulars.app.rules import RuleChanges
from regulars.cli.desk import BadArgument, Desk, at_desk, out
from regulars.cli.programs import ProgramId, rule_lines
from regulars.domain.program import Program

integration = typer.Typer(help="Change how a shop's integration behaves.", no_args_is_help=True)


def add_to(programs: typer.Typer) -> None:
    """Adds `set` to the commands about programs."""
    programs.command(name="set")(set_rules)


def set_rules(
    program: ProgramId,
    enabled: Annotated[bool | None, typer.Option(help="Whether orders earn at all.")] = None,
    points_per_unit: Annotated[
        str | None, typer.Option(help="Points for each whole unit of the currency, such as 1.25.")
    ] = None,
    approval_days: Annotated[int | None, typer.Option(help="For how many days points are pending.")] = None,
    minimum: Annotated[
        str | None, typer.Option(help="The least that an order must come to, less its discounts: 20.00.")
    ] = None,
    status: Annotated[
        list[str] | None,
        typer.Option(help="An order status that earns, such as fulfilled; give it several times, or any."),
    ] = None,
    count_shipping: Annotated[bool | None, typer.Option(help="Whether shipping earns.")] = None,
    count_tax: Annotated[bool | None, typer.Option(help="Whether tax earns.")] = None,
    count_discounts: Annotated[
        bool | None, typer.Option(help="Whether what a discount took off earns all the same.")
    ] = None,
    whole_units: Annotated[
        bool | None, typer.Option(help="Whether only whole units of the currency earn.")
    ] = None,
    join_points: Annotated[
        int | None, typer.Option(help="Points for becoming a member, once; 0 is off.")
    ] = None,
) -> None:
    """Change what earns, from the next order on.

    Orders that are known keep the rule that they were recorded under. Running servers go by it at once.
    """
    said = RuleChanges(
        enabled=enabled,
        points_per_unit=points_per_unit,
        approval_days=approval_days,
        minimum=minimum,
        statuses=None if status is None else () if status == ["any"] else tuple(status),
        counts_shipping=count_shipping,
        counts_tax=count_tax,
        counts_discounts=count_discounts,
        whole_units_only=whole_units,
        join_points=join_points,
    )
    if said == RuleChanges():
        raise BadArgument("Say what to change; `regulars program set --help` lists it.")

    async def act(desk: Desk) -> Program:
        return await apply_changes(desk.database, program, said, by=BY_COMMAND_LINE, now=desk.now)

    for line in rule_lines(at_desk(act)):
        out.print(escape(line))


@integration.command(name="set")
def set_integration(
    program: ProgramId,
    strict_answers: Annotated[
        bool | None, typer.Option(help="Answer what is refused with 422 and its reason, instead of 200.")
    ] = None,
    redelivery_window: Annotated[
        int | None,
        typer.Option(help="For how many seconds an equal body without an id is the same call; 0: never."),
    ] = None,
) -> None:
    """Change how the program's Lootly integrations answer. Running servers go by it within a second."""
    if strict_answers is None and redelivery_window is None:
        raise BadArgument("Say what to change; `regulars integration set --help` lists it.")

    async def act(desk: Desk) -> int:
        await Programs(desk.database).get(program)
        return await change_settings(
            desk.database,
            program,
            strict_answers=strict_answers,
            redelivery_window_seconds=redelivery_window,
            by=BY_COMMAND_LINE,
            now=desk.now,
        )

    changed = at_desk(act)
    out.print(f"Changed for {changed} integration{'' if changed == 1 else 's'} of program {program}.")
