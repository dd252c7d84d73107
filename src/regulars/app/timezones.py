"""Where a program's days begin."""

from datetime import datetime
from zoneinfo import ZoneInfo, available_timezones

from regulars.app.access import Acting, require
from regulars.app.audit import record
from regulars.domain.errors import Invalid
from regulars.storage import programs
from regulars.storage.database import Database
from regulars.storage.reading import reading


async def set_timezone(
    database: Database, acting: Acting, *, timezone: str, before: str, now: datetime
) -> None:
    """Where the program's days begin. Raises NotAllowed, Invalid, Busy."""
    require(acting, "settings.change")
    timezone = checked_timezone(timezone)
    if timezone == before:
        return
    async with reading(database) as connection, connection.transaction():
        await programs.set_timezone(connection, acting.program_id, timezone)
        await record(
            connection,
            acting,
            action="change time zone",
            subject="program",
            before=before,
            after=timezone,
            now=now,
        )


def checked_timezone(text: str) -> str:
    """Raises Invalid for a time zone that nobody knows."""
    if text not in available_timezones():
        raise Invalid("timezone", "must be a time zone such as Europe/London")
    return ZoneInfo(text).key
