"""Says in plain sentences what a file of orders held, what was sent, and what could not be matched."""

from regulars.demo.orders_file import Counts
from regulars.demo.replay import Summary
from regulars.domain.money import format_amount


def said_of_file(counts: Counts, currency: str) -> list[str]:
    """What was found in the file; money in `currency`."""
    ordered = format_amount(counts.ordered_minor, currency)
    refunded = format_amount(counts.refunded_minor, currency)
    guests, write_offs = f"{counts.guest_orders:,} of guests", f"{counts.write_offs:,} that sell nothing"
    matched = f"{counts.matched_lines:,} matched to an order, as {counts.refunds:,} refunds"
    said = [
        f"{counts.lines:,} lines, {counts.worthless_lines:,} of which move no money.",
        f"{counts.invoices:,} invoices: {counts.orders:,} orders ({guests}), {write_offs}.",
        f"Orders come to {ordered} {currency}; {counts.wholly_refunded:,} were wholly returned.",
        f"{counts.return_invoices:,} returns of {counts.return_lines:,} lines: {matched}.",
        f"Refunds come to {refunded} {currency}.",
    ]
    for reason, lines in counts.unmatched_lines.items():
        if lines:
            said.append(f"Not matched ({reason}): {lines:,} lines.")
    return said


def said_of_sending(sent: Summary) -> list[str]:
    """What was sent, and the first few answers that were refusals."""
    kinds = ", ".join(f"{number:,} {kind}" for kind, number in sent.sent.items())
    return [f"Sent in {sent.seconds:.0f} s: {kinds}. Refused: {sent.refused:,}.", *sent.problems]
