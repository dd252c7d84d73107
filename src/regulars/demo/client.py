"""Sends a shop's reports over HTTP, and again where an answer may have been lost."""

import asyncio
import ssl
from collections.abc import AsyncIterator, Sequence
from contextlib import AsyncExitStack, asynccontextmanager

import httpx
import msgspec

from regulars.app.programs import Created
from regulars.demo.reports import Report
from regulars.demo.wire import Request, request_for

CONNECTIONS = 64
TRIES = 8
LONGEST_PAUSE_SECONDS = 5.0
TIMEOUT_SECONDS = 30.0
HELLO_SECONDS = 2.0


class NotReachable(ConnectionError):
    """The server did not take a report, however often it was asked. Sending all again goes on from there."""


class Answer(msgspec.Struct, frozen=True):
    accepted: bool
    status: int
    text: str


class Sender:
    """Sends reports with one program's keys. What may have been lost is sent again: every report can be.

    As many are on their way at once as there are `clients`, which may be one and the same.
    """

    def __init__(self, clients: Sequence[httpx.AsyncClient], keys: Created) -> None:
        self._keys = keys
        self._idle: asyncio.LifoQueue[httpx.AsyncClient] = asyncio.LifoQueue()
        for client in clients:
            self._idle.put_nowait(client)

    async def send(self, report: Report) -> Answer:
        """The door's answer, once it has one. Raises NotReachable."""
        request = request_for(report, self._keys)
        trouble = ""
        for attempt in range(TRIES):
            pause = min(0.1 * 2**attempt, LONGEST_PAUSE_SECONDS)
            try:
                answer = await self._ask(request)
            except httpx.TransportError as error:
                trouble = str(error) or type(error).__name__
            else:
                if answer.status_code not in (429, 503):
                    return Answer(answer.status_code in (200, 201, 204), answer.status_code, answer.text)
                trouble = f"{answer.status_code} {answer.reason_phrase}"
                pause = _pause(answer.headers.get("retry-after"), pause)
            if attempt < TRIES - 1:
                await asyncio.sleep(pause)
        raise NotReachable(f"{request.method} {request.path}: {trouble}")

    async def _ask(self, request: Request) -> httpx.Response:
        client = await self._idle.get()
        try:
            return await client.request(
                request.method, request.path, content=request.body, headers=request.headers
            )
        finally:
            self._idle.put_nowait(client)


@asynccontextmanager
async def over_http(base_url: str, keys: Created) -> AsyncIterator[Sender]:
    """A sender to the server at `base_url`.

    A client for each connection: a shared pool of 64 looks at all of them for every request, which costs more
    than the request itself.
    """
    tls = ssl.create_default_context()
    async with AsyncExitStack() as stack:
        clients = [
            await stack.enter_async_context(
                httpx.AsyncClient(base_url=base_url, verify=tls, timeout=TIMEOUT_SECONDS, trust_env=False)
            )
            for _ in range(CONNECTIONS)
        ]
        yield Sender(clients, keys)


async def knows(base_url: str, keys: Created) -> bool:
    """Whether a server is up at `base_url` that serves the program of these keys, and not some other's."""
    async with httpx.AsyncClient(base_url=base_url, timeout=HELLO_SECONDS, trust_env=False) as client:
        try:
            answer = await client.get(
                "/v2/identity/whoami", headers={"authorization": f"Bearer {keys.api_token}"}
            )
            return answer.status_code == 200 and answer.json()["identity"]["program_id"] == keys.program_id
        except (httpx.TransportError, ValueError, LookupError, TypeError):
            return False


def _pause(retry_after: str | None, otherwise: float) -> float:
    if retry_after is None or not retry_after.isdigit():
        return otherwise
    return min(float(retry_after), LONGEST_PAUSE_SECONDS)
