"""Reads a shop's invoice lines ("Online Retail"): orders and refunds in the order in which they happened.

The rules stand in docs/integrate/orders-file.md, and a test computes them a second time from there.
"""

import csv
import gzip
import re
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import TextIO
from zoneinfo import ZoneInfo

import msgspec

from regulars.demo.reports import Door, Line, OrderReport, RefundReport, Report, Shopper
from regulars.demo.returns import Return, Shelf, Unmatched
from regulars.domain.money import exponent

COLUMNS = (
    "InvoiceNo",
    "StockCode",
    "Description",
    "Quantity",
    "InvoiceDate",
    "UnitPrice",
    "CustomerID",
    "Country",
)

SHIPPING = frozenset({"POST", "DOT", "C2"})
"""Stock codes of postage and carriage."""

PRICE_DECIMALS = 4
"""Prices are read as integers of 1/10,000 of the currency's unit, so that sums are exact."""

_WHOLE = re.compile(r"-?[0-9]{1,12}")
_PRICE = re.compile(r"(-?)([0-9]{1,12})(?:\.([0-9]{1,4}))?")


class UnreadableOrders(ValueError):
    """The file can't be read as orders; the message names the line and says what is wrong with it."""


class InvoiceLine(msgspec.Struct, frozen=True):
    item: str
    name: str
    quantity: int
    price: int
    """In 1/10,000 of the currency's unit."""
    price_text: str


class Invoice(msgspec.Struct, frozen=True):
    """All lines of one number, in the file's order; time, customer and country are the first line's."""

    number: str
    at: datetime
    local_month: str
    customer: str
    country: str
    lines: list[InvoiceLine]

    @property
    def is_return(self) -> bool:
        return self.number.startswith("C")


class Counts(msgspec.Struct, kw_only=True):
    """What was found in the file, and what became of it. Money is in minor units."""

    lines: int = 0
    invoices: int = 0
    orders: int = 0
    guest_orders: int = 0
    worthless_lines: int = 0
    """Lines of orders and returns that move no money: a price of zero, or a sign that does not fit."""
    write_offs: int = 0
    """Invoices that sell nothing: no line has a quantity above and a price of at least zero."""
    return_invoices: int = 0
    return_lines: int = 0
    matched_lines: int = 0
    unmatched_lines: dict[Unmatched, int] = msgspec.field(default_factory=lambda: dict.fromkeys(Unmatched, 0))
    refunds: int = 0
    worthless_refunds: int = 0
    """Returns to an order of less than half a minor unit: nothing to report."""
    wholly_refunded: int = 0
    ordered_minor: int = 0
    refunded_minor: int = 0


class OrdersFile(msgspec.Struct, frozen=True):
    reports: list[Report]
    counts: Counts


def read_orders_file(path: Path, *, currency: str = "GBP", zone: str = "Europe/London") -> OrdersFile:
    """What the file says, as reports in time order: one order an invoice, one refund a return and order.

    What happened in the file's first month goes to Lootly's door, the rest to LoyaltyLion's.
    Raises UnreadableOrders.
    """
    counts = Counts()
    invoices = _invoices(path, ZoneInfo(zone), counts)
    invoices.sort(key=lambda invoice: invoice.at)  # stable: within a minute the file's order stays
    shelf = Shelf(scale=10 ** (PRICE_DECIMALS - exponent(currency)))
    reports: list[Report] = []
    for invoice in invoices:
        door = Door.LOOTLY if invoice.local_month == invoices[0].local_month else Door.LOYALTYLION
        if invoice.is_return:
            reports.extend(_refunds(invoice, shelf, counts, door=door))
        elif (order := _order(invoice, shelf, counts, door=door, currency=currency)) is not None:
            reports.append(order)
    counts.wholly_refunded = shelf.wholly_returned()
    return OrdersFile(reports, counts)


def _order(
    invoice: Invoice, shelf: Shelf, counts: Counts, *, door: Door, currency: str
) -> OrderReport | None:
    """The invoice as an order; None for one that sells nothing."""
    sold = [line for line in invoice.lines if line.quantity > 0 and line.price > 0]
    counts.worthless_lines += len(invoice.lines) - len(sold)
    if not any(line.quantity > 0 and line.price >= 0 for line in invoice.lines):
        counts.write_offs += 1
        return None
    shopper = shopper_of(invoice)
    order = OrderReport(
        at=invoice.at,
        door=door,
        shopper=shopper,
        order_id=invoice.number,
        currency=currency,
        total_minor=shelf.minor(sum(line.quantity * line.price for line in sold)),
        shipping_minor=shelf.minor(sum(line.quantity * line.price for line in sold if line.item in SHIPPING)),
        lines=tuple(Line(line.item, line.name, line.quantity, line.price_text) for line in sold),
    )
    counts.orders += 1
    counts.guest_orders += shopper.merchant_id is None
    counts.ordered_minor += order.total_minor
    if shopper.merchant_id is not None:
        shelf.put(order, [(line.item, line.quantity, line.price) for line in sold])
    return order


