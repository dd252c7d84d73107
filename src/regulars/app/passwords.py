"""Passwords: what makes one good enough, and Argon2id, slow on purpose and so in threads of its own."""

import asyncio
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

_OFTEN_TRIED: Final = """
    123456789012 1234567890123 12345678901234 qwertyuiop123 qwertyuiopas password1234 password12345
    passwordpassword iloveyou1234 adminadminadmin administrator letmeinletmein welcome12345 changemechangeme
    qwerty123456 abcdefghijkl abc123abc123 1q2w3e4r5t6y zaq12wsxcde3 correcthorsebatterystaple qwertzuiop12
    passwort1234 passwortpasswort
"""
_OFTEN: Final = frozenset(_OFTEN_TRIED.split())


def check_new(password: str, *, email: str, name: str) -> None:
    """Raises Invalid for a password that is too short, too long, much used, or made of who it is for."""
    if len(password) < LEAST:
        raise Invalid("password", f"must have at least {LEAST} characters")
    if len(password) > MOST or "\x00" in password:
        raise Invalid("password", f"must have at most {MOST} characters")
    plain = password.casefold()
    if plain in _OFTEN or len(set(plain)) < 4:
        raise Invalid("password", "is one that is tried first; take a sentence of your own instead")
    rest = plain
    for own in (*email.casefold().replace("@", " ").split(), *name.casefold().split(), "regulars"):
        rest = rest.replace(own, "") if len(own) > 2 else rest
    if len(rest) < LEAST // 2:
        raise Invalid("password", "must not be made of your name or e-mail")


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
