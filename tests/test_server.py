"""The server as a process: how it starts, serves, recovers and ends. Each test starts its own and ends it."""

import contextlib
import json
import os
import re
import shlex
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import httpx
import pytest

from regulars.app.programs import Created
from tests.pace import within

PATIENCE_SECONDS = 180.0
STOP_SECONDS = 10.0
COMMAND = [sys.executable, "-m", "regulars.cli"]


def environment(home: Path, dsn: str | None = None) -> dict[str, str]:
    """Ours without REGULARS_*, with this home, and this database instead of the bundled one."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    named = {"REGULARS_DATABASE_URL": dsn} if dsn else {}
    return kept | {"REGULARS_HOME": str(home), "REGULARS_LOG_FORMAT": "json"} | named


class Server:
    """A running `regulars serve`, or `run`, on a free port; its log is read line by line."""

    def __init__(self, home: Path, dsn: str | None = None, *options: str, command: str = "serve") -> None:
        self.said = tempfile.TemporaryFile("w+")  # noqa: SIM115 - `end` closes it
        self.process = subprocess.Popen(
            [*COMMAND, command, "--port", "0", *options],
            env=environment(home, dsn),
            stdout=self.said,
            stderr=subprocess.PIPE,
            text=True,
            start_new_session=True,
        )
        self._overdue = threading.Timer(PATIENCE_SECONDS, self.process.kill)
        self._overdue.start()
        self.log: list[dict[str, Any]] = []
        self.url = str(self.wait_for("ready")["url"])

    def wait_for(self, event: str, number: int = 1) -> dict[str, Any]:
        """The line of the log that says `event` for the nth time; the test fails when the log ends before."""
        assert self.process.stderr is not None
        while len(found := [line for line in self.log if line["event"] == event]) < number:
            line = self.process.stderr.readline()
            assert line, f"the server ended without {event!r}: {self.log}"
            with contextlib.suppress(ValueError):
                self.log.append(json.loads(line))
        return found[number - 1]

    def health(self) -> int:
        return httpx.get(f"{self.url}/healthz", timeout=60).status_code

    def stop(self, how: signal.Signals = signal.SIGTERM) -> tuple[int, float]:
        """Its exit code, and how many seconds it took to end."""
        began = time.monotonic()
        self.process.send_signal(how)
        code = self.process.wait(PATIENCE_SECONDS)
        return code, time.monotonic() - began

    def end(self) -> None:
        self._overdue.cancel()
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait(10)
        assert self.process.stderr is not None
        self.process.stderr.close()
        self.said.close()


@pytest.fixture
def start(database: str, tmp_path: Path) -> Iterator[Any]:
    """Starts servers on this test's database; they are ended with the test."""
    started: list[Server] = []

    def act(*options: str, command: str = "serve") -> Server:
        started.append(Server(tmp_path, database, *options, command=command))
        return started[-1]

    yield act
    for server in started:
        server.end()


def make_program(database: str, home: Path) -> Created:
    """A program made by the command line beside whatever runs."""
    done = subprocess.run(
        [*COMMAND, *shlex.split("program create --name A --domain https://a.example --currency GBP --json")],
        env=environment(home, database),
        capture_output=True,
        text=True,
        check=True,
    )
    return Created(**json.loads(done.stdout))


def send_order(client: httpx.Client, keys: Created, number: int) -> int:
    """The status of the answer to one paid order of 10.00; 0 when there was no answer."""
    order = {
        "merchant_id": f"o-{number}",
        "customer_id": f"c-{number % 7}",
        "customer_email": f"c{number % 7}@shop.example",
        "total": "10.00",
        "total_shipping": "0.00",
        "payment_status": "paid",
    }
    try:
        return client.post("/v2/orders", json=order, auth=(keys.site_token, keys.site_secret)).status_code
    except httpx.TransportError:
        return 0


def orders_known(url: str, keys: Created) -> set[str]:
    known: dict[str, int] = {}
    with httpx.Client(base_url=url, timeout=60, auth=(keys.site_token, keys.site_secret)) as client:
        while True:
            since = max(known.values(), default=0)
            page = client.get("/v2/orders", params={"since_id": since, "limit": 500}).json()["orders"]
            if not page:
                return set(known)
            known |= {order["merchant_id"]: order["id"] for order in page}


