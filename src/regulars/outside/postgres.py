"""The PostgreSQL that comes as a wheel: makes the database of a home, starts, finds and stops its server.

Only the wheel's programs are used. Whether a server runs is answered by `pg_isready`, never by a process id
in a file; who uses it is answered by locks, which the kernel forgets with the process that held them.
"""

import fcntl
import hashlib
import os
import re
import secrets
import shutil
import signal
import stat
import subprocess
import tempfile
import time
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote

from regulars.outside.postgres_place import SHARED, Place, PostgresFailed, find_place, wheel_version

__all__ = ["Embedded", "PostgresFailed"]

# What makes an acknowledged commit outlive a power cut. Given on the command line, where no file can undo it.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    "wal_compression": "on",
    "client_connection_check_interval": "1s",  # a caller who gave up leaves no one waiting for a lock
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
    "log_parameter_max_length": "0",  # values are people's data: they don't belong in a log
}

LOG_BYTES = 10_000_000
SOCKET_BYTES = 100  # a socket's whole name; the systems allow 104 to 108


class Embedded:
    """One process's hold on the server of a home. Any number of processes may hold the same one.

    After `start`, `dsn` is what asyncpg connects to, and `notes` says what a person should know, such as that
    the database had to go elsewhere. Each process makes its own object: it is useless in a forked child.
    """

    def __init__(self, home: Path, *, settings: Mapping[str, str] = {}, shared: Path = SHARED) -> None:
        if unsafe := sorted(DURABLE.keys() & settings.keys()):
            raise PostgresFailed(f"{', '.join(unsafe)}: the bundled database is always durable.")
        self.home = Path(os.path.abspath(home))  # noqa: PTH100 - links in it stay as they were given
        self.notes: tuple[str, ...] = ()
        self.dsn = ""
        self._settings = SETTINGS | dict(settings) | DURABLE
        self._shared = shared
        self._place: Place | None = None
        self._users: IO[bytes] | None = None
        self._server: subprocess.Popen[bytes] | None = None
        self._process = os.getpid()

    def start(self, patience_seconds: float = 120.0) -> str:
        """The DSN of the home's running server; makes the database and starts the server where need be.

        Raises PostgresFailed with the end of the server's log when it isn't ready in time.
        """
        self._process = os.getpid()
        make_home(self.home)
        with _locked(self.home / "db.lock"):
            self._place = find_place(self.home, shared=self._shared)
            self.notes = self._place.notes
            if self._users is None:
                self._users = _private(self._data.parent / "db.users")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                self._make_database()
                self._bring_up(patience_seconds)
            except BaseException:
                self._leave()
                raise
        self.dsn = f"postgresql://regulars@/regulars?host={quote(str(self._running_socket()))}"
        return self.dsn

    def stop(self, patience_seconds: float = 8.0) -> bool:
        """Leaves the server, and stops it when nobody else on this machine uses it. True: it has stopped.

        When an orderly stop takes longer than `patience_seconds` the rest is left to the next start's
        recovery.
        """
        if self._users is None or self._process != os.getpid():
            return False
        with _locked(self.home / "db.lock"):
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                if self._server is not None:
                    self._server.returncode = 0  # others use it, and it is no longer ours to wait for
                return False
            finally:
                self._leave()
            return self._end(signal.SIGINT, patience_seconds) or self._end(signal.SIGQUIT, 10)

    def ready(self) -> bool:
        """Whether the server takes connections at this moment."""
        if self._place is None:
            if not (self.home / "db").exists():
                return False
            self._place = find_place(self.home, shared=self._shared)
        who = ("-U", "regulars", "-d", "regulars")  # else the server's log says that our OS user is no role
        asked = self._run("pg_isready", "-q", "-p", "5432", "-t", "3", "-h", self._running_socket(), *who)
        return asked.returncode == 0

    def run_program(self, program: str, *options: str, **streams: Any) -> "subprocess.Popen[bytes]":
        """Starts one of the bundled programs, connected to the running server as its superuser."""
        where = ["--host", str(self._running_socket()), "--port", "5432", "--username", "regulars"]
        return subprocess.Popen(
            [self._found.programs / program, *where, *options],
            cwd="/",
            env=_environment(),
            **streams,
            **self._who,
        )

    def set_aside(self, name: str) -> Path | None:
        """Renames the database of this home to `name`, so that the next start makes a new one.

        Answers what it is called now, None when there was none. Where `db` is a link it is the link that is
        renamed. Raises PostgresFailed while somebody uses the database.
        """
        data = self.home / "db"
        if not data.is_symlink() and not data.exists():
            return None
        with _locked(self.home / "db.lock"):
            self._place = find_place(self.home, shared=self._shared)
            with _private(self._data.parent / "db.users") as users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise PostgresFailed(f"{data} is in use: stop the server first.") from None
                if not self._end(signal.SIGINT, 30):
                    raise PostgresFailed(f"The server of {data} does not stop.")
                aside = self.home / name
                data.rename(aside)
                _sync(self.home)
            self._place = None
        return aside

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    # -- making and starting

    def _make_database(self) -> None:
        """Makes the database beside its place and moves it there whole: there is never half of one."""
        data = self._data
        if data.exists():
            self._check_version()
            return
        # A making that was killed may have left a process that goes on writing: never the same folder twice.
        for remains in data.parent.glob("db.new-*"):
            shutil.rmtree(remains, ignore_errors=True)
        fresh = data.with_name(f"db.new-{secrets.token_hex(4)}")
        self._own(fresh)
        options = ["--username=regulars", "--auth=trust", "--encoding=UTF8", "--locale-provider=builtin"]
        options += ["--locale=C.UTF-8", "--data-checksums", "--no-instructions"]
        made = self._run("initdb", "-D", fresh, *options)
        if made.returncode:
            raise PostgresFailed(f"The database could not be made in {data.parent}:\n{made.stdout}")
        made = self._run("postgres", "--single", "-D", fresh, "template1", feed="create database regulars\n")
        if made.returncode or "ERROR" in made.stdout:
            raise PostgresFailed(f"The database could not be made in {data.parent}:\n{made.stdout}")
        fresh.rename(data)
        link = self.home / "db"
        if not link.exists():
            link.symlink_to(data)
        # A rename that a power cut undid would cost everything that was acknowledged since.
        for folder in {data.parent, data.parent.parent, self.home, self.home.parent}:
            _sync(folder)

    def _check_version(self) -> None:
        ours = wheel_version().split(".")[0]
        try:
            theirs = (self._data / "PG_VERSION").read_text().strip()
        except OSError as error:
            raise PostgresFailed(f"{self._data} is there, but is no database ({error.strerror}).") from None
        if theirs != ours:
            raise PostgresFailed(
                f"The database in {self._data} was made by PostgreSQL {theirs}, and this version of "
                f"Regulars brings PostgreSQL {ours}. Go back to the version of Regulars that you had, save "
                "everything with `regulars backup FILE`, and bring it back with this version: "
                "`regulars restore FILE --replace`. Or set REGULARS_DATABASE_URL to a server of your own."
            )

    def _bring_up(self, patience_seconds: float) -> None:
        log = self._data.with_name("db.log")
        end = time.monotonic() + patience_seconds
        failures = 0
        began = 0
        socket = self._socket_folder()
        while not self.ready():
            if time.monotonic() > end:
                raise PostgresFailed(f"PostgreSQL was not ready in time:\n{_tail(log, began)}")
            if self._server is not None and self._server.poll() is not None:
                self._server = None
                # Connections of a server that was killed hold its shared memory for a moment.
                failures += "shared memory block" not in _tail(log, began)
                if failures >= 3:
                    raise PostgresFailed(f"PostgreSQL does not start:\n{_tail(log, began)}")
            if self._server is None and self._postmaster() is None:
                self._take_over_stale_files(socket)
                began = self._launch(log, socket)
            time.sleep(0.05)

    def _launch(self, log: Path, socket: Path) -> int:
        """Starts the server, without waiting for it. Returns where in the log it begins to write."""
        if log.exists() and log.stat().st_size > LOG_BYTES:
            log.replace(log.with_name("db.log.1"))
        quoted = '"' + str(socket).replace('"', '""') + '"'
        options = [f"--{name}={value}" for name, value in self._settings.items()]
        options.append(f"--unix_socket_directories={quoted}")
        with _private(log) as output:
            began = output.seek(0, os.SEEK_END)
            self._server = subprocess.Popen(
                [self._found.programs / "postgres", "-D", self._data, *options],
                stdin=subprocess.DEVNULL,
                stdout=output,
                stderr=output,
                cwd="/",
                env=_environment(),
                start_new_session=True,
                **self._who,
            )
        return began

    def _take_over_stale_files(self, socket: Path) -> None:
        """Puts our process id into lock files that a killed server left behind.

        PostgreSQL accepts its parent's id there, whereas the id as it stands may by now be another process's.
        Deleting the file instead would lose its seventh line, by which PostgreSQL knows orphaned connections
        of the old server.
        """
        for path in (self._data / "postmaster.pid", socket / ".s.PGSQL.5432.lock"):
            if path.exists():
                lines = path.read_text(errors="replace").split("\n")
                with path.open("r+") as file:  # in place: once emptied it may not fit on a full disk any more
                    file.write("\n".join([str(os.getpid()), *lines[1:]]))
                    file.truncate()

    # -- stopping

    def _end(self, how: signal.Signals, patience_seconds: float) -> bool:
        end = time.monotonic() + patience_seconds
        if pid := self._postmaster():
            os.kill(pid, how)
        while self._postmaster() is not None:
            if time.monotonic() > end:
                return False
            time.sleep(0.02)
        if self._server is not None:
            self._server.wait()
            self._server = None
        return True

    def _leave(self) -> None:
        if self._users is not None:
            self._users.close()
            self._users = None

    # -- looking

    @property
    def _found(self) -> Place:
        if self._place is None:
            raise AssertionError
        return self._place

    @property
    def _data(self) -> Path:
        return self._found.data

    @property
    def _who(self) -> dict[str, Any]:
        return self._found.who.popen()

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
                return pid if (folder / "cwd").samefile(self._data) else None
            except PermissionError:  # containers may keep root from looking into other users' processes
                words = (folder / "cmdline").read_bytes().split(b"\0")
                return pid if os.fsencode(self._data) in words else None
        except OSError:
            return None

    def _pid_file(self) -> list[str]:
        try:
            return (self._data / "postmaster.pid").read_text(errors="replace").split("\n")
        except OSError:
            return []

    def _running_socket(self) -> Path:
        """The socket's folder as the server wrote it down (line 5), so that another TMPDIR doesn't matter."""
        lines = self._pid_file()
        if len(lines) > 5 and lines[4].startswith("/"):
            return Path(lines[4])
        return self._socket_folder()

    def _socket_folder(self) -> Path:
        """A private folder for the socket: the database's own, or another where that is too long or odd."""
        if _fits(self._data):
            return self._data
        who = self._found.who
        name = f"regulars-{who.uid}-{hashlib.sha256(os.fsencode(self._data)).hexdigest()[:12]}"
        for parent in (tempfile.gettempdir(), "/tmp"):  # noqa: S108 - `_own` makes sure that it is ours alone
            folder = Path(parent, name)
            if _fits(folder):
                self._own(folder)
                return folder
        raise PostgresFailed(
            f"The path {self._data} is too long for a socket, and so is that for temporary files."
        )

    def _own(self, folder: Path) -> None:
        """Makes the folder, or makes sure of it: a folder of the server's user that nobody else gets into."""
        uid, gid = self._found.who
        try:
            folder.mkdir(mode=0o700)
            os.chown(folder, uid, gid)
        except FileExistsError:
            pass
        is_now = folder.lstat()
        if not stat.S_ISDIR(is_now.st_mode) or is_now.st_uid != uid or is_now.st_mode & 0o077:
            raise PostgresFailed(f"{folder} should be the database user's alone, and is not: remove it.")

    def _run(self, program: str, *options: str | Path, feed: str = "") -> subprocess.CompletedProcess[str]:
        return subprocess.run(
            [self._found.programs / program, *options],
            check=False,
            cwd="/",
            env=_environment(),
            input=feed,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            errors="replace",
            **self._who,
        )


def make_home(home: Path) -> None:
    """Makes the data directory for its owner alone. Root's can be passed through: `db` is another user's."""
    if not home.exists():
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)


class _locked:  # noqa: N801 - it reads as a statement
    """Holds a file's lock for a block; waits for it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._file = _private(self._path)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def _private(path: Path) -> IO[bytes]:
    """Opens a file to append to, for the home's owner alone, even when root makes it in somebody's home."""
    try:
        file = open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
    except PermissionError:
        raise PostgresFailed(f"{path} can't be written: the home belongs to another user.") from None
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
    return file


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


def _sync(folder: Path) -> None:
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
