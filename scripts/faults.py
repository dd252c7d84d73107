"""Runs the long forms of the fault tests one after the other, each within a time limit.

`make faults` calls it. What came of it is in tests/faults/RESULTS.md after each part, so that a run that
is ended early has said something, too.
"""

import argparse
import os
import platform
import re
import signal
import subprocess
import sys
import tempfile
import time
import xml.etree.ElementTree as ET
from collections.abc import Iterator
from datetime import UTC, datetime
from pathlib import Path
from typing import NamedTuple

ROOT = Path(__file__).resolve().parent.parent
RESULTS = ROOT / "tests/faults/RESULTS.md"
PYTEST = (sys.executable, "-m", "pytest", "-p", "no:xdist", "-p", "no:cacheprovider", "-m", "long")
NOT_SEEN = re.compile(r"---|\d{4}-\d\d-\d\d \d\d:\d\d:\d\d \[")
"""Of what a test printed, pytest's headings and our own log."""
LEAVE_SECONDS = 60.0
"""What a part has for stopping its servers once its time is up."""


class Case(NamedTuple):
    """One test of a part. `seen`: what it printed."""

    name: str
    result: str
    seconds: float
    seen: str


class Part(NamedTuple):
    name: str
    cases: list[Case]
    seconds: float
    log: Path

    @property
    def is_well(self) -> bool:
        return bool(self.cases) and all(case.result in ("passed", "skipped") for case in self.cases)


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--limit", type=float, default=1200, help="seconds for one part")
    parser.add_argument("--list", action="store_true", help="say which parts there are, and run none")
    asked, options = parser.parse_known_args()
    names = list(parts(options))
    if not names:
        print("No test was chosen.")
        return 1
    if asked.list:
        print("\n".join(names))
        return 0
    where, minutes = RESULTS.relative_to(ROOT), asked.limit / 60
    print(f"{len(names)} parts, at most {minutes:.0f} minutes each. Results: {where}")
    began, folder = time.monotonic(), Path(tempfile.mkdtemp(prefix="regulars-faults-"))
    done: list[Part] = []
    for number, name in enumerate(names, start=1):
        print(f"[{number}/{len(names)}] {name} ...", flush=True)
        done.append(run(name, options, folder / f"{number}.log", asked.limit))
        for line in told(done[-1]):
            print(line, flush=True)
        RESULTS.write_text(report(done, len(names), time.monotonic() - began))
    failed = [part.name for part in done if not part.is_well]
    minutes = (time.monotonic() - began) / 60
    print(f"\n{len(done) - len(failed)} of {len(done)} parts are well, after {minutes:.0f} minutes.")
    for name in failed:
        print(f"not well: {name}")
    return 1 if failed else 0


def parts(options: list[str]) -> Iterator[str]:
    """The test functions of tests/faults that have a long form, each a part, whatever its parameters; of
    other folders the whole files, as their tests share what is costly to make."""
    found = subprocess.run(
        [*PYTEST, "--collect-only", "-q", *options, "tests"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        check=False,
    )
    if found.returncode not in (0, 5):
        sys.exit(found.stdout + found.stderr)
    seen: set[str] = set()
    for line in found.stdout.splitlines():
        name = line.partition("[")[0].strip()
        if not name.startswith("tests/faults/"):
            name = name.partition("::")[0] if "::" in name else ""
        if name.startswith("tests/") and name not in seen:
            seen.add(name)
            yield name


def run(name: str, options: list[str], log: Path, limit: float) -> Part:
    """One part in a process of its own, which is ended when its time is up."""
    results = log.with_suffix(".xml")
    words = [*PYTEST, "-q", f"--junitxml={results}", "-o", "junit_logging=system-out", *options, name]
    began = time.monotonic()
    with log.open("w") as output:
        process = subprocess.Popen(words, cwd=ROOT, stdout=output, stderr=output, start_new_session=True)
        try:
            process.wait(limit)
        except subprocess.TimeoutExpired:
            end(process)
        except KeyboardInterrupt:
            end(process)
            raise
    seconds = time.monotonic() - began
    cases = list(read(results)) if results.exists() else []
    if seconds >= limit:
        cases.append(Case(name.rpartition("::")[2], f"not done in {limit:.0f} s", seconds, ""))
    return Part(name, cases, seconds, log)


def end(process: "subprocess.Popen[bytes]") -> None:
    """As Ctrl-C would, so that it stops what it has started; by force when that takes too long."""
    process.send_signal(signal.SIGINT)
    try:
        process.wait(LEAVE_SECONDS)
    except subprocess.TimeoutExpired:
        os.killpg(process.pid, signal.SIGKILL)
        process.wait()


def read(results: Path) -> Iterator[Case]:
    for case in ET.parse(results).getroot().iter("testcase"):
        bad = next((kind for kind in ("failure", "error", "skipped") if case.find(kind) is not None), None)
        result = {"failure": "FAILED", "error": "FAILED", "skipped": "skipped"}.get(bad or "", "passed")
        lines = (case.findtext("system-out") or "").splitlines()
        seen = "; ".join(line.strip() for line in lines if line.strip() and not NOT_SEEN.match(line))
        yield Case(case.get("name", "?"), result, float(case.get("time", 0)), seen[:600])


def told(part: Part) -> Iterator[str]:
    for case in part.cases:
        yield f"    {case.result}, {case.seconds:.0f} s: {case.name}" + (
            f" ({case.seen})" if case.seen else ""
        )
    if not part.is_well:
        yield f"    what it said: {part.log}"
        yield from (f"    | {line}" for line in part.log.read_text(errors="replace").splitlines()[-30:])


def report(done: list[Part], number: int, seconds: float) -> str:
    """The results as a page."""
    well = sum(part.is_well for part in done)
    machine = f"{os.cpu_count()} processors, {platform.system()}"
    lines = [
        "# What `make faults` gave",
        "",
        f"{datetime.now(UTC):%d %B %Y, %H:%M} UTC, on {machine}.",
        f"{well} parts of {len(done)} well, {number - len(done)} not run, {seconds / 60:.0f} minutes.",
        "",
        "| test | result | seconds | seen |",
        "|---|---|---|---|",
    ]
    for part in done:
        for case in part.cases or [Case(part.name, "FAILED to start", part.seconds, "")]:
            seen = case.seen.replace("|", "\\|")
            lines.append(f"| {case.name} | {case.result} | {case.seconds:.0f} | {seen} |")
    return "\n".join(lines) + "\n"


if __name__ == "__main__":
    sys.exit(main())
