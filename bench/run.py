"""Measures durable orders a second over HTTP on this machine, beside pgbench on the same database server.

Three rounds in turn: pgbench's order transaction, orders by the REST API, signed webhooks. Then balance reads
and redeems. At the end every acknowledged order is looked for in the book, and `regulars verify` must be
clean.
"""

import argparse
import asyncio
import contextlib
import os
import shutil
import signal
import statistics
import subprocess
import sys
import time
from collections.abc import Iterator
from pathlib import Path
from typing import NamedTuple

import usage
from bodies import write_bodies
from load import READERS, THREADS, Measured, has_wrk, run_pgbench, run_reads, run_wrk
from place import Place, Server, a_place, enrol_customers, make_pgbench_database, regulars, run_sql, serving
from proof import Findings, Sent, compare, send_doubles
from redeems import CLIENTS, measure_redeems

OTHERS_ALLOWED = 0.3
"""Of one processor. On a quiet machine the system's own work for the load takes about half as much."""
QUIET = 0.9
"""Of all processor time idle: nothing else is at work."""
SPARE = 1.6
"""Prepared webhooks for each order that the REST API took in the same time."""


class Round(NamedTuple):
    pgbench: Measured
    orders: Measured
    hooks: Measured


class Bench:
    """A place, a server in it, and what was sent so far."""

    def __init__(self, place: Place, server: Server, asked: argparse.Namespace) -> None:
        self.place, self.server, self.asked = place, server, asked
        self.sent: list[Sent] = []

    def round(self, number: int) -> Round:
        self._settle()
        pgbench = run_pgbench(self.place, self.server, self.asked.seconds)
        print(line(f"{number}  pgbench, 8 clients", pgbench))
        orders = self.orders(f"o{number}")
        print(line("   POST /v2/orders", orders, pgbench))
        hooks = self.hooks(f"h{number}", orders.rate)
        print(line("   signed webhooks", hooks, pgbench))
        return Round(pgbench, orders, hooks)

    def orders(self, name: str) -> Measured:
        self._settle()
        arguments = [str(self.asked.customers), *(shop["api_token"] for shop in self.place.shops)]
        return self._sent(run_wrk(self.place, self.server, "orders", name, self.asked.seconds, *arguments))

    def hooks(self, name: str, rate: float) -> Measured:
        path = self.place.home / "bodies"
        each = int(rate * SPARE * self.asked.seconds / THREADS) + 5000
        shops = self.place.shops
        signing = [{"key": shop["lootly_api_key"], "secret": shop["lootly_api_secret"]} for shop in shops]
        write_bodies(path, name, threads=THREADS, each=each, customers=self.asked.customers, signing=signing)
        self._settle()
        return self._sent(run_wrk(self.place, self.server, "hooks", name, self.asked.seconds, str(path)))

    def reads(self) -> bool:
        """Shows the rate of balance reads. Whether each was answered."""
        self._settle()
        reads = run_reads(self.place, self.server, self.asked.seconds, customers=self.asked.customers)
        print(f"\nBalances at {READERS} connections: {reads.rate:,.0f} a second, {waits(reads)}")
        return not (reads.refused or reads.broken)

    def redeems(self) -> bool:
        """Shows the rate of redeems. Whether each that was acknowledged stands in the book."""
        self._settle()
        asked = self.asked
        done = asyncio.run(
            measure_redeems(self.place, self.server, customers=asked.customers, seconds=asked.seconds)
        )
        print(
            f"Redeems at {CLIENTS} connections: {done.rate:,.0f} a second, p50 {done.p50_ms:.0f} ms, "
            f"p99 {done.p99_ms:.0f} ms; {done.acknowledged:,} acknowledged, {done.refused} refused, "
            f"{done.lost} lost"
        )
        return not (done.refused or done.lost)

    def _sent(self, done: tuple[Measured, Sent]) -> Measured:
        self.sent.append(done[1])
        return done[0]

    def _settle(self) -> None:
        """Each run begins just after a checkpoint, so that none pays for another's; in quiet, if asked."""
        asyncio.run(run_sql(self.place, ["checkpoint"]))
        end = time.monotonic() + self.asked.patience
        while time.monotonic() < end and usage.idle_share(1.0) < QUIET:
            pass


