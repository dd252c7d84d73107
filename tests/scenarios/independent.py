"""What a file of invoice lines should come to, worked out from docs/integrate/orders-file.md alone.

Nothing of the product is imported. Exact fractions, plain loops, no cleverness: it is here to be believed.
"""

import csv
import gzip
from collections import Counter
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from fractions import Fraction
from math import floor
from pathlib import Path

SHIPPING_CODES = ("POST", "DOT", "C2")


@dataclass
class Order:
    number: str
    customer: str
    placed: datetime
    first_month: bool
    total: Fraction
    """In pounds, rounded to pennies; so are the shipping and what is refunded."""
    shipping: Fraction
    held: list[list]
    """What has not come back: code, quantity, price."""
    back_exactly: Fraction = Fraction(0)
    refunded: Fraction = Fraction(0)

    def given(self, rate: Fraction) -> int:
        return floor((self.total - self.shipping) * rate) if self.customer else 0

    def taken(self, rate: Fraction) -> int:
        if self.refunded == 0:
            return 0
        if self.refunded >= self.total:
            return self.given(rate)
        return floor(self.given(rate) * self.refunded / self.total)


@dataclass
class Expected:
    orders: dict[str, Order] = field(default_factory=dict)
    refunds: dict[tuple[str, str], Fraction] = field(default_factory=dict)
    """By order and return: the money that goes back."""
    unmatched: Counter = field(default_factory=Counter)
    counts: Counter = field(default_factory=Counter)

    def points(self, rate: Fraction) -> dict[str, tuple[int, int]]:
        """By customer: what the orders of the file's first month left them, and what the others did."""
        points: dict[str, tuple[int, int]] = {}
        for order in self.orders.values():
            if order.customer:
                first, later = points.get(order.customer, (0, 0))
                left = order.given(rate) - order.taken(rate)
                points[order.customer] = (first + left, later) if order.first_month else (first, later + left)
        return points


def work_out(path: Path) -> Expected:
    expected = Expected()
    with gzip.open(path, "rt", encoding="utf-8", newline="") as text:
        rows = list(csv.DictReader(text))
    invoices: dict[str, list[dict[str, str]]] = {}
    for row in rows:
        invoices.setdefault(row["InvoiceNo"], []).append(row)
    expected.counts["lines"] = len(rows)
    expected.counts["invoices"] = len(invoices)
    in_time_order = sorted(invoices.items(), key=lambda item: utc(item[1][0]["InvoiceDate"]))
    first_month = in_time_order[0][1][0]["InvoiceDate"][:7]
    for number, lines in in_time_order:
        if number.startswith("C"):
            take_back(expected, number, lines)
        else:
            take_order(expected, number, lines, first_month)
    return expected


def take_order(expected: Expected, number: str, lines: list[dict[str, str]], first_month: str) -> None:
    if all(int(line["Quantity"]) <= 0 or Fraction(line["UnitPrice"]) < 0 for line in lines):
        expected.counts["write_offs"] += 1
        return
    sold = [
        [line["StockCode"], int(line["Quantity"]), Fraction(line["UnitPrice"])]
        for line in lines
        if int(line["Quantity"]) > 0 and Fraction(line["UnitPrice"]) > 0
    ]
    expected.orders[number] = Order(
        number=number,
        customer=lines[0]["CustomerID"],
        placed=utc(lines[0]["InvoiceDate"]),
        first_month=lines[0]["InvoiceDate"].startswith(first_month),
        total=pennies(sum((quantity * price for _, quantity, price in sold), Fraction(0))),
        shipping=pennies(sum((q * price for code, q, price in sold if code in SHIPPING_CODES), Fraction(0))),
        held=sold,
    )


def take_back(expected: Expected, number: str, lines: list[dict[str, str]]) -> None:
    expected.counts["return_invoices"] += 1
    customer = lines[0]["CustomerID"]
    theirs = [order for order in expected.orders.values() if customer and order.customer == customer]
    for line in lines:
        code, quantity = line["StockCode"], -int(line["Quantity"])
        if quantity <= 0 or Fraction(line["UnitPrice"]) <= 0:
            continue
        holding = [
            order for order in theirs if sum(left for held, left, _ in order.held if held == code) >= quantity
        ]
        if not customer:
            expected.unmatched["guest"] += 1
        elif not theirs:
            expected.unmatched["no earlier order"] += 1
        elif holding:
            expected.counts["matched_lines"] += 1
            give_back(expected, number, holding[-1], code, quantity)
        elif any(held == code for order in theirs for held, _, _ in order.held):
            expected.unmatched["no earlier order that still holds as many"] += 1
        else:
            expected.unmatched["no earlier order with the item"] += 1


def give_back(expected: Expected, number: str, order: Order, code: str, quantity: int) -> None:
    for line in order.held:
        if line[0] == code:
            units = min(quantity, line[1])
            line[1] -= units
            quantity -= units
            order.back_exactly += units * line[2]
    before = order.refunded
    order.refunded = pennies(order.back_exactly)
    key = (order.number, number)
    expected.refunds[key] = expected.refunds.get(key, Fraction(0)) + order.refunded - before


def pennies(amount: Fraction) -> Fraction:
    """Rounded half-up to whole pennies."""
    return Fraction(floor(amount * 100 + Fraction(1, 2)), 100)


def utc(text: str) -> datetime:
    """British local time: an hour ahead of UTC from the last Sunday of March to that of October."""
    local = datetime.fromisoformat(text)
    summer = (
        last_sunday(local.year, 3) + timedelta(hours=1)
        <= local
        < last_sunday(local.year, 10) + timedelta(hours=2)
    )
    return (local - timedelta(hours=1) if summer else local).replace(tzinfo=UTC)


def last_sunday(year: int, month: int) -> datetime:
    last = datetime.fromisoformat(f"{year}-{month:02}-31")
    return last - timedelta(days=last.isoweekday() % 7)