def is_free(url: str) -> bool:
    """Whether the port of `url` can be had again."""
    port = httpx.URL(url).port
    assert port is not None
    with socket.socket() as sock:
        sock.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
        return sock.connect_ex(("127.0.0.1", port)) != 0


def test_it_answers_once_it_is_ready_and_ends_in_order(start: Any) -> None:
    server = start()
    assert server.health() == 200
    assert httpx.head(f"{server.url}/healthz", timeout=60).status_code == 200
    assert "server" not in httpx.get(f"{server.url}/", timeout=60).headers
    code, seconds = server.stop()
    assert code == 0
    assert is_free(server.url)
    within(seconds, STOP_SECONDS, "the end")


def test_ctrl_c_ends_it_in_order_too(start: Any) -> None:
    server = start("--workers", "2")
    began = time.monotonic()
    os.killpg(server.process.pid, signal.SIGINT)  # a terminal sends it to all of them
    assert server.process.wait(PATIENCE_SECONDS) == 0
    seconds = time.monotonic() - began
    assert is_free(server.url)
    within(seconds, STOP_SECONDS, "the end")


@pytest.mark.parametrize("workers", ["1", "2"])
def test_what_was_acknowledged_before_sigterm_is_there_after_the_next_start(
    start: Any, database: str, tmp_path: Path, workers: str
) -> None:
    server = start("--workers", workers)
    keys = make_program(database, tmp_path)
    acknowledged: set[int] = set()
    under_way = threading.Event()

    def shop(first: int) -> int:
        """Sends orders until one is not taken; the status of that one."""
        with httpx.Client(base_url=server.url, timeout=60) as client:
            for number in range(first, 100_000, 8):
                if (status := send_order(client, keys, number)) != 201:
                    return status
                acknowledged.add(number)
                if len(acknowledged) > 50:
                    under_way.set()
        return 201

    with ThreadPoolExecutor(8) as pool:
        shops = [pool.submit(shop, first) for first in range(8)]
        assert under_way.wait(60)
        code, seconds = server.stop()
        last = {each.result() for each in shops}
    assert code == 0
    assert last <= {0, 503}
    assert {f"o-{number}" for number in acknowledged} <= orders_known(start().url, keys)
    within(seconds, STOP_SECONDS, "the end")


def test_a_client_that_never_finishes_does_not_hold_up_the_end(start: Any) -> None:
    server = start()
    url = httpx.URL(server.url)
    with socket.create_connection(("127.0.0.1", url.port)) as slow:
        slow.sendall(b"POST /v2/orders HTTP/1.1\r\nHost: a\r\nContent-Length: 100\r\n\r\nhalf")
        assert server.health() == 200
        code, seconds = server.stop()
    assert code == 0
    within(seconds, STOP_SECONDS, "the end")


def test_it_is_ready_when_all_its_workers_serve(start: Any) -> None:
    server = start("--workers", "3")
    said = [line["event"] for line in server.log]
    assert said[: said.index("ready")].count("a worker serves") == 3
    assert server.stop()[0] == 0


def test_a_worker_that_is_killed_is_replaced_and_nobody_notices(start: Any) -> None:
    server = start("--workers", "2")
    pid = server.wait_for("a worker serves", 2)["pid"]
    os.kill(pid, signal.SIGKILL)
    assert server.wait_for("a worker died, another one starts")["pid"] == pid
    assert server.health() == 200
    assert server.wait_for("a worker serves", 3)["pid"] != pid
    assert [server.health() for _ in range(10)] == [200] * 10
    assert server.stop()[0] == 0


def test_workers_leave_when_their_parent_is_killed(start: Any) -> None:
    server = start("--workers", "2")
    pids = {server.wait_for("a worker serves", number)["pid"] for number in (1, 2)}
    server.process.kill()
    server.process.wait(60)
    with contextlib.suppress(AssertionError):  # the log ends when the last of them has left
        server.wait_for("never")
    assert not any(is_alive(pid) for pid in pids)
    assert is_free(server.url)


