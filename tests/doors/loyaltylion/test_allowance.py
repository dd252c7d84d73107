"""A limit to the requests of one key: none unless the house sets it; then 429, and everybody else goes on."""

from regulars.app.allowance import Allowance
from tests.doors.loyaltylion.conftest import Shop


class StandingClock(Allowance):
    """Counts by a second that passes when it is told to."""

    second = 100.0

    def take(self, credential_id: int, now: float):  # type: ignore[no-untyped-def]
        return super().take(credential_id, self.second)


async def test_there_is_no_limit_unless_one_is_set(shop: Shop) -> None:
    answers = [await shop.get("/v2/orders") for _ in range(30)]
    assert {answer.status_code for answer in answers} == {200}
    assert "x-ratelimit-limit" not in answers[-1].headers


async def test_what_is_over_the_limit_is_429_until_the_next_second(shop: Shop) -> None:
    shop.house.allowance = clock = StandingClock(3)
    answers = [await shop.get("/v2/orders") for _ in range(5)]
    assert [answer.status_code for answer in answers] == [200, 200, 200, 429, 429]
    assert [answer.headers["x-ratelimit-remaining"] for answer in answers] == ["2", "1", "0", "0", "0"]
    assert {answer.headers["x-ratelimit-limit"] for answer in answers} == {"3"}
    assert answers[3].headers["retry-after"] == answers[3].headers["x-ratelimit-reset"] == "1"
    assert answers[3].json() == {"error": {"message": "Too many requests"}}
    clock.second += 1
    assert (await shop.get("/v2/orders")).status_code == 200


async def test_each_key_has_a_limit_of_its_own_and_a_refused_order_is_not_taken(shop: Shop) -> None:
    shop.house.allowance = StandingClock(1)
    assert (await shop.get("/v2/orders")).status_code == 200
    order = {"merchant_id": "A1", "customer_id": "1", "customer_email": "a@tea.example", "total": "10.00"}
    assert (await shop.send("POST", "/v2/orders", order)).status_code == 429
    other = await shop.get("/v2/orders", auth=shop.basic)
    assert (other.status_code, other.json()["orders"]) == (200, [])
