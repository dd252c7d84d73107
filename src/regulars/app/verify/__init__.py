"""`regulars verify`: recomputes the book of every program and checks its invariants, beside a server."""

from regulars.app.verify.report import INVARIANTS, Checked, Report, Violation, as_json, lines
from regulars.app.verify.run import verify

__all__ = ["INVARIANTS", "Checked", "Report", "Violation", "as_json", "lines", "verify"]
