"""How often somebody may try: token buckets in this process's memory, which forgets the least recent first.

Guessing a secret of ours is hopeless anyway; this keeps a guesser from being a burden to the shop.
"""

import math
from typing import Final, NamedTuple

REMEMBERED_MOST: Final = 20_000


class Rate(NamedTuple):
    """`burst` tries at once, then `per_second` more."""

    burst: float
    per_second: float


class Buckets:
    """What is left of everybody's tries, by name, for at most `most`; who is forgotten has a full bucket."""

    def __init__(self, rate: Rate, *, most: int = REMEMBERED_MOST) -> None:
        self._burst, self._per_second = rate
        self._most = most
        self._left: dict[str, tuple[float, float]] = {}

    def wait_seconds(self, name: str, now: float) -> float:
        """Seconds until the next try may be made; 0 when it may be made now."""
        missing = 1 - self._level(name, now)
        return 0.0 if missing <= 0 else missing / self._per_second

    def is_full(self, name: str, now: float) -> bool:
        """Whether nothing has been taken lately."""
        return math.isclose(self._level(name, now), self._burst)

    def take(self, name: str, now: float) -> None:
        """One try was made."""
        level = max(0.0, self._level(name, now) - 1)
        self._left.pop(name, None)
        if len(self._left) >= self._most:
            del self._left[next(iter(self._left))]
        self._left[name] = level, now

    def __len__(self) -> int:
        return len(self._left)

    def _level(self, name: str, now: float) -> float:
        level, at = self._left.get(name, (self._burst, now))
        return min(self._burst, level + max(0.0, now - at) * self._per_second)
