"""Secrets that sign must be read again, so they are encrypted; keys for access are only ever compared, so
hashed."""

import base64
import hashlib
import secrets

from cryptography.fernet import Fernet, InvalidToken


class WrongSecretKey(RuntimeError):
    """A stored secret was encrypted with another REGULARS_SECRET_KEY."""


class Vault:
    """Encrypts and reads secrets with the installation's key of 32 bytes."""

    def __init__(self, key: bytes) -> None:
        self._fernet = Fernet(base64.urlsafe_b64encode(key))

    def close(self, secret: str) -> bytes:
        return self._fernet.encrypt(secret.encode())

    def open(self, closed: bytes) -> str:
        """The secret in clear. Raises WrongSecretKey."""
        try:
            return self._fernet.decrypt(closed).decode()
        except InvalidToken:
            raise WrongSecretKey(
                "a stored secret cannot be read: REGULARS_SECRET_KEY (or secret.key in the home) "
                "is not the key that it was encrypted with"
            ) from None


_ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789"


def random_text(length: int) -> str:
    """Letters and digits at random, about 5.95 bits each."""
    return "".join(secrets.choice(_ALPHABET) for _ in range(length))


def key_hash(key: str) -> str:
    """What is stored of an access key: keys are long and random, so a plain SHA-256 is enough."""
    return hashlib.sha256(key.encode()).hexdigest()
