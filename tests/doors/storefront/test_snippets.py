"""The snippets of the page on signatures: each one's token logs a customer in, as it stands."""

import asyncio
import hashlib
import re
import shutil
from datetime import UTC, datetime
from pathlib import Path

import pytest

from tests.doors.storefront.conftest import SHOP, Shop

PAGE = (Path(__file__).parents[3] / "docs" / "integrate" / "storefront-signatures.md").read_text()
SNIPPETS = dict(re.findall(r"```(php|python|javascript|ruby)\n(.*?)```", PAGE, re.DOTALL))
COMMANDS = {
    "php": ("php",),
    "python": ("python3", "-"),
    "javascript": ("node", "--input-type=module", "-"),
    "ruby": ("ruby",),
}


def test_the_page_has_all_four() -> None:
    assert list(SNIPPETS) == ["php", "python", "javascript", "ruby"]


@pytest.mark.parametrize("language", COMMANDS)
async def test_a_snippets_token_logs_in(shop: Shop, language: str) -> None:
    if shutil.which(COMMANDS[language][0]) is None:
        pytest.skip(f"{COMMANDS[language][0]} is not installed")
    shop.clock.now = datetime.now(UTC)
    answer = await shop.post(
        "session", {"key": shop.keys.lootly_api_key, "token": await token(shop, language)}
    )
    assert answer.status_code == 200
    assert answer.json()["me"]["customer"]["merchant_id"] == "001"


async def token(shop: Shop, language: str) -> str:
    """What the snippet prints."""
    code = SNIPPETS[language]
    for placeholder, value in (
        ("your key", shop.keys.lootly_api_key),
        ("your secret", shop.keys.lootly_api_secret),
        ("https://shop.example", SHOP),
    ):
        assert code.count(placeholder) == 1
        code = code.replace(placeholder, value)
    process = await asyncio.create_subprocess_exec(
        *COMMANDS[language],
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate(code.encode())
    return printed.decode().strip()


async def test_the_pasted_div_carries_what_a_session_is_opened_with(shop: Shop) -> None:
    """The guide's own words for the two signatures, put into the page's snippet."""
    (div,) = re.findall(r'<div id="lootly-widget".*?</div>', PAGE, re.DOTALL)
    named = dict(re.findall(r'data-([a-z-]+)="([^"]*)"', div))
    assert list(named) == [
        "provider", "api-key", "shop-domain", "shop-id", "customer-id", "customer-signature",
    ]  # fmt: skip
    secret = shop.keys.lootly_api_secret
    body = {
        "key": shop.keys.lootly_api_key,
        "shop_domain": SHOP,
        "shop_id": hashlib.md5((SHOP + secret).encode()).hexdigest(),
        "customer_id": "001",
        "customer_signature": hashlib.md5(("001" + secret).encode()).hexdigest(),
    }
    assert (await shop.post("session", body)).status_code == 200
