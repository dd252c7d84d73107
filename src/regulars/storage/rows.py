"""Many rows in one statement: columns go over as arrays, so a batch costs one round trip a table."""

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
        self._arrays = arrays
        self._quoted = quoted

    def upsert_on(self, key: str) -> "str":
        """The end of an insert that overwrites the row of the same `key` column in this program."""
        changes = ", ".join(f'"{column}" = excluded."{column}"' for column in self.columns if column != key)
        return f' on conflict (program_id, "{key}") do update set {changes}'

    def update_on(self, key: str, columns: Sequence[str]) -> str:
        """An update of `columns` from rows in this table's full column order, found by `key`."""
        changes = ", ".join(f'"{column}" = u."{column}"' for column in columns)
        return (
            f"update {self.name} as t set {changes} from unnest({self._arrays}) as u ({self._quoted}) "
            f'where t.program_id = $1 and t."{key}" = u."{key}"'
        )

    async def insert(
        self, connection: Connection, program_id: int, rows: Sequence[Sequence[Any]], *, end: str = ""
    ) -> None:
        """Inserts the rows, each in column order; does nothing without rows."""
        await self.run(connection, self._insert + end, program_id, rows)

    async def run(
        self, connection: Connection, statement: str, program_id: int, rows: Sequence[Sequence[Any]]
    ) -> None:
        """Runs a statement made by this table on the rows as column arrays; does nothing without rows."""
        if rows:
            await connection.execute(
                statement, program_id, *(list(column) for column in zip(*rows, strict=True))
            )
