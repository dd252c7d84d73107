"""Schemathesis on our own API: what the server says is what its document says, whatever it is sent."""

from pathlib import Path

import pytest

from tests.hostile.test_schemathesis import quiet, run

__all__ = ["quiet"]

pytestmark = pytest.mark.filterwarnings("ignore:.*jsonschema")


def test_the_server_says_what_its_own_document_says(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("api", database, tmp_path, monkeypatch, examples=3, seconds=30) > 300


@pytest.mark.long
def test_the_server_says_what_its_own_document_says_at_length(
    database: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run("api", database, tmp_path, monkeypatch, examples=300, seconds=300) > 5_000
