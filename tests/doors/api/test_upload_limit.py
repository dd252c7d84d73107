"""A file of codes may be longer than any other body; nothing else may."""

import pytest

from tests.doors.test_limits import Running, request, running, status

__all__ = ["running"]

FILE = b"A" * 2_000
"""Twice what that server takes elsewhere."""


@pytest.mark.parametrize("path", ["/api/v1/rewards/1/codes", "/api/v1/rewards/12/codes?x=1"])
async def test_an_upload_may_be_long(running: Running, path: str) -> None:
    answer = await running.say(
        request(f"Content-Length: {len(FILE)}", "Connection: close", path=path, body=FILE)
    )
    assert status(answer) == 200
    assert running.door.calls[0][2] == FILE


@pytest.mark.parametrize(
    "path", ["/api/v1/rewards", "/api/v1/rewards/1/codes/void", "/x/api/v1/rewards/1/codes"]
)
async def test_no_other_body_may(running: Running, path: str) -> None:
    answer = await running.say(request(f"Content-Length: {len(FILE)}", path=path, body=FILE))
    assert status(answer) == 413
    assert running.door.calls == []


async def test_an_upload_has_a_bound_of_its_own(running: Running) -> None:
    target = "/api/v1/rewards/1/codes"
    answer = await running.say(request("Content-Length: 5000001", path=target))
    assert status(answer) == 413
    assert b"5000000 bytes" in answer


async def test_a_request_after_an_upload_is_bounded_as_before(running: Running) -> None:
    first = request(f"Content-Length: {len(FILE)}", path="/api/v1/rewards/1/codes", body=FILE)
    answer = await running.say(first, request(f"Content-Length: {len(FILE)}", path="/other", body=FILE))
    assert [method_path[1] for method_path in running.door.calls] == ["/api/v1/rewards/1/codes"]
    assert b"HTTP/1.1 200" in answer
