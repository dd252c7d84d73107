"""Takes a file through the engine: many rows on their way at once, in the file's order."""

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Final

import msgspec

from regulars.app import audit
from regulars.app.access import BY_US, Who
from regulars.app.house import House
from regulars.app.imports import customers, orders, refunds
from regulars.app.imports.columns import Cells, Column
from regulars.app.imports.files import Row, RowsFile, UnreadableFile
from regulars.app.imports.reasons import reason_of
from regulars.app.imports.rejected import Rejections
from regulars.app.imports.shop import Shop, Tell
from regulars.domain.commands import Command
from regulars.domain.decisions import Decision, Outcome
from regulars.domain.errors import Invalid, Refused, Unavailable
from regulars.storage import programs

ON_THE_WAY: Final = 300
"""Rows at once: a batch at work and more than one that waits, so that neither side idles."""
PATIENCE_SECONDS: Final = 120.0
"""How long the database may be away before an import gives up."""
PAUSE_SECONDS: Final = 0.5
ROWS_BETWEEN_NEWS: Final = 200


class Kind(msgspec.Struct, frozen=True):
    """A kind of file: its columns, and what is done with a row."""

    name: str
    columns: tuple[Column, ...]
    take: Callable[[Cells, Shop, Tell], Awaitable[Outcome]]


KINDS: Final = {
    kind.name: kind
    for kind in (
        Kind("orders", orders.COLUMNS, orders.take_order),
        Kind("customers", customers.COLUMNS, customers.take_customer),
        Kind("refunds", refunds.COLUMNS, refunds.take_refund),
    )
}


class Progress(msgspec.Struct, frozen=True, kw_only=True):
    """Where an import stands: bytes of the file read, and rows of it that were answered."""

    read_bytes: int
    file_bytes: int
    rows: int


class Summary(msgspec.Struct, kw_only=True):
    """What became of a file. `known`: rows that say what was known already; `unused`: columns not read."""

    kind: str
    program_id: int
    site_id: int
    rows: int = 0
    recorded: int = 0
    known: int = 0
    rejected: int = 0
    rejected_file: str | None = None
    unused: tuple[str, ...] = ()
    took_seconds: float = 0.0


async def find_shop(house: House, program_id: int | None, site_id: int | None) -> Shop:
    """The site meant: where there is only one, it need not be named. Raises Invalid and UnknownProgram."""
    if program_id is None:
        async with house.database.acquire() as connection:
            known = await programs.ids(connection)
        if len(known) != 1:
            raise Invalid("program", f"must be named: there are {len(known)} programs")
        program_id = known[0]
    program = await house.programs.get(program_id)
    if site_id is None and len(program.sites) != 1:
        raise Invalid("site", f"must be named: the program has {len(program.sites)}")
    return Shop(program, program.site(site_id), house.clock)


async def run_import(
    house: House,
    kind: Kind,
    path: Path,
    shop: Shop,
    *,
    by: Who = BY_US,
    progress: Callable[[Progress], None] | None = None,
) -> Summary:
    """Imports a file. Rows that are refused go, with the reason, into a file beside it, made anew each time.

    The audit log says who began it; what it changed stands in the book, row by row.

    Raises UnreadableFile, with what came before already imported; Unavailable when the database stays away.
    """
    began = time.monotonic()
    summary = Summary(kind=kind.name, program_id=shop.program.id, site_id=shop.site.id)
    with RowsFile(path, kind.columns) as file, Rejections(path) as rejections:
        await _note(house, kind, path, file.size, shop, by)
        run = _Run(house, kind, shop, summary, rejections, file)
        try:
            async with asyncio.TaskGroup() as group:
                problem = await run.feed(group, progress)
        except BaseExceptionGroup as failed:
            raise failed.exceptions[0] from None
        if problem is not None:
            raise problem
        summary.unused = tuple(sorted(file.unused))
    summary.rejected_file = str(rejections.path) if summary.rejected else None
    summary.took_seconds = round(time.monotonic() - began, 3)
    return summary


async def _note(house: House, kind: Kind, path: Path, size: int, shop: Shop, by: Who) -> None:
    async with house.database.acquire() as connection, connection.transaction():
        await audit.note(
            connection,
            shop.program.id,
            by,
            action=f"import {kind.name}",
            subject=f"shop {shop.site.id}",
            after={"file": path.name, "bytes": size},
            now=house.clock(),
        )


class _Run:
    """One import while it runs."""

    def __init__(
        self,
        house: House,
        kind: Kind,
        shop: Shop,
        summary: Summary,
        rejections: Rejections,
        file: RowsFile,
    ) -> None:
        self._house = house
        self._kind = kind
        self._shop = shop
        self._summary = summary
        self._rejections = rejections
        self._file = file
        self._room = asyncio.Semaphore(ON_THE_WAY)

    async def feed(
        self, group: asyncio.TaskGroup, progress: Callable[[Progress], None] | None
    ) -> UnreadableFile | None:
        """Starts each row's work as soon as there is room for it; rows begin in the file's order.

        Answers what keeps the file from being read any further, so that the rows on their way are awaited.
        """
        try:
            for number, row in enumerate(self._file.rows(), start=1):
                await self._room.acquire()
                group.create_task(self._take(row)).add_done_callback(self._leave)
                if progress is not None and number % ROWS_BETWEEN_NEWS == 0:
                    progress(self._news())
        except UnreadableFile as problem:
            return problem
        return None

    def _leave(self, _: object) -> None:
        self._room.release()

    def _news(self) -> Progress:
        return Progress(read_bytes=self._file.position, file_bytes=self._file.size, rows=self._summary.rows)

    async def _take(self, row: Row) -> None:
        summary = self._summary
        reason = row.problem
        if reason is None:
            try:
                outcome = await self._kind.take(Cells(row.values), self._shop, self._tell)
            except Refused as refusal:
                reason = reason_of(refusal)
            else:
                if outcome is Outcome.DONE:
                    summary.recorded += 1
                else:
                    summary.known += 1
        summary.rows += 1
        if reason is not None:
            summary.rejected += 1
            self._rejections.add(self._file.header, row.line, reason, row.cells)

    async def _tell(self, command: Command) -> Decision:
        """The decision on a command, which is sent again while the database is away: rows have identities."""
        engine, program_id = self._house.engine, self._shop.program.id
        end = time.monotonic() + PATIENCE_SECONDS
        while True:
            try:
                return await engine.submit(program_id, command, bulk=True)
            except Unavailable:
                if time.monotonic() > end:
                    raise
            await asyncio.sleep(PAUSE_SECONDS)
