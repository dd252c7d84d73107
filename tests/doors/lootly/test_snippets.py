"""The snippets of the integration page, each run as it stands against a live server."""

import asyncio
import re
import shutil
from pathlib import Path

import pytest

from tests.doors.lootly.conftest import Shop
from tests.doors.lootly.test_guide_php import needs_php

PAGE = Path(__file__).parents[3] / "docs" / "integrate" / "lootly.md"
SNIPPETS = dict(re.findall(r"```(php|python|javascript|sh)\n(.*?)```", PAGE.read_text(), re.DOTALL)[:4])

COMMANDS = {
    "php": ("php",),
    "python": ("python3", "-"),
    "javascript": ("node", "--input-type=module", "-"),
    "sh": ("sh",),
}
NEEDED = {
    "php": ("php",),
    "python": ("python3",),
    "javascript": ("node",),
    "sh": ("curl", "openssl", "base64"),
}


def needs(language: str) -> pytest.MarkDecorator:
    missing = [name for name in NEEDED[language] if shutil.which(name) is None]
    return pytest.mark.skipif(bool(missing), reason=f"{' and '.join(missing)} is not installed")


def test_the_page_has_all_four() -> None:
    assert list(SNIPPETS) == ["php", "python", "javascript", "sh"]


@pytest.mark.parametrize(
    "language",
    [pytest.param(one, marks=[needs(one), needs_php] if one == "php" else [needs(one)]) for one in COMMANDS],
)
async def test_a_snippet_reports_an_order_and_its_refund(live_shop: tuple[Shop, str], language: str) -> None:
    shop, host = live_shop
    code = SNIPPETS[language]
    for placeholder, value in (
        ("https://points.example", host),
        ("your key", shop.keys.lootly_api_key),
        ("your secret", shop.keys.lootly_api_secret),
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
    assert printed.decode().split() == ["200", "200"]
    assert [row.outcome for row in await shop.log()] == ["done", "done"]
    assert await shop.points("001") == 18
