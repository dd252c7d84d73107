"""The PostgreSQL that comes as a wheel: makes the database of a home, starts, finds and stops its server.

Only the wheel's programs are used. Who uses a server is answered by locks, which the kernel forgets with the
process that held them.
"""

import fcntl
import os
import secrets
import shutil
import signal
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import IO, Any, Self
from urllib.parse import quote

from regulars.outside.postgres_files import locked, make_home, own_folder, private, sync
from regulars.outside.postgres_place import SHARED, PostgresFailed, find_place, wheel_version
from regulars.outside.postgres_server import Server

__all__ = ["Embedded", "PostgresFailed"]

# What makes an acknowledged commit outlive a power cut. Given on the command line, where no file can undo it.
DURABLE = {"fsync": "on", "synchronous_commit": "on", "full_page_writes": "on"}

SETTINGS = {
    "listen_addresses": "",
    "port": "5432",
    "unix_socket_permissions": "0700",
    "max_connections": "100",
    "shared_buffers": "256MB",
    # Whoever holds the server starts it again. Its own restart can come to a standstill for good: when the
    # recovery fails too (a full disk) in the very moment in which it is announced to the postmaster.
    "restart_after_crash": "off",
    "client_connection_check_interval": "1s",  # a caller who gave up leaves no one waiting for a lock
    "timezone": "UTC",
    "log_timezone": "UTC",
    "log_min_duration_statement": "1000",
    "log_parameter_max_length": "0",  # values are people's data: they don't belong in a log
}


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
        self._server: Server | None = None
        self._users: IO[bytes] | None = None
        self._process = os.getpid()

    def start(self, patience_seconds: float = 120.0) -> str:
        """The DSN of the home's running server; makes the database and starts the server where need be.

        Raises PostgresFailed with the end of the server's log when it isn't ready in time.
        """
        self._process = os.getpid()
        make_home(self.home)
        with locked(self.home / "db.lock"):
            server = self._find()
            self.notes = server.place.notes
            if self._users is None:
                self._users = private(server.place.data.parent / "db.users")
            fcntl.flock(self._users, fcntl.LOCK_SH)
            try:
                self._make_database(server)
                server.bring_up(patience_seconds)
            except BaseException:
                self._leave()
                raise
        self.dsn = f"postgresql://regulars@/regulars?host={quote(str(server.running_socket()))}"
        return self.dsn

    def stop(self, patience_seconds: float = 8.0) -> bool:
        """Leaves the server, and stops it when nobody else on this machine uses it. True: it has stopped.

        When an orderly stop takes longer than `patience_seconds` the rest is left to the next start's
        recovery.
        """
        if self._users is None or self._server is None or self._process != os.getpid():
            return False
        with locked(self.home / "db.lock"):
            try:
                fcntl.flock(self._users, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                self._server.disown()
                return False
            finally:
                self._leave()
            return self._server.end(signal.SIGINT, patience_seconds) or self._server.end(signal.SIGQUIT, 10)

    def ready(self) -> bool:
        """Whether the server takes connections at this moment."""
        if self._server is None and not (self.home / "db").exists():
            return False
        return (self._server or self._find()).ready()

    def run_program(self, program: str, *options: str, **streams: Any) -> "subprocess.Popen[bytes]":
        """Starts one of the bundled programs, connected to the running server as its superuser."""
        assert self._server is not None, "start() comes first"
        return self._server.run_program(program, *options, **streams)

    def set_aside(self, name: str) -> Path | None:
        """Renames the database of this home to `name`, so that the next start makes a new one.

        Answers what it is called now, None when there was none. Where `db` is a link it is the link that is
        renamed. Raises PostgresFailed while somebody uses the database.
        """
        data = self.home / "db"
        if not data.is_symlink() and not data.exists():
            return None
        with locked(self.home / "db.lock"):
            server = self._find()
            with private(server.place.data.parent / "db.users") as users:
                try:
                    fcntl.flock(users, fcntl.LOCK_EX | fcntl.LOCK_NB)
                except BlockingIOError:
                    raise PostgresFailed(f"{data} is in use: stop the server first.") from None
                if not server.end(signal.SIGINT, 30):
                    raise PostgresFailed(f"The server of {data} does not stop.")
                aside = self.home / name
                data.rename(aside)
                sync(self.home)
            self._server = None
        return aside

    def __enter__(self) -> Self:
        self.start()
        return self

    def __exit__(self, *_: object) -> None:
        self.stop()

    def _find(self) -> Server:
        """The server of the home's database, wherever that lies by now."""
        place = find_place(self.home, shared=self._shared)
        if self._server is None:
            self._server = Server(place, self._settings)
        self._server.place = place
        return self._server

    def _make_database(self, server: Server) -> None:
        """Makes the database beside its place and moves it there whole: there is never half of one."""
        data = server.place.data
        if data.exists():
            _check_version(data)
            return
        # A making that was killed may have left a process that goes on writing: never the same folder twice.
        for remains in data.parent.glob("db.new-*"):
            shutil.rmtree(remains, ignore_errors=True)
        fresh = data.with_name(f"db.new-{secrets.token_hex(4)}")
        own_folder(fresh, server.place.who)
        options = ["--username=regulars", "--auth=trust", "--encoding=UTF8", "--locale-provider=builtin"]
        options += ["--locale=C.UTF-8", "--data-checksums", "--no-instructions"]
        made = server.run("initdb", "-D", fresh, *options)
        if made.returncode:
            raise PostgresFailed(f"The database could not be made in {data.parent}:\n{made.stdout}")
        made = server.run("postgres", "--single", "-D", fresh, "template1", feed="create database regulars\n")
        if made.returncode or "ERROR" in made.stdout:
            raise PostgresFailed(f"The database could not be made in {data.parent}:\n{made.stdout}")
        fresh.rename(data)
        link = self.home / "db"
        if not link.exists():
            link.symlink_to(data)
        # A rename that a power cut undid would cost everything that was acknowledged since.
        for folder in {data.parent, data.parent.parent, self.home, self.home.parent}:
            sync(folder)

    def _leave(self) -> None:
        if self._users is not None:
            self._users.close()
            self._users = None


def _check_version(data: Path) -> None:
    ours = wheel_version().split(".")[0]
    try:
        theirs = (data / "PG_VERSION").read_text().strip()
    except OSError as error:
        raise PostgresFailed(f"{data} is there, but is no database ({error.strerror}).") from None
    if theirs != ours:
        raise PostgresFailed(
            f"The database in {data} was made by PostgreSQL {theirs}, and this version of "
            f"Regulars brings PostgreSQL {ours}. Go back to the version of Regulars that you had, save "
            "everything with `regulars backup FILE`, and bring it back with this version: "
            "`regulars restore FILE --replace`. Or set REGULARS_DATABASE_URL to a server of your own."
        )
