"""What a verification found: for a program that reads JSON, and for a person."""

from collections.abc import Iterable
from datetime import datetime
from typing import Final

import msgspec

SHOWN: Final = 20
"""Violations of one invariant that are kept for each program; all are counted."""

INVARIANTS: Final = {
    "V01": "Balances equal the sums of their movements, and every customer has one",
    "V02": "Open lots equal the available balance, or a deficit stands instead; pending lots the pending one",
    "V03": "Every movement has its customer, cause and decision, and is one that the book allows",
    "V04": "Each rule gave at most once, and an order what its frozen rule gives for its frozen amount",
    "V05": "What was taken back for an order is what its refunds, cancellation and payment say",
    "V06": "Every order that earns has its points or a reason why not; no points are without their order",
    "V07": "Lots go from pending to available, once, not before their time",
    "V08": "No lot is used beyond its size, and all that was drawn is paid for by lots or a deficit",
    "V09": "Ids and times run forward, none is missing, and none is from the future",
    "V10": "The hash chain over the movements is unbroken and ends in the program's head",
    "V11": "There is one event for each change, and none without one",
    "V12": "No row names a row that its program does not have",
    "V13": "Amounts are in range, and refunds in the currency of their order",
    "V14": "Whatever has an identity is there once",
    "V15": "All points issued are pending, available, redeemed, expired, reversed or adjusted",
    "V16": "A claimed reward took exactly its cost, once, from points that were there",
    "V17": "A code belongs to one claimed reward at most, and each that needs a code has one",
    "V18": "No code is lost or comes twice, and stored stocks equal what is counted",
    "V19": "What was cancelled or expired gave back what it had to, once; a used code is tied to its order",
    "V20": "Nothing was claimed beyond a reward's limits, stock and dates",
    "V25": "What staff did stands in the audit log with who and why, and that log is whole",
    "V26": "No secret is in clear; who was erased leaves no text behind, and loses no movement",
    "V27": "Whoever was merged has nothing any more, and stays with whom their merge names",
}


class Violation(msgspec.Struct, frozen=True, kw_only=True):
    """What is wrong, where, and what it had to be. `program_id` may be one that does not exist (V12)."""

    invariant: str
    program_id: int
    subject: str
    saw: str
    expected: str


class Checked(msgspec.Struct, frozen=True, kw_only=True):
    """A program that was checked, and how much of it. `chain`: the head's hash, to be kept with a backup."""

    program_id: int
    name: str
    movements: int
    orders: int
    customers: int
    chain: str


class Report(msgspec.Struct, frozen=True, kw_only=True):
    """`violated` counts all, by invariant; `violations` has the first of each program and invariant."""

    checked_at: datetime
    took_seconds: float
    programs: list[Checked]
    violated: dict[str, int]
    violations: list[Violation]

    @property
    def is_clean(self) -> bool:
        return not self.violated


class Tally:
    """Collects violations: counts them all, keeps the first few of each program and invariant."""

    def __init__(self) -> None:
        self.violated: dict[str, int] = {}
        self.violations: list[Violation] = []
        self._kept: dict[tuple[int, str], int] = {}

    def add(self, invariant: str, program_id: int, subject: str, saw: object, expected: object) -> None:
        self.count(invariant, 1)
        self.keep(invariant, program_id, subject, saw, expected)

    def count(self, invariant: str, number: int) -> None:
        if number:
            self.violated[invariant] = self.violated.get(invariant, 0) + number

    def keep(self, invariant: str, program_id: int, subject: str, saw: object, expected: object) -> None:
        kept = self._kept[program_id, invariant] = self._kept.get((program_id, invariant), 0) + 1
        if kept <= SHOWN:
            self.violations.append(
                Violation(
                    invariant=invariant,
                    program_id=program_id,
                    subject=subject,
                    saw=str(saw),
                    expected=str(expected),
                )
            )


def as_json(report: Report) -> str:
    """The report as one JSON object: `clean`, then the fields of Report."""
    return msgspec.json.encode({"clean": report.is_clean} | msgspec.structs.asdict(report)).decode()


def lines(report: Report) -> list[str]:
    """The report as plain text: what was checked, what is violated, and a last line that sums it up."""
    said = [_checked(program) for program in report.programs]
    for invariant in sorted(report.violated):
        number = report.violated[invariant]
        found = [violation for violation in report.violations if violation.invariant == invariant]
        said += ["", f"{invariant} is violated {_times(number)}. {INVARIANTS[invariant]}:"]
        said += _table(found)
        if number > len(found):
            said.append(f"  … and {number - len(found):,} more")
    return [*said, "", _summary(report)]


def _checked(program: Checked) -> str:
    return (
        f"Program {program.program_id}, {program.name}: {program.movements:,} movements, "
        f"{program.orders:,} orders, {program.customers:,} customers; the chain ends in {program.chain[:16]}…"
    )


def _table(found: Iterable[Violation]) -> list[str]:
    rows = [("program", "where", "seen", "expected")]
    rows += [(str(item.program_id), item.subject, item.saw, item.expected) for item in found]
    widths = [max(len(row[column]) for row in rows) for column in range(3)]
    return [
        "  " + "  ".join(text.ljust(width) for text, width in zip(row, [*widths, 0], strict=True))
        for row in rows
    ]


def _times(number: int) -> str:
    return "once" if number == 1 else f"{number:,} times"


def _summary(report: Report) -> str:
    number = len(report.programs)
    checked = (
        f"Checked {number:,} program{'' if number == 1 else 's'} "
        f"in {report.took_seconds:.1f} s at {report.checked_at:%Y-%m-%d %H:%M:%S} UTC"
    )
    if report.is_clean:
        return f"{checked}: clean, all of {_named(INVARIANTS)} hold."
    return f"{checked}: {len(report.violated)} of the invariants {_named(INVARIANTS)} violated."


def _named(invariants: Iterable[str]) -> str:
    """ "V01 to V20 and V25": the numbers that follow one another as one."""
    runs: list[list[int]] = []
    for number in sorted(int(invariant[1:]) for invariant in invariants):
        if runs and number == runs[-1][-1] + 1:
            runs[-1].append(number)
        else:
            runs.append([number])
    return " and ".join(f"V{run[0]:02d} to V{run[-1]:02d}" if run[1:] else f"V{run[0]:02d}" for run in runs)
