"""A known proxy's word is taken for who calls and how; a stranger's isn't, whatever headers it sends."""

from typing import Any

import pytest

from regulars.doors.proxies import behind_proxies

TRUSTED = ("127.0.0.1/32", "10.0.0.0/8", "fd00::/8")


async def seen(client: str, *headers: tuple[str, str], trusted: tuple[str, ...] = TRUSTED) -> tuple[str, str]:
    """What the app is told: the caller's address, and the scheme."""
    told: list[Any] = []

    async def app(scope: Any, receive: Any, send: Any) -> None:
        told.append((scope["client"][0], scope["scheme"]))

    scope = {
        "type": "http",
        "client": (client, 1234),
        "scheme": "http",
        "headers": [(name.encode(), value.encode()) for name, value in headers],
    }
    await behind_proxies(app, trusted)(scope, None, None)  # type: ignore[arg-type]
    found: tuple[str, str] = told[0]
    return found


@pytest.mark.parametrize(
    ("client", "forwarded", "caller"),
    [
        ("127.0.0.1", "203.0.113.7", "203.0.113.7"),
        ("127.0.0.1", "203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("127.0.0.1", "198.51.100.1, 203.0.113.7, 10.1.2.3", "203.0.113.7"),
        ("127.0.0.1", "unknown, 10.1.2.3", "10.1.2.3"),
        ("127.0.0.1", "203.0.113.7, evil", "127.0.0.1"),
        ("127.0.0.1", "", "127.0.0.1"),
        ("127.0.0.1", "10.1.1.1, 10.2.2.2", "10.1.1.1"),
        ("fd00::1", "2001:db8::7", "2001:db8::7"),
        ("192.0.2.1", "203.0.113.7", "192.0.2.1"),
        ("", "203.0.113.7", ""),
    ],
)
async def test_the_nearest_that_is_no_proxy_of_ours_calls(client: str, forwarded: str, caller: str) -> None:
    assert (await seen(client, ("x-forwarded-for", forwarded)))[0] == caller


async def test_a_second_line_of_the_header_counts_as_well() -> None:
    lines = (("x-forwarded-for", "198.51.100.1"), ("x-forwarded-for", "203.0.113.7"))
    assert (await seen("127.0.0.1", *lines))[0] == "203.0.113.7"


@pytest.mark.parametrize(
    ("client", "said", "scheme"),
    [
        ("127.0.0.1", "https", "https"),
        ("127.0.0.1", "http, https", "https"),
        ("127.0.0.1", "HTTPS", "https"),
        ("127.0.0.1", "javascript", "http"),
        ("192.0.2.1", "https", "http"),
    ],
)
async def test_the_scheme_is_believed_from_a_known_proxy_alone(client: str, said: str, scheme: str) -> None:
    assert (await seen(client, ("x-forwarded-proto", said)))[1] == scheme


async def test_without_known_proxies_nobodys_word_counts() -> None:
    said = (("x-forwarded-for", "203.0.113.7"), ("x-forwarded-proto", "https"))
    assert await seen("127.0.0.1", *said, trusted=()) == ("127.0.0.1", "http")
