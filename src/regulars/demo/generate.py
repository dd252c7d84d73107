"""Makes up half a year of the coffeehouse: who orders, what goes wrong. A seed always gives the same."""

import math
import random
import unicodedata
from collections.abc import Iterator
from datetime import date, datetime, timedelta

import msgspec

from regulars.demo import coffeehouse as shop
from regulars.demo.reports import (
    CancelReport,
    Discount,
    Door,
    Line,
    OrderReport,
    PaymentReport,
    PointsReport,
    ProfileReport,
    RefundReport,
    Report,
    Shopper,
)
from regulars.domain.money import format_amount

CUSTOMERS = 220
GUEST_ORDERS = 130
DAYS_A_MONTH = 30.4
TYPICAL_DAYS_BETWEEN = 19
RECENT = timedelta(days=4)
"""Orders this young may be unpaid still, and go to Lootly's door, which knows no dates."""


class Habit(msgspec.Struct, frozen=True):
    """A customer, when they first came, and how many days usually lie between two orders."""

    shopper: Shopper
    first_at: datetime
    days_between: float


def generate(seed: int, *, now: datetime, months: int = 6) -> list[Report]:
    """The history up to `now` in time order: orders, payments, refunds, cancels, profiles and adjustments.

    About 200 customers with about 1,500 orders in six months. All times are in UTC and not after `now`.
    """
    chance = random.Random(seed)  # noqa: S311 - a believable shop, not a secret
    start = now - timedelta(days=months * DAYS_A_MONTH)
    orders: list[OrderReport] = []
    habits = [_habit(chance, place, start, now) for place in range(CUSTOMERS)]
    for habit in habits:
        times = _times(chance, habit, now)
        orders.extend(_order(chance, habit.shopper, at, is_first=n == 0) for n, at in enumerate(times))
    for place in range(GUEST_ORDERS * months // 6):
        at = _busy_time(chance, start + (now - start) * chance.random(), now)
        orders.append(_order(chance, _guest(chance, place), at, is_first=False))
    orders.sort(key=lambda order: order.at)
    reports: list[Report] = []
    for number, order in enumerate(orders, start=1):
        order = msgspec.structs.replace(order, order_id=f"KR-{10_000 + number}")
        reports.extend(_with_what_follows(chance, order, now))
    reports.extend(_profiles(habits, orders))
    reports.extend(_adjustments(chance, orders, now))
    return sorted(reports, key=lambda report: report.at)


def _habit(chance: random.Random, place: int, start: datetime, now: datetime) -> Habit:
    """A third came in the first weeks, the others over time; a few drink far more coffee than most."""
    came = chance.random() * 0.12 if chance.random() < 0.35 else 0.05 + 0.9 * chance.random()
    days = TYPICAL_DAYS_BETWEEN * math.exp(chance.gauss(0, 0.65))
    return Habit(_member(chance, place), _busy_time(chance, start + (now - start) * came, now), max(days, 4))


def _member(chance: random.Random, place: int) -> Shopper:
    first, last = chance.choice(shop.FIRST_NAMES), chance.choice(shop.LAST_NAMES)
    country = chance.choices(shop.COUNTRIES, [country.weight for country in shop.COUNTRIES])[0]
    birthday = date(1948, 1, 1) + timedelta(days=chance.randrange(57 * 365))
    return Shopper(
        merchant_id=str(1001 + place),
        email=f"{_ascii(first)}.{_ascii(last)}{place}@{chance.choice(shop.EMAIL_DOMAINS)}",
        first_name=first,
        last_name=last,
        birthday=birthday if chance.random() < 0.6 else None,
        zip=chance.choice(country.zips),
        country=country.name,
    )


def _guest(chance: random.Random, place: int) -> Shopper:
    first, last = chance.choice(shop.FIRST_NAMES), chance.choice(shop.LAST_NAMES)
    return Shopper(
        merchant_id=None, email=f"{_ascii(first)}.{_ascii(last)}.g{place}@guest.example", country="Germany"
    )


def _times(chance: random.Random, habit: Habit, now: datetime) -> Iterator[datetime]:
    """When this customer orders. After each order some never come back."""
    at = habit.first_at
    while at <= now:
        yield at
        if chance.random() < 0.03:
            return
        next_at = _busy_time(chance, at + timedelta(days=habit.days_between * chance.uniform(0.6, 1.5)), now)
        at = max(next_at, at + timedelta(hours=30))


def _busy_time(chance: random.Random, about: datetime, now: datetime) -> datetime:
    """A moment within three days of `about`, more likely one at which people order: a Sunday, an evening.

    Not after `now` unless `about` is.
    """
    days = [about + timedelta(days=offset) for offset in range(-3, 4)]
    day = chance.choices(days, [shop.WEEKDAYS[day.weekday()] for day in days])[0]
    hour = chance.choices(range(24), shop.HOURS)[0]
    at = day.replace(hour=hour, minute=chance.randrange(60), second=chance.randrange(60), microsecond=0)
    return at if at <= now or about > now else at - timedelta(days=7)


def _order(chance: random.Random, shopper: Shopper, at: datetime, *, is_first: bool) -> OrderReport:
    products = chance.choices(
        shop.PRODUCTS,
        [product.weight for product in shop.PRODUCTS],
        k=chance.choices((1, 2, 3, 4), (45, 33, 15, 7))[0],
    )
    basket = {product: products.count(product) for product in dict.fromkeys(products)}
    goods = sum(product.price_minor * quantity for product, quantity in basket.items())
    shipping = 0 if goods >= shop.FREE_SHIPPING_MINOR else shop.SHIPPING_MINOR
    codes = []
    if is_first and chance.random() < 0.55:
        codes = [shop.WELCOME]
    elif chance.random() < 0.08:
        codes = [chance.choice(shop.CODES)]
    return OrderReport(
        at=at,
        door=Door.LOYALTYLION,
        shopper=shopper,
        order_id="",
        currency=shop.CURRENCY,
        total_minor=goods + shipping,
        shipping_minor=shipping,
        discounts=tuple(Discount(code, amount) for code, amount in codes if amount < goods),
        lines=tuple(
            Line(product.item, product.name, quantity, format_amount(product.price_minor, shop.CURRENCY))
            for product, quantity in basket.items()
        ),
    )


def _with_what_follows(chance: random.Random, order: OrderReport, now: datetime) -> Iterator[Report]:
    """The order, and what became of it: paid by bank transfer, given back, cancelled."""
    luck, later = chance.random(), order.at + timedelta(days=chance.uniform(1, 9))
    if now - order.at < RECENT and luck > 0.5:
        yield msgspec.structs.replace(order, door=Door.LOOTLY)
        return
    if luck < 0.08:
        yield msgspec.structs.replace(order, paid=False)
        if later <= now:
            yield PaymentReport(at=later, door=order.door, shopper=order.shopper, order_id=order.order_id)
        return
    yield order
    if later > now:
        return
    if luck < 0.10:
        yield CancelReport(at=later, door=order.door, shopper=order.shopper, order_id=order.order_id)
    elif luck < 0.15:
        line = chance.choice(order.lines)
        price = next(product.price_minor for product in shop.PRODUCTS if product.item == line.item)
        everything = luck < 0.115
        yield RefundReport(
            at=later,
            door=order.door,
            shopper=order.shopper,
            order_id=order.order_id,
            refund_id=f"R-{order.order_id}",
            currency=order.currency,
            amount_minor=order.payable_minor if everything else min(price, order.payable_minor),
        )


def _profiles(habits: list[Habit], orders: list[OrderReport]) -> Iterator[ProfileReport]:
    """Names and birthdays, which come by Lootly's door alone, once a customer has ordered by the other."""
    last = {order.shopper.merchant_id: order.at for order in orders}
    for habit in habits:
        if (at := last.get(habit.shopper.merchant_id)) is not None:
            yield ProfileReport(at=at, door=Door.LOOTLY, shopper=habit.shopper)


def _adjustments(chance: random.Random, orders: list[OrderReport], now: datetime) -> Iterator[PointsReport]:
    """What staff gave, and what they took of the one who has had points for longest."""
    often = [shopper for shopper in _often(orders) if shopper.merchant_id is not None]
    for place, (points, reason) in enumerate(shop.REASONS):
        yield PointsReport(
            at=now,
            door=Door.LOYALTYLION,
            shopper=chance.choice(often) if points > 0 else often[0],
            points=points,
            reason=reason,
            key=f"demo-adjustment-{place}",
        )


def _often(orders: list[OrderReport]) -> list[Shopper]:
    """Those with five orders or more, in the order of their fifth."""
    seen: dict[str, int] = {}
    found = []
    for order in orders:
        seen[order.shopper.email] = seen.get(order.shopper.email, 0) + 1
        if seen[order.shopper.email] == 5:
            found.append(order.shopper)
    return found


_PLAIN = str.maketrans({"ß": "ss", "ø": "oe", "Ø": "Oe", "ł": "l", "Ł": "L", "ı": "i", "å": "aa", "Å": "Aa"})


def _ascii(name: str) -> str:
    """The name as people write it in an address."""
    plain = unicodedata.normalize("NFKD", name.translate(_PLAIN)).encode("ascii", "ignore").decode()
    return plain.lower().replace(" ", "-")
