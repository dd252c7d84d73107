"""Many rows in one statement a table: new ones by COPY, those that may replace others as arrays."""

from collections.abc import Mapping, Sequence
from typing import Any

from regulars.storage.database import Connection


class Table:
    """A table's name and, in order, the columns after program_id with their SQL types."""

    def __init__(self, name: str, columns: Mapping[str, str]) -> None:
        self.name = name
        self.columns = tuple(columns)
        arrays = ", ".join(f"${number}::{kind}[]" for number, kind in enumerate(columns.values(), start=2))
        quoted = ", ".join(f'"{column}"' for column in columns)
        self._insert = (
            f"insert into {name} (program_id, {quoted}) select $1, u.* from unnest({arrays}) as u ({quoted})"
        )

    def replacing(self, key: str, columns: Sequence[str] | None = None) -> str:
        """The end of an insert that overwrites `columns` (all, unless given) of the row with the same `key`.

        It serves as an update of many rows, too: it finds each by its key, whatever the planner thinks.
        """
        changes = ", ".join(
            f'"{column}" = excluded."{column}"' for column in columns or self.columns if column != key
        )
        return f' on conflict (program_id, "{key}") do update set {changes}'

    async def insert(
        self, connection: Connection, program_id: int, rows: Sequence[Sequence[Any]], *, end: str = ""
    ) -> None:
        """Inserts the rows, each in column order; does nothing without rows. `end`: see `replacing`."""
        if rows and not end:
            records = [(program_id, *row) for row in rows]
            names = ("program_id", *self.columns)
            await connection.copy_records_to_table(self.name, records=records, columns=names)
        elif rows:
            columns = (list(column) for column in zip(*rows, strict=True))
            await connection.execute(self._insert + end, program_id, *columns)
