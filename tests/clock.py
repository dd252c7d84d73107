"""Real time as a test lets it pass, for a house to go by."""

from datetime import datetime, timedelta

from tests.make import NOON


class Clock:
    """It stands still until it is moved."""

    def __init__(self, now: datetime = NOON) -> None:
        self.now = now

    def __call__(self) -> datetime:
        return self.now

    def forward(self, by: timedelta = timedelta(0), **span: float) -> None:
        """Moves by a length of time, or by so many `days=`, `hours=`, `minutes=`, ..."""
        self.now += by + timedelta(**span)
