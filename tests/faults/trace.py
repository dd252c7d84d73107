"""What processes ask of the kernel, and when, as strace sees it: what was read, synced and sent, in order."""

import contextlib
import re
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import NamedTuple

READS = "read,readv,recvfrom,recvmsg"
WRITES = "write,writev,sendto,sendmsg"
SYNCS = "fsync,fdatasync"
ATTACH_SECONDS = 20.0

_LINE = re.compile(r"^(\d+) +(\d+\.\d+) (.*)$")
_WHOLE = re.compile(r"^(\w+)\((.*) = (-?\d+|\?)[^<=]*<(\d+\.\d+)>$", re.DOTALL)
_UNFINISHED = re.compile(r"^(\w+)\((.*) <unfinished \.\.\.>$", re.DOTALL)
_RESUMED = re.compile(r"^<\.\.\. (\w+) resumed>(.*) = (-?\d+|\?)[^<=]*<(\d+\.\d+)>$", re.DOTALL)


class Cannot(Exception):
    """strace is not here, or this machine does not let it look."""


class Syscall(NamedTuple):
    """`said`: its arguments as strace writes them. Times are seconds of the system's clock."""

    pid: int
    name: str
    said: str
    result: int
    began: float
    ended: float


class Trace:
    """`calls` is filled when the block of `traced` ends, in the order in which they ended."""

    def __init__(self) -> None:
        self.calls: list[Syscall] = []

    def syncs(self, folder: str) -> list[Syscall]:
        """The syncs of files in a folder of that name, which did not fail."""
        found = (call for call in self.calls if call.name in SYNCS.split(",") and call.result == 0)
        return [call for call in found if f"/{folder}/" in call.said]


@contextlib.contextmanager
def traced(pids: Sequence[int]) -> Iterator[Trace]:
    """Looks at these processes, their threads and the children that they make, for the length of the block.

    Raises Cannot.
    """
    if shutil.which("strace") is None:
        raise Cannot("strace is not installed (Debian: apt-get install strace)")
    trace = Trace()
    with tempfile.TemporaryDirectory(prefix="strace-") as folder:
        path = Path(folder, "trace")
        process = _attach(pids, path)
        try:
            yield trace
        finally:
            process.send_signal(signal.SIGINT)  # it lets go of them, and they go on
            process.communicate(timeout=ATTACH_SECONDS)
        trace.calls = list(parse(path.read_text(errors="replace").splitlines()))


def _attach(pids: Sequence[int], path: Path) -> subprocess.Popen[str]:
    """An strace that has hold of all of them. Again when one of them has just ended, as a helper may."""
    wanted = f"trace={READS},{WRITES},{SYNCS}"
    options = ["-f", "-ttt", "-T", "-y", "-s", "600", "-e", wanted, "-e", "signal=none", "-o", str(path)]
    said = ""
    for _ in range(3):
        living = [pid for pid in pids if Path(f"/proc/{pid}").exists()]
        named = [part for pid in living for part in ("-p", str(pid))]
        process = subprocess.Popen(["strace", *options, *named], stderr=subprocess.PIPE, text=True)
        end = time.monotonic() + ATTACH_SECONDS
        while process.poll() is None:
            if all(_is_traced(pid) for pid in living):
                return process
            if time.monotonic() > end:
                process.kill()
            time.sleep(0.02)
        said = process.communicate()[1]
    raise Cannot(f"strace can't look at other processes here: {said[:200]}")


def _is_traced(pid: int) -> bool:
    with contextlib.suppress(OSError):
        return "\nTracerPid:\t0\n" not in Path(f"/proc/{pid}/status").read_text()
    return True  # it has ended


def parse(lines: Sequence[str]) -> Iterator[Syscall]:
    """The calls that came back, whether strace wrote them in one line or in two."""
    begun: dict[tuple[int, str], tuple[float, str]] = {}
    for line in lines:
        if (parts := _LINE.match(line)) is None:
            continue
        pid, at, text = int(parts[1]), float(parts[2]), parts[3]
        if (unfinished := _UNFINISHED.match(text)) is not None:
            begun[pid, unfinished[1]] = at, unfinished[2]
        elif (resumed := _RESUMED.match(text)) is not None:
            began, said = begun.pop((pid, resumed[1]), (at, ""))
            yield Syscall(pid, resumed[1], said + resumed[2], _number(resumed[3]), began, at)
        elif (whole := _WHOLE.match(text)) is not None:
            yield Syscall(pid, whole[1], whole[2], _number(whole[3]), at, at + float(whole[4]))


def _number(result: str) -> int:
    return -1 if result == "?" else int(result)
