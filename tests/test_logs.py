"""What a log line may hold, and what nobody can make it hold."""

import io
import json
import logging
from collections.abc import Iterator
from pathlib import Path

import pytest
import structlog

from regulars.logs import configure
from regulars.settings import Settings


@pytest.fixture(autouse=True)
def as_before() -> Iterator[None]:
    """Other tests' logging stays as it was."""
    root = logging.getLogger()
    handlers, level = root.handlers[:], root.level
    yield
    root.handlers[:] = handlers
    root.setLevel(level)
    structlog.reset_defaults()


def log_to(log_format: str, level: str = "info") -> tuple[io.StringIO, structlog.stdlib.BoundLogger]:
    stream = io.StringIO()
    configure(Settings(home=Path("unused"), log_format=log_format, log_level=level), stream)
    return stream, structlog.get_logger("regulars.test")


def test_a_value_cannot_forge_a_line_or_steer_a_terminal() -> None:
    stream, log = log_to("console")
    log.info("order came\n2026-01-01 [info] all is well", shop="\x1b[2Jfine\u202e", lines=["a\nb"])
    lines = stream.getvalue().splitlines()
    assert len(lines) == 1
    assert "order came\\n2026-01-01" in lines[0]
    assert "\\x1b[2Jfine\\u202e" in lines[0]


def test_a_stack_trace_is_indented_so_that_it_cannot_pass_for_a_line() -> None:
    stream, log = log_to("console")
    try:
        raise ValueError("bad\n2026-01-01 [info] all is well")
    except ValueError:
        log.exception("failed")
    first, *trace = stream.getvalue().splitlines()
    assert "failed" in first
    assert any("all is well" in line for line in trace)
    assert all(line.startswith("  ") for line in trace)


def test_json_is_one_object_a_line_with_a_utc_time() -> None:
    stream, log = log_to("json")
    log.warning("odd\nthing", order="1\n2", n=3)
    line = json.loads(stream.getvalue())
    assert stream.getvalue().count("\n") == 1
    assert (line["event"], line["level"], line["order"], line["n"]) == ("odd\nthing", "warning", "1\n2", 3)
    assert line["timestamp"].endswith("Z")


@pytest.mark.parametrize("log_format", ["console", "json"])
def test_what_is_called_a_secret_is_not_written(log_format: str) -> None:
    stream, log = log_to(log_format)
    log.error(
        "no", token="tok-1", Authorization="Basic 2", inner={"api_key": "key-3", "deep": {"hmac": "mac-4"}}
    )
    for secret in ("tok-1", "Basic 2", "key-3", "mac-4"):
        assert secret not in stream.getvalue()
    assert "***" in stream.getvalue()


def test_the_access_line_leaves_out_the_query_where_signatures_are() -> None:
    stream, _ = log_to("console", "debug")
    line = ("10.0.0.1:1", "GET", "/api/custom/customer/7/point-balance?hmac=abc", "1.1", 200)
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', *line)
    assert "/point-balance HTTP/1.1" in stream.getvalue()
    assert "abc" not in stream.getvalue()


def test_requests_are_logged_at_debug_alone_and_uvicorns_chatter_never() -> None:
    stream, _ = log_to("console", "info")
    logging.getLogger("uvicorn.access").info('%s - "%s %s HTTP/%s" %d', "a", "GET", "/", "1.1", 200)
    logging.getLogger("uvicorn.error").info("Started server process [%d]", 1)
    assert stream.getvalue() == ""
    logging.getLogger("uvicorn.error").error("Exception in %s\n", "ASGI application")
    assert "Exception in ASGI application" in stream.getvalue()


def test_a_text_without_end_is_cut() -> None:
    stream, log = log_to("json")
    log.info("x" * 1_000_000)
    assert len(stream.getvalue()) < 3_000
    assert "1000000 characters" in stream.getvalue()
