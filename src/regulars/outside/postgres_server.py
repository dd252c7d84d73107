"""The server of one database: starts its process, finds the one that is there already, and stops it.

Whether it runs is answered by `pg_isready`, never by a process id in a file.
"""

import hashlib
import os
import re
import signal
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import Any

from regulars.outside.postgres_files import own_folder, private
from regulars.outside.postgres_place import Place, PostgresFailed

LOG_BYTES = 10_000_000
SOCKET_BYTES = 100  # a socket's whole name; the systems allow 104 to 108


class Server:
    """The server of the database in `place`, with these settings; the process may be anybody's child."""

    def __init__(self, place: Place, settings: Mapping[str, str]) -> None:
        self.place = place
        self._settings = settings
        self._child: subprocess.Popen[bytes] | None = None

    def ready(self) -> bool:
        """Whether it takes connections at this moment."""
        who = ("-U", "regulars", "-d", "regulars")  # else the server's log says that our OS user is no role
        asked = self.run("pg_isready", "-q", "-p", "5432", "-t", "3", "-h", self.running_socket(), *who)
        return asked.returncode == 0

    def run_program(self, program: str, *options: str, **streams: Any) -> "subprocess.Popen[bytes]":
        """Starts one of the bundled programs, connected to the running server as its superuser."""
        where = ["--host", str(self.running_socket()), "--port", "5432", "--username", "regulars"]
        return subprocess.Popen(
            [self.place.programs / program, *where, *options],
            cwd="/",
            env=_environment(),
            **streams,
            **self.place.who.popen(),
        )

    def disown(self) -> None:
        """Others use it: the process is no longer ours to wait for."""
        if self._child is not None:
            self._child.returncode = 0

    def bring_up(self, patience_seconds: float) -> None:
        """Starts it where need be, and waits until it takes connections. Raises PostgresFailed."""
        log = self.place.data.with_name("db.log")
        end = time.monotonic() + patience_seconds
        failures = 0
        began = 0
        socket = self._socket_folder()
        while not self.ready():
            if time.monotonic() > end:
                raise PostgresFailed(f"PostgreSQL was not ready in time:\n{_tail(log, began)}")
            if self._child is not None and self._child.poll() is not None:
                self._child = None
                # Connections of a server that was killed hold its shared memory for a moment.
                failures += "shared memory block" not in _tail(log, began)
                if failures >= 3:
                    raise PostgresFailed(f"PostgreSQL does not start:\n{_tail(log, began)}")
            if self._child is None and self._postmaster() is None:
                self._take_over_stale_files(socket)
                began = self._launch(log, socket)
            time.sleep(0.05)

    def end(self, how: signal.Signals, patience_seconds: float) -> bool:
        """Tells it to stop. Whether it has, or there was none."""
        end = time.monotonic() + patience_seconds
        if pid := self._postmaster():
            os.kill(pid, how)
        while self._postmaster() is not None:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        if self._child is not None:
            self._child.wait()
            self._child = None
        return True

    def running_socket(self) -> Path:
        """The socket's folder as the server wrote it down (line 5), so that another TMPDIR doesn't matter."""
        lines = self._pid_file()
        if len(lines) > 5 and lines[4].startswith("/"):
            return Path(lines[4])
        return self._socket_folder()

    def run(self, program: str, *options: str | Path, feed: str = "") -> subprocess.CompletedProcess[str]:
        """What one of the bundled programs answered, fed with a text; all that it said is in `stdout`."""
        return subprocess.run(
            [self.place.programs / program, *options],
            check=False,
            cwd="/",
            env=_environment(),
            input=feed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **self.place.who.popen(),
        )

    def _launch(self, log: Path, socket: Path) -> int:
        """Starts the server, without waiting for it. Returns where in the log it begins to write."""
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_name("db.log.1"))
        quoted = '"' + str(socket).replace('"', '""') + '"'
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        options.append(f"--unix_socket_directories={quoted}")
        with private(log) as output:
            began = output.seek(0, os.SEEK_END)
            self._child = subprocess.Popen(
                [self.place.programs / "postgres", "-D", self.place.data, *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                **self.place.who.popen(),
            )
        return began

    def _take_over_stale_files(self, socket: Path) -> None:
        """Puts our process id into lock files that a killed server left behind.

        PostgreSQL accepts its parent's id there, whereas the id as it stands may by now be another process's.
        Deleting the file instead would lose its seventh line, by which PostgreSQL knows orphaned connections
        of the old server.
        """
        for path in (self.place.data / "postmaster.pid", socket / ".s.PGSQL.5432.lock"):
            if path.exists():
                lines = path.read_text(errors="replace").split("\n")
                with path.open("r+") as file:  # in place: once emptied it may not fit on a full disk any more
                    file.write("\n".join([str(os.getpid()), *lines[1:]]))
                    file.truncate()

    def _postmaster(self) -> int | None:
        """The id of the process that really serves this database; None: there is none."""
        lines = self._pid_file()
        if not lines or not lines[0].isdigit() or not (pid := int(lines[0])):
            return None
        if not Path("/proc/self").exists():
            return pid if self.ready() else None  # elsewhere than on Linux the rest is left to PostgreSQL
        folder = Path(f"/proc/{pid}")
        try:
            if (folder / "stat").read_text().rsplit(")", 1)[1].split()[0] == "Z":
                return None
            try:
                return pid if (folder / "cwd").samefile(self.place.data) else None
            except PermissionError:  # containers may keep root from looking into other users' processes
                words = (folder / "cmdline").read_bytes().split(b"\0")
                return pid if os.fsencode(self.place.data) in words else None
        except OSError:
            return None

    def _pid_file(self) -> list[str]:
        try:
            return (self.place.data / "postmaster.pid").read_text(errors="replace").split("\n")
        except OSError:
            return []

    def _socket_folder(self) -> Path:
        """A private folder for the socket: the database's own, or another where that is too long or odd."""
        if _fits(self.place.data):
            return self.place.data
        who = self.place.who
        name = f"regulars-{who.uid}-{hashlib.sha256(os.fsencode(self.place.data)).hexdigest()[:12]}"
        for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - `own_folder` makes sure of it
            folder = Path(parent, name)
            if _fits(folder):
                own_folder(folder, who)
                return folder
        raise PostgresFailed(
            f"The path {self.place.data} is too long for a socket, and so is that for temporary files."
        )


def _environment() -> dict[str, str]:
    """Ours without PostgreSQL's own variables: a PGPORT of somebody's shell must not move the server."""
    return {name: value for name, value in os.environ.items() if not name.startswith("PG")} | {"LC_ALL": "C"}


def _fits(folder: Path) -> bool:
    plain = re.fullmatch(r"[\w./ +=~-]+", str(folder)) is not None  # a comma would separate two folders
    return plain and len(os.fsencode(folder / ".s.PGSQL.5432")) <= SOCKET_BYTES


def _tail(log: Path, began: int) -> str:
    try:
        with log.open("rb") as file:
            file.seek(max(began, log.stat().st_size - 2000))
            return file.read().decode(errors="replace")
    except OSError:
        return ""
