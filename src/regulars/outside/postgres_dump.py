"""The bundled `pg_dump` and `pg_restore`, fed and drained as streams: no second copy lies on the disk."""

import contextlib
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from typing import IO, Final

from regulars.outside.postgres import Embedded
from regulars.outside.postgres_place import PostgresFailed

DATABASE: Final = "regulars"
LOCK_PATIENCE: Final = "30s"
SAID_BYTES: Final = 2000
BLOCK_BYTES: Final = 1 << 20


def dumped(server: Embedded, snapshot: str) -> Iterator[bytes]:
    """The whole database as `pg_dump` writes it (custom format), as of an exported snapshot, block by block.

    Raises PostgresFailed at the end when it did not succeed.
    """
    options = ["--format=custom", "--compress=gzip:5", f"--snapshot={snapshot}", "--no-owner", "--no-acl"]
    options += [f"--lock-wait-timeout={LOCK_PATIENCE}", DATABASE]
    with tempfile.TemporaryFile() as said:
        process = server.run_program("pg_dump", *options, stdout=subprocess.PIPE, stderr=said)
        assert process.stdout is not None
        try:
            while block := process.stdout.read(BLOCK_BYTES):
                yield block
            _end(process, said, "The database could not be saved")
        finally:
            _stop(process)


def restore_dump(server: Embedded, dump: IO[bytes]) -> None:
    """Brings what `dumped` gave into a server's empty database, all or nothing. Raises PostgresFailed."""
    options = ["--single-transaction", "--exit-on-error", "--no-owner", "--no-acl", f"--dbname={DATABASE}"]
    with tempfile.TemporaryFile() as said:
        process = server.run_program("pg_restore", *options, stdin=subprocess.PIPE, stderr=said)
        assert process.stdin is not None
        try:
            with contextlib.suppress(BrokenPipeError), process.stdin:  # it ended early, and says why
                shutil.copyfileobj(dump, process.stdin, BLOCK_BYTES)
            _end(process, said, "The database could not be restored")
        finally:
            _stop(process)


def _end(process: "subprocess.Popen[bytes]", said: IO[bytes], problem: str) -> None:
    if process.wait():
        said.seek(0)
        raise PostgresFailed(f"{problem}: {said.read(SAID_BYTES).decode(errors='replace').strip()}")


def _stop(process: "subprocess.Popen[bytes]") -> None:
    if process.stdout is not None:
        process.stdout.close()
    if process.poll() is None:
        process.kill()
        process.wait()
