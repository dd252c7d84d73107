"""What the door answers with, and the headers that go with every answer of it."""

from collections.abc import AsyncIterator
from contextlib import suppress
from typing import Final, NamedTuple

from regulars.doors.browsers import protecting
from regulars.doors.wire import Headers

HTML: Final = "text/html; charset=utf-8"


class Answer(NamedTuple):
    """An answer to be sent. `nonce`: the one that stands in the page's scripts and styles. `parts`, where
    given, follow in place of `body` as they are made."""

    status: int
    body: bytes = b""
    content_type: str = HTML
    headers: Headers = ()
    cache: str = "no-store"
    nonce: str = ""
    parts: AsyncIterator[bytes] | None = None

    def with_headers(self, *headers: tuple[str, str]) -> "Answer":
        """The same with more headers."""
        more = tuple((name.encode(), value.encode("latin-1", "replace")) for name, value in headers)
        return self._replace(headers=self.headers + more)


async def growing(parts: AsyncIterator[bytes], name: str) -> Answer:
    """A CSV file to be saved under this name, sent as it is made: no more than a part of it is ever held.

    Its heading and first rows are waited for: what refuses the whole is a page, not half a file.
    """
    first = []
    with suppress(StopAsyncIteration):
        first.append(await anext(parts))
        first.append(await anext(parts))

    async def all_parts() -> AsyncIterator[bytes]:
        yield b"".join(first)
        first.clear()
        async for part in parts:
            yield part

    return attachment(b"", name)._replace(parts=all_parts())


def attachment(body: bytes, name: str, content_type: str = "text/csv; charset=utf-8") -> Answer:
    """A file to be saved under this name (letters, digits, dots and dashes)."""
    assert all(letter.isascii() and (letter.isalnum() or letter in ".-_") for letter in name), name
    disposition = ("content-disposition", f'attachment; filename="{name}"')
    return Answer(200, body, content_type).with_headers(disposition)


def security_headers(nonce: str, *, is_secure: bool) -> Headers:
    """What every answer carries. Scripts run by their nonce alone, and what those load in turn."""
    scripts = f"'nonce-{nonce}' 'strict-dynamic'" if nonce else "'none'"
    styles = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    headers = protecting(policy.encode(), referrer=b"same-origin")
    return (*headers, (b"strict-transport-security", b"max-age=31536000")) if is_secure else headers
