"""Calls that nobody proved to be the shop's: kept in its log, where a wrong signature is found, but rationed.

A shop's key stands in its public pages, so anyone can send such calls; they must not fill the disk.
"""

from typing import Any, Final

import structlog

from regulars.app.credentials import Credential
from regulars.app.deliveries import Delivery
from regulars.app.house import House
from regulars.domain.errors import Unavailable

log = structlog.get_logger(__name__)

KEPT_A_MINUTE: Final = 60
BODY_KEPT_BYTES: Final = 10_000
TEXT_KEPT: Final = 10_000
REMEMBERED_MOST: Final = 10_000


class Ration:
    """How many such calls of a credential are kept in a minute; the next one kept says how many were not."""

    def __init__(self, a_minute: int = KEPT_A_MINUTE) -> None:
        self._a_minute = a_minute
        self._used: dict[int, tuple[int, int, int]] = {}

    def take(self, credential_id: int, minute: int) -> int | None:
        """None: not this one. Else how many were left out since the last that was kept."""
        since, used, left_out = self._used.get(credential_id, (minute, 0, 0))
        if since != minute:
            since, used = minute, 0
        if used >= self._a_minute:
            self._used[credential_id] = (since, used, left_out + 1)
            return None
        if len(self._used) >= REMEMBERED_MOST:
            self._used.clear()
        self._used[credential_id] = (since, used + 1, 0)
        return left_out


async def keep(
    house: House,
    ration: Ration,
    credential: Credential,
    delivery: Delivery,
    *,
    status: int,
    outcome: str,
    message: str,
    details: dict[str, Any],
) -> None:
    """Writes the call into the integration's log, unless there were too many; it is answered all the same."""
    left_out = ration.take(credential.credential_id, int(delivery.received_at.timestamp()) // 60)
    if left_out is None:
        return
    if left_out:
        details = details | {"left_out": left_out}
        message = f"{message} {left_out} more such calls came before and were not kept."
    try:
        await house.deliveries.write(
            credential.program_id,
            delivery,
            status=status,
            outcome=outcome,
            problem=True,
            message=message,
            details={name: shorten(value) for name, value in details.items()},
        )
    except Unavailable as error:
        log.warning(
            "a call could not be logged", program=credential.program_id, outcome=outcome, why=str(error)
        )


def shorten(value: Any) -> Any:
    """A text as it is kept: at most TEXT_KEPT characters, and it says when it was cut."""
    if not isinstance(value, str) or len(value) <= TEXT_KEPT:
        return value
    return f"{value[:TEXT_KEPT]}… ({len(value)} characters in all)"
