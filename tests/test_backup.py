"""Backup and restore of the bundled database: saved under load, back in another home, whole or refused."""

import contextlib
import hashlib
import json
import re
import shlex
import shutil
import subprocess
import sys
import tarfile
import tempfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.app.backup import BadBackup, check_backup
from regulars.app.backup.archive import write_archive
from regulars.app.backup.manifest import Manifest
from regulars.storage.contents import Contents
from tests import make
from tests.test_cli import CREATE
from tests.test_server import Server, environment


class Keeper:
    """Somebody with homes of their own, who saves one and restores it into another."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder

    def home(self, name: str) -> Path:
        return self.folder / name

    def says(self, home: str, line: str, code: int = 0) -> str:
        """What `regulars ...` prints, both to people and as complaints."""
        done = subprocess.run(
            [sys.executable, "-m", "regulars.cli", *shlex.split(line)],
            env=environment(self.home(home)),
            capture_output=True,
            text=True,
            timeout=120,
            check=False,
        )
        assert done.returncode == code, done.stdout + done.stderr
        return done.stdout + done.stderr

    def chains(self, home: str) -> dict[int, str]:
        report = json.loads(self.says(home, "verify --json").split("\n")[-2])
        return {program["program_id"]: program["chain"] for program in report["programs"]}


@pytest.fixture
def keeper() -> Iterator[Keeper]:
    folder = Path(tempfile.mkdtemp(prefix="regulars-backup-"))
    folder.chmod(0o711)  # root's database runs as somebody else
    yield Keeper(folder)
    shutil.rmtree(folder)


def manifest(**changes: Any) -> Manifest:
    contents = {"postgres": 18, "migration": 1, "rows": {"heads": 0}, "chains": []} | changes
    return Manifest(
        format=1, made_at=make.NOON, regulars="0.1.0", secret_key=None, contents=Contents(**contents)
    )


def archive(path: Path, **changes: Any) -> Path:
    write_archive(path, [b"a dump " * 100, b"in two blocks"], manifest(**changes), lambda _: None)
    return path


def order(number: int) -> dict[str, str]:
    return {
        "merchant_id": f"A{number}",
        "customer_id": f"c{number % 7}",
        "customer_email": f"c{number % 7}@shop.example",
        "total": "10.00",
        "total_shipping": "0",
        "payment_status": "paid",
    }


class Shoppers(threading.Thread):
    """Orders that come in one after the other until told to stop; `acknowledged` were answered 201."""

    def __init__(self, url: str, keys: dict[str, Any]) -> None:
        super().__init__()
        self.acknowledged = 0
        self.has_begun, self._enough = threading.Event(), threading.Event()
        self._url, self._login = url, (keys["site_token"], keys["site_secret"])

    def run(self) -> None:
        with httpx.Client(base_url=self._url, auth=self._login, timeout=60) as client:
            while not self._enough.is_set():
                number = self.acknowledged + 1
                assert client.post("/v2/orders", json=order(number)).status_code == 201
                self.acknowledged = number
                if number >= 50:
                    self.has_begun.set()

    def stop(self) -> None:
        self._enough.set()
        self.join(60)


@contextlib.contextmanager
def serving(keeper: Keeper) -> Iterator[tuple[Server, dict[str, Any]]]:
    """The home "shop", served, with one program."""
    server = Server(keeper.home("shop"))
    try:
        yield server, json.loads(keeper.says("shop", f"{CREATE} --json").split("\n")[-2])
        assert server.stop()[0] == 0
    finally:
        server.end()


def test_saved_under_load_and_restored_elsewhere_it_is_one_whole_moment_of_the_book(keeper: Keeper) -> None:
    file = keeper.folder / "backup.tar"
    with serving(keeper) as (server, keys):
        shoppers = Shoppers(server.url, keys)
        shoppers.start()
        assert shoppers.has_begun.wait(60)
        before = shoppers.acknowledged
        said = keeper.says("shop", f"backup {file}")
        after = shoppers.acknowledged
        shoppers.stop()
        assert after > before, "the server went on meanwhile"
        assert re.search(r"Program 1: [\d,]+ movements; the chain ends in [0-9a-f]{16}…", said)
        assert f"Not in it: the key {keeper.home('shop') / 'secret.key'}" in said
        assert file.stat().st_mode & 0o777 == 0o600
        assert "There is a file of that name already" in keeper.says("shop", f"backup {file}", code=2)
    with tarfile.open(file) as tar:
        [saved] = json.load(tar.extractfile("manifest.json"))["contents"]["chains"]  # type: ignore[arg-type]
    assert before <= saved["movements"] <= after + 1

    said = keeper.says("other", f"restore {file}")
    assert "clean, all of V01 to V20" in said
    assert "Every program's chain ends as it did" in said
    assert "The secret key is missing" in said
    assert not (keeper.home("other") / "secret.key").exists()
    assert keeper.chains("other") == {1: saved["chain"]}
    assert keeper.chains("shop") != {1: saved["chain"]}, "the shop went on after the backup"
    _goes_on(keeper, keys, saved["movements"])


def _goes_on(keeper: Keeper, keys: dict[str, Any], orders: int) -> None:
    """With the key beside it, the restored database serves the same shop; then it can be replaced."""
    shutil.copy(keeper.home("shop") / "secret.key", keeper.home("other") / "secret.key")
    server = Server(keeper.home("other"))
    try:
        with httpx.Client(
            base_url=server.url, auth=(keys["site_token"], keys["site_secret"]), timeout=60
        ) as client:
            known = order(orders)
            assert client.post("/v2/orders", json=known).status_code == 201, "it is the same as then"
            other = client.post("/v2/orders", json=known | {"total": "11.00"})
            assert other.status_code == 422, "it is known with another total"
            assert client.post("/v2/orders", json=order(10**6)).status_code == 201
        file = keeper.folder / "backup.tar"
        assert "in use: stop the server first" in keeper.says("other", f"restore {file} --replace", code=2)
        assert server.stop()[0] == 0
    finally:
        server.end()
    chain = keeper.chains("other")
    assert "There is a database in" in keeper.says("other", f"restore {file}", code=2)
    said = keeper.says("other", f"restore {file} --replace")
    assert "secret key" not in said, "it is the one"
    [aside] = keeper.home("other").glob("db.replaced-*")
    assert str(aside) in said
    # What was there before is a whole database still.
    (keeper.home("other") / "db").rename(keeper.home("other") / "db.restored")
    aside.rename(keeper.home("other") / "db")
    assert keeper.chains("other") == chain


def test_a_dump_that_fails_in_its_midst_leaves_the_home_without_a_database(keeper: Keeper) -> None:
    """The checksums fit, but it is no dump: nothing of it stays, and the way is free for a good one."""
    said = keeper.says("shop", f"restore {archive(keeper.folder / 'bad.tar')}", code=2)
    assert "could not be restored" in said
    assert not (keeper.home("shop") / "db").exists()


def test_one_changed_byte_is_seen_wherever_it_is(tmp_path: Path) -> None:
    whole = archive(tmp_path / "whole.tar").read_bytes()
    with check_backup(tmp_path / "whole.tar", postgres=18) as (found, dump):
        assert found == manifest()
        assert dump.read() == b"a dump " * 100 + b"in two blocks"
    changed = tmp_path / "changed.tar"
    unseen = []
    for place in (place for place, byte in enumerate(whole) if byte):
        changed.write_bytes(whole[:place] + bytes([whole[place] ^ 1]) + whole[place + 1 :])
        with contextlib.suppress(BadBackup):
            check(changed)
            unseen.append(place)
    # In each of the three headers, one blank after the checksum means nothing.
    assert [place % 512 for place in unseen] == [155, 155, 155]


def test_a_file_cut_short_anywhere_is_refused(tmp_path: Path) -> None:
    whole = archive(tmp_path / "whole.tar").read_bytes()
    end = len(whole.rstrip(b"\0"))
    for length in {0, 1, 511, 512, 513, 1024, 2000, end - 1, *range(0, end, 97)}:
        (tmp_path / "cut.tar").write_bytes(whole[:length])
        with pytest.raises(BadBackup), check_backup(tmp_path / "cut.tar", postgres=18):
            pass


def test_what_is_newer_than_we_are_is_refused_and_what_is_older_is_not(tmp_path: Path) -> None:
    with pytest.raises(BadBackup, match="tables are newer"):
        check(archive(tmp_path / "a.tar", migration=9999))
    with pytest.raises(BadBackup, match="made with PostgreSQL 19"):
        check(archive(tmp_path / "b.tar", postgres=19))
    check(archive(tmp_path / "c.tar", postgres=17, migration=0))


def check(path: Path) -> None:
    with check_backup(path, postgres=18):
        pass


@pytest.mark.parametrize("content", [b"", b"no tar", b"\0" * 10240], ids=["empty", "text", "zeros"])
def test_what_is_no_backup_is_told(tmp_path: Path, content: bytes) -> None:
    (tmp_path / "a.tar").write_bytes(content)
    with pytest.raises(BadBackup, match="no backup of Regulars"):
        check(tmp_path / "a.tar")


def test_another_format_is_told(tmp_path: Path) -> None:
    with archive(tmp_path / "a.tar").open("rb") as file, tarfile.open(fileobj=file) as tar:
        parts = {member.name: tar.extractfile(member).read() for member in tar}  # type: ignore[union-attr]
    parts["manifest.json"] = b'{"format": 2}'
    sums = "".join(
        f"{hashlib.sha256(parts[name]).hexdigest()}  {name}\n" for name in ("database.dump", "manifest.json")
    )
    parts["SHA256SUMS"] = sums.encode()
    for name, content in parts.items():
        (tmp_path / name).write_bytes(content)
    subprocess.run(["tar", "cf", "b.tar", *parts], cwd=tmp_path, check=True)
    with pytest.raises(BadBackup, match="another version of Regulars"):
        check(tmp_path / "b.tar")


def test_a_backup_that_fails_leaves_no_file(tmp_path: Path) -> None:
    def fails() -> Iterator[bytes]:
        yield b"the beginning"
        raise OSError("the disk is full")

    with pytest.raises(OSError, match="the disk is full"):
        write_archive(tmp_path / "a.tar", fails(), manifest(), lambda _: None)
    assert list(tmp_path.iterdir()) == []


def test_a_server_of_ones_own_is_saved_by_its_own_tools(tmp_path: Path) -> None:
    environ = environment(tmp_path) | {"REGULARS_DATABASE_URL": "postgresql://db.example/regulars"}
    for line in (["backup", "a.tar"], ["restore", __file__]):
        done = subprocess.run(
            [sys.executable, "-m", "regulars.cli", *line],
            env=environ,
            capture_output=True,
            text=True,
            check=False,
        )
        assert done.returncode == 2 and "pg_dump" in done.stderr
    assert list(tmp_path.iterdir()) == []


def test_there_is_nothing_to_save_in_an_empty_home(keeper: Keeper) -> None:
    assert "no database" in keeper.says("empty", f"backup {keeper.folder / 'a.tar'}", code=2)
    assert not keeper.home("empty").exists()
