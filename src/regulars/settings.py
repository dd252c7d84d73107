"""What can be set from outside: environment variables `REGULARS_*`, read once into one frozen object.

`DOCUMENTED` says of every variable what it does; the page on settings and a test are made from it.
"""

import base64
import binascii
import ipaddress
import os
import re
import secrets
import sys
import tempfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any, NamedTuple, Self
from urllib.parse import urlsplit

import msgspec

PREFIX = "REGULARS_"

SECRET_KEY_BYTES = 32


class SettingsError(ValueError):
    """A variable that can't be used: `variable`, what it `got`, what it `wants`, for a person to read."""

    def __init__(self, variable: str, got: str, wants: str) -> None:
        self.variable, self.got, self.wants = variable, got, wants
        super().__init__(f"{variable} is {got}, but it must be {wants}")


class Settings(msgspec.Struct, frozen=True, kw_only=True):
    """Everything that can be set. `SETTINGS` below says what each field means and how it is read."""

    home: Path
    database_url: str | None = None
    database_statement_cache: int = 100
    database_pool: int = 10
    public_url: str | None = None
    trusted_proxies: tuple[str, ...] = ()
    host: str = "127.0.0.1"
    port: int = 8080
    workers: int = 1
    secret_key: bytes | None = None
    log_format: str = "console"
    log_level: str = "info"
    body_limit_bytes: int = 1_000_000
    delivery_log_days: int = 30
    redelivery_window_seconds: int = 3600
    deadline_seconds: float = 3.0
    queue_limit: int = 5000
    api_requests_per_second: int = 0
    warnings: tuple[str, ...] = ()

    @classmethod
    def from_environment(cls, environ: Mapping[str, str]) -> Self:
        """The settings as `environ` has them; an empty variable counts as not set. Raises SettingsError.

        A variable that nobody knows, most likely misspelt, is no error: `warnings` names it.
        """
        values: dict[str, Any] = {"home": default_home(environ)}
        for field, setting in SETTINGS.items():
            variable = variable_of(field)
            if text := environ.get(variable, "").strip():
                try:
                    values[field] = setting.read(text)
                except ValueError:
                    got = "set to something else" if setting.secret else repr(text)
                    raise SettingsError(variable, got, setting.wants) from None
        unknown = sorted(
            name for name in environ if name.startswith(PREFIX) and name not in DOCUMENTED | ELSEWHERE
        )
        return cls(**values, warnings=tuple(f"{name} is not a setting of Regulars" for name in unknown))

    def __repr__(self) -> str:
        """Without the values, as two of them are secrets and this ends up in logs."""
        return f"Settings(home={str(self.home)!r}, ...)"

    @property
    def base_url(self) -> str:
        """Where the outside world finds this server, without a slash at the end."""
        host = f"[{self.host}]" if ":" in self.host else self.host
        return self.public_url or f"http://{host}:{self.port}"

    @property
    def is_open_in_clear(self) -> bool:
        """Whether others than this machine are to reach it, and nothing says that they do so by https."""
        is_local = self.host in ("localhost", "::1") or self.host.startswith("127.")
        return not is_local and not (self.public_url or "").startswith("https://")


def variable_of(field: str) -> str:
    """The environment variable of a field."""
    return PREFIX + field.upper()


def default_home(environ: Mapping[str, str]) -> Path:
    """`.regulars` beside the virtual environment that runs us: a checkout keeps its data to itself."""
    if sys.prefix != sys.base_prefix:
        return Path(sys.prefix).parent / ".regulars"
    return Path(environ.get("HOME") or Path.cwd()) / ".local/share/regulars"


def load_secret_key(settings: Settings) -> bytes:
    """The 32 bytes that encrypt stored secrets: the setting's, else those of `secret.key` in the home.

    The file is made, for its owner alone, when it isn't there. Whoever loses it loses every shop's signing
    secrets. Raises SettingsError when the file holds something else.
    """
    if settings.secret_key is not None:
        return settings.secret_key
    path = settings.home / "secret.key"
    if not path.exists():
        settings.home.mkdir(parents=True, exist_ok=True)
        _write_once(path, base64.b64encode(secrets.token_bytes(SECRET_KEY_BYTES)) + b"\n")
    try:
        return _secret_key(path.read_text().strip())
    except ValueError:
        raise SettingsError(str(path), "something else", SETTINGS["secret_key"].wants) from None


def _write_once(path: Path, content: bytes) -> None:
    """Makes the file whole and on disk, or leaves the one that another process has just made."""
    descriptor, name = tempfile.mkstemp(dir=path.parent, prefix=path.name)  # mkstemp: 0600 from the start
    try:
        with os.fdopen(descriptor, "wb") as file:
            file.write(content)
            file.flush()
            os.fsync(file.fileno())
        Path(name).chmod(0o600)
        try:
            path.hardlink_to(name)
        except FileExistsError:
            return
        folder = os.open(path.parent, os.O_RDONLY)
        os.fsync(folder)
        os.close(folder)
    finally:
        Path(name).unlink()


class Setting(NamedTuple):
    """How one variable is read, and what is said about it."""

    does: str
    default: str
    wants: str
    read: Callable[[str], object]
    secret: bool = False


def _whole(low: int, high: int) -> Callable[[str], int]:
    def read(text: str) -> int:
        if not re.fullmatch(r"[0-9_]+", text) or not low <= int(text) <= high:
            raise ValueError
        return int(text)

    return read


def _seconds(text: str) -> float:
    if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", text) or not 0.1 <= float(text) <= 60:
        raise ValueError
    return float(text)


def _one_of(*words: str) -> Callable[[str], str]:
    def read(text: str) -> str:
        if text.lower() not in words:
            raise ValueError
        return text.lower()

    return read


