"""Forgetting one person (GDPR): the book keeps its numbers, everything else that says who it was goes; and
the export of all that is known of one.

The request is noted first, with the person's texts encrypted, so that what a crash interrupts is finished by
a job.
"""

import re
import secrets
from collections.abc import Sequence
from datetime import datetime
from typing import TYPE_CHECKING, Any, Final
from urllib.parse import quote, quote_plus

import msgspec

from regulars.app import audit
from regulars.app.access import Acting, require
from regulars.app.vault import Vault
from regulars.deadline import allow
from regulars.domain.commands import EraseCustomer
from regulars.domain.customers import Customer
from regulars.domain.decisions import Trace
from regulars.domain.errors import UnknownCustomer
from regulars.storage import audit_entries, heads, merging
from regulars.storage import erasing as storage
from regulars.storage.database import Connection, Database

if TYPE_CHECKING:
    from regulars.app.engine import Engine
    from regulars.app.house import House

SHORTEST: Final = 4
"""A text below this is too common to be looked for in what names nobody."""
GONE: Final = "[erased]"
BACKGROUND: Final = "background"
BY_KEY_SECONDS: Final = 10.0
"""The actor where a job has to do what staff asked for; the erasure and the audit log say who it was."""
_OURS: Final = frozenset(
    [
        "actor",
        "cause",
        "code",
        "currency",
        "fields",
        "from",
        "kind",
        "order",
        "payment_status",
        "rate",
        "source",
        "state",
        "status",
        "to",
        "type",
    ]
)
"""Facts whose texts are words of ours, or the shop's name of an order: one may be a person's name by
chance."""


class Texts(msgspec.Struct, frozen=True, kw_only=True):
    """What is known of a person in words."""

    merchant_id: str | None
    email: str | None
    first_name: str | None = None
    last_name: str | None = None
    others: tuple[str, ...] = ()
    also: tuple[str, ...] = ()
    """What names the same person by other records, which were merged; in lower case."""

    @property
    def words(self) -> list[str]:
        """What names this person alone, in lower case: a first name, or a short id, would find others,
        too."""
        names = " ".join(part for part in (self.first_name, self.last_name) if part)
        full = names if self.first_name and self.last_name else None
        return [
            text.lower() for text in (self.merchant_id, self.email, full) if text and len(text) >= SHORTEST
        ]

    @property
    def all(self) -> list[str]:
        """Every text of which the person's own rows are rid."""
        texts = (self.merchant_id, self.email, self.first_name, self.last_name, *self.others)
        return sorted({text for text in texts if text and len(text) > 1}, key=len, reverse=True)


class Erased(msgspec.Struct, frozen=True, kw_only=True):
    """`replacement` stands where the merchant id was. `done`: nothing is left anywhere; else a job goes
    on."""

    customer_id: int
    replacement: str
    done: bool


async def erase(
    house: "House",
    acting: Acting,
    customer_id: int,
    *,
    reason: str,
    now: datetime,
    form_key: str | None = None,
) -> Erased:
    """Empties the customer and all rows that name them; what names nobody is looked through by a job soon
    after. Records that were merged into one are erased together.

    Once is enough: again it answers as it stands. Raises NotAllowed, UnknownCustomer, Invalid for a missing
    reason; Busy, Late, Unsure.
    """
    require(acting, "customers.erase")
    reason = audit.needed_reason(reason)
    asked: list[tuple[storage.Erasure, dict[str, Any]]] = []
    async with house.database.acquire() as connection, connection.transaction():
        records = await _records(connection, acting.program_id, customer_id)
        reason = _without(reason, [text for texts in records.values() for text in texts.all])
        for one, texts in records.items():
            said: dict[str, Any] = {
                "action": "erase customer",
                "subject": f"customer {one}",
                "reason": reason,
                "form_key": form_key if form_key and one == customer_id else f"erase customer {one}",
                "now": now,
            }
            wanted = await _want(connection, house.vault, acting.program_id, one, texts, acting.actor, now)
            if wanted.done_at is None:  # the entry stands from the moment on from which a job may do it
                await audit.record(connection, acting, after=_said(_command(wanted, acting.actor)), **said)
            asked.append((wanted, said))
    for wanted, said in asked:
        if wanted.done_at is None:
            await audit.act(
                house.database,
                house.engine,
                acting,
                _command(wanted, acting.actor),
                permission="customers.erase",
                **said,
            )
            allow(BY_KEY_SECONDS)  # the book has forgotten already, and a job does what this doesn't
            await _by_key(house.database, house.vault, acting.program_id, wanted)
    return _erased(customer_id, [wanted for wanted, _ in asked])


