"""A program as one version of its configuration: its sites, what earns, and its clock."""

import re
from datetime import datetime, timedelta
from fractions import Fraction

import msgspec

from regulars.domain.errors import Invalid, UnknownReward, UnknownSite
from regulars.domain.rewards import Reward, SpendingRule

MAX_RATE = 1_000_000
_RATE = re.compile(r"([0-9]{1,13})(?:\.([0-9]{1,4}))?")


class PurchaseRule(msgspec.Struct, frozen=True, kw_only=True):
    """What an order gives. It is frozen with each order that is recorded under it.

    Points are `rate_numerator / rate_denominator` for each whole currency unit of the rewardable amount.
    """

    enabled: bool = True
    rate_numerator: int = 1
    rate_denominator: int = 1
    counts_shipping: bool = False
    counts_tax: bool = False
    counts_discounts: bool = False
    whole_units_only: bool = False
    approval_days: int = 0
    minimum_minor: int = 0
    """The least payable amount, in minor units of the order's currency, that earns."""
    statuses: tuple[str, ...] = ()
    """The order statuses that earn, where the shop reports one; empty: any."""


class JoinRule(msgspec.Struct, frozen=True, kw_only=True):
    """Points on becoming a member, once; 0 is off."""

    points: int = 0


class Site(msgspec.Struct, frozen=True, kw_only=True):
    """A shop of the program. `domain` is an origin, `https://shop.example`."""

    id: int
    name: str
    domain: str
    currency: str


class Program(msgspec.Struct, frozen=True, kw_only=True):
    """The tenant: everything belongs to exactly one. `version` rises with each change of this record."""

    id: int
    version: int
    name: str
    currency: str
    sites: tuple[Site, ...]
    purchase: PurchaseRule = PurchaseRule()
    join: JoinRule = JoinRule()
    spending: SpendingRule = SpendingRule()
    rewards: tuple[Reward, ...] = ()
    """All of them in the order in which they were made, disabled ones too."""
    test_mode: bool = False
    clock_offset_seconds: int = 0
    """How far program time is ahead of real time; only in test mode, only ever forward."""

    def site(self, site_id: int | None) -> Site:
        """The site of that id; the only one when `site_id` is None. Raises UnknownSite."""
        if site_id is None and len(self.sites) == 1:
            return self.sites[0]
        for site in self.sites:
            if site.id == site_id:
                return site
        raise UnknownSite(site=site_id)

    def reward(self, reward_id: int) -> Reward:
        """The reward of that id. Raises UnknownReward."""
        for reward in self.rewards:
            if reward.id == reward_id:
                return reward
        raise UnknownReward(reward=reward_id)

    def time(self, real: datetime) -> datetime:
        """Program time at the moment `real`."""
        return real + timedelta(seconds=self.clock_offset_seconds) if self.clock_offset_seconds else real


def parse_rate(text: str) -> tuple[int, int]:
    """Numerator and denominator of "0.5" or "1.25" points per unit. Raises Invalid (at most 4 decimals)."""
    match = _RATE.fullmatch(text)
    if match is None:
        raise Invalid("points_per_unit", f"{text[:40]!r} is not a plain decimal with at most 4 decimals")
    whole, decimals = match.group(1), match.group(2) or ""
    rate = Fraction(int(whole + decimals), 10 ** len(decimals))
    if rate > MAX_RATE:
        raise Invalid("points_per_unit", f"must not be more than {MAX_RATE}")
    return rate.numerator, rate.denominator
