"""Promises about time, on a machine that others use as well.

What was too slow may have been kept waiting by somebody else, so such a test gets another try; what was wrong
never does. A promise that is really broken is broken each time.
"""

from typing import Final

TRIES: Final = 3


class TooSlow(AssertionError):
    """Something took longer than was promised. The test is run again by conftest.py, `TRIES` times in all."""


def within(seconds: float, most_seconds: float, what: str = "it") -> None:
    """Raises TooSlow unless it took less than it may."""
    if seconds >= most_seconds:
        raise TooSlow(f"{what} took {seconds:.3f} s, which may be {most_seconds} s at most")
