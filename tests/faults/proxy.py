"""Proxies that lose replies: PostgreSQL's to a COMMIT, on its way to us, and ours on its way to a shop."""

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path
from random import Random
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

from tests.faults.wire import read_message

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter

COMMIT = b"commit\x00"
COMMITTED = b"COMMIT\x00"
DONE = b"Z\x00\x00\x00\x05I"
"""PostgreSQL is ready for the next statement, and no transaction is open."""
PATIENCE_SECONDS = 5.0


class Proxy:
    """Between us and PostgreSQL. `lost`: how many COMMITs were cut short; `single`: how many of those were
    the one statement that saves a batch outside of a transaction.

    `lose`: "reply" cuts when the server has answered a COMMIT, "commit" cuts instead of passing it on; once.
    `lose_each` is asked for each COMMIT, and answers the same. `away`: new connections are refused; with
    `away_after_loss` all connections go away at that moment. `freezes`: nothing is passed on after the reply
    to the next COMMIT.
    """

    def __init__(self, server_socket: Path) -> None:
        self._server_socket = server_socket
        self.lose: str | None = None
        self.lose_each: Callable[[], str | None] = lambda: None
        self.away = False
        self.away_after_loss = False
        self.freezes = False
        self.lost = self.single = 0
        self._thawed = asyncio.Event()
        self._thawed.set()
        self._open: set[asyncio.StreamWriter] = set()

    def thaw(self) -> None:
        self.freezes = False
        self._thawed.set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.away:
            writer.close()
            return
        server_reader, server_writer = await asyncio.open_unix_connection(str(self._server_socket))
        cut, committed = asyncio.Event(), asyncio.Event()
        up = asyncio.create_task(self._up(reader, server_writer, cut, committed))
        down = asyncio.create_task(self._down(server_reader, writer, cut, committed))
        self._open |= {writer, server_writer}
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        self._open -= {writer, server_writer}
        for side in (writer, server_writer):
            side.close()
        for task in (up, down):
            task.cancel()
        await asyncio.wait({up, down})
        for task in (up, down):
            if not task.cancelled():
                task.exception()  # a side that broke is what happens here

    async def _up(self, reader: Reader, server: Writer, cut: asyncio.Event, committed: asyncio.Event) -> None:
        commits = Commits()
        while data := await reader.read(65536):
            loses = self.lose or self.lose_each() if commits.are_in(data) else None
            if loses:
                cut.set()
                self.single += commits.is_single
                self.lose = None
                self.lost += 1
                self.away = self.away_after_loss
            if loses == "commit":
                return
            server.write(data)
            await server.drain()
            if loses == "reply":
                with contextlib.suppress(
                    TimeoutError
                ):  # a frozen server may commit much later, or not at all
                    await asyncio.wait_for(committed.wait(), PATIENCE_SECONDS)
                for side in self._open if self.away else ():
                    side.transport.abort()
                return

    async def _down(
        self, server: Reader, writer: Writer, cut: asyncio.Event, committed: asyncio.Event
    ) -> None:
        while data := await server.read(65536):
            await self._thawed.wait()
            if cut.is_set():
                if DONE in data:
                    committed.set()
                continue
            writer.write(data)
            await writer.drain()
            if self.freezes and COMMITTED in data:
                self._thawed.clear()


class Commits:
    """Finds what commits among the messages of one connection: a COMMIT, or, where no transaction is open,
    the statement that saves a batch (`is_single`)."""

    def __init__(self) -> None:
        self.is_single = False
        self._is_open = False
        self._saving: set[bytes] = set()

    def are_in(self, data: bytes) -> bool:
        kind, words = data[:1], data[:300].lower()
        if kind == b"P" and b"with head as" in words:  # Parse: the statement's name, then its text
            self._saving.add(data[5 : data.index(b"\x00", 5)])
        elif kind == b"Q":
            self._is_open = b"begin" in words
        named = data[6 : data.find(b"\x00", 6)]  # in a Bind, after the portal's name, which is none
        self.is_single = kind == b"B" and not self._is_open and named in self._saving
        return self.is_single or COMMIT in words


@asynccontextmanager
async def proxied(dsn: str, folder: Path) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy in front of the server of `dsn`, and the DSN that leads through it."""
    parts = urlsplit(dsn)
    proxy = Proxy(Path(parse_qs(parts.query)["host"][0]) / ".s.PGSQL.5432")
    server = await asyncio.start_unix_server(proxy.serve, folder / ".s.PGSQL.5432")
    async with server:
        yield proxy, parts._replace(query=f"host={folder}").geturl()


class Thief:
    """Between a shop and us: passes a request on, waits for the whole answer, and lets a part of it through,
    mostly nothing. `stolen`: how many answers."""

    def __init__(self, port: int, chance: Random) -> None:
        self._port = port
        self._chance = chance
        self.stolen = 0

    async def serve(self, reader: Reader, writer: Writer) -> None:
        server_reader, server_writer = await asyncio.open_connection("127.0.0.1", self._port)
        try:
            server_writer.write(await read_message(reader))
            answer = await read_message(server_reader)
            self.stolen += 1
            if self._chance.random() < 0.3:
                writer.write(answer[: self._chance.randrange(len(answer))])
                await writer.drain()
        except (OSError, asyncio.IncompleteReadError):
            return  # the server itself did not answer
        finally:
            server_writer.close()
            writer.close()


@asynccontextmanager
async def stealing(port: int) -> AsyncIterator[tuple[Thief, int]]:
    """A thief before the server at `port`, and the port where to find it."""
    thief = Thief(port, Random())
    server = await asyncio.start_server(thief.serve, "127.0.0.1", 0)
    async with server:
        yield thief, server.sockets[0].getsockname()[1]
