"""The balance reads: `GET /api/custom/...`, signed in the query. Source: the contract, §1, Reads."""

from typing import Final
from urllib.parse import parse_qsl

from regulars.app.credentials import Credential
from regulars.app.deliveries import Delivery
from regulars.app.house import House
from regulars.domain.errors import Unavailable
from regulars.doors.lootly.answers import Answer, json_answer, problem, unavailable
from regulars.doors.lootly.hooks import cut, find_credential
from regulars.doors.lootly.php import json_text
from regulars.doors.lootly.signature import verify_read
from regulars.doors.lootly.unverified import Ration, keep

MOST_IDS: Final = 1000

UNKNOWN_KEY: Final = json_answer({"error": "Merchant not found"}, 404)
UNAUTHORISED: Final = json_answer({"error": "Unauthorized"}, 403)


class Reads:
    """Answers balance reads; those with a wrong signature stand in the integration's log."""

    def __init__(self, house: House, ration: Ration) -> None:
        self._house = house
        self._ration = ration

    async def one(self, customer_id: str, query: bytes) -> Answer:
        """`{"point_value": n}`; 0 for a customer that nobody knows."""
        return await self._answer(query, customer_id)

    async def many(self, query: bytes) -> Answer:
        """`[{"1":120},{"2":0}]` for `customer_ids=1,2`, in that order."""
        return await self._answer(query, None)

    async def _answer(self, query: bytes, customer_id: str | None) -> Answer:
        said = dict(
            parse_qsl(
                query.decode("utf-8", "replace"), keep_blank_values=True, encoding="utf-8", errors="replace"
            )
        )
        try:
            credential = await find_credential(self._house, said.get("key"))
            if credential is None or credential.secret is None:
                return UNKNOWN_KEY
            customer_ids = None if customer_id is not None else said.get("customer_ids")
            if not verify_read(credential.secret, said["key"], said.get("hmac", ""), customer_ids):
                await self._keep_failed(credential, said, query, customer_ids)
                return UNAUTHORISED
            if customer_id is not None:
                points = await self._points(credential, [customer_id])
                return json_answer({"point_value": points[customer_id]})
            if customer_ids is None:
                return problem(422, "customer_ids is required: ids with commas between them.")
            asked = [found for part in customer_ids.split(",") if (found := part.strip())]
            if len(asked) > MOST_IDS:
                return problem(422, f"customer_ids must not have more than {MOST_IDS} ids.")
            points = await self._points(credential, asked)
            return json_answer([{one: points[one]} for one in asked])
        except Unavailable as error:
            return unavailable(error)

    async def _points(self, credential: Credential, customer_ids: list[str]) -> dict[str, int]:
        house = self._house
        program = house.programs.cached(credential.program_id) or await house.programs.get(
            credential.program_id
        )
        found = await house.balances.find(program, customer_ids, house.clock())
        return {one: found[one].available if one in found else 0 for one in customer_ids}

    async def _keep_failed(
        self, credential: Credential, said: dict[str, str], query: bytes, customer_ids: str | None
    ) -> None:
        signed = (
            {"key": said["key"]}
            if customer_ids is None
            else {"key": said["key"], "customer_ids": customer_ids}
        )
        delivery = Delivery(
            credential_id=credential.credential_id,
            integration="api",
            hook="point-balance",
            body=query,
            received_at=self._house.clock(),
        )
        await keep(
            self._house,
            self._ration,
            credential,
            cut(delivery),
            status=403,
            outcome="unauthorised",
            message="The hmac is not that of this query and this integration's secret.",
            details={"expected_text": json_text(signed), "came": said.get("hmac")},
        )
