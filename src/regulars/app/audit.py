"""The audit log's use cases: every change is written down before or with it, chained by hash.

Configuration says `note` in the transaction that changes it, whichever door it came through. A command of
staff for the engine goes through `act`, which writes the entry first and sends the command under the entry's
identity: an entry may lack its effect, never the other way.
"""

import hashlib
import secrets
from datetime import UTC, datetime, timedelta
from typing import TYPE_CHECKING, Any, Final, Required, TypedDict, Unpack

import msgspec

from regulars.app.access import COMMAND_LINE, Acting, Who, require
from regulars.domain.commands import Command, Identity
from regulars.domain.decisions import Decision
from regulars.domain.errors import Invalid, Refused
from regulars.storage import audit_entries
from regulars.storage.audit_entries import Entry
from regulars.storage.database import Connection, Database
from regulars.storage.reading import reading

if TYPE_CHECKING:
    from regulars.app.engine import Engine

__all__ = [
    "COMMAND_LINE",
    "Entry",
    "act",
    "chained",
    "digest_of",
    "list_entries",
    "needed_reason",
    "note",
    "record",
    "record_as",
    "write",
]

SCOPE: Final = "audit"
"""The scope of the identities of staff's commands; the key is the entry's number."""
LONGEST_REASON: Final = 500
_EPOCH: Final = datetime(1970, 1, 1, tzinfo=UTC)


class Said(TypedDict, total=False):
    """What an entry says besides who did it.

    `action` is a verb and a noun such as "change rules", `subject` what it was done to. `before` and `after`
    are what changed, as JSON can say it, without secrets. The same `form_key` again answers the entry that
    was written first.
    """

    action: Required[str]
    subject: Required[str]
    before: Any
    after: Any
    reason: str
    form_key: str | None
    now: Required[datetime]


async def record(connection: Connection, acting: Acting, **said: Unpack[Said]) -> int:
    """Writes an entry of staff in the caller's transaction; answers its number."""
    return await record_as(connection, acting.program_id, actor=acting.actor, name=acting.name, **said)


async def note(
    connection: Connection,
    program_id: int,
    by: Who,
    *,
    action: str,
    subject: str,
    before: Any = None,
    after: Any = None,
    now: datetime,
) -> None:
    """Writes down, in the transaction that makes it, a change of configuration: of records what differs.

    Nothing is written where nothing differs. The program's head, if it is locked too, was locked before.
    """
    was, is_ = (msgspec.to_builtins(one) for one in (before, after))
    if was == is_:
        return
    if isinstance(was, dict) and isinstance(is_, dict):
        names = [name for name in {**was, **is_} if was.get(name) != is_.get(name)]
        was = {name: was[name] for name in names if name in was}
        is_ = {name: is_[name] for name in names if name in is_}
    await record_as(
        connection,
        program_id,
        actor=by.actor,
        name=by.name,
        action=action,
        subject=subject,
        before=was,
        after=is_,
        now=now,
    )


async def record_as(
    connection: Connection, program_id: int, *, actor: str, name: str, **said: Unpack[Said]
) -> int:
    """The same for an actor who is named: the command line, or staff who act on themselves."""
    head = await audit_entries.lock(connection, program_id)
    assert head is not None, "the statement before made it"
    if (form_key := said.get("form_key")) is not None:
        known = await audit_entries.by_form(connection, program_id, form_key)
        if known is not None:
            return known.entry_id
    entries, chain = head
    entry = Entry(
        entry_id=entries + 1,
        at=said["now"],
        actor=actor,
        name=name,
        action=said["action"],
        subject=said["subject"],
        before=msgspec.json.encode(said.get("before")).decode(),
        after=msgspec.json.encode(said.get("after")).decode(),
        reason=said.get("reason", ""),
        form_key=form_key,
        salt=secrets.token_bytes(16),
        digest=b"",
        hash=b"",
    )
    digest = digest_of(entry)
    entry = msgspec.structs.replace(entry, digest=digest, hash=chained(chain, digest))
    await audit_entries.append(connection, program_id, entry)
    return entry.entry_id


def chained(previous: bytes, digest: bytes) -> bytes:
    """The hash of an entry: of the hash before it, and of its digest."""
    return hashlib.sha256(previous + digest).digest()


def digest_of(entry: Entry) -> bytes:
    """The hash of all that an entry says, and of its salt."""
    said = msgspec.json.encode(
        [
            entry.entry_id,
            (entry.at - _EPOCH) // timedelta(microseconds=1),
            entry.actor,
            entry.name,
            entry.action,
            entry.subject,
            entry.before,
            entry.after,
            entry.reason,
            entry.form_key,
        ]
    )
    return hashlib.sha256(entry.salt + said).digest()


async def write(database: Database, acting: Acting, *, permission: str, **said: Unpack[Said]) -> int:
    """Writes an entry by itself, before a change whose use case has a transaction of its own; its number.

    Raises NotAllowed, Busy.
    """
    require(acting, permission)
    async with reading(database) as connection, connection.transaction():
        return await record(connection, acting, **said)


async def act(
    database: Database,
    engine: "Engine",
    acting: Acting,
    command: Command,
    *,
    permission: str,
    action: str,
    subject: str,
    reason: str,
    form_key: str | None = None,
    before: Any = None,
    now: datetime,
) -> Decision:
    """Sends a command of staff to the engine, after writing down who sends it and why; answers its decision.

    The command's own actor must be `acting.actor`. A form sent twice is executed once and answered as the
    first time.
    Raises NotAllowed, Invalid for a missing reason, the command's refusal (which is written down too), Busy.
    """
    require(acting, permission)
    reason = needed_reason(reason)
    asked = {name: value for name, value in msgspec.to_builtins(command).items() if value is not None}
    async with reading(database) as connection, connection.transaction():
        entry_id = await record(
            connection,
            acting,
            action=action,
            subject=subject,
            before=before,
            after=asked,
            reason=reason,
            form_key=form_key,
            now=now,
        )
    identity = Identity(
        scope=SCOPE,
        key=str(entry_id),
        fingerprint=hashlib.sha256(msgspec.json.encode(asked)).digest(),
        at=now,
    )
    try:
        return await engine.submit(acting.program_id, msgspec.structs.replace(command, identity=identity))
    except Refused as refused:
        async with reading(database) as connection, connection.transaction():
            await record(
                connection,
                acting,
                action=f"{action}: refused",
                subject=subject,
                after=type(refused).__name__,
                reason=reason,
                form_key=f"refused {entry_id}",
                now=now,
            )
        raise


def needed_reason(text: str) -> str:
    """The reason, trimmed. Raises Invalid when there is none, or it is too long to be one."""
    text = " ".join(text.split())
    if not text:
        raise Invalid("reason", "must say why: the audit log keeps it")
    if len(text) > LONGEST_REASON:
        raise Invalid("reason", f"must be at most {LONGEST_REASON} characters")
    return text


async def list_entries(
    database: Database,
    acting: Acting,
    *,
    before_id: int | None = None,
    actor: str | None = None,
    limit: int = 50,
) -> list[Entry]:
    """The log, newest first, from `before_id` on, of one actor if given. Raises NotAllowed, Busy."""
    require(acting, "audit.read")
    async with reading(database, long=True) as connection:
        return await audit_entries.newest(
            connection, acting.program_id, before_id=before_id, actor=actor, limit=limit
        )
