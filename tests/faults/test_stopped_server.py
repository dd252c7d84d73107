"""A server process stands still while it holds a program's head row: the program's other processes go on."""

import asyncio
import os
import signal
import sys
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.faults.load import Call, Shop, check_answers, check_effects, order_of
from tests.pace import within
from tests.server import Home, Server, a_home, started

POINTS = (
    "before commit",
    pytest.param("before save", marks=pytest.mark.long),
    pytest.param("after save", marks=pytest.mark.long),
)
"""Where the transaction is open and the head row held."""
ON_SECONDS = 5.0
"""After so long at the latest the others' orders are taken."""


@pytest.fixture
def home() -> Iterator[Home]:
    with a_home() as home:
        yield home


def is_stopped(server: Server) -> bool:
    return Path(f"/proc/{server.process.pid}/stat").read_text().rsplit(")", 1)[1].split()[0] == "T"


async def send(shop: Shop, name: str, answers: list[Call]) -> None:
    """Sends an order until it is taken."""
    while (call := await shop.order(name)).status != 201:
        answers.append(call)
        await asyncio.sleep(0.05)
    answers.append(call)


@pytest.mark.slow
@pytest.mark.parametrize("point", POINTS)
async def test_others_go_on_and_the_one_that_wakes_up_doubles_nothing(home: Home, point: str) -> None:
    faulty = (sys.executable, "-m", "tests.faults.faulty_server", "SIGSTOP", point, "3")
    stopping, other = await started(home, command=faulty), await started(home)
    keys = await home.create_program()
    here, there = Shop(stopping, keys), Shop(other, keys)
    for number in range(2):
        assert (await here.order(f"before-{number}")).status == 201
        assert (await there.order(f"beside-{number}")).status == 201

    caught = asyncio.create_task(ask_patiently(here, "caught"))
    async with asyncio.timeout(60):
        while not is_stopped(stopping):
            await asyncio.sleep(0.01)
    stopped = time.monotonic()
    answers: list[Call] = []
    async with asyncio.timeout(60):
        await asyncio.gather(*(send(there, f"meanwhile-{number}", answers) for number in range(8)))
    went_on = time.monotonic() - stopped
    within(went_on, ON_SECONDS, "going on")
    check_answers(answers, least=8)

    os.kill(stopping.process.pid, signal.SIGCONT)
    status, says_when = await caught
    assert (status, says_when) == (503, True)
    assert (await here.order("caught")).status == 201
    assert (await there.order("caught")).status == 201
    print(f"others went on after {went_on:.1f} s, {len(answers) - 8} calls answered 503 before")

    there.calls += here.calls
    book = await check_effects(home, there)
    assert set(book.orders) >= {"caught", *(f"meanwhile-{number}" for number in range(8))}
    for shop in (here, there):
        await shop.close()
    assert home.complaints() == []
    assert (stopping.stop(), other.stop()) == (0, 0)


async def ask_patiently(shop: Shop, name: str) -> tuple[int, bool]:
    """The answer to an order, however long it takes: the server stands still meanwhile."""
    body = order_of(name)
    head = f"POST /v2/orders HTTP/1.1\r\n{shop.head}Content-Length: {len(body)}\r\n\r\n"
    reader, writer = await asyncio.open_connection("127.0.0.1", shop.server.port)
    writer.write(head.encode() + body)
    async with asyncio.timeout(60):
        answer = await reader.readuntil(b"\r\n\r\n")
    writer.close()
    return int(answer[9:12]), b"retry-after" in answer.lower()
