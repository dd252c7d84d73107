"""A proxy between us and PostgreSQL that can lose what it says about a COMMIT, or be away altogether."""

import asyncio
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path
from typing import TypeAlias
from urllib.parse import parse_qs, urlsplit

Reader: TypeAlias = asyncio.StreamReader
Writer: TypeAlias = asyncio.StreamWriter

COMMIT = b"commit\x00"


class Proxy:
    """`lose`: "reply" cuts after COMMIT was passed on, "commit" cuts instead of passing it on; once.

    `away`: new connections are refused; with `away_after_loss` all connections go away at that moment.
    """

    def __init__(self, server_socket: Path) -> None:
        self._server_socket = server_socket
        self.lose: str | None = None
        self.away = False
        self.away_after_loss = False
        self.lost = 0
        self._open: set[asyncio.StreamWriter] = set()

    async def serve(self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
        if self.away:
            writer.close()
            return
        server_reader, server_writer = await asyncio.open_unix_connection(str(self._server_socket))
        cut = asyncio.Event()
        up = asyncio.create_task(self._up(reader, server_writer, cut))
        down = asyncio.create_task(self._down(server_reader, writer, cut))
        self._open |= {writer, server_writer}
        await asyncio.wait({up, down}, return_when=asyncio.FIRST_COMPLETED)
        self._open -= {writer, server_writer}
        for side in (writer, server_writer):
            side.close()
        for task in (up, down):
            task.cancel()

    async def _up(self, reader: Reader, server: Writer, cut: asyncio.Event) -> None:
        while data := await reader.read(65536):
            loses = self.lose if COMMIT in data.lower() else None
            if loses:
                cut.set()
                self.lose = None
                self.lost += 1
                self.away = self.away_after_loss
            if loses == "commit":
                return
            server.write(data)
            await server.drain()
            if loses == "reply":
                await asyncio.sleep(0.1)  # time for the server to commit; nothing of its answer is passed on
                for side in self._open if self.away else ():
                    side.transport.abort()
                return

    async def _down(self, server: Reader, writer: Writer, cut: asyncio.Event) -> None:
        while data := await server.read(65536):
            if not cut.is_set():
                writer.write(data)
                await writer.drain()


@asynccontextmanager
async def proxied(dsn: str, folder: Path) -> AsyncIterator[tuple[Proxy, str]]:
    """A proxy in front of the server of `dsn`, and the DSN that leads through it."""
    parts = urlsplit(dsn)
    proxy = Proxy(Path(parse_qs(parts.query)["host"][0]) / ".s.PGSQL.5432")
    server = await asyncio.start_unix_server(proxy.serve, folder / ".s.PGSQL.5432")
    async with server:
        yield proxy, parts._replace(query=f"host={folder}").geturl()