def main() -> None:
    asked = arguments()
    if not has_wrk():
        sys.exit("wrk makes the load and is not here. On Debian and Ubuntu: apt-get install wrk")
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))  # unwinds, which stops all that was started
    print(f"{usage.processor()}; load average {os.getloadavg()[0]:.2f} before the start")
    with a_place(asked.folder, shops=asked.programs) as place:
        asyncio.run(prepare(place, asked))
        with serving(place, workers=asked.workers) as server:
            bench = Bench(place, server, asked)
            print(HEAD)
            rounds = [bench.round(number) for number in range(1, asked.rounds + 1)]
            show_medians(rounds)
            warn_of_others(rounds)
            clean = bench.reads() & bench.redeems()
            print(f"Memory of the server: {usage.largest_memory_mb(server.pid):.0f} MB at most")
            if asked.profile is not None:
                profile(bench, rounds[-1].orders.rate)
            doubles = asyncio.run(send_doubles(place, server.url))
        findings = asyncio.run(compare(place, bench.sent, others=doubles))
        clean &= show_findings(findings, doubles) & verified(place)
    sys.exit(0 if clean else 1)


def arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    option = parser.add_argument
    option("--rounds", type=int, default=3, help="how many (3)")
    option("--seconds", type=int, default=6, help="how long each run takes (6)")
    option("--workers", type=int, default=1, help="the server's processes (1)")
    option("--programs", type=int, default=1, help="whom the orders go to in turn (1)")
    option("--customers", type=int, default=100_000, help="members of each before the first order (100000)")
    option("--patience", type=int, default=0, help="seconds to wait for a quiet machine before each run (0)")
    option("--quick", action="store_true", help="one round of 2 seconds, 5,000 customers")
    option("--profile", type=Path, metavar="DIR", help="at the end, put py-spy's flame graphs there")
    option("--folder", type=Path, metavar="DIR", help="make the database there, not in the temporary folder")
    asked = parser.parse_args()
    if asked.quick:
        asked.rounds, asked.seconds, asked.customers = 1, 2, 5000
    if asked.profile is not None and shutil.which("py-spy", path=search_path()) is None:
        parser.error("--profile needs py-spy; `make setup-dev` brings it")
    return asked


async def prepare(place: Place, asked: argparse.Namespace) -> None:
    """Both databases with their customers, vacuumed and analysed alike."""
    began = time.monotonic()
    await make_pgbench_database(place)
    await enrol_customers(place, asked.customers)
    await run_sql(place, ["vacuum analyze"])
    print(f"{asked.customers:,} customers enrolled in {time.monotonic() - began:.0f} s")


HEAD = (
    f"\n{'':<51}{'processors in %':>19}{'':13}{'µs an order':>15}\n"
    f"{'round':<22}{'a second':>9}{'ratio':>6}{'p50 ms':>7}{'p99':>5}"
    f"{'server':>9}{'postgres':>9}{'load':>6}{'others':>7}{'idle':>5}{'server':>8}{'postgres':>9}"
)
"""Processors: 100 is one of them, busy all the time. µs an order: processor time."""


def line(title: str, measured: Measured, base: Measured | None = None) -> str:
    ratio = f"{measured.rate / base.rate:.2f}" if base is not None else ""
    p99 = f"{measured.p99_ms:.0f}" if measured.p99_ms is not None else ""
    shares = measured.shares
    percent, each = 100 / shares.seconds, 1_000_000 / max(measured.orders, 1)
    trouble = f"  {measured.refused} refused" * bool(measured.refused)
    trouble += f"  {measured.broken} connections broken" * bool(measured.broken)
    return (
        f"{title:<22}{measured.rate:>9,.0f}{ratio:>6}{measured.p50_ms:>7.1f}{p99:>5}"
        f"{shares.server * percent:>9.0f}{shares.postgres * percent:>9.0f}"
        f"{shares.load * percent:>6.0f}{shares.others * percent:>7.0f}{shares.idle * percent:>5.0f}"
        f"{shares.server * each:>8.0f}{shares.postgres * each:>9.0f}{trouble}"
    )


