"""`regulars import codes`: fills a reward's pool."""

from collections.abc import Callable
from pathlib import Path

from regulars.app.access import BY_COMMAND_LINE
from regulars.app.codes.uploads import CodesRejected, Imported, import_codes
from regulars.app.imports.rejected import Rejections
from regulars.cli.desk import Desk, at_desk
from regulars.domain.errors import Invalid
from regulars.storage import programs as program_rows


def codes_from_file(
    reward: int, file: Path, program: int | None, tell: Callable[[int, int], None]
) -> tuple[Imported | None, int, Path | None]:
    """What was taken, or None; how many lines are at fault, and the file that they went to."""

    data = file.read_bytes()

    async def act(desk: Desk) -> Imported:
        program_id = program if program is not None else await _only_program(desk)
        return await import_codes(
            desk.database, program_id, reward, data, by=BY_COMMAND_LINE, now=desk.now, tell=tell
        )

    with Rejections(file) as rejections:
        try:
            return at_desk(act), 0, None
        except CodesRejected as rejected:
            for problem in rejected.problems:
                rejections.add(["code"], problem.line, problem.reason, [problem.code])
            return None, len(rejected.problems), rejections.path


async def _only_program(desk: Desk) -> int:
    async with desk.database.acquire() as connection:
        known = await program_rows.ids(connection)
    if len(known) != 1:
        raise Invalid("program", f"must be named: there are {len(known)} programs")
    return known[0]
