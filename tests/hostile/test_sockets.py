"""Framing that can be read in two ways, at a live server: refused, closed, and nothing smuggled in."""

import asyncio
import contextlib
import gzip
import json
import random
import re
from collections.abc import AsyncIterator
from datetime import UTC, datetime
from pathlib import Path

import httpx
import pytest

from regulars.app.integrations import change_settings
from regulars.app.programs import Created
from tests.hostile.attacks import all_attacks
from tests.hostile.world import Shop, an_order
from tests.server import Home, Server, a_home, started

CLOSES_WITHIN_SECONDS = 10
LEFT_OPEN = b"(left open)"
SEED = 4_711
REQUESTS = 400


class Live:
    """A server, one program in it, and raw connections to it."""

    def __init__(self, home: Home, server: Server, shop: Shop) -> None:
        self.home = home
        self.server = server
        self.shop = shop

    async def say(self, *parts: bytes) -> bytes:
        """All that comes back until the server closes; LEFT_OPEN at its end when it does not."""
        reader, writer = await asyncio.open_connection("127.0.0.1", self.server.port)
        with contextlib.suppress(ConnectionError):
            for part in parts:
                writer.write(part)
                await writer.drain()
        answer = b""
        try:
            async with asyncio.timeout(CLOSES_WITHIN_SECONDS):
                while part := await reader.read(65_536):
                    answer += part
        except TimeoutError:
            answer += LEFT_OPEN
        except ConnectionError:
            pass
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
        return answer

    async def points(self) -> int:
        """What mallory has been given so far."""
        async with httpx.AsyncClient(
            base_url=self.server.url, headers=self.shop.bearer, timeout=60
        ) as client:
            customers = (await client.get("/v2/customers")).json()["customers"]
            return next(int(one["points_approved"]) for one in customers if one["merchant_id"] == "mallory")


@pytest.fixture
async def live(database: str) -> AsyncIterator[Live]:
    with a_home(database) as home:
        server = await started(home)
        created: Created = await home.create_program("mine Tea")
        async with home.database() as own:
            await change_settings(own, created.program_id, strict_answers=True, now=datetime.now(UTC))
        live = Live(home, server, Shop(created))
        async with httpx.AsyncClient(base_url=server.url, headers=live.shop.bearer, timeout=60) as client:
            for who in ("mallory", "mine-alice"):
                said = await client.post("/v2/orders", json=an_order(f"{who}-0", who))
                assert said.status_code == 201
        yield live
        assert server.stop() == 0


def smuggled(shop: Shop) -> bytes:
    """A request that gives points, if anybody ever reads it as one."""
    return post(shop, "/v2/customers/mallory/points", b'{"points":1000}')


def post(shop: Shop, path: str, body: bytes, *lines: bytes, host: bytes = b"Host: a") -> bytes:
    head = (
        b"POST %s HTTP/1.1" % path.encode(),
        host,
        b"Authorization: " + shop.bearer["authorization"].encode(),
        *(lines or (b"Content-Length: %d" % len(body),)),
    )
    return b"\r\n".join(head) + b"\r\n\r\n" + body


def order_with(shop: Shop, *lines: bytes, body: bytes = b"") -> bytes:
    return post(shop, "/v2/orders", body, *lines)