def show_medians(rounds: list[Round]) -> None:
    compared = statistics.median(each.pgbench.rate for each in rounds)
    print(f"\nMedian of {len(rounds)}: pgbench {compared:,.0f} transactions a second")
    show_median("POST /v2/orders", [(each.orders, each.pgbench) for each in rounds])
    show_median("signed webhooks", [(each.hooks, each.pgbench) for each in rounds])


def waits(measured: Measured) -> str:
    return f"p50 {measured.p50_ms:.1f} ms, p99 {measured.p99_ms or 0.0:.1f} ms"


def warn_of_others(rounds: list[Round]) -> None:
    """Says so when the machine was not ours alone: then the figures are too low, and the ratio is off."""
    runs = [run for each in rounds for run in each]
    busiest = max(run.shares.others / run.shares.seconds for run in runs)
    if busiest > OTHERS_ALLOWED:
        print(f"The machine was not quiet: up to {busiest:.0%} of a processor went to something else.")


def show_median(title: str, runs: list[tuple[Measured, Measured]]) -> None:
    """One door's medians; the ratio's is of the rounds' own ratios."""
    rate = statistics.median(run.rate for run, _ in runs)
    ratio = statistics.median(run.rate / pgbench.rate for run, pgbench in runs)
    p50 = statistics.median(run.p50_ms for run, _ in runs)
    p99 = statistics.median(run.p99_ms or 0.0 for run, _ in runs)
    print(f"  {title}: {rate:,.0f} a second, ratio {ratio:.2f}, p50 {p50:.0f} ms, p99 {p99:.0f} ms")


def profile(bench: Bench, rate: float) -> None:
    """One more run of each under py-spy; its figures don't count."""
    folder: Path = bench.asked.profile
    folder.mkdir(parents=True, exist_ok=True)
    with spying(bench, folder / "orders.svg"):
        bench.orders("op")
    with spying(bench, folder / "hooks.svg"):
        bench.hooks("hp", rate)
    print(f"Flame graphs: {folder / 'orders.svg'} and {folder / 'hooks.svg'}")


@contextlib.contextmanager
def spying(bench: Bench, file: Path) -> Iterator[None]:
    watch = ["py-spy", "record", "--pid", str(bench.server.pid), "--subprocesses", "--rate", "200"]
    length = ["--duration", str(bench.asked.seconds), "--output", str(file)]
    quiet = subprocess.DEVNULL
    spy = subprocess.Popen(
        [*watch, *length], env={**os.environ, "PATH": search_path()}, stdout=quiet, stderr=quiet
    )
    try:
        yield
    finally:
        spy.wait(60)


def search_path() -> str:
    return os.pathsep.join([str(Path(sys.executable).parent), os.environ.get("PATH", "")])


def show_findings(findings: Findings, doubles: int) -> bool:
    print(
        f"\n{findings.acknowledged:,} orders acknowledged, {findings.found:,} of them in the book: "
        f"{findings.lost} lost, {findings.doubled} doubled, {findings.strange} too many, "
        f"{findings.wrong_points} with wrong points. {doubles} more were sent five times at once."
    )
    return findings.is_clean


def verified(place: Place) -> bool:
    """Whether `regulars verify` finds nothing."""
    began = time.monotonic()
    try:
        print(regulars(place.home, "verify").rstrip())
    except subprocess.CalledProcessError as failed:
        print(failed.stdout)
        return False
    finally:
        print(f"regulars verify took {time.monotonic() - began:.0f} s")
    return True


if __name__ == "__main__":
    main()
