"""The README and the quick start, done as they say: the commands in them are run against a real server."""

import json
import os
import re
import shutil
import subprocess
import sys
import threading
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.pages import DOCS, ROOT

BLOCK = re.compile(r"<!-- run: ([a-z]+) -->\n\n```(sh|php)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
PATIENCE_SECONDS = 180

pytestmark = [
    pytest.mark.slow,
    pytest.mark.skipif(shutil.which("curl") is None, reason="curl is not here"),
]


class Terminal:
    """A shell beside a running server, in which what a page says is typed."""

    def __init__(self, url: str, environ: dict[str, str], page: Path) -> None:
        self.url = url
        self.environ = environ
        self.blocks = {name: (kind, code) for name, kind, code in BLOCK.findall(page.read_text("utf-8"))}

    def type(self, name: str) -> str:
        """What the block of that name prints. It must end well."""
        kind, code = self.blocks.pop(name)
        code = code.replace("http://127.0.0.1:8080", self.url)
        command = ["php"] if kind == "php" else ["bash", "-euo", "pipefail"]
        return self.run(command, code)

    def run(self, command: list[str], code: str) -> str:
        done = subprocess.run(
            command,
            input=code,
            cwd=ROOT,
            env=self.environ,
            capture_output=True,
            text=True,
            timeout=PATIENCE_SECONDS,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def keep(self, printed: str, **names: str) -> None:
        """Puts keys that were printed into variables, as the reader is told to."""
        for variable, key in names.items():
            found = re.search(rf"^{key} +(\S+) *$", printed, re.MULTILINE)
            assert found is not None, printed
            assert found[1].isascii(), f"{key} is cut short: {found[1]}"
            self.environ[variable] = found[1]


@pytest.fixture
def running(database: str, tmp_path: Path) -> Iterator[tuple[str, dict[str, str]]]:
    """The address of `regulars serve`, and the environment that its commands share."""
    kept = {name: value for name, value in os.environ.items() if not name.startswith("REGULARS_")}
    environ = kept | {
        "PATH": f"{Path(sys.executable).parent}:{os.environ['PATH']}",
        "REGULARS_HOME": str(tmp_path),
        "REGULARS_DATABASE_URL": database,
        "REGULARS_LOG_FORMAT": "json",
    }
    process = subprocess.Popen(
        ["regulars", "serve", "--port", "0"],
        env=environ,
        stdout=subprocess.PIPE,
        stderr=subprocess.STDOUT,
        text=True,
    )
    stopper = threading.Timer(PATIENCE_SECONDS, process.kill)
    stopper.start()
    try:
        yield address(process), environ
    finally:
        stopper.cancel()
        process.terminate()
        process.communicate(timeout=PATIENCE_SECONDS)


def address(process: "subprocess.Popen[str]") -> str:
    """Where the server says that it listens, once it answers."""
    said = []
    for line in process.stdout or ():
        said.append(line)
        if line.startswith("{") and (entry := json.loads(line)).get("event") == "ready":
            return str(entry["url"])
    raise AssertionError("".join(said))


def test_the_readme_does_what_it_says(running: tuple[str, dict[str, str]]) -> None:
    readme = ROOT / "README.md"
    terminal = Terminal(*running, readme)
    keys = {"API_TOKEN": "api_token", "LOOTLY_KEY": "lootly_api_key", "LOOTLY_SECRET": "lootly_api_secret"}
    terminal.keep(terminal.type("create"), **keys)
    assert "HTTP/1.1 201 Created" in terminal.type("order")
    (alice,) = json.loads(terminal.type("balance"))["customers"]
    assert alice["points_approved"] == 29
    said = terminal.type("look")
    assert re.findall(r"^Gave .*$", readme.read_text("utf-8"), re.MULTILINE)[0] in said
    assert "clean" in said
    if shutil.which("php") is not None:
        assert terminal.type("webhook") == "HTTP/1.1 200 OK\n"
        assert "29 given" in terminal.run(["bash"], "regulars explain 1002")
        assert not terminal.blocks


def test_the_quick_start_does_what_it_says(running: tuple[str, dict[str, str]]) -> None:
    page = DOCS / "quick-start.md"
    terminal = Terminal(*running, page)
    demo = "regulars program create --name Demo --domain https://demo.example --currency EUR"
    terminal.run(["bash"], demo)  # in the quick start's story the demo's program is the first one
    terminal.keep(terminal.type("create"), API_TOKEN="api_token")
    assert "HTTP/1.1 201 Created" in terminal.type("order")
    shown = re.search(r"^```\n(Money.*?)^```$", page.read_text("utf-8"), re.MULTILINE | re.DOTALL)
    assert shown is not None
    assert shown[1] in terminal.type("explain")
    assert "HTTP/1.1 201 Created" in terminal.type("refund")
    (alice,) = json.loads(terminal.type("balance"))["customers"]
    assert alice["points_approved"] == 18
    assert "clean" in terminal.type("verify")
    assert "In program 3 it is now" in terminal.type("rehearse")
    assert not terminal.blocks
