"""What a batch writes fits the database: each table, and the type in whose array its rows come."""

import asyncpg
import pytest

from regulars.storage import deliveries, tables
from regulars.storage.rows import Table

MODULES = (tables, deliveries)
TABLES = [each for module in MODULES for each in vars(module).values() if isinstance(each, Table)]

_TYPE = """
    select attname, format_type(atttypid, atttypmod) from pg_attribute
     where attrelid = $1::text::regclass and attnum > 0 and not attisdropped order by attnum
"""
_WRITTEN = {"timestamp with time zone": "timestamptz"}


@pytest.mark.parametrize("table", TABLES, ids=lambda table: table.name)
async def test_rows_are_as_the_database_has_them(database: str, table: Table) -> None:
    connection = await asyncpg.connect(database)
    rows = dict(await connection.fetch(_TYPE, f"{table.name}_row"))
    kept = dict(await connection.fetch(_TYPE, table.name))
    await connection.close()
    said = dict(zip(table.columns, table.types, strict=True))
    assert list(rows) == list(said), "in this order"
    assert {name: _WRITTEN.get(kind, kind) for name, kind in rows.items()} == said
    assert {name: kept[name] for name in rows} == rows
