"""What a backup says of itself."""

import hashlib
from datetime import datetime
from typing import Final

import msgspec

from regulars.settings import Settings, load_secret_key
from regulars.storage.contents import Contents

FORMAT: Final = 1


class Manifest(msgspec.Struct, frozen=True, kw_only=True):
    """`regulars`: the version that made it. `secret_key`: a mark that tells one key from another."""

    format: int
    made_at: datetime
    regulars: str
    secret_key: str | None
    contents: Contents


def key_mark(settings: Settings) -> str | None:
    """What tells one secret key from another; None where there is none yet. The key is 32 random bytes, so
    its hash gives nothing away."""
    if settings.secret_key is None and not (settings.home / "secret.key").exists():
        return None
    key = load_secret_key(settings)
    return hashlib.sha256(b"regulars backup\0" + key).hexdigest()[:16]
