"""An https shop: nginx as the page on TLS sets it up, with a certificate of our own, the server behind it."""

import asyncio
import contextlib
import re
import shutil
import socket
import ssl
from collections.abc import AsyncIterator
from datetime import UTC, datetime, timedelta
from ipaddress import ip_address
from pathlib import Path
from typing import NamedTuple

import httpx
import pytest
import uvicorn
from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from regulars import asgi
from regulars.app.house import House
from regulars.demo.memory import program_for
from regulars.demo.rewards import furnish
from regulars.doors.limits import Limits, guarded
from regulars.settings import Settings
from tests import make
from tests.doors.test_demo_shop import snippet_of

NGINX = shutil.which("nginx")
PAGE = Path(__file__).parents[2] / "docs" / "operate" / "tls.md"
HOST = "127.0.0.1"
ELSEWHERE = "127.0.0.2"
"""Where the browser is: not where the proxy is, whose word on callers is believed."""

pytestmark = pytest.mark.skipif(NGINX is None, reason="nginx is not installed (Debian: nginx-light)")


class Site(NamedTuple):
    """A browser that trusts the certificate, and the house behind."""

    browser: httpx.AsyncClient
    house: House


@pytest.fixture
async def site(database: str, tmp_path: Path) -> AsyncIterator[Site]:
    front, behind = free_port(), free_port()
    url = f"https://{HOST}:{front}"
    settings = make.settings(tmp_path, public_url=url, trusted_proxies=("127.0.0.1/32",))
    house = await House.open(settings, database)
    try:
        await open_demo(house, settings)
        async with serving(house, behind), proxying(tmp_path, front, behind):
            trusts = ssl.create_default_context(cafile=tmp_path / "fullchain.pem")
            transport = httpx.AsyncHTTPTransport(verify=trusts, local_address=ELSEWHERE)
            async with httpx.AsyncClient(base_url=url, transport=transport, follow_redirects=True) as browser:
                yield Site(browser, house)
    finally:
        await house.close()


async def open_demo(house: House, settings: Settings) -> None:
    now = datetime.now(UTC)
    made = await program_for(
        house, "coffeehouse", name="Kaffeehaus", currency="EUR", domain=settings.base_url, now=now
    )
    await furnish(house, made.keys.program_id, now=now)


def free_port() -> int:
    with socket.create_server(("127.0.0.1", 0)) as sock:
        port: int = sock.getsockname()[1]
        return port


@contextlib.asynccontextmanager
async def serving(house: House, port: int) -> AsyncIterator[None]:
    config = uvicorn.Config(
        asgi.build(house),
        host="127.0.0.1",
        port=port,
        http=guarded(Limits()),
        ws="none",
        lifespan="off",
        log_config=None,
        proxy_headers=False,
    )
    server = uvicorn.Server(config)
    task = asyncio.create_task(server.serve())
    await answering(port)
    yield
    server.should_exit = True
    await task


@contextlib.asynccontextmanager
async def proxying(folder: Path, front: int, behind: int) -> AsyncIterator[None]:
    """nginx with the page's first server block, on our ports and with our certificate."""
    assert NGINX is not None
    make_certificate(folder)
    (text,) = re.findall(r"```nginx\n(.*?)```", PAGE.read_text(), re.DOTALL)
    block = text.split("\n\nserver {")[0]
    for said, ours in (
        ("listen 443 ssl http2", f"listen 127.0.0.1:{front} ssl http2"),
        ("points.example;", f"{HOST};"),
        ("/etc/letsencrypt/live/points.example", str(folder)),
        ("http://127.0.0.1:8080", f"http://127.0.0.1:{behind}"),
        ("$host;", "$http_host;"),  # as the page says for any port but 443
    ):
        assert said in block, said
        block = block.replace(said, ours)
    temporary = "".join(
        f"{kind}_temp_path {folder}/{kind};" for kind in ("client_body", "proxy", "fastcgi", "uwsgi", "scgi")
    )
    configuration = folder / "nginx.conf"
    configuration.write_text(
        f"daemon off; pid {folder}/nginx.pid; error_log stderr; events {{}} "
        f"http {{ access_log off; {temporary} {block} }}"
    )
    process = await asyncio.create_subprocess_exec(NGINX, "-p", str(folder), "-c", str(configuration))
    await answering(front)
    yield
    process.terminate()
    await process.wait()


async def answering(port: int) -> None:
    """Returns once somebody listens there."""
    async with asyncio.timeout(60):
        while True:
            try:
                _, writer = await asyncio.open_connection("127.0.0.1", port)
            except OSError:
                await asyncio.sleep(0.05)
            else:
                writer.close()
                return


def make_certificate(folder: Path) -> None:
    key = ec.generate_private_key(ec.SECP256R1())
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, HOST)])
    now = datetime.now(UTC)
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(x509.random_serial_number())
        .not_valid_before(now - timedelta(minutes=5))
        .not_valid_after(now + timedelta(days=1))
        .add_extension(x509.SubjectAlternativeName([x509.IPAddress(ip_address(HOST))]), critical=False)
        .sign(key, hashes.SHA256())
    )
    (folder / "fullchain.pem").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))
    (folder / "privkey.pem").write_bytes(
        key.private_bytes(
            serialization.Encoding.PEM,
            serialization.PrivateFormat.PKCS8,
            serialization.NoEncryption(),
        )
    )


async def test_an_https_shop_works_behind_nginx(site: Site) -> None:
    browser, origin = site.browser, site.house.settings.base_url
    health = await browser.get("/healthz")
    assert health.status_code == 200
    assert health.headers["strict-transport-security"] == "max-age=31536000"
    # the shop: its cookie is bound to the host, its form is taken for its own
    signed_up = await browser.post(
        "/demo-shop/sign-up",
        data={"name": "Lena", "email": "lena@mail.example"},
        headers={"origin": origin, "sec-fetch-site": "same-origin"},
    )
    assert signed_up.status_code == 200 and "Welcome, Lena" in signed_up.text
    cookie = signed_up.history[0].headers["set-cookie"]
    assert cookie.startswith("__Host-demo-shop=") and "; Secure" in cookie
    # the widget: its script comes from the https address, its session is bound to that origin
    assert f'src="{origin}/js/integrations/common/script.js"' in signed_up.text
    snippet = snippet_of(signed_up.text)
    body = {
        name.removeprefix("data-").replace("-", "_"): value
        for name, value in snippet.items()
        if name in ("data-shop-domain", "data-shop-id", "data-customer-id", "data-customer-signature")
    } | {"key": snippet["data-api-key"]}
    opened = await browser.post("/storefront/v1/session", json=body, headers={"origin": origin})
    assert opened.status_code == 200
    bearer = {"authorization": f"Bearer {opened.json()['session']}"}
    assert (await browser.get("/storefront/v1/me", headers=bearer)).status_code == 200


async def test_a_path_comes_through_with_its_slashes_written_out(site: Site) -> None:
    answer = await site.browser.get("/api/custom/customer/a%2Fb/point-balance?key=x&hmac=y")
    assert (answer.status_code, answer.json()) == (404, {"error": "Merchant not found"})


async def test_a_caller_who_lies_about_the_address_is_still_known(site: Site) -> None:
    """Limits for guessing see the caller whom nginx saw, whatever the request says."""
    statuses = []
    for number in range(22):
        answer = await site.browser.post(
            "/storefront/v1/session",
            json={"key": "unknown", "token": "v2.a.b.c"},
            headers={"x-forwarded-for": f"203.0.113.{number}"},
        )
        statuses.append(answer.status_code)
    assert statuses[:20] == [401] * 20 and statuses[-1] == 429