async def erase_now(
    database: Database, engine: "Engine", vault: Vault, program_id: int, customer_id: int, *, now: datetime
) -> Erased:
    """The same for the command line, to the very end. Raises UnknownCustomer; Busy, Late, Unsure."""
    asked: list[storage.Erasure] = []
    async with database.acquire() as connection, connection.transaction():
        for one, texts in (await _records(connection, program_id, customer_id)).items():
            wanted = await _want(connection, vault, program_id, one, texts, audit.COMMAND_LINE, now)
            if wanted.done_at is None:
                await audit.record_as(
                    connection,
                    program_id,
                    actor=audit.COMMAND_LINE,
                    name=audit.COMMAND_LINE,
                    action="erase customer",
                    subject=f"customer {one}",
                    form_key=f"erase customer {one}",
                    now=now,
                )
            asked.append(wanted)
    for wanted in asked:
        await finish(database, engine, vault, program_id, wanted.customer_id, now=now)
    return msgspec.structs.replace(_erased(customer_id, asked), done=True)


def _erased(customer_id: int, asked: Sequence[storage.Erasure]) -> Erased:
    own = next(wanted for wanted in asked if wanted.customer_id == customer_id)
    return Erased(
        customer_id=customer_id,
        replacement=own.replacement,
        done=all(wanted.done_at is not None for wanted in asked),
    )


async def finish(
    database: Database, engine: "Engine", vault: Vault, program_id: int, customer_id: int, *, now: datetime
) -> None:
    """Does all that an erasure that was asked for still lacks. Does nothing where it is done."""
    async with database.acquire() as connection:
        wanted = await storage.erasure(connection, program_id, customer_id)
    if wanted is None or wanted.looked_for is None:
        return
    await engine.submit(program_id, _command(wanted, BACKGROUND), bulk=True)
    await _by_key(database, vault, program_id, wanted)
    texts = _opened(vault, wanted)
    async with database.acquire() as connection:
        await storage.by_content(
            connection,
            program_id,
            customer_id,
            merchant_id=texts.merchant_id,
            words=texts.words,
            spellings=_spellings(texts.words, texts),
        )
        await audit_entries.forget(connection, program_id, _in_entries(texts), now)
        await storage.done(connection, program_id, customer_id, now)


async def finish_all(house: "House", *, now: datetime) -> int:
    """Finishes whatever erasure is not; answers how many. Jobs call it."""
    async with house.database.acquire() as connection:
        open_ones = await storage.unfinished(connection)
    for program_id, customer_id in open_ones:
        await finish(house.database, house.engine, house.vault, program_id, customer_id, now=now)
    return len(open_ones)


async def person_json(database: Database, program_id: int, customer_id: int) -> bytes:
    """All that is known of one person, as a JSON object of lists. Raises UnknownCustomer."""
    async with database.acquire() as connection:
        found = await storage.everything(connection, program_id, customer_id)
    if not found["customer"]:
        raise UnknownCustomer(customer=customer_id)
    return msgspec.json.format(msgspec.json.encode(found), indent=2)


async def _records(connection: Connection, program_id: int, customer_id: int) -> dict[int, Texts]:
    """All records of the person by id, with their texts: whoever was merged is not erased in part.

    Of each, what is known of the others is looked for, too. Takes the head's lock, so that nobody is merged
    until the erasure is noted, and then nobody is any more.
    """
    await heads.lock(connection, program_id)
    own = await merging.person_ids(connection, program_id, customer_id)
    found = [await storage.customer(connection, program_id, one) for one in own]
    if found[0] is None:
        raise UnknownCustomer(customer=customer_id)
    texts = {one.id: _texts_of(one) for one in found if one is not None}
    return {
        one: _with(each, [other for number, other in texts.items() if number != one])
        for one, each in texts.items()
    }


