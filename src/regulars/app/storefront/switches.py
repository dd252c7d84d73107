"""What a shop allows at its storefront: which signatures count, since when, and what redeeming asks for."""

from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from regulars.app import audit
from regulars.app.access import BY_US, Who
from regulars.app.integrations import shared
from regulars.app.storefront.strict import Unproven
from regulars.domain.errors import Invalid
from regulars.storage import credentials
from regulars.storage import integrations as storage
from regulars.storage.database import Database
from regulars.storage.reading import reading

KINDS: Final = ("lootly", "site")
LONGEST_SHA1_SECONDS: Final = 86_400


class Switches(msgspec.Struct, frozen=True, kw_only=True):
    """An integration's own. `not_before`: what was signed or opened earlier counts no more.

    `token_to_redeem`: spending points asks for a token of its own. `sha1_seconds`: how old SHA-1 may be.
    """

    md5: bool = True
    not_before: datetime | None = None
    token_to_redeem: bool = False
    sha1_seconds: int = LONGEST_SHA1_SECONDS

    def check_method(self, method: str) -> None:
        """Raises Unproven for a way of signing that this shop has switched off."""
        if method == "md5" and not self.md5:
            raise Unproven(why="md5 is switched off")

    @property
    def sha1_window(self) -> timedelta:
        return timedelta(seconds=self.sha1_seconds)


def switches_of(settings: dict[str, Any]) -> Switches:
    """The switches among a credential's settings; what is not set is as the guide has it."""
    return msgspec.convert(settings.get("storefront", {}), Switches)


async def change_switches(
    database: Database,
    program_id: int,
    *,
    md5: bool | None = None,
    not_before: datetime | None = None,
    token_to_redeem: bool | None = None,
    sha1_seconds: int | None = None,
    by: Who = BY_US,
    now: datetime,
) -> list[Switches]:
    """Changes what is given for every shop of the program; answers the switches as they are now.

    Every process knows within a second; sessions that no longer count end. Raises Invalid, Busy.
    """
    if sha1_seconds is not None and not 60 <= sha1_seconds <= LONGEST_SHA1_SECONDS:
        raise Invalid("sha1_seconds", f"must be from 60 to {LONGEST_SHA1_SECONDS}")
    said = {
        "md5": md5,
        "not_before": None if not_before is None else not_before.astimezone(UTC),
        "token_to_redeem": token_to_redeem,
        "sha1_seconds": sha1_seconds,
    }
    changes = {name: value for name, value in said.items() if value is not None}
    before: list[Switches] = []
    changed: list[Switches] = []
    async with reading(database) as connection, connection.transaction():
        for row in await credentials.of_program(connection, program_id):
            if row["kind"] not in KINDS or row["revoked_at"] is not None:
                continue
            before.append(switches_of(msgspec.json.decode(row["settings"])))
            switches = msgspec.structs.replace(before[-1], **changes)
            kept = msgspec.json.encode({"storefront": switches}).decode()
            await storage.merge_settings(connection, program_id, row["credential_id"], kept)
            changed.append(switches)
        was, is_ = (
            {name: shared([getattr(one, name) for one in all_of]) for name in changes}
            for all_of in (before, changed)
        )
        ends = "end storefront sessions" if set(changes) == {"not_before"} else "change storefront"
        await audit.note(
            connection,
            program_id,
            by,
            action=ends,
            subject="all integrations",
            before=was,
            after=is_,
            now=now,
        )
    return changed
