"""The documents of the routes: they name every route, and what the server says is what they say."""

import logging
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
import structlog

from regulars.doors.lootly.commands import READERS
from regulars.doors.lootly.hooks import _DIRECT as DIRECT
from regulars.doors.lootly.hooks import INTEGRATIONS, LATER
from regulars.doors.loyaltylion.routes import ROUTES
from tests.hostile.exploring import DOCUMENTS, document, explore, serving
from tests.hostile.world import listening
from tests.pages import DOCS

SEED = 20_260_302
METHODS = ("get", "put", "post", "delete", "patch", "head", "options", "trace")


@pytest.fixture(autouse=True)
def quiet() -> Iterator[None]:
    """A line for each call of a hook that isn't there would drown what a failure has to say."""
    structlog.configure(wrapper_class=structlog.make_filtering_bound_logger(logging.ERROR))
    yield
    structlog.reset_defaults()


def operations(name: str) -> set[tuple[str, str]]:
    paths: dict[str, dict[str, Any]] = document(name)["paths"]
    return {(method.upper(), path) for path, item in paths.items() for method in item if method in METHODS}


def test_the_document_names_the_routes_of_loyaltylions_door_and_no_other() -> None:
    assert operations("loyaltylion") == {(route.method, route.path) for route in ROUTES}


def test_the_document_names_the_hooks_and_reads_of_lootlys_door_and_no_other() -> None:
    hooks = {
        ("POST", f"/integrations/webhooks/{{integration}}/{hook}") for hook in (*READERS, *DIRECT, *LATER)
    }
    reads = {
        ("GET", "/api/custom/customer/{customer_id}/point-balance"),
        ("GET", "/api/custom/customers/point-balance"),
    }
    assert operations("lootly") == hooks | reads
    listed = document("lootly")["components"]["parameters"]["integration"]["schema"]["enum"]
    assert listed == list(INTEGRATIONS)


def test_operations_are_named_once_and_say_what_they_do() -> None:
    for name in DOCUMENTS:
        found = [
            item[method] for item in document(name)["paths"].values() for method in item if method in METHODS
        ]
        names = [operation["operationId"] for operation in found]
        assert len(set(names)) == len(names)
        assert all(operation["summary"] and operation["tags"] for operation in found)


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_guide_links_to_the_document(name: str) -> None:
    assert f"({name}.openapi.yaml)" in (DOCS / "integrate" / f"{name}.md").read_text(encoding="utf-8")


def run(
    name: str, database: str, home: Path, patch: pytest.MonkeyPatch, *, examples: int, seconds: int
) -> int:
    with serving(database, home) as served, listening(patch) as errors:
        explored = explore(name, served, examples=examples, seconds=seconds, seed=SEED)
        verified = served.verify()
    assert explored.findings == [], "\n".join(explored.findings)
    assert errors == []
    assert verified == []
    return explored.requests


@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_server_says_what_the_document_says(
    name: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(name, database, tmp_path, monkeypatch, examples=3, seconds=30) > 300


@pytest.mark.long
@pytest.mark.parametrize("name", DOCUMENTS)
def test_the_server_says_what_the_document_says_at_length(
    name: str, database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(name, database, tmp_path, monkeypatch, examples=300, seconds=300) > 5_000
