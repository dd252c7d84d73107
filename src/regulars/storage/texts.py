"""Looking for any part of a customer's id, e-mail or name: see docs/decisions/0014."""

from typing import Final

from regulars.storage.database import Connection

# As the index customers_text has it, so that the planner knows one by the other.
TEXT: Final = (
    "lower(' ' || coalesce({0}merchant_id, '') || ' ' || coalesce({0}email, '') || ' ' || "
    "coalesce({0}first_name, '') || ' ' || coalesce({0}last_name, ''))"
)
SHORTEST: Final = 3
"""Letters that are looked for anywhere; fewer are looked for at the beginnings of words."""


async def finds_anywhere(connection: Connection) -> bool:
    """Whether this server has the index that finds a text anywhere in a customer's id, e-mail or name."""
    there: bool = await connection.fetchval("select to_regclass('customers_text') is not null")
    return there


def literally(text: str) -> str:
    """The text as a LIKE pattern that means itself."""
    return text.replace("\\", r"\\").replace("%", r"\%").replace("_", r"\_")
