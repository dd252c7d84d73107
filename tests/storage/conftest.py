"""Debian's PostgreSQL 15, the oldest that Regulars promises to work with."""

import os
import pwd
import shutil
import subprocess
import tempfile
from collections.abc import Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest

PROGRAMS = Path("/usr/lib/postgresql/15/bin")


@pytest.fixture(scope="session")
def postgres_15() -> Iterator[str]:
    """The DSN of a PostgreSQL 15 server that runs for these tests alone."""
    if not (PROGRAMS / "postgres").exists():
        pytest.skip("PostgreSQL 15 is not installed (Debian: apt-get install postgresql-15)")
    folder = Path(tempfile.mkdtemp(prefix="regulars-15-"))
    who: dict[str, Any] = {}
    if os.geteuid() == 0:
        nobody = pwd.getpwnam("nobody")
        who = {"user": nobody.pw_uid, "group": nobody.pw_gid, "extra_groups": []}
        os.chown(folder, nobody.pw_uid, nobody.pw_gid)

    def run(*words: str) -> None:
        done = subprocess.run(
            [PROGRAMS / words[0], *words[1:]], cwd="/", capture_output=True, text=True, check=False, **who
        )
        assert done.returncode == 0, done.stdout + done.stderr

    data = str(folder / "db")
    run("initdb", "-D", data, "-U", "regulars", "-A", "trust", "-E", "UTF8", "--locale=C.UTF-8", "--no-sync")
    options = f"-c listen_addresses='' -c unix_socket_directories={folder} -c fsync=off -c jit=off"
    run("pg_ctl", "start", "-w", "-D", data, "-l", str(folder / "log"), "-o", options)
    try:
        yield f"postgresql://regulars@/postgres?host={quote(str(folder))}"
    finally:
        run("pg_ctl", "stop", "-w", "-m", "immediate", "-D", data)
        shutil.rmtree(folder)
