"""What the doors that serve pages tell browsers alike: what a page may load, and who may look into it."""

from regulars.doors.wire import Headers


def protecting(policy: bytes, *, referrer: bytes) -> Headers:
    """The headers of every answer; `policy` says what a page may load, `referrer` what it tells of itself."""
    return (
        (b"content-security-policy", policy),
        (b"x-content-type-options", b"nosniff"),
        (b"x-frame-options", b"DENY"),
        (b"referrer-policy", referrer),
        (b"cross-origin-opener-policy", b"same-origin"),
        (b"cross-origin-resource-policy", b"same-origin"),
        (b"permissions-policy", b"camera=(), geolocation=(), microphone=()"),
    )
