"""The plans of the statements that a use case runs, for tests that no list reads a whole table."""

from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from types import ModuleType
from typing import Any

import pytest

READING = ("fetch", "fetchrow", "fetchval")


class Explaining:
    """A connection that keeps the plan of every statement that it reads with."""

    def __init__(self, connection: Any, plans: list[str]) -> None:
        self._connection = connection
        self._plans = plans

    def __getattr__(self, name: str) -> Any:
        if name not in READING:
            return getattr(self._connection, name)

        async def run(statement: str, *values: Any) -> Any:
            rows = await self._connection.fetch(f"explain {statement}", *values)
            self._plans.append("\n".join(row[0] for row in rows))
            return await getattr(self._connection, name)(statement, *values)

        return run


def explained(monkeypatch: pytest.MonkeyPatch, module: ModuleType) -> list[str]:
    """The plans, as they come, of all that `module` reads through its `reading`."""
    plans: list[str] = []
    plainly = module.reading

    @asynccontextmanager
    async def explaining(database: Any, **how: Any) -> AsyncIterator[Any]:
        async with plainly(database, **how) as connection:
            yield Explaining(connection, plans)

    monkeypatch.setattr(module, "reading", explaining)
    return plans