def cases(shop: Shop) -> dict[str, tuple[bytes, set[int]]]:
    """What is said, and the statuses that are right; each must be the only answer, and the last."""
    hidden = smuggled(shop)
    length = b"Content-Length: %d" % len(hidden)
    chunked = b"Transfer-Encoding: chunked"
    get = b"GET /healthz HTTP/1.1\r\nHost: a\r\n"
    return {
        "length and chunks": (order_with(shop, b"Content-Length: 5", chunked, body=b"0\r\n\r\n" + hidden),
        {400}),
        "chunks and length": (order_with(shop, chunked, length, body=b"0\r\n\r\n" + hidden), {400}),
        "two lengths": (order_with(shop, b"Content-Length: 0", length, body=hidden), {400}),
        "two equal lengths": (order_with(shop, length, length, body=hidden), {400}),
        "a list of lengths": (order_with(shop, b"Content-Length: 0, %d" % len(hidden), body=hidden), {400}),
        "a length with a sign": (order_with(shop, b"Content-Length: +0", body=hidden), {400}),
        "a negative length": (order_with(shop, b"Content-Length: -1", body=hidden), {400}),
        "a length in hex": (order_with(shop, b"Content-Length: 0x0", body=hidden), {400}),
        "a length with a blank": (order_with(shop, b"Content-Length: 0 0", body=hidden), {400}),
        "a length in Arabic": (order_with(shop, "Content-Length: ٠".encode(), body=hidden), {400}),
        "a length beyond 64 bits": (order_with(shop, b"Content-Length: %d" % 2**64, body=hidden), {400, 413}),
        "a length of 40 digits": (order_with(shop, b"Content-Length: " + b"9" * 40, body=hidden), {400, 413}),
        "a gigabyte declared": (order_with(shop, b"Content-Length: 1000000000", body=b"{}"), {413}),
        "chunks twice": (order_with(shop, chunked, chunked, body=b"0\r\n\r\n" + hidden), {400}),
        "chunks in a list": (order_with(shop, b"Transfer-Encoding: gzip, chunked",
        body=b"0\r\n\r\n" + hidden), {400}),
        "chunked, identity": (
            order_with(shop, b"Transfer-Encoding: chunked, identity", body=b"0\r\n\r\n" + hidden), {400}),
        "xchunked": (order_with(shop, b"Transfer-Encoding: xchunked", body=b"0\r\n\r\n" + hidden), {400}),
        "identity": (order_with(shop, b"Transfer-Encoding: identity", body=hidden), {400}),
        "a blank before the colon": (order_with(shop, b"Transfer-Encoding : chunked",
        body=b"0\r\n\r\n" + hidden), {400}),
        "a length with a blank name": (order_with(shop, b"Content-Length : 0", body=hidden), {400}),
        "a tab for a coding": (order_with(shop, b"Transfer-Encoding:\x0bchunked",
        body=b"0\r\n\r\n" + hidden), {400}),
        "NUL in a coding": (order_with(shop, b"Transfer-Encoding: chun\x00ked",
        body=b"0\r\n\r\n" + hidden), {400}),
        "chunks in HTTP/1.0": (
            order_with(shop, chunked, body=b"0\r\n\r\n" + hidden).replace(b"HTTP/1.1", b"HTTP/1.0", 1),
            {400}),
        "a chunk's negative size": (order_with(shop, chunked, body=b"-1\r\n" + hidden), {400}),
        "a chunk's signed size": (order_with(shop, chunked, body=b"+0\r\n\r\n" + hidden), {400}),
        "a chunk's size in 0x": (order_with(shop, chunked, body=b"0x0\r\n\r\n" + hidden), {400}),
        "a chunk of 2**64": (order_with(shop, chunked, body=b"10000000000000000\r\n" + hidden), {400, 413}),
        "a chunk of 40 digits": (order_with(shop, chunked, body=b"f" * 40 + b"\r\n" + hidden), {400, 413}),
        "a chunk without a size": (order_with(shop, chunked, body=b"\r\n" + hidden), {400}),
        "a chunk longer than said": (order_with(shop, chunked, body=b"1\r\n{}\r\n0\r\n\r\n" + hidden), {400}),
        "a bare line end behind a size": (order_with(shop, chunked, body=b"2\n{}\r\n0\r\n\r\n" + hidden),
        {400}),
        "a bare line end behind a chunk": (order_with(shop, chunked, body=b"2\r\n{}\n0\r\n\r\n" + hidden),
        {400}),
        "an extension with a bare line end": (
            order_with(shop, chunked, body=b"2;a=\nb\r\n{}\r\n0\r\n\r\n" + hidden), {400}),
        "trailers that frame": (
            order_with(shop, chunked, body=b"2\r\n{}\r\n0\r\nContent-Length: 500\r\n\r\n"), {400, 422}),
        "bare line ends": (get.replace(b"\r\n", b"\n") + b"\n", {400}),
        "bare carriage returns": (get.replace(b"\r\n", b"\r") + b"\r\r\n\r\n", {400}),
        "a bare line end in a header": (get + b"X: a\nAuthorization: b\r\n\r\n", {400}),
        "a folded header": (get + b"X: a\r\n b\r\n\r\n", {400}),
        "a folded header by tab": (get + b"X: a\r\n\tb\r\n\r\n", {400}),
        "a blank before the first header": (b"GET / HTTP/1.1\r\n Host: a\r\n\r\n", {400}),
        "HTTP/9.9": (b"GET / HTTP/9.9\r\nHost: a\r\n\r\n", {400}),
        "HTTP/2.0": (b"GET / HTTP/2.0\r\nHost: a\r\n\r\n", {400}),
        "HTTP/1.2": (b"GET / HTTP/1.2\r\nHost: a\r\n\r\n", {400}),
        "HTTP/0.9": (b"GET /\r\n\r\n", {400}),
        "http/1.1": (b"GET / http/1.1\r\nHost: a\r\n\r\n", {400}),
        "the preface of HTTP/2": (b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", {400}),
        "no host": (b"GET / HTTP/1.1\r\n\r\n", {400}),
        "an empty host": (b"GET / HTTP/1.1\r\nHost:\r\n\r\n", {400}),
        "two hosts": (b"GET / HTTP/1.1\r\nHost: a\r\nHost: b\r\n\r\n", {400}),
        "a header of 100 kB": (get + b"X: " + b"a" * 100_000 + b"\r\n\r\n", {431}),
        "a path of 100 kB": (b"GET /" + b"a" * 100_000 + b" HTTP/1.1\r\nHost: a\r\n\r\n", {400, 414, 431}),
        "5,000 headers": (get + b"X: a\r\n" * 5_000 + b"\r\n", {431}),
        "a header without a colon": (get + b"nothing\r\n\r\n", {400}),
        "a header without a name": (get + b": a\r\n\r\n", {400}),
        "NUL in a header": (get + b"X: a\x00b\r\n\r\n", {400}),
        "NUL in a name": (get + b"X\x00: a\r\n\r\n", {400}),
        "a blank in a name": (get + b"X y: a\r\n\r\n", {400}),
        "no method": (b" / HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
        "no path": (b"GET HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
        "a blank in the path": (b"GET /a b HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
        "NUL in the path": (b"GET /a\x00b HTTP/1.1\r\nHost: a\r\n\r\n", {400}),
        "noise": (bytes(range(256)) * 20, {400}),
        "TLS": (b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\x00" * 200, {400}),
        "NULs": (b"\x00" * 20_000, {400, 431}),
    }  # fmt: skip


def statuses(answer: bytes) -> list[int]:
    """The status of every answer on the connection; a body never holds a status line of its own."""
    return [int(found) for found in re.findall(rb"HTTP/1\.1 ([0-9]{3})", answer)]


def is_right(answer: bytes, right: set[int]) -> bool:
    """One answer, one of the right ones, and the connection is closed."""
    got = statuses(answer)
    return len(got) == 1 and got[0] in right and not answer.endswith(LEFT_OPEN)


async def test_what_is_ambiguous_is_refused_and_ends_the_connection(live: Live) -> None:
    before = await live.points()
    wrong = []
    for name, (said, right) in cases(live.shop).items():
        answer = await live.say(said)
        if not is_right(answer, right):
            wrong.append(f"{name}: {statuses(answer)} {answer[-300:]!r}")
    assert wrong == [], "\n".join(wrong)
    assert await live.points() == before
    assert live.home.complaints() == []


async def test_the_same_is_refused_when_it_comes_byte_by_byte(live: Live) -> None:
    before = await live.points()
    slow = {name: said for name, said in cases(live.shop).items() if len(said[0]) < 1_000}

    async def one(name: str, said: bytes, right: set[int]) -> str | None:
        answer = await live.say(*(said[at : at + 1] for at in range(len(said))))
        return None if is_right(answer, right) else f"{name}: {statuses(answer)} {answer[-300:]!r}"

    found = await asyncio.gather(*(one(name, *case) for name, case in slow.items()))
    assert [wrong for wrong in found if wrong is not None] == []
    assert await live.points() == before


async def test_behind_a_refused_request_nothing_is_read(live: Live) -> None:
    """A refusal is the last answer of a connection, even where the next request stands in the same packet."""
    before = await live.points()
    refused = order_with(live.shop, b"Content-Length: 1", b"Content-Length: 1", body=b"x")
    answer = await live.say(refused + smuggled(live.shop) * 3)
    assert statuses(answer) == [400]
    assert await live.points() == before


async def test_requests_in_one_packet_are_answered_in_their_order(live: Live) -> None:
    before = await live.points()
    last = b"GET /v2/nowhere HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n"
    answer = await live.say(smuggled(live.shop) * 3 + last)
    assert statuses(answer) == [201, 201, 201, 404]
    assert await live.points() == before + 3000


async def test_chunks_with_extensions_and_trailers_are_one_body(live: Live) -> None:
    body = json.dumps(an_order("chunked-1", "mallory")).encode()
    half = len(body) // 2
    parts = b"".join(b"%x;a=b;c\r\n%s\r\n" % (len(part), part) for part in (body[:half], body[half:]))
    said = order_with(
        live.shop,
        b"Transfer-Encoding: chunked",
        b"Connection: close",
        body=parts + b"0\r\nAuthorization: Bearer x\r\n\r\n",
    )
    assert statuses(await live.say(said)) == [201]


async def test_what_was_declared_and_never_sent_is_no_request(live: Live) -> None:
    """A body of 900 kB of which half comes, and then the sender leaves: nothing happened."""
    before = await live.points()
    head = post(live.shop, "/v2/customers/mallory/points", b"", b"Content-Length: 900000")
    for _ in range(20):
        _, writer = await asyncio.open_connection("127.0.0.1", live.server.port)
        writer.write(head + b'{"points":1000}' + b" " * 450_000)
        await writer.drain()
        writer.transport.abort()
    assert await live.points() == before
    assert live.home.complaints() == []


async def test_a_bomb_in_gzip_stays_packed(live: Live) -> None:
    bomb = gzip.compress(b" " * 100_000_000)
    async with httpx.AsyncClient(base_url=live.server.url, headers=live.shop.bearer, timeout=60) as client:
        said = await client.post("/v2/orders", content=bomb, headers={"content-encoding": "gzip"})
    assert said.status_code == 422
    assert resident(live.server.process.pid) < 400_000_000


async def test_a_part_of_the_corpus_over_real_connections(live: Live) -> None:
    """What httpx can be brought to send; the server's own bounds (head and body) stand before the doors."""
    attacks = [one for one in all_attacks(live.shop, seed=SEED) if not one.server_error]
    chosen = random.Random(SEED).sample(attacks, REQUESTS)
    wrong: list[str] = []
    sent = 0
    async with httpx.AsyncClient(base_url=live.server.url, timeout=60) as client:
        for attack in chosen:
            body = attack.body if isinstance(attack.body, bytes) else attack.body()
            headers = {
                name.encode(): value.encode("latin-1") if isinstance(value, str) else value
                for name, value in attack.headers.items()
            }
            try:
                said = await client.request(attack.method, attack.target, content=body, headers=headers)
            except (httpx.LocalProtocolError, httpx.InvalidURL, UnicodeError):
                continue  # the client won't say such a thing
            sent += 1
            if said.status_code >= 500 or (attack.refused and said.status_code < 400):
                wrong.append(f"{attack.name}: {said.status_code} {said.text[:200]}")
    assert wrong == [], "\n".join(wrong)
    assert sent > REQUESTS * 0.8
    assert live.home.complaints() == []
    assert (await live.home.verify()).violated == {}


def resident(process: int) -> int:
    return int(Path(f"/proc/{process}/statm").read_text().split()[1]) * 4096
