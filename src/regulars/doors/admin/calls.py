"""What the webhooks' door can do for staff. Doors don't know one another, so it is handed in from outside."""

from collections.abc import Awaitable, Callable
from typing import NamedTuple

from regulars.domain.decisions import Decision


class Checked(NamedTuple):
    """A signed body, looked at: whether its signature is good, what came, and the text to be signed."""

    is_good: bool
    key: str | None
    came: str | None
    text: str
    signature: str


class Calls(NamedTuple):
    """`is_applicable(hook, outcome)`; `apply(program, delivery, actor, entry)` as its door says.

    `check(secret, body)` raises ValueError, with a sentence, for a body that can't be read.
    """

    is_applicable: Callable[[str, str], bool]
    apply: Callable[[int, int, str, int], Awaitable[Decision]]
    check: Callable[[str, bytes], Checked]
