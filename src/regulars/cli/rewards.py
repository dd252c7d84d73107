"""`regulars reward ...`: what points buy."""

from typing import Annotated, Any

import msgspec
import typer
from rich.markup import escape
from rich.table import Table

from regulars.app import rewards
from regulars.app.access import BY_COMMAND_LINE
from regulars.app.programs import Programs
from regulars.cli.desk import BadArgument, Desk, at_desk, out
from regulars.cli.programs import AsJson, ProgramId
from regulars.cli.reward_lines import costs, plain, state, tell
from regulars.cli.reward_options import CLEARABLE, cleared, fields_of, with_terms
from regulars.domain.program import Program
from regulars.domain.rewards import CodeSource, Reward, RewardKind, Stock

app = typer.Typer(help="Make rewards, look at them, change them.", no_args_is_help=True)

RewardId = Annotated[int, typer.Argument(metavar="REWARD", help="The reward's number; `list` shows it.")]


@app.command()
@with_terms
def create(
    program: ProgramId,
    kind: Annotated[
        RewardKind, typer.Option(metavar="KIND", help=f"What it is, for good: {', '.join(RewardKind)}.")
    ],
    title: Annotated[str, typer.Option(help="What customers see, such as “£5 off”.")],
    *,
    as_json: AsJson = False,
    **terms: Any,
) -> None:
    """Make a reward. Customers can claim it at once, unless --no-enabled or --starts-at say otherwise.

    Its codes are a pool of your own unless --codes says generated: fill it with `regulars import codes`.
    A custom reward needs no codes; it is fulfilled by hand.

    For example: regulars reward create 1 --kind fixed_amount --title "£5 off" --cost 500 --amount 5.00
    """
    if terms["codes"] is None and kind is RewardKind.CUSTOM:
        terms["codes"] = CodeSource.NONE

    async def act(desk: Desk) -> tuple[Program, Reward]:
        found = await Programs(desk.database).get(program)
        new = Reward(id=0, kind=kind, title=title, **fields_of(terms, found.currency))
        return found, await rewards.create_reward(
            desk.database, program, new, by=BY_COMMAND_LINE, now=desk.now
        )

    found, made = at_desk(act)
    tell(found, made, Stock(reward_id=made.id), as_json)
    if not as_json and made.codes is CodeSource.POOL:
        out.print(f"\nIts pool is empty. Fill it: regulars import codes {made.id} FILE --program {program}")


@app.command()
@with_terms
def change(
    program: ProgramId,
    reward: RewardId,
    title: Annotated[str | None, typer.Option(help="What customers see, such as “£5 off”.")] = None,
    *,
    clear: Annotated[
        list[str] | None,
        typer.Option(help=f"Take a bound away; give it several times. One of: {', '.join(CLEARABLE)}."),
    ] = None,
    as_json: AsJson = False,
    **terms: Any,
) -> None:
    """Change a reward, for claims from now on. What was claimed before keeps its terms.

    Running servers go by it at once. What is not given stays; --clear takes a bound away.
    """

    async def act(desk: Desk) -> tuple[Program, Reward, Stock]:
        found = await Programs(desk.database).get(program)
        changes = cleared(clear) | fields_of(terms, found.currency)
        if title is not None:
            changes["title"] = title
        if not changes:
            raise BadArgument("Say what to change; `regulars reward change --help` lists it.")
        await rewards.change_reward(desk.database, program, reward, changes, by=BY_COMMAND_LINE, now=desk.now)
        return await _found(desk, program, reward)

    tell(*at_desk(act), as_json)


@app.command(name="list")
def list_rewards(program: ProgramId, as_json: AsJson = False) -> None:
    """Show a program's rewards, what they cost and what is left of them."""

    async def act(desk: Desk) -> tuple[Program, dict[int, Stock]]:
        found = await Programs(desk.database).get(program)
        return found, await rewards.stocks(desk.database, found)

    found, stocks = at_desk(act)
    if as_json:
        listed = [plain(reward, stocks[reward.id]) for reward in found.rewards]
        typer.echo(msgspec.json.encode(listed).decode())
        return
    if not found.rewards:
        out.print("There is no reward yet. Make one: regulars reward create --help")
        return
    table = Table(
        "Number", "Title", "Kind", "Costs", "Claimed", "Codes left", "", box=None, padding=(0, 2, 0, 0)
    )
    for reward in found.rewards:
        stock = stocks[reward.id]
        left = f"{stock.codes_free:,}" if reward.codes is CodeSource.POOL else reward.codes
        table.add_row(
            str(reward.id),
            escape(reward.title),
            reward.kind,
            costs(reward),
            f"{stock.claimed:,}",
            left,
            state(reward, stock),
        )
    out.print(table)


@app.command()
def show(program: ProgramId, reward: RewardId, as_json: AsJson = False) -> None:
    """Show one reward: its terms, its stock and where its codes are."""

    async def act(desk: Desk) -> tuple[Program, Reward, Stock]:
        return await _found(desk, program, reward)

    tell(*at_desk(act), as_json)


@app.command()
def enable(program: ProgramId, reward: RewardId) -> None:
    """Switch a reward on: it can be claimed again."""
    _switch(program, reward, enabled=True)


@app.command()
def disable(program: ProgramId, reward: RewardId) -> None:
    """Switch a reward off: nobody can claim it. What was claimed stays good."""
    _switch(program, reward, enabled=False)


async def _found(desk: Desk, program_id: int, reward_id: int) -> tuple[Program, Reward, Stock]:
    program = await Programs(desk.database).get(program_id)
    stocks = await rewards.stocks(desk.database, program)
    return program, program.reward(reward_id), stocks[reward_id]


def _switch(program: int, reward: int, *, enabled: bool) -> None:
    async def act(desk: Desk) -> bool:
        return await rewards.set_enabled(
            desk.database, program, reward, enabled=enabled, by=BY_COMMAND_LINE, now=desk.now
        )

    now = "on" if enabled else "off"
    changed = at_desk(act)
    out.print(f"Reward {reward} is {now}{'' if changed else ', as it was'}.")
