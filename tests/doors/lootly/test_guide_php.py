"""The vendor's guide, run by PHP itself against a live server: 29 points, and 18 after its refund.

Two forms: ours, written after the guide; and the guide's own text, where a copy lies beside the checkout.
"""

import asyncio
import os
import re
import shutil
import subprocess
from pathlib import Path

import pytest

from tests.doors.lootly.conftest import Shop

HERE = Path(__file__).parent
BESIDE = Path(os.environ.get("REGULARS_SHARED") or Path(__file__).parents[4] / "shared")
GUIDE = BESIDE / "contracts" / "seed-lootly-guide.txt"

PHP = shutil.which("php")


def has_curl() -> bool:
    return (
        PHP is not None
        and "curl" in subprocess.run([PHP, "-m"], capture_output=True, text=True).stdout.split()
    )


needs_php = pytest.mark.skipif(
    not has_curl(), reason="php with curl is not installed (Debian: php-cli php-curl)"
)
needs_guide = pytest.mark.skipif(not GUIDE.is_file(), reason=f"there is no {GUIDE.name} beside the checkout")


async def run_php(code: str) -> str:
    """What the program prints, its warnings included."""
    assert PHP is not None
    process = await asyncio.create_subprocess_exec(
        PHP,
        "-d",
        "display_errors=1",
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
        stderr=asyncio.subprocess.STDOUT,
    )
    async with asyncio.timeout(60):
        printed, _ = await process.communicate(code.encode())
    return printed.decode()


def is_plain_200(printed: str) -> bool:
    head, _, body = printed.partition("\r\n\r\n")
    return (
        head.startswith("HTTP/1.1 200 OK\r\n")
        and "\ncontent-length: 0\r" in f"\n{head}\r".lower()
        and body == ""
    )


@needs_php
async def test_the_guide_as_we_write_it_gives_29_points_and_its_refund_leaves_18(
    live_shop: tuple[Shop, str],
) -> None:
    shop, host = live_shop
    for name, left in (("guide_order.php", 29), ("guide_refund.php", 18)):
        code = (HERE / name).read_text()
        for placeholder, value in (
            ("HOST", host),
            ("'KEY'", f"'{shop.keys.lootly_api_key}'"),
            ("'SECRET'", f"'{shop.keys.lootly_api_secret}'"),
        ):
            assert placeholder in code
            code = code.replace(placeholder, value)
        printed = await run_php(code)
        assert is_plain_200(printed), printed
        assert await shop.points("001") == left


@needs_php
@needs_guide
async def test_the_guides_own_text_does_the_same_with_only_host_key_and_secret_changed(
    live_shop: tuple[Shop, str],
) -> None:
    shop, host = live_shop
    examples = re.findall(
        r'^\$api_key = "xxx";.*?^curl_close\(\$curl\);', GUIDE.read_text(), re.DOTALL | re.MULTILINE
    )
    assert len(examples) == 2
    for example, left in zip(examples, (29, 18), strict=True):
        code = example.replace("https://lootly.io", host)
        code = code.replace('$api_key = "xxx"', f'$api_key = "{shop.keys.lootly_api_key}"')
        code = code.replace('$api_secret = "xxx"', f'$api_secret = "{shop.keys.lootly_api_secret}"')
        assert "xxx" not in code and "lootly.io/" not in code
        printed = await run_php(f"<?php\n{code}\necho $response;")
        assert is_plain_200(printed), printed
        assert await shop.points("001") == left
