"""The log: one line a fact, for people or as JSON, with UTC times; uvicorn's lines go the same way.

Two promises: a value cannot forge a line or steer a terminal, and what looks like a secret is not written.
"""

import logging
import re
import sys
from collections.abc import MutableMapping
from typing import IO, Any, Final

import structlog
from structlog.typing import EventDict, Processor, WrappedLogger

from regulars.settings import Settings

SECRET: Final = re.compile(
    r"secret|token|passw|passphrase|authorization|cookie|signature|hmac|api_?key|dsn|database_url|credential",
    re.IGNORECASE,
)
"""Names of values that are never written."""

# Control characters, C1 included, the two Unicode line ends, and what turns the direction of text.
_UNPRINTABLE = re.compile(
    "[\x00-\x1f\x7f-\x9f\u2028\u2029\u200e\u200f\u202a-\u202e\u2066-\u2069\ud800-\udfff]"
)
LONGEST: Final = 2000
"""Characters of one value; the rest is cut."""


def configure(settings: Settings, stream: IO[str] | None = None) -> None:
    """Sends all logging, ours and the libraries', to `stream` (standard error), as the settings want it."""
    stream = stream if stream is not None else sys.stderr
    level = logging.getLevelNamesMapping()[settings.log_level.upper()]
    before: list[Processor] = [
        structlog.contextvars.merge_contextvars,
        structlog.stdlib.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True),
        mask,
    ]
    if settings.log_format == "json":
        render: list[Processor] = [
            structlog.processors.format_exc_info,
            cut,
            structlog.processors.JSONRenderer(),
        ]
    else:
        console = structlog.dev.ConsoleRenderer(colors=stream.isatty(), pad_event_to=0, sort_keys=False)
        render = [structlog.processors.format_exc_info, cut, escape, console]
    formatter = structlog.stdlib.ProcessorFormatter(
        foreign_pre_chain=before,
        processors=[structlog.stdlib.ProcessorFormatter.remove_processors_meta, *render],
    )
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    root = logging.getLogger()
    root.handlers[:] = [handler]
    root.setLevel(level)
    structlog.configure(
        processors=[
            structlog.stdlib.filter_by_level,
            *before,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        logger_factory=structlog.stdlib.LoggerFactory(),
        wrapper_class=structlog.stdlib.BoundLogger,
        cache_logger_on_first_use=True,
    )
    _tame_libraries(debug=level <= logging.DEBUG)


def _tame_libraries(*, debug: bool) -> None:
    """uvicorn tells its life story at level info; ours is shorter. Libraries show warnings alone."""
    for name in (
        "uvicorn",
        "uvicorn.error",
        "uvicorn.access",
        "uvicorn.asgi",
        "asyncio",
        "httpx",
        "litestar",
    ):
        logger = logging.getLogger(name)
        logger.handlers.clear()
        logger.propagate = True
        logger.setLevel(logging.WARNING)
    # Its pool says with a stack trace, again and again, that the database is away; others say so in a line.
    logging.getLogger("asyncpg").setLevel(logging.ERROR)
    access = logging.getLogger("uvicorn.access")
    access.setLevel(logging.INFO if debug else logging.WARNING)
    access.filters[:] = [_without_query]


def _without_query(record: logging.LogRecord) -> bool:
    """uvicorn's access line without what stands behind the path: some clients sign there."""
    if isinstance(record.args, tuple) and len(record.args) == 5:
        client, method, path, version, status = record.args
        record.args = (client, method, str(path).partition("?")[0], version, status)
    return True


def mask(logger: WrappedLogger, name: str, event: EventDict) -> EventDict:
    """Replaces values whose name says that they are secret, in mappings within values too."""
    for key, value in event.items():
        if SECRET.search(key) and value is not None:
            event[key] = "***"
        elif isinstance(value, dict):
            event[key] = mask(logger, name, dict(value))
    return event


def cut(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """Cuts long texts, so that nobody fills the disk with one request; a stack trace may be longer."""
    for key, value in event.items():
        most = 10 * LONGEST if key == "exception" else LONGEST
        if isinstance(value, str) and len(value) > most:
            event[key] = f"{value[:most]} … ({len(value)} characters)"
    return event


def escape(_logger: WrappedLogger, _name: str, event: EventDict) -> EventDict:
    """For the console: unprintable characters as \\x1b and so on; a stack trace keeps its lines, indented."""
    shown: MutableMapping[str, Any] = {}
    for key, value in event.items():
        if key == "exception":
            value = "\n".join(f"  {escaped(line)}" for line in str(value).split("\n"))
        elif isinstance(value, str):
            value = escaped(value)
        elif not isinstance(value, (bool, int, float, type(None))):
            value = escaped(repr(value))
        shown[escaped(key)] = value
    return shown


def escaped(text: str) -> str:
    """The text with every unprintable character written out as its escape."""
    return _UNPRINTABLE.sub(lambda match: match[0].encode("unicode_escape", "surrogatepass").decode(), text)
