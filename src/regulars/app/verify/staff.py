"""V25, the audit log itself: no entry is missing or was changed, and the last is the one its head names."""

from typing import Final

from regulars.app.audit import chained, digest_of
from regulars.app.verify.report import Tally
from regulars.storage import audit_entries
from regulars.storage.database import Connection

AT_ONCE: Final = 1000


async def check_log(connection: Connection, program_id: int, tally: Tally) -> None:
    """Walks the log from its first entry on, and adds to `tally` where it does not fit."""
    chain, last = bytes(32), 0
    while entries := await audit_entries.after(connection, program_id, last, AT_ONCE):
        for entry in entries:
            where = f"audit entry {entry.entry_id}"
            if entry.entry_id != last + 1:
                tally.add("V25", program_id, where, f"it follows entry {last}", f"entry {last + 1} before it")
            if entry.forgotten_at is None and entry.digest != digest_of(entry):
                tally.add("V25", program_id, where, "other words than were written", "as they were written")
            chain, last = chained(chain, entry.digest), entry.entry_id
            if entry.hash != chain:
                tally.add("V25", program_id, where, f"hash {entry.hash.hex()[:16]}…", f"{chain.hex()[:16]}…")
                chain = entry.hash  # so that the entries after it are judged by themselves
    number, head = await audit_entries.head(connection, program_id)
    if (number, head) != (last, chain):
        tally.add(
            "V25",
            program_id,
            "the audit log's end",
            f"entry {last}, hash {chain.hex()[:16]}…",
            f"entry {number}, hash {head.hex()[:16]}…",
        )