def is_alive(pid: int) -> bool:
    try:
        return "\nState:\tZ" not in Path(f"/proc/{pid}/status").read_text()
    except FileNotFoundError:
        return False


def test_two_servers_share_a_database_and_see_each_others_orders(
    start: Any, database: str, tmp_path: Path
) -> None:
    one, two = start(), start()
    keys = make_program(database, tmp_path)
    with (
        httpx.Client(base_url=one.url, timeout=60) as first,
        httpx.Client(base_url=two.url, timeout=60) as second,
    ):
        assert send_order(first, keys, 1) == 201
        assert send_order(second, keys, 2) == 201
    assert orders_known(one.url, keys) == orders_known(two.url, keys) == {"o-1", "o-2"}


@pytest.mark.slow
def test_run_makes_a_demo_once_and_what_it_prints_to_try_works(start: Any) -> None:
    said = []
    for _ in range(2):
        server = start(command="run")
        assert server.stop()[0] == 0
        server.said.seek(0)
        text = server.said.read().replace(server.url, "URL")
        said.append(re.sub(r"/admin/come-in/\S+", "/admin/come-in/LINK", text))
    assert said[0] == said[1]  # the same program, the same keys, and each time a new way in
    login, path = re.findall(r"curl -u (\S+) 'URL(\S+)'", said[0])[0]
    token, secret = login.split(":")
    answer = httpx.get(f"{start().url}{path}", auth=(token, secret), timeout=60)
    assert len(answer.json()["customers"]) == 3


# -- with the bundled database


@pytest.fixture
def home() -> Iterator[Path]:
    """A data directory that the database's user can reach, which pytest's own are not for root's."""
    made = Path(tempfile.mkdtemp(prefix="regulars-server-"))
    made.chmod(0o711 if os.geteuid() == 0 else 0o700)
    yield made
    shutil.rmtree(made, ignore_errors=True)


@pytest.mark.slow
def test_from_nothing_to_serving_and_the_database_comes_back_when_it_is_killed(home: Path) -> None:
    server = Server(home)
    try:
        assert server.health() == 200
        postmaster = int((home / "db/postmaster.pid").read_text().split("\n")[0])
        os.kill(postmaster, signal.SIGKILL)
        server.wait_for("the database answers again")
        assert wait_until_well(server)
        code, seconds = server.stop()
        assert code == 0
        assert not (home / "db/postmaster.pid").exists()
        within(seconds, STOP_SECONDS, "the end")
    finally:
        server.end()


def wait_until_well(server: Server) -> bool:
    """Asks again as soon as it is answered, for a minute at most."""
    end = time.monotonic() + 60
    while time.monotonic() < end:
        if server.health() == 200:
            return True
    return False


# -- what can't start says why


def fails(arguments: list[str], **variables: str) -> str:
    """What a command that can't be done says: one line, and exit code 2."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    done = subprocess.run(
        [*COMMAND, *arguments], env=kept | variables, capture_output=True, text=True, timeout=PATIENCE_SECONDS
    )
    assert done.returncode == 2, done.stderr
    assert "Traceback" not in done.stderr
    return done.stderr


def test_a_port_in_use_is_said_in_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as taken:
        port = str(taken.getsockname()[1])
        said = fails(["serve", "--port", port], REGULARS_HOME=str(tmp_path))
    assert said.count("\n") == 1
    assert f"port {port}" in said
    assert "--port" in said
    assert list(tmp_path.iterdir()) == []  # nothing was begun


def test_a_setting_that_makes_no_sense_is_named() -> None:
    assert "REGULARS_WORKERS is 'many'" in fails(["serve"], REGULARS_WORKERS="many")


def test_a_database_that_is_not_there_is_said_in_a_line(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port = sock.getsockname()[1]
    url = f"postgresql://nobody@127.0.0.1:{port}/none"
    said = fails(["serve", "--port", "0"], REGULARS_HOME=str(tmp_path), REGULARS_DATABASE_URL=url)
    assert said.count("\n") == 1
