"""Looking at a page until it is as it should be: on a busy machine that takes a while, and never a guess."""

import time
from collections.abc import Callable
from typing import Any, TypeVar

T = TypeVar("T")

PATIENCE_SECONDS = 60.0
"""For whatever does happen in the end."""

try:
    from playwright.sync_api import expect
except ImportError:  # the fixture `browser` skips whatever would use it
    expect = None  # type: ignore[assignment]
else:
    expect.set_options(timeout=PATIENCE_SECONDS * 1000)


def patient(context: Any) -> Any:
    """The same browser context or page, which gives up after `PATIENCE_SECONDS`."""
    context.set_default_timeout(PATIENCE_SECONDS * 1000)
    return context


def becomes(page: Any, look: Callable[[], T], wanted: T) -> None:
    """Looks again and again until what is found is what is wanted. For what `expect` has no words for."""
    end = time.monotonic() + PATIENCE_SECONDS
    while (found := look()) != wanted and time.monotonic() < end:
        page.wait_for_timeout(20)  # in which the browser may tell us what happened
    assert found == wanted
