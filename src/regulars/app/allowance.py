"""How many requests a second one key may make, where the house sets a limit: counted by whole seconds.

Each process counts for itself; a key's connections are mostly kept, so each stays with one process.
"""

from typing import NamedTuple


class Taken(NamedTuple):
    """`left`: how many more there may be in this second. `is_over`: this one was too many."""

    limit: int
    left: int
    is_over: bool


class Allowance:
    """Counts requests by key. Only the keys of this second are remembered, so it can't grow."""

    def __init__(self, per_second: int) -> None:
        self.per_second = per_second
        self._second = 0
        self._taken: dict[int, int] = {}

    def take(self, credential_id: int, now: float) -> Taken:
        """Counts a request at `now`, in seconds of any clock that does not go back."""
        if int(now) != self._second:
            self._second = int(now)
            self._taken.clear()
        taken = self._taken[credential_id] = self._taken.get(credential_id, 0) + 1
        return Taken(self.per_second, max(0, self.per_second - taken), taken > self.per_second)
