"""Transactions: every change of points, a program's or one customer's, JSON or CSV. loyaltylion.md §1.3."""

import csv
import io
from collections.abc import Iterable
from typing import Final

from regulars.app.listings import ListedTransaction, list_transactions
from regulars.domain.book import Bucket
from regulars.doors.loyaltylion.answers import moment
from regulars.doors.loyaltylion.paging import Listing, links, parse_listing
from regulars.doors.loyaltylion.request import Request
from regulars.doors.loyaltylion.rewards import program_with
from regulars.doors.loyaltylion.shapes import RULES, change, resource_of, transaction
from regulars.doors.wire import Answer, as_json

COLUMNS: Final = (
    "id",
    "created_at",
    "customer_id",
    "customer_merchant_id",
    "customer_email",
    "points_approved",
    "points_pending",
    "resource",
    "activity_id",
    "rule_name",
    "order_merchant_id",
    "note",
    "claimed_reward_id",
)
FORMULA_STARTS: Final = ("=", "+", "-", "@", "\t", "\r")


async def get_transactions(request: Request) -> Answer:
    """GET /v2/transactions."""
    listing = parse_listing(request, pages=False, customer=True, types=True)
    return await _answer(request, listing, None)


async def get_customer_transactions(request: Request) -> Answer:
    """GET /v2/customers/{merchant_id}/transactions."""
    listing = parse_listing(request, pages=False, types=True)
    return await _answer(request, listing, request.path["merchant_id"])


async def _answer(request: Request, listing: Listing, merchant_id: str | None) -> Answer:
    rows = await list_transactions(
        request.house.database, request.program.id, listing.window(), now=request.now, merchant_id=merchant_id
    )
    page = listing.page(rows, lambda row: (row.movement.id, None))
    headers = links(request, listing, page)
    if listing.csv:
        content = (b"content-type", b"text/csv; charset=utf-8"), (b"cache-control", b"no-store")
        return Answer(200, as_csv(page.rows), content + headers)
    program = await program_with(request, (row.claim for row in page.rows if row.claim is not None))
    listed = [transaction(row, program, request.now) for row in page.rows]
    shown = {"transactions": listed, "cursor": page.cursor()}
    return as_json(shown, headers=headers)


def as_csv(rows: Iterable[ListedTransaction]) -> bytes:
    """RFC 4180, with a head line. No text can become a spreadsheet's formula."""
    text = io.StringIO(newline="")
    writer = csv.writer(text)
    writer.writerow(COLUMNS)
    for row in rows:
        movement, customer, about = row.movement, row.by.customer, row.activity
        done = about.done if about is not None else None
        name = done.name if done is not None else "$purchase" if about is not None else ""
        writer.writerow(
            (
                movement.id,
                moment(movement.recorded_at),
                customer.id,
                _plain(customer.merchant_id),
                _plain(customer.email),
                change(movement, Bucket.AVAILABLE),
                change(movement, Bucket.PENDING),
                resource_of(row),
                about.id if about is not None else "",
                name if name in RULES else "",
                _plain(about.order.merchant_id if about is not None and about.order is not None else None),
                _plain(done.note if done is not None else None),
                row.claim.id if row.claim is not None else "",
            )
        )
    return text.getvalue().encode()


def _plain(text: str | None) -> str:
    """The text; with an apostrophe before what a spreadsheet would take for a formula."""
    if text is None:
        return ""
    return f"'{text}" if text.startswith(FORMULA_STARTS) else text
