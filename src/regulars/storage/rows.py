"""Many rows of many tables in few statements: an array of rows a table, unpacked by the server."""

from collections.abc import Mapping, Sequence
from functools import lru_cache
from typing import Any, TypeAlias

from regulars.storage.database import Connection

Row: TypeAlias = Sequence[Any]


class Table:
    """A table's name and, in order, the columns after program_id with their SQL types: they are those of the
    type `<name>_row`, too."""

    def __init__(self, name: str, columns: Mapping[str, str]) -> None:
        self.name = name
        self.columns = tuple(columns)
        self.types = tuple(columns.values())
        self._quoted = ", ".join(f'"{column}"' for column in columns)

    def replacing(self, key: str, columns: Sequence[str] | None = None) -> str:
        """The end of an insert that overwrites `columns` (all, unless given) of the row with the same `key`.

        It serves as an update of many rows, too: it finds each by its key, whatever the planner thinks.
        """
        changes = ", ".join(
            f'"{column}" = excluded."{column}"' for column in columns or self.columns if column != key
        )
        return f' on conflict (program_id, "{key}") do update set {changes}'

    def inserting(self, number: int, *, under: str = "(select $1::bigint)") -> str:
        """An insert of the rows that are the array $`number`, for each program's id that `under` gives: if it
        gives none, nothing is inserted."""
        return (
            f"insert into {self.name} (program_id, {self._quoted}) "
            f"select p.id, u.* from {under} as p (id), unnest(${number}::{self.name}_row[]) as u"
        )

    async def insert(
        self, connection: Connection, program_id: int, rows: Sequence[Row], *, end: str = ""
    ) -> None:
        """Inserts the rows, each in column order; does nothing without rows. `end`: see `replacing`."""
        if rows and not end:
            records = [(program_id, *row) for row in rows]
            names = ("program_id", *self.columns)
            await connection.copy_records_to_table(self.name, records=records, columns=names)
        elif rows:
            await connection.execute(self.inserting(2) + end, program_id, rows)


class Together:
    """Rows of several tables that are written by one statement, all of them or, under a condition, none.

    No row may be named twice, as no part of the statement sees what another one does.
    """

    def __init__(self) -> None:
        self._parts: list[tuple[Table, str]] = []
        self._rows: list[Sequence[Row]] = []

    def insert(self, table: Table, rows: Sequence[Row], *, end: str = "") -> None:
        """Adds these rows, each in column order; nothing without rows. `end`: see `Table.replacing`."""
        if rows:
            self._parts.append((table, end))
            self._rows.append(rows)

    async def execute(self, connection: Connection, head: str, program_id: int, *values: Any) -> int | None:
        """Executes the statement `head` with these values, which returns a program's id and a stamp, and
        writes all if it does return them. Answers the stamp; None: nothing was written."""
        statement = _statement(tuple(self._parts), head, 2 + len(values))
        stamp: int | None = await connection.fetchval(statement, program_id, *values, *self._rows)
        return stamp


@lru_cache(maxsize=1000)
def _statement(parts: tuple[tuple[Table, str], ...], head: str, first: int) -> str:
    steps = [f"head as ({head})"]
    for number, (table, end) in enumerate(parts):
        insert = table.inserting(first + number, under="(select program_id from head)")
        steps.append(f"part_{number} as ({insert}{end})")
    return f"with {', '.join(steps)} select stamp from head"
