"""The sites of a program, as lists show them."""

from datetime import datetime

import msgspec

from regulars.storage.database import Connection


class ListedSite(msgspec.Struct, frozen=True, kw_only=True):
    site_id: int
    name: str
    domain: str
    platform: str
    currency: str
    language: str
    created_at: datetime
    updated_at: datetime


async def listed(connection: Connection, program_id: int) -> list[ListedSite]:
    """All sites, newest first."""
    rows = await connection.fetch(
        """
        select site_id, name, domain, platform, currency, language, created_at, updated_at
          from sites where program_id = $1 order by site_id desc
        """,
        program_id,
    )
    return [ListedSite(**row) for row in rows]