def _refunds(invoice: Invoice, shelf: Shelf, counts: Counts, *, door: Door) -> Iterator[RefundReport]:
    """The refunds that the return's lines make: one for each order that they go back to."""
    returned = [line for line in invoice.lines if line.quantity < 0 and line.price > 0]
    counts.return_invoices += 1
    counts.return_lines += len(returned)
    counts.worthless_lines += len(invoice.lines) - len(returned)
    found: dict[str, Return] = {}
    for line in returned:
        match = shelf.take(invoice.customer, line.item, -line.quantity)
        if isinstance(match, Unmatched):
            counts.unmatched_lines[match] += 1
            continue
        counts.matched_lines += 1
        known = found.get(match.order.order_id)
        found[match.order.order_id] = Return(
            match.order, match.amount_minor + (known.amount_minor if known else 0)
        )
    for back in found.values():
        if back.amount_minor == 0:
            counts.worthless_refunds += 1
            continue
        counts.refunds += 1
        counts.refunded_minor += back.amount_minor
        yield RefundReport(
            at=invoice.at,
            door=door,
            shopper=back.order.shopper,
            order_id=back.order.order_id,
            refund_id=invoice.number,
            currency=back.order.currency,
            amount_minor=back.amount_minor,
        )


def shopper_of(invoice: Invoice) -> Shopper:
    """The invoice's customer, with a believable e-mail: the file has none, and guests are known by it."""
    customer = invoice.customer
    email = f"c{customer}@shop.example" if customer else f"guest-{invoice.number}@shop.example"
    return Shopper(merchant_id=customer or None, email=email, country=invoice.country or None)


def _invoices(path: Path, zone: ZoneInfo, counts: Counts) -> list[Invoice]:
    invoices: dict[str, Invoice] = {}
    for number, row in _rows(path):
        counts.lines += 1
        try:
            line = _line(row)
            invoice = invoices.get(row["InvoiceNo"])
            if invoice is None:
                invoice = invoices[row["InvoiceNo"]] = _invoice(row, zone)
        except ValueError as error:
            raise UnreadableOrders(f"{path.name}, line {number}: {error}") from None
        invoice.lines.append(line)
    if not invoices:
        raise UnreadableOrders(f"{path.name} has column names but no lines")
    counts.invoices = len(invoices)
    return list(invoices.values())


def _rows(path: Path) -> Iterator[tuple[int, dict[str, str]]]:
    """The file's rows with their line numbers. Raises UnreadableOrders for what is no such CSV."""
    try:
        with _open(path) as text:
            reader = csv.DictReader(text, restval="")
            missing = [name for name in COLUMNS if name not in (reader.fieldnames or [])]
            if missing:
                raise UnreadableOrders(f"{path.name}: the first line has no column {', '.join(missing)}")
            for row in reader:
                yield reader.line_num, row
    except (UnicodeDecodeError, gzip.BadGzipFile, EOFError, csv.Error) as error:
        raise UnreadableOrders(f"{path.name} is no CSV file in UTF-8, plain or gzipped: {error}") from None


def _open(path: Path) -> TextIO:
    if path.suffix == ".gz":
        return gzip.open(path, "rt", encoding="utf-8-sig", newline="")
    return path.open(encoding="utf-8-sig", newline="")


def _invoice(row: dict[str, str], zone: ZoneInfo) -> Invoice:
    number, date = row["InvoiceNo"], row["InvoiceDate"]
    if not number:
        raise ValueError("InvoiceNo is empty")
    try:
        local = datetime.fromisoformat(date)
    except ValueError:
        raise ValueError(f"InvoiceDate {date!r} is not like 2010-12-01T08:26:00") from None
    if local.tzinfo is None:
        local = local.replace(tzinfo=zone)
    return Invoice(number, local.astimezone(UTC), f"{local:%Y-%m}", row["CustomerID"], row["Country"], [])


def _line(row: dict[str, str]) -> InvoiceLine:
    quantity, price = row["Quantity"], row["UnitPrice"]
    if _WHOLE.fullmatch(quantity) is None:
        raise ValueError(f"Quantity {quantity!r} is not a whole number")
    found = _PRICE.fullmatch(price)
    if found is None:
        raise ValueError(f"UnitPrice {price!r} is not a plain decimal with at most {PRICE_DECIMALS} decimals")
    sign, whole, decimals = found.groups(default="")
    exact = int(f"{sign}{whole}{decimals.ljust(PRICE_DECIMALS, '0')}")
    return InvoiceLine(row["StockCode"], row["Description"], int(quantity), exact, price)
