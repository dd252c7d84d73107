"""What processes use, read from /proc: processor time of a tree of processes, and its largest memory."""

import os
import time
from pathlib import Path

PROCESSORS = len(os.sched_getaffinity(0))
TICKS_A_SECOND = os.sysconf("SC_CLK_TCK")


def processor_seconds(root: int) -> float:
    """Processor time of a process, all that it started and started these, the ended ones included."""
    ticks = 0
    for pid in tree(root):
        fields = _stat(pid)
        if fields:
            ticks += sum(int(field) for field in fields[11:15])  # its own, and that of children that ended
    return ticks / TICKS_A_SECOND


def largest_memory_mb(root: int) -> float:
    """The most memory that the process and its descendants had in use, each at its own peak, in MB."""
    kilobytes = 0
    for pid in tree(root):
        try:
            lines = Path(f"/proc/{pid}/status").read_text().splitlines()
        except OSError:
            continue
        kilobytes += sum(int(line.split()[1]) for line in lines if line.startswith("VmHWM:"))
    return kilobytes / 1000


def idle_seconds() -> float:
    """How long the machine's processors have been idle in all, waiting for the disk included."""
    fields = Path("/proc/stat").read_text().splitlines()[0].split()
    return (int(fields[4]) + int(fields[5])) / TICKS_A_SECOND


def idle_share(seconds: float) -> float:
    """The part of all processor time that is idle in the next `seconds`."""
    before = idle_seconds()
    time.sleep(seconds)
    return (idle_seconds() - before) / (seconds * PROCESSORS)


def tree(root: int) -> set[int]:
    """The process and its living descendants."""
    children: dict[int, list[int]] = {}
    for entry in Path("/proc").iterdir():
        if entry.name.isdigit() and (fields := _stat(int(entry.name))):
            children.setdefault(int(fields[1]), []).append(int(entry.name))
    found: set[int] = set()
    waiting = [root]
    while waiting:
        pid = waiting.pop()
        if pid not in found:
            found.add(pid)
            waiting += children.get(pid, [])
    return found


def _stat(pid: int) -> list[str]:
    """The fields of /proc/PID/stat after the name, which may hold blanks; none when it is gone."""
    try:
        return Path(f"/proc/{pid}/stat").read_text().rsplit(")", 1)[1].split()
    except OSError:
        return []


def processor() -> str:
    """The processor's model, and how many there are."""
    for line in Path("/proc/cpuinfo").read_text().splitlines():
        if line.startswith("model name"):
            return f"{PROCESSORS} × {line.split(':', 1)[1].strip()}"
    return f"{PROCESSORS} processors"
