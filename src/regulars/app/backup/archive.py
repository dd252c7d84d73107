"""The file: a tar with the dump, the manifest, and the SHA-256 of both. Other programs can open it, too."""

import hashlib
import os
import secrets
import tarfile
from collections.abc import Callable, Iterable, Iterator
from contextlib import contextmanager
from io import BytesIO
from pathlib import Path
from typing import IO, Final

import msgspec

from regulars.app.backup.manifest import FORMAT, Manifest

DUMP: Final = "database.dump"
MANIFEST: Final = "manifest.json"
SUMS: Final = "SHA256SUMS"
"""As `sha256sum --check` reads it."""

BLOCK: Final = 1 << 20
SMALL_BYTES: Final = 100_000_000


class BadBackup(ValueError):
    """The file can't be restored; the message says why."""


def write_archive(
    path: Path, dump: Iterable[bytes], manifest: Manifest, progress: Callable[[int], None]
) -> int:
    """Writes the file whole, for its owner alone, or not at all. Answers its size in bytes.

    `progress` is told the bytes of the dump so far. Raises FileExistsError rather than replace a file.
    """
    if path.exists():
        raise FileExistsError(0, "There is a file of that name already", str(path))
    part = path.with_name(f"{path.name}.{secrets.token_hex(4)}.part")
    descriptor = os.open(part, os.O_RDWR | os.O_CREAT | os.O_EXCL, 0o600)
    try:
        with os.fdopen(descriptor, "w+b") as file:
            digest = _write_dump(file, dump, progress)
            text = msgspec.json.format(msgspec.json.encode(manifest), indent=2)
            sums = f"{digest}  {DUMP}\n{hashlib.sha256(text).hexdigest()}  {MANIFEST}\n".encode()
            with tarfile.open(fileobj=file, mode="w", format=tarfile.GNU_FORMAT) as tar:
                for name, content in ((MANIFEST, text), (SUMS, sums)):
                    tar.addfile(_member(name, len(content)), BytesIO(content))
            size = file.seek(0, os.SEEK_END)
            file.flush()
            os.fsync(file.fileno())
        part.rename(path)
    except BaseException:
        part.unlink(missing_ok=True)
        raise
    return size


def _write_dump(file: IO[bytes], dump: Iterable[bytes], progress: Callable[[int], None]) -> str:
    """Writes the first member, whose header can only be filled in when its length is known."""
    digest, size = hashlib.sha256(), 0
    file.write(bytes(tarfile.BLOCKSIZE))
    for block in dump:
        digest.update(block)
        file.write(block)
        size += len(block)
        progress(size)
    file.write(bytes(-size % tarfile.BLOCKSIZE))
    end = file.tell()
    file.seek(0)
    file.write(_member(DUMP, size).tobuf(tarfile.GNU_FORMAT))
    file.seek(end)
    return digest.hexdigest()


def _member(name: str, size: int) -> tarfile.TarInfo:
    member = tarfile.TarInfo(name)
    member.size, member.mode = size, 0o600
    return member


@contextmanager
def open_archive(path: Path) -> Iterator[tuple[Manifest, IO[bytes]]]:
    """The manifest and the dump of a file that is whole. Raises BadBackup when one byte of them differs."""
    try:
        with tarfile.open(path, "r:") as tar:
            members = {member.name: member for member in tar}
            if list(members) != [DUMP, MANIFEST, SUMS] or not all(m.isreg() for m in members.values()):
                raise BadBackup(f"{path} is no backup of Regulars, or it was cut short.")
            sums = _small(tar, members[SUMS])
            text = _small(tar, members[MANIFEST])
            digests = (_digest(_open(tar, members[DUMP])), hashlib.sha256(text).hexdigest())
            if sums != f"{digests[0]}  {DUMP}\n{digests[1]}  {MANIFEST}\n".encode():
                raise BadBackup(f"{path} is damaged: its checksums don't fit what is in it.")
            yield _manifest(path, text), _open(tar, members[DUMP])
    except (tarfile.TarError, EOFError) as error:
        raise BadBackup(f"{path} is no backup of Regulars, or it was cut short ({error}).") from None


def _manifest(path: Path, text: bytes) -> Manifest:
    try:
        said = msgspec.json.decode(text, type=dict[str, msgspec.Raw])
        if msgspec.json.decode(said["format"]) != FORMAT:
            raise BadBackup(
                f"{path} was made by another version of Regulars, whose backups this one can't read."
            )
        return msgspec.json.decode(text, type=Manifest)
    except (msgspec.DecodeError, KeyError) as error:
        raise BadBackup(f"{path} does not say what is in it: {error}.") from None


def _open(tar: tarfile.TarFile, member: tarfile.TarInfo) -> IO[bytes]:
    file = tar.extractfile(member)
    assert file is not None
    return file


def _small(tar: tarfile.TarFile, member: tarfile.TarInfo) -> bytes:
    if member.size > SMALL_BYTES:
        raise tarfile.ReadError(f"{member.name} is too long")
    return _open(tar, member).read()


def _digest(file: IO[bytes]) -> str:
    digest = hashlib.sha256()
    while block := file.read(BLOCK):
        digest.update(block)
    return digest.hexdigest()
