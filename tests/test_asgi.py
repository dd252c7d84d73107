"""Which door a request goes to, and what is answered when a door breaks."""

from typing import Any

import httpx
import pytest

from regulars.asgi import front


def door(name: str) -> Any:
    async def app(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        await send({"type": "http.response.body", "body": name.encode()})

    return app


async def broken(scope: Any, receive: Any, send: Any) -> None:
    raise ValueError("a secret detail")


DOORS = {"/v2": door("v2"), "/api/custom": door("custom"), "/broken": broken}


async def get(path: str) -> httpx.Response:
    transport = httpx.ASGITransport(app=front(DOORS, door("site")))
    async with httpx.AsyncClient(transport=transport, base_url="http://points.example") as client:
        return await client.get(path)


@pytest.mark.parametrize(
    ("path", "name"),
    [
        ("/v2", "v2"),
        ("/v2/", "v2"),
        ("/v2/orders/1%2F2", "v2"),
        ("/v20/orders", "site"),
        ("/", "site"),
        ("/api/custom/customer/7", "custom"),
        ("/api/customs", "site"),
        ("/api", "site"),
        ("/V2/orders", "site"),
    ],
)
async def test_a_request_goes_to_the_door_of_its_first_segments(path: str, name: str) -> None:
    assert (await get(path)).text == name


async def test_a_door_that_breaks_answers_500_and_tells_nothing() -> None:
    answer = await get("/broken/things")
    assert answer.status_code == 500
    assert answer.json()["error"]["message"]
    assert "secret" not in answer.text


async def test_an_answer_that_broke_halfway_is_not_followed_by_another() -> None:
    sent: list[Any] = []

    async def halfway(scope: Any, receive: Any, send: Any) -> None:
        await send({"type": "http.response.start", "status": 200, "headers": []})
        raise ValueError

    async def send(message: Any) -> None:
        if sent and message["type"] == "http.response.start":
            raise RuntimeError("a second start")  # as the server does, which then cuts the connection
        sent.append(message)

    app = front({}, halfway)
    with pytest.raises(RuntimeError):
        await app({"type": "http", "method": "GET", "path": "/"}, None, send)  # type: ignore[arg-type]
    assert len(sent) == 1


async def test_lifespan_messages_are_answered() -> None:
    asked = iter(["lifespan.startup", "lifespan.shutdown"])
    sent: list[str] = []

    async def receive() -> Any:
        return {"type": next(asked)}

    async def send(message: Any) -> None:
        sent.append(message["type"])

    await front({}, door("site"))({"type": "lifespan"}, receive, send)
    assert sent == ["lifespan.startup.complete", "lifespan.shutdown.complete"]
