"""What the door answers with, and the headers that go with every answer of it."""

from typing import Final, NamedTuple

HTML: Final = "text/html; charset=utf-8"


class Answer(NamedTuple):
    """An answer to be sent. `nonce`: the one that stands in the page's scripts and styles."""

    status: int
    body: bytes = b""
    content_type: str = HTML
    headers: tuple[tuple[bytes, bytes], ...] = ()
    cache: str = "no-store"
    nonce: str = ""

    def with_headers(self, *headers: tuple[str, str]) -> "Answer":
        """The same with more headers."""
        more = tuple((name.encode(), value.encode("latin-1", "replace")) for name, value in headers)
        return self._replace(headers=self.headers + more)


def attachment(body: bytes, name: str, content_type: str = "text/csv; charset=utf-8") -> Answer:
    """A file to be saved under this name (letters, digits, dots and dashes)."""
    assert all(letter.isascii() and (letter.isalnum() or letter in ".-_") for letter in name), name
    disposition = ("content-disposition", f'attachment; filename="{name}"')
    return Answer(200, body, content_type).with_headers(disposition)


def security_headers(nonce: str, *, is_secure: bool) -> list[tuple[bytes, bytes]]:
    """What every answer carries. Scripts run by their nonce alone, and what those load in turn."""
    scripts = f"'nonce-{nonce}' 'strict-dynamic'" if nonce else "'none'"
    styles = f"'self' 'nonce-{nonce}'" if nonce else "'self'"
    policy = (
        f"default-src 'none'; script-src {scripts}; style-src {styles}; img-src 'self' data:; "
        "font-src 'self'; connect-src 'self'; frame-src 'self'; form-action 'self'; base-uri 'none'; "
        "frame-ancestors 'none'"
    )
    headers = [
        (b"content-security-policy", policy.encode()),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", b"same-origin"),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    ]
    if is_secure:
        headers.append((b"strict-transport-security", b"max-age=31536000"))
    return headers
