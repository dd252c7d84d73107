"""Where the rows of a file go: one site of one program, by way of the engine."""

from collections.abc import Awaitable, Callable
from datetime import datetime
from typing import TypeAlias

import msgspec

from regulars.domain.commands import Command
from regulars.domain.decisions import Decision
from regulars.domain.program import Program, Site

Tell: TypeAlias = Callable[[Command], Awaitable[Decision]]
"""Answers the decision on a command after its commit. Raises its refusal."""


class Shop(msgspec.Struct, frozen=True):
    """The program and site whose file it is. `now`: real time."""

    program: Program
    site: Site
    now: Callable[[], datetime]
