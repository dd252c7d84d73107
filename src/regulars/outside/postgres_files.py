"""Files and folders that only their owner gets into, locks on them, and names that a power cut can't undo."""

import fcntl
import os
import stat
from pathlib import Path
from typing import IO

from regulars.outside.postgres_place import PostgresFailed, Who


def make_home(home: Path) -> None:
    """Makes the data directory for its owner alone. Root's can be passed through: `db` is another user's."""
    if not home.exists():
        home.mkdir(parents=True, exist_ok=True)
        home.chmod(0o711 if os.geteuid() == 0 else 0o700)


class locked:  # noqa: N801 - it reads as a statement
    """Holds a file's lock for a block; waits for it."""

    def __init__(self, path: Path) -> None:
        self._path = path

    def __enter__(self) -> None:
        self._file = private(self._path)
        fcntl.flock(self._file, fcntl.LOCK_EX)

    def __exit__(self, *_: object) -> None:
        self._file.close()


def private(path: Path) -> IO[bytes]:
    """Opens a file to append to, for the home's owner alone, even when root makes it in somebody's home."""
    try:
        file = open(path, "ab", opener=lambda name, flags: os.open(name, flags, 0o600))  # noqa: SIM115
    except PermissionError:
        raise PostgresFailed(f"{path} can't be written: the home belongs to another user.") from None
    if os.geteuid() == 0:
        owner = path.parent.stat()
        os.fchown(file.fileno(), owner.st_uid, owner.st_gid)
    return file


def own_folder(folder: Path, who: Who) -> None:
    """Makes the folder, or makes sure of it: a folder of `who` that nobody else gets into.

    Raises PostgresFailed for one that is somebody else's, or open to others.
    """
    uid, gid = who
    try:
        folder.mkdir(mode=0o700)
        os.chown(folder, uid, gid)
    except FileExistsError:
        pass
    is_now = folder.lstat()
    if not stat.S_ISDIR(is_now.st_mode) or is_now.st_uid != uid or is_now.st_mode & 0o077:
        raise PostgresFailed(f"{folder} should be the database user's alone, and is not: remove it.")


def sync(folder: Path) -> None:
    """Has the folder's list of names written down for good."""
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
