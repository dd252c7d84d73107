"""The md5 signatures of a page: those of the published vectors, where they lie beside the checkout, and whom
they log in."""

import json
import os
from pathlib import Path

import pytest

from regulars.app.storefront.signatures import is_customer_id, is_md5_proof, md5_signature
from regulars.domain.program import Site
from tests.pages import ROOT

SECRET = "S3cr3tKeyForTestVectorsOnly0123456789abcdefghijklmnopqrstuvw"
BESIDE = Path(os.environ.get("REGULARS_SHARED") or ROOT.parent / "shared")
VECTORS = BESIDE / "contracts" / "lootly_md5_vectors.json"
DOMAIN = "https://shop.example"
SITE = Site(id=1, name="Shop", domain=DOMAIN, currency="GBP")


def vectors(path: Path) -> list[dict[str, str]]:
    return json.loads(path.read_text()) if path.is_file() else []


@pytest.mark.parametrize("vector", vectors(VECTORS), ids=lambda vector: vector["description"])
def test_a_published_vector(vector: dict[str, str]) -> None:
    assert md5_signature(vector["input"], vector["secret"]) == vector["md5_expected"]
    assert is_customer_id(vector["input"]) is (vector["input"] != "" and "://" not in vector["input"])


def test_ids_are_texts_whose_zeros_and_letters_count() -> None:
    assert md5_signature("001", SECRET) == "2d7fd341677de1ec5c24e7d441cd388b"
    assert md5_signature("jürgen🎉", SECRET) == "d7b0d1579daa0f5a9e9a7e958fdc8d73"
    assert md5_signature("", SECRET) == "ebf321e3457af5f73dc8682625e465ae"
    assert not is_customer_id("")


def is_known(
    customer_id: str, signature: str | None = None, *, domain: str = DOMAIN, shop_id: str | None = None
) -> bool:
    """Whether the page logs the customer in, signed rightly where nothing else is said."""
    return is_md5_proof(
        SECRET,
        SITE,
        shop_domain=domain,
        shop_id=md5_signature(domain, SECRET) if shop_id is None else shop_id,
        customer_id=customer_id,
        customer_signature=md5_signature(customer_id, SECRET) if signature is None else signature,
    )


def test_anna_is_known_by_her_signature_alone() -> None:
    signature = md5_signature("anna", SECRET)
    assert is_known("anna", signature)
    for bad in (
        "",
        signature.upper(),
        signature[:-1],
        f"{signature} ",
        signature.replace(signature[0], "é"),
        "\udcff",
    ):
        assert not is_known("anna", bad)
    assert not is_known("bert", signature)
    assert not is_known("Anna", signature)
    assert not is_known("anna", md5_signature("anna", f"{SECRET}x"))
    assert not is_known("anna", md5_signature("anna", ""))


def test_a_guest_s_signature_logs_nobody_in() -> None:
    assert not is_known("")


def test_the_public_shop_id_logs_nobody_in() -> None:
    assert not is_known(DOMAIN)
    assert not is_known("shop.example")


@pytest.mark.parametrize(
    ("customer_id", "known"), [("x" * 191, True), ("x" * 192, False), ("é" * 95, True), ("é" * 96, False)]
)
def test_an_id_has_191_bytes_at_most(customer_id: str, known: bool) -> None:
    assert is_known(customer_id) is known


@pytest.mark.parametrize("sent", [DOMAIN, f"{DOMAIN}/"])
def test_a_shop_is_known_with_and_without_the_slash_but_signs_what_it_sends(sent: str) -> None:
    assert is_known("anna", domain=sent)
    other = sent.removesuffix("/") if sent.endswith("/") else f"{sent}/"
    assert not is_known("anna", domain=sent, shop_id=md5_signature(other, SECRET))


@pytest.mark.parametrize("sent", ["https://evil.example", "http://shop.example", f"{DOMAIN}//", ""])
def test_another_shop_is_not_this_one_even_well_signed(sent: str) -> None:
    assert not is_known("anna", domain=sent)
