"""The md5 signatures of the published vectors, where they lie beside the checkout, and of a few here."""

import json
import os
from pathlib import Path

import pytest

from regulars.app.storefront.signatures import is_customer_id, md5_signature
from tests.pages import ROOT

SECRET = "S3cr3tKeyForTestVectorsOnly0123456789abcdefghijklmnopqrstuvw"
BESIDE = Path(os.environ.get("REGULARS_SHARED") or ROOT.parent / "shared")
VECTORS = BESIDE / "contracts" / "lootly_md5_vectors.json"


def vectors(path: Path) -> list[dict[str, str]]:
    return json.loads(path.read_text()) if path.is_file() else []


@pytest.mark.parametrize("vector", vectors(VECTORS), ids=lambda vector: vector["description"])
def test_a_published_vector(vector: dict[str, str]) -> None:
    assert md5_signature(vector["input"], vector["secret"]) == vector["md5_expected"]


def test_ids_are_texts_whose_zeros_and_letters_count() -> None:
    assert md5_signature("001", SECRET) == "2d7fd341677de1ec5c24e7d441cd388b"
    assert md5_signature("jürgen🎉", SECRET) == "d7b0d1579daa0f5a9e9a7e958fdc8d73"
    assert md5_signature("", SECRET) == "ebf321e3457af5f73dc8682625e465ae"
    assert not is_customer_id("")
