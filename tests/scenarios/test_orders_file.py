"""Reading a shop's invoice lines: what becomes an order, what a refund, and what is said of the rest."""

import gzip
from datetime import UTC, datetime
from pathlib import Path

import pytest

from regulars.demo.orders_file import OrdersFile, UnreadableOrders, read_orders_file
from regulars.demo.reports import Door, OrderReport, RefundReport
from regulars.demo.returns import Unmatched

HEAD = "InvoiceNo,StockCode,Description,Quantity,InvoiceDate,UnitPrice,CustomerID,Country"


def read(folder: Path, *lines: str, name: str = "orders.csv") -> OrdersFile:
    """The lines `invoice,item,quantity,time,price,customer` as a file, read. A bare time is on 1 December."""
    path = folder / name
    path.write_text("\n".join([HEAD, *map(full, lines)]) + "\n", encoding="utf-8")
    return read_orders_file(path)


def full(line: str) -> str:
    invoice, item, quantity, when, price, customer = line.split(",")
    when = when if "T" in when else f"2010-12-01T{when}:00"
    return f"{invoice},{item},A nice thing,{quantity},{when},{price},{customer},France"


def orders(file: OrdersFile) -> list[OrderReport]:
    return [report for report in file.reports if isinstance(report, OrderReport)]


def refunds(file: OrdersFile) -> list[RefundReport]:
    return [report for report in file.reports if isinstance(report, RefundReport)]


def test_an_invoice_is_one_order_rounded_once(tmp_path: Path) -> None:
    file = read(tmp_path, "1,PADS,3,08:26,0.335,17850", "1,CUP,1,08:26,2.55,17850", "1,POST,1,08:26,18,17850")
    (order,) = orders(file)
    assert order.order_id == "1"
    assert order.total_minor == 2156  # 1.005 + 2.55 + 18 = 21.555, and not 1.01 + 2.55 + 18
    assert order.shipping_minor == 1800
    assert order.shopper.merchant_id == "17850"
    assert order.shopper.email == "c17850@shop.example"
    assert [(line.item, line.quantity, line.price) for line in order.lines] == [
        ("PADS", 3, "0.335"),
        ("CUP", 1, "2.55"),
        ("POST", 1, "18"),
    ]


def test_a_guest_is_known_by_an_email_of_the_invoice(tmp_path: Path) -> None:
    file = read(tmp_path, "1,CUP,1,08:26,2.55,")
    (order,) = orders(file)
    assert order.shopper.merchant_id is None
    assert order.shopper.email == "guest-1@shop.example"
    assert file.counts.guest_orders == 1


def test_what_sells_nothing_is_no_order_but_a_free_gift_is_one(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "1,CUP,-5,08:26,0,",
        "2,CUP,1,08:30,0,17850",
        "3,B,1,08:31,-11062.06,",
        "4,CUP,1,08:32,1.5,7",
    )
    assert [(order.order_id, order.total_minor) for order in orders(file)] == [("2", 0), ("4", 150)]
    assert file.counts.write_offs == 2
    assert file.counts.worthless_lines == 3


def test_a_correction_inside_an_order_counts_for_nothing(tmp_path: Path) -> None:
    file = read(tmp_path, "1,CUP,2,08:26,2.50,7", "1,CUP,-1,08:26,2.50,7", "1,D,1,08:26,-1.00,7")
    assert orders(file)[0].total_minor == 500
    assert file.counts.worthless_lines == 2


def test_times_are_british_and_reports_come_in_their_order(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "2,CUP,1,2011-06-01T10:00:00,1,7",
        "1,CUP,1,2011-01-31T23:30:00,1,7",
        "3,CUP,1,2011-06-01T10:00:00,1,8",
    )
    assert [(order.order_id, order.at) for order in orders(file)] == [
        ("1", datetime(2011, 1, 31, 23, 30, tzinfo=UTC)),
        ("2", datetime(2011, 6, 1, 9, 0, tzinfo=UTC)),
        ("3", datetime(2011, 6, 1, 9, 0, tzinfo=UTC)),
    ]
    assert [order.door for order in orders(file)] == [Door.LOOTLY, Door.LOYALTYLION, Door.LOYALTYLION]


