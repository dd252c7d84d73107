"""The programs made to try things out, with their credentials: `demo.json` in the home, its owner's alone.

API keys are stored hashed in the database, so this file is the only way to show the demo's again.
"""

import os
import secrets
from datetime import datetime
from pathlib import Path

import msgspec

from regulars.app.credentials import api_key_lookup
from regulars.app.house import House
from regulars.app.programs import Created, create_program

FILE = "demo.json"


class Remembered(msgspec.Struct, frozen=True, kw_only=True):
    """A program made for trying out. `made_at` fixes its history; `complete` once all of that was sent."""

    name: str
    currency: str
    keys: Created
    made_at: datetime
    complete: bool = False


async def program_for(
    house: House, title: str, *, name: str, currency: str, approval_days: int = 0, domain: str, now: datetime
) -> Remembered:
    """The program remembered under `title` if this database has it still, else a new one."""
    path = house.settings.home / FILE
    known = _read(path).get(title)
    if known is not None and await _is_here(house, known):
        return known
    keys = await create_program(
        house.database,
        house.vault,
        name=name,
        domain=domain,
        currency=currency,
        approval_days=approval_days,
        now=now,
    )
    made = Remembered(name=name, currency=currency, keys=keys, made_at=now)
    remember(house, title, made)
    return made


async def recall(house: House, title: str) -> Created | None:
    """The keys of the program remembered under `title`, if this database has it."""
    known = _read(house.settings.home / FILE).get(title)
    return known.keys if known is not None and await _is_here(house, known) else None


def remember(house: House, title: str, program: Remembered) -> None:
    """Keeps it under `title`, in place of what was there."""
    path = house.settings.home / FILE
    _write(path, _read(path) | {title: program})


async def _is_here(house: House, known: Remembered) -> bool:
    """Whether this is the database that the program was made in: another's programs have the same ids."""
    credential = await house.credentials.find(api_key_lookup(known.keys.api_token))
    return credential is not None and credential.program_id == known.keys.program_id


def _read(path: Path) -> dict[str, Remembered]:
    try:
        return msgspec.json.decode(path.read_bytes(), type=dict[str, Remembered])
    except FileNotFoundError:
        return {}


def _write(path: Path, programs: dict[str, Remembered]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    new = path.with_name(f"{path.name}.{secrets.token_hex(4)}")
    with os.fdopen(os.open(new, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600), "wb") as file:
        file.write(msgspec.json.format(msgspec.json.encode(programs), indent=2) + b"\n")
        file.flush()
        os.fsync(file.fileno())
    new.replace(path)
