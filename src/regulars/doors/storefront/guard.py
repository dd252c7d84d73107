"""Who may try how often: failed proofs by address and by shop, sessions opened, calls, redemptions."""

import ipaddress
import time
from collections.abc import Callable
from typing import Final

from regulars.doors.storefront.answers import TooMany
from regulars.doors.storefront.rates import Buckets, Rate

FAILURES_BY_ADDRESS: Final = Rate(20, 1 / 3)
LOST_SESSIONS_BY_ADDRESS: Final = Rate(240, 4)
"""Sessions end every quarter of an hour, and a whole town may share an address."""
FAILURES_BY_SHOP: Final = Rate(1000, 10)
SESSIONS_BY_SHOPPER: Final = Rate(30, 1 / 2)
CALLS_BY_SESSION: Final = Rate(120, 4)
WISHES_BY_SHOPPER: Final = Rate(15, 1 / 4)


class Guard:
    """The buckets of one process. A shop whose failures ran out turns away those who failed, nobody else, so
    that no guesser can lock its customers out."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._by_address = Buckets(FAILURES_BY_ADDRESS)
        self._lost = Buckets(LOST_SESSIONS_BY_ADDRESS)
        self._by_shop = Buckets(FAILURES_BY_SHOP)
        self._by_shopper = Buckets(SESSIONS_BY_SHOPPER)
        self._by_session = Buckets(CALLS_BY_SESSION)
        self._wishes = Buckets(WISHES_BY_SHOPPER)

    def before_proof(self, address: str, shown: str) -> None:
        """Raises TooMany for an address that has failed too often."""
        now, who = self._clock(), neighbourhood(address)
        wait = self._by_address.wait_seconds(who, now)
        if not wait and not self._by_address.is_full(who, now):
            wait = self._by_shop.wait_seconds(shown, now)
        if wait:
            raise TooMany(wait)

    def failed(self, address: str, shown: str) -> None:
        """A proof that didn't count came from there; `shown`: what it named as its shop."""
        now = self._clock()
        self._by_address.take(neighbourhood(address), now)
        self._by_shop.take(shown, now)

    def before_session(self, address: str) -> None:
        """Raises TooMany for an address that has shown too many sessions that don't count."""
        if wait := self._lost.wait_seconds(neighbourhood(address), self._clock()):
            raise TooMany(wait)

    def lost(self, address: str) -> None:
        """A session that doesn't count was shown from there."""
        self._lost.take(neighbourhood(address), self._clock())

    def opened(self, shopper: str) -> None:
        """Raises TooMany when one shopper opens session after session."""
        self._take(self._by_shopper, shopper)

    def called(self, session: str) -> None:
        """Raises TooMany when one session asks without end."""
        self._take(self._by_session, session)

    def wished(self, shopper: str) -> None:
        """Raises TooMany when one shopper redeems or changes something again and again."""
        self._take(self._wishes, shopper)

    def _take(self, buckets: Buckets, name: str) -> None:
        now = self._clock()
        if wait := buckets.wait_seconds(name, now):
            raise TooMany(wait)
        buckets.take(name, now)


def neighbourhood(address: str) -> str:
    """The address, or of IPv6 its /64: one household has the whole of that."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return address[:64]
    if isinstance(found, ipaddress.IPv4Address):
        return str(found)
    if found.ipv4_mapped is not None:
        return str(found.ipv4_mapped)
    return str(ipaddress.ip_network((int(found) >> 64 << 64, 64)))