def _with(texts: Texts, others: Sequence[Texts]) -> Texts:
    said = {text for other in others for text in other.all}
    words = {word for other in others for word in other.words}
    return msgspec.structs.replace(
        texts, others=tuple(sorted({*texts.others, *said})), also=tuple(sorted(words))
    )


def _texts_of(customer: Customer) -> Texts:
    return Texts(
        merchant_id=customer.merchant_id,
        email=customer.email,
        first_name=customer.first_name,
        last_name=customer.last_name,
        others=tuple(value for value in customer.properties.values() if len(value) >= SHORTEST),
    )


async def _want(
    connection: Connection,
    vault: Vault,
    program_id: int,
    customer_id: int,
    texts: Texts,
    actor: str,
    now: datetime,
) -> storage.Erasure:
    return await storage.want(
        connection,
        program_id,
        customer_id,
        replacement=f"erased-{secrets.token_hex(16)}",
        actor=actor,
        looked_for=vault.close(msgspec.json.encode(texts).decode()),
        at=now,
    )


def _command(wanted: storage.Erasure, actor: str) -> EraseCustomer:
    return EraseCustomer(customer_id=wanted.customer_id, replacement=wanted.replacement, actor=actor)


def _said(command: EraseCustomer) -> dict[str, Any]:
    """As `audit.act` writes a command down."""
    return {name: value for name, value in msgspec.to_builtins(command).items() if value is not None}


def _opened(vault: Vault, wanted: storage.Erasure) -> Texts:
    assert wanted.looked_for is not None
    return msgspec.json.decode(vault.open(wanted.looked_for), type=Texts)


async def _by_key(database: Database, vault: Vault, program_id: int, wanted: storage.Erasure) -> None:
    texts = _opened(vault, wanted)
    everything = texts.all

    def trace(entry: Trace) -> Trace:
        return Trace(entry.code, _clean(entry.facts, everything))

    def payload(said: Any) -> Any:
        cleaned = _clean(said, everything)
        if isinstance(cleaned, dict) and cleaned.get("customer") is not None:
            cleaned["customer"] = wanted.replacement
        if isinstance(cleaned, dict) and cleaned.get("merged") is not None:
            cleaned["merged"] = GONE
        return cleaned

    async with database.acquire() as connection:
        await storage.by_key(
            connection,
            program_id,
            wanted.customer_id,
            words=[*texts.words, *texts.also],
            trace=trace,
            payload=payload,
        )


def _clean(value: Any, texts: Sequence[str]) -> Any:
    """The same without what staff typed, and with the person's texts taken out of every other string in
    it."""
    if isinstance(value, str):
        return _without(value, texts)
    if isinstance(value, dict):
        return {
            name: each if name in _OURS else _clean(each, texts)
            for name, each in value.items()
            if name != "reason"
        }
    if isinstance(value, list | tuple):
        return [_clean(each, texts) for each in value]
    return value


def _without(text: str, texts: Sequence[str]) -> str:
    """The text with each of those, where it stands as words of its own, replaced."""
    for each in texts:
        text = re.sub(rf"(?<!\w){re.escape(each)}(?!\w)", GONE, text, flags=re.IGNORECASE)
    return text


def _in_entries(texts: Texts) -> list[str]:
    """What names this person in the audit log, in lower case; there, commands name even short ids as such."""
    if texts.merchant_id is None:
        return texts.words
    in_command = msgspec.json.encode({"merchant_id": texts.merchant_id}).decode().strip("{}")
    return [*texts.words, in_command.lower()]


def _spellings(words: Sequence[str], texts: Texts) -> list[bytes]:
    """How these texts may stand in a body: as they are, in a form's fields, in JSON."""
    said = {text for text in (texts.merchant_id, texts.email) if text and text.lower() in words}
    said |= set(words)
    found = set()
    for text in said:
        in_json = msgspec.json.encode(text).decode().strip('"')
        escaped = text.encode("ascii", "backslashreplace").decode()
        found |= {text, quote(text), quote_plus(text), quote(text).lower(), in_json, escaped}
    return sorted(text.encode() for text in found)
