"""Passwords: what makes one good enough, and Argon2id, slow on purpose and so in threads of its own."""

import asyncio
import re
from collections.abc import Iterable
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from typing import Final

from argon2 import PasswordHasher
from argon2.exceptions import InvalidHashError, VerificationError

from regulars.domain.errors import Invalid

LEAST: Final = 12
MOST: Final = 256

_HASHER: Final = PasswordHasher(time_cost=2, memory_cost=19_456, parallelism=1)
"""Source: OWASP's password storage sheet, its first choice for Argon2id."""
_THREADS: Final = ThreadPoolExecutor(2, thread_name_prefix="passwords")
"""Two at a time: each takes 19 MiB and some 50 ms of a core, and guesses must not starve the shops' calls."""

_GUESSES: Final = 10**10
"""So many tries a password must stand, by zxcvbn's count: its highest class, where hashes were stolen."""
_LOOKED_AT: Final = 72
"""Characters that are counted: what is strong so far gets no weaker after that."""
_OURS: Final = ("regulars", "loyalty", "points", "rewards", "passwort", "willkommen", "treuepunkte")
"""Words that suggest themselves here, and German ones that English lists lack."""


async def check_new(password: str, *, email: str, name: str) -> None:
    """Raises Invalid for a password that is too short, too long, soon guessed, or made of who it is for."""
    if len(password) < LEAST:
        raise Invalid("password", f"must have at least {LEAST} characters")
    if len(password) > MOST or "\x00" in password:
        raise Invalid("password", f"must have at most {MOST} characters")
    own = [*re.split(r"[^\w]+", email.casefold()), *name.casefold().split()]
    if len(_without(password, own)) < LEAST // 2:
        raise Invalid("password", "must not be made of your name or e-mail")
    known = [*own, *_OURS]
    guesses = await asyncio.get_running_loop().run_in_executor(_THREADS, _guesses, password, known)
    if guesses < _GUESSES or len(_without(password, known)) < LEAST // 2:
        raise Invalid("password", "is one that is tried first; take a sentence of your own instead")


def _without(password: str, words: Iterable[str]) -> str:
    """The letters and digits that are left of it when these words are taken away."""
    rest = password.casefold()
    for word in words:
        rest = rest.replace(word, "") if len(word) > 2 else rest
    return "".join(one for one in rest if one.isalnum())


def _guesses(password: str, known: list[str]) -> float:
    """How many tries it takes whoever begins with the passwords most used, then names, words and patterns."""
    # Its lists take a third of a second and some memory, which processes save that set no passwords.
    from zxcvbn import zxcvbn  # type: ignore[import-untyped]

    return float(zxcvbn(password[:_LOOKED_AT], user_inputs=known)["guesses"])


async def make_hash(password: str) -> str:
    """What is stored of a password."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _HASHER.hash, password)


async def verify(password: str, stored: str | None) -> bool:
    """Whether it is the password. For nobody (`stored` None) it takes as long, and says no."""
    return await asyncio.get_running_loop().run_in_executor(_THREADS, _verify, password[: MOST + 1], stored)


def _verify(password: str, stored: str | None) -> bool:
    try:
        _HASHER.verify(stored if stored is not None else _nobodys(), password)
    except (VerificationError, InvalidHashError):
        return False
    return stored is not None


@cache
def _nobodys() -> str:
    return _HASHER.hash("nobody has this password")
