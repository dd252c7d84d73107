"""Until when a request has to be decided: one moment, set when all of it had come, that every step shares.

It travels with the request's own task. What is begun for others too, such as a lane, lays it aside.
"""

import asyncio
from contextvars import ContextVar
from typing import Final

SHARE: Final = 0.9
"""Of the time in which an answer is promised, for all steps; the rest is for a last look and the way out."""

_DEADLINE: ContextVar[float | None] = ContextVar("deadline", default=None)

deadline: Final = _DEADLINE.get
"""The moment by the loop's clock; None: nobody waits for an answer, or somebody who may have to wait long."""


def set_deadline(moment: float | None) -> None:
    """From now on, in this task and in those that it begins."""
    _DEADLINE.set(moment)


def lay_aside() -> None:
    """What goes on in this task is for others too, or has bounds of its own."""
    _DEADLINE.set(None)


def allow(seconds: float) -> None:
    """What was asked for takes long by its nature: so much from now on, if there was a deadline at all."""
    if _DEADLINE.get() is not None:
        _DEADLINE.set(asyncio.get_running_loop().time() + seconds)


def soonest(seconds: float) -> float:
    """The loop's time in so many seconds, or the deadline if that comes first."""
    moment, until = _DEADLINE.get(), asyncio.get_running_loop().time() + seconds
    return until if moment is None else min(until, moment)