def _path(text: str) -> Path:
    return Path(text).expanduser().absolute()


def _host(text: str) -> str:
    if not re.fullmatch(r"[A-Za-z0-9.:_-]+", text):
        raise ValueError
    return text


def _database_url(text: str) -> str:
    if not text.startswith(("postgresql://", "postgres://")):
        raise ValueError
    return text


def _public_url(text: str) -> str:
    parts = urlsplit(text)
    if parts.scheme not in ("http", "https") or not parts.hostname or parts.query or parts.fragment:
        raise ValueError
    if parts.path not in ("", "/") or "@" in parts.netloc:
        raise ValueError
    return text.rstrip("/")


def _networks(text: str) -> tuple[str, ...]:
    if text.lower() == "none":
        return ()
    return tuple(str(ipaddress.ip_network(part.strip())) for part in text.split(","))


def _secret_key(text: str) -> bytes:
    try:
        key = base64.b64decode(text, validate=True)
    except binascii.Error:
        raise ValueError from None
    if len(key) != SECRET_KEY_BYTES:
        raise ValueError
    return key


SETTINGS: dict[str, Setting] = {
    "home": Setting(
        "The data directory: the bundled database, its log, and the secret key. Back it up.",
        "`.regulars` beside the virtual environment, else `~/.local/share/regulars`",
        "a folder",
        _path,
    ),
    "database_url": Setting(
        "A PostgreSQL 15 or newer to use instead of the bundled one.",
        "the bundled one in the home",
        "an address like postgresql://user:password@host:5432/regulars",
        _database_url,
        secret=True,
    ),
    "database_statement_cache": Setting(
        "How many prepared statements each connection keeps. Set it to 0 behind PgBouncer older than 1.21, "
        "or a newer one with `max_prepared_statements = 0`.",
        "100",
        "a whole number from 0 to 10000",
        _whole(0, 10_000),
    ),
    "database_pool": Setting(
        "How many connections each worker holds at most.",
        "10",
        "a whole number from 2 to 1000",
        _whole(2, 1000),
    ),
    "public_url": Setting(
        "The address under which shops and browsers reach this server. Links in mails and in "
        "the admin begin with it.",
        "`http://`, host and port",
        "an address without a path, like https://points.example",
        _public_url,
    ),
    "trusted_proxies": Setting(
        "The proxies in front of this server, by address or network, with commas between. What they say of "
        "the caller (`X-Forwarded-For`, `X-Forwarded-Proto`) is believed; what anybody else says is not.",
        "none",
        "addresses or networks, like 127.0.0.1, 10.0.0.0/8",
        _networks,
    ),
    "host": Setting(
        "The address on which the server listens; 0.0.0.0 is all of them.",
        "127.0.0.1",
        "an IP address or a host's name",
        _host,
    ),
    "port": Setting(
        "The port on which the server listens; 0 takes a free one.",
        "8080",
        "a whole number from 0 to 65535",
        _whole(0, 65_535),
    ),
    "workers": Setting(
        "How many processes serve requests. One is enough for a thousand orders a second.",
        "1",
        "a whole number from 1 to 64",
        _whole(1, 64),
    ),
    "secret_key": Setting(
        "The key that encrypts the shops' signing secrets. It belongs in the backup: without it "
        "they are lost.",
        "the file `secret.key` in the home, made at the first start",
        "32 bytes in base64, as `openssl rand -base64 32` makes them",
        _secret_key,
        secret=True,
    ),
    "log_format": Setting(
        "How log lines look: for people, or one JSON object a line.",
        "console",
        "console or json",
        _one_of("console", "json"),
    ),
    "log_level": Setting(
        "The least that is worth a line in the log.",
        "info",
        "debug, info, warning or error",
        _one_of("debug", "info", "warning", "error"),
    ),
    "body_limit_bytes": Setting(
        "The longest request body that is accepted; a longer one is answered 413.",
        "1000000",
        "a whole number from 1000 to 100000000",
        _whole(1000, 100_000_000),
    ),
    "delivery_log_days": Setting(
        "For how many days the log of calls from shops keeps each entry.",
        "30",
        "a whole number from 1 to 3650",
        _whole(1, 3650),
    ),
    "redelivery_window_seconds": Setting(
        "For how long a signed call without an id of its own, equal to an earlier one, is taken for the same "
        "call delivered again. 0 executes each.",
        "3600",
        "a whole number from 0 to 604800",
        _whole(0, 604_800),
    ),
    "deadline_seconds": Setting(
        "By when a request is answered, counted from the moment in which all of it has come, whatever the "
        "database does. What could not be done until then is answered 503: come again.",
        "3.0",
        "a number of seconds from 0.1 to 60",
        _seconds,
    ),
    "queue_limit": Setting(
        "How many commands of one program may wait in one worker; the next is answered 503.",
        "5000",
        "a whole number from 1 to 1000000",
        _whole(1, 1_000_000),
    ),
    "api_requests_per_second": Setting(
        "How many requests a second one key may make of the REST API for shops (`/v2/...`), in each worker; "
        "the next is answered 429. 0: as many as it likes.",
        "0",
        "a whole number from 0 to 1000000",
        _whole(0, 1_000_000),
    ),
}

DOCUMENTED: dict[str, str] = {
    variable_of(field): f"{setting.does} Default: {setting.default}. It must be {setting.wants}."
    for field, setting in SETTINGS.items()
}

# Variables of ours that something else reads.
ELSEWHERE: dict[str, str] = {
    "REGULARS_TEST_DATABASE_URL": "The tests' PostgreSQL server, instead of one that they start themselves.",
    "REGULARS_TEST_SHOTS": "A folder in which browser tests leave pictures of the pages, to be looked at.",
}