def test_a_return_goes_to_the_latest_order_that_still_holds_as_many(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "1,CUP,6,08:00,2.00,7",
        "2,CUP,3,09:00,3.00,7",
        "3,CUP,9,09:30,9.00,8",
        "C4,CUP,-2,10:00,5.00,7",
        "C5,CUP,-2,11:00,5.00,7",
        "6,CUP,9,12:00,4.00,7",
    )
    back = [(refund.order_id, refund.refund_id, refund.amount_minor) for refund in refunds(file)]
    assert back == [("2", "C4", 600), ("1", "C5", 400)]  # at the order's price, not at the return's


def test_a_wholly_returned_order_gives_back_its_total_to_the_penny(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "1,PADS,1,08:00,0.335,7",
        "1,PADS,1,08:00,0.334,7",
        "1,PADS,1,08:00,0.336,7",
        *(f"C{n},PADS,-1,09:0{n},0.335,7" for n in range(3)),
    )
    assert orders(file)[0].total_minor == 101
    assert [refund.amount_minor for refund in refunds(file)] == [34, 33, 34]  # 0.335, then 0.669, then 1.005
    assert file.counts.wholly_refunded == 1


def test_lines_of_one_return_to_one_order_are_one_refund(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "1,CUP,1,08:00,2.00,7",
        "2,TEA,1,09:00,3.00,7",
        "2,MUG,1,09:00,5.00,7",
        "C3,TEA,-1,10:00,3.00,7",
        "C3,CUP,-1,10:00,2.00,7",
        "C3,MUG,-1,10:00,5.00,7",
    )
    back = [(refund.order_id, refund.refund_id, refund.amount_minor) for refund in refunds(file)]
    assert back == [("2", "C3", 800), ("1", "C3", 200)]
    assert file.counts.matched_lines == 3 and file.counts.refunds == 2


def test_what_cannot_be_matched_is_counted_with_its_reason(tmp_path: Path) -> None:
    file = read(
        tmp_path,
        "C1,CUP,-1,07:00,2.00,7",
        "2,CUP,2,08:00,2.00,7",
        "3,CUP,2,08:00,2.00,",
        "C4,TEA,-1,09:00,2.00,7",
        "C5,CUP,-3,09:00,2.00,7",
        "C6,CUP,-1,09:00,2.00,",
        "C7,CUP,-1,09:00,0,7",
    )
    assert refunds(file) == []
    assert file.counts.unmatched_lines == dict.fromkeys(Unmatched, 1)
    assert file.counts.return_lines == 4 and file.counts.return_invoices == 5


def test_a_gzipped_file_reads_the_same(tmp_path: Path) -> None:
    plain = read(tmp_path, "1,CUP,1,08:26,2.55,7")
    packed = tmp_path / "orders.csv.gz"
    packed.write_bytes(gzip.compress((tmp_path / "orders.csv").read_bytes()))
    assert read_orders_file(packed) == plain


@pytest.mark.parametrize(
    ("line", "problem"),
    [
        ("1,CUP,one,08:26,2.55,7", "line 2: Quantity 'one' is not a whole number"),
        ("1,CUP,1,08:26,1e5,7", "line 2: UnitPrice '1e5' is not a plain decimal"),
        ("1,CUP,1,2010-13-01T08:26:00,2.55,7", "line 2: InvoiceDate '2010-13-01T08:26:00' is not like"),
        (",CUP,1,08:26,2.55,7", "line 2: InvoiceNo is empty"),
    ],
)
def test_a_line_that_cannot_be_read_stops_it_all(tmp_path: Path, line: str, problem: str) -> None:
    with pytest.raises(UnreadableOrders, match=problem):
        read(tmp_path, line)


def test_a_file_of_something_else_is_refused_in_plain_words(tmp_path: Path) -> None:
    other = tmp_path / "other.csv"
    other.write_text("id,total\n1,2\n")
    with pytest.raises(UnreadableOrders, match="the first line has no column InvoiceNo, StockCode"):
        read_orders_file(other)
    other.write_bytes(b"\xff\xfe\x00")
    with pytest.raises(UnreadableOrders, match="no CSV file in UTF-8"):
        read_orders_file(other)
    packed = tmp_path / "other.csv.gz"
    packed.write_bytes(b"not gzip")
    with pytest.raises(UnreadableOrders, match="no CSV file in UTF-8"):
        read_orders_file(packed)
    with pytest.raises(UnreadableOrders, match="column names but no lines"):
        read(tmp_path)
