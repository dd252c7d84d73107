"""Who really calls, when a proxy that we know stands between: its word on address and scheme is taken.

Everybody can send X-Forwarded-For; only what the nearest known proxies wrote into it counts.
"""

import ipaddress
from collections.abc import Sequence
from typing import TypeAlias

from regulars.doors.wire import App, Receive, Scope, Send

Network: TypeAlias = ipaddress.IPv4Network | ipaddress.IPv6Network


def behind_proxies(app: App, trusted: Sequence[str]) -> App:
    """The app, told of the caller rather than of a proxy in these networks; unchanged when there are none."""
    if not trusted:
        return app
    networks = [ipaddress.ip_network(text) for text in trusted]

    async def seen_through(scope: Scope, receive: Receive, send: Send) -> None:
        client = scope.get("client")
        if scope["type"] == "http" and client and _is_in(client[0], networks):
            scope = dict(scope)
            scope["client"] = (_caller(client[0], _all(scope, b"x-forwarded-for"), networks), 0)
            said = _all(scope, b"x-forwarded-proto").rpartition(",")[2].strip().lower()
            if said in ("http", "https"):
                scope["scheme"] = said
        await app(scope, receive, send)

    return seen_through


def _caller(nearest: str, forwarded: str, networks: Sequence[Network]) -> str:
    """The first address, from the nearest on, that is no proxy of ours; before a broken one the last."""
    found = nearest
    for part in reversed(forwarded.split(",")):
        text = part.strip()
        try:
            ipaddress.ip_address(text)
        except ValueError:
            return found
        found = text
        if not _is_in(text, networks):
            return found
    return found


def _is_in(address: str, networks: Sequence[Network]) -> bool:
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return False
    return any(found.version == network.version and found in network for network in networks)


def _all(scope: Scope, name: bytes) -> str:
    """The header's lines as one, in their order."""
    return ",".join(value.decode("latin-1") for header, value in scope["headers"] if header == name)
