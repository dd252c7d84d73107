"""The two load generators: pgbench for the work that we compare with, wrk for HTTP."""

import json
import re
import resource
import shutil
import subprocess
import time
from pathlib import Path
from typing import Any, NamedTuple
from urllib.parse import urlencode

import usage
from place import Place, Server
from proof import Sent

from regulars.doors.lootly.signature import sign

HERE = Path(__file__).parent
CLIENTS = 8
CONNECTIONS = 256
READERS = 64
THREADS = 2
DRAIN_SECONDS = 2
"""How long the last answers get after no more is sent; the server's own deadline is 3 s, rarely needed."""


class Shares(NamedTuple):
    """Processor seconds of each, and idle ones, while load was sent for `seconds`."""

    server: float
    postgres: float
    load: float
    idle: float
    seconds: float

    @property
    def others(self) -> float:
        """What else ran on this machine; the system's own work, such as interrupts, counts here too."""
        known = self.server + self.postgres + self.load + self.idle
        return max(0.0, self.seconds * usage.PROCESSORS - known)


class Measured(NamedTuple):
    """`rate`: orders a second; `orders`: all that were taken. Times in ms, None where they aren't known."""

    rate: float
    orders: int
    p50_ms: float
    p99_ms: float | None
    shares: Shares
    refused: int = 0
    broken: int = 0


class _Meter:
    """Processor time from its making to `shares()`; the load generator's comes from its own accounting."""

    def __init__(self, place: Place, server: Server) -> None:
        self._pids = server.pid, place.postmaster
        self._before = self._read()

    def _read(self) -> tuple[float, float, float, float]:
        server, postgres = self._pids
        return (
            time.monotonic(),
            usage.processor_seconds(server),
            usage.processor_seconds(postgres),
            usage.idle_seconds(),
        )

    def shares(self, load_seconds: float, busy_seconds: float) -> Shares:
        """`busy_seconds`: how long load was sent; what is idle after that is left out."""
        after = self._read()
        passed, server, postgres, idle = (b - a for a, b in zip(self._before, after, strict=True))
        idle -= max(0.0, passed - busy_seconds) * usage.PROCESSORS
        return Shares(server, postgres, load_seconds, max(0.0, idle), busy_seconds)


def run_pgbench(place: Place, server: Server, seconds: int) -> Measured:
    """The comparison's transactions a second, with 8 clients on 2 threads."""
    socket = (place.home / "db").resolve()
    script = str(HERE / "pgbench_order.sql")
    work = ["-n", "-M", "prepared", "-f", script, "-c", str(CLIENTS), "-j", "2", "-T", str(seconds)]
    where = ["-h", str(socket), "-U", "regulars", "pgbench"]
    meter = _Meter(place, server)
    printed, load_seconds = _run([str(place.programs / "pgbench"), *work, *where])
    rate = re.search(r"tps = ([0-9.]+) ", printed)
    latency = re.search(r"latency average = ([0-9.]+) ms", printed)
    if rate is None or latency is None:
        raise RuntimeError(f"pgbench said nothing that can be read:\n{printed}")
    shares = meter.shares(load_seconds, seconds)
    return Measured(float(rate[1]), int(float(rate[1]) * seconds), float(latency[1]), None, shares)


def run_wrk(
    place: Place, server: Server, what: str, name: str, seconds: int, *arguments: str
) -> tuple[Measured, Sent]:
    """Orders over HTTP at 256 connections; and which orders were sent. See load.lua for the arguments.

    Each connection waits for its answer before it sends the next order, so of all that were answered one for
    each connection came after the time was over: these are not counted in the rate.
    """
    return _wrk(place, server, what, name, CONNECTIONS, [str(seconds), *arguments])


def _wrk(
    place: Place, server: Server, what: str, name: str, connections: int, arguments: list[str]
) -> tuple[Measured, Sent]:
    seconds = int(arguments[0])
    fixed = [f"-c{connections}", f"-t{THREADS}", f"-d{seconds + DRAIN_SECONDS}s", "--timeout", "10s"]
    meter = _Meter(place, server)
    printed, load_seconds = _run(
        ["wrk", *fixed, "-s", str(HERE / "load.lua"), server.url, "--", what, name, *arguments]
    )
    shares = meter.shares(load_seconds, seconds)
    said: dict[str, Any] = json.loads(printed.splitlines()[-1])
    if said["ran_out"]:
        raise RuntimeError("there were too few prepared bodies")
    acknowledged = said["answered"] - said["refused"]
    rate = max(0, acknowledged - connections) / seconds
    p50, p99 = said["p50_us"] / 1000, said["p99_us"] / 1000
    measured = Measured(rate, acknowledged, p50, p99, shares, said["refused"], said["broken"])
    return measured, Sent(name, said["sent"], acknowledged)


def run_reads(place: Place, server: Server, seconds: int, *, customers: int) -> Measured:
    """Balance reads of customers taken at random, signed as a shop's server signs them, at 64 connections."""
    keys = place.keys
    signed = sign({"key": keys["lootly_api_key"]}, keys["lootly_api_secret"])
    query = urlencode({"key": keys["lootly_api_key"], "hmac": signed})
    arguments = [str(seconds), str(customers), query]
    measured, _ = _wrk(place, server, "balances", "reads", READERS, arguments)
    return measured


def has_wrk() -> bool:
    return shutil.which("wrk") is not None


def _run(command: list[str]) -> tuple[str, float]:
    """What it printed, and the processor seconds that it took. Raises RuntimeError when it fails."""
    before = resource.getrusage(resource.RUSAGE_CHILDREN)
    done = subprocess.run(command, check=False, text=True, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    after = resource.getrusage(resource.RUSAGE_CHILDREN)
    if done.returncode:
        raise RuntimeError(f"{command[0]} failed:\n{done.stdout[-2000:]}")
    return done.stdout, after.ru_utime + after.ru_stime - before.ru_utime - before.ru_stime
