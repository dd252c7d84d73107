"""One call of a hook, from its bytes to its answer. Source: the contract, §1.

The order of checks is the contract's: the integration's name (500), key and hmac (401), the hook (201).
"""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import msgspec
import structlog

from regulars.app.credentials import Credential, lootly_lookup
from regulars.app.deliveries import Delivery, describe_refusal
from regulars.app.house import House
from regulars.app.integrations import set_installed
from regulars.domain.commands import RedeemReward
from regulars.domain.errors import Invalid, Refused, Rejected, Unavailable
from regulars.doors.lootly import commands, fields, rewards
from regulars.doors.lootly.answers import (
    EMPTY,
    Answer,
    json_answer,
    problem,
    refused,
    unavailable,
    why_not_now,
)
from regulars.doors.lootly.commands import Call
from regulars.doors.lootly.signature import SignedBody, Unreadable, expected_text, read_signed, verify
from regulars.doors.lootly.unverified import BODY_KEPT_BYTES, Ration, keep

log = structlog.get_logger(__name__)

INTEGRATIONS: Final = (
    "common",
    "custom-api",
    "woocommerce",
    "magento",
    "zapier",
    "bigcommerce",
    "shopify",
    "volusion",
    "trustspot",
)
LATER: Final = frozenset({"custom-action"})
"""Hooks of the contract that this version doesn't have yet."""

LONGEST_KEY: Final = 200
UNAUTHORISED: Final = (
    "Failed authentication: the key is unknown, or the hmac is not that of this body. The integration's "
    "delivery log shows the text that should have been signed."
)


class Hooks:
    """The door's calls: what they need of the house, and the ration of those that nobody signed."""

    def __init__(self, house: House, ration: Ration) -> None:
        self._house = house
        self._ration = ration

    async def answer(self, integration: str, hook: str, body: bytes, idempotency_key: str | None) -> Answer:
        """The answer to one call, after all that it changes is on disk."""
        try:
            return await self._check(integration, hook, body, idempotency_key)
        except Unavailable as error:
            return unavailable(error)

    async def _check(self, integration: str, hook: str, body: bytes, idempotency_key: str | None) -> Answer:
        house = self._house
        is_known = integration in INTEGRATIONS
        try:
            signed = read_signed(body)
        except Unreadable as error:
            log.warning("a call's body can't be read", integration=integration, hook=hook, why=str(error))
            return problem(401, f"Failed authentication: {error}.") if is_known else NO_INTEGRATION
        credential = await find_credential(house, signed.key)
        if credential is None or credential.secret is None:
            log.warning("a call with an unknown key", integration=integration, hook=hook)
            return problem(401, UNAUTHORISED) if is_known else NO_INTEGRATION
        delivery = Delivery(
            credential_id=credential.credential_id,
            integration=integration,
            hook=hook,
            body=body,
            received_at=house.clock(),
            refused_status=422 if credential.settings.get("strict_answers") is True else 200,
            subject=commands.subject(signed),
        )
        if not is_known:
            await self._keep_unknown_integration(credential, delivery)
            return NO_INTEGRATION
        if not verify(credential.secret, signed):
            await self._keep_failed(credential, delivery, signed)
            return problem(401, UNAUTHORISED)
        if hook in commands.READERS:
            return await self._command(credential, delivery, signed, idempotency_key)
        if hook in _DIRECT:
            return await self._direct(credential, delivery, signed)
        return await self._no_hook(credential, delivery)

    async def _command(
        self, credential: Credential, delivery: Delivery, signed: SignedBody, idempotency_key: str | None
    ) -> Answer:
        house = self._house
        program = house.programs.cached(credential.program_id) or await house.programs.get(
            credential.program_id
        )
        window = credential.settings.get(
            "redelivery_window_seconds", house.settings.redelivery_window_seconds
        )
        call = Call(
            integration=delivery.integration,
            hook=delivery.hook,
            body=signed,
            credential_id=credential.credential_id,
            site_id=credential.site_id,
            currency=program.site(credential.site_id).currency,
            now=delivery.received_at,
            window_seconds=window,
            idempotency_key=idempotency_key,
        )
        try:
            command = commands.read(call)
        except Invalid as refusal:
            return await self._refused(credential, delivery, refusal)
        try:
            if isinstance(command, RedeemReward):
                return await rewards.redeem(house, credential.program_id, command, delivery)
            await house.engine.submit(credential.program_id, command, delivery=delivery)
        except Rejected as refusal:  # the engine stored nothing of it, the delivery included
            return await self._refused(credential, delivery, refusal)
        except Refused as refusal:
            return _refusal(delivery, refusal)
        except Unavailable as error:
            house.deliveries.mention(
                credential.program_id,
                delivery,
                status=503,
                outcome="not now",
                message=why_not_now(error),
            )
            return unavailable(error)
        return EMPTY

    async def _direct(self, credential: Credential, delivery: Delivery, signed: SignedBody) -> Answer:
        """A hook that asks for no command: answered here, and logged."""
        try:
            answer, message = await _DIRECT[delivery.hook](self._house, credential, signed)
        except Invalid as refusal:
            return await self._refused(credential, delivery, refusal)
        await self._write(credential, delivery, status=200, outcome="done", problem=False, message=message)
        return answer

    async def _refused(self, credential: Credential, delivery: Delivery, refusal: Refused) -> Answer:
        status = delivery.refused_status
        message = describe_refusal(refusal)
        details = {"field": refusal.field} if isinstance(refusal, Invalid) else {}
        await self._write(
            credential,
            delivery,
            status=status,
            outcome="refused",
            problem=True,
            message=message,
            details=details,
        )
        return _refusal(delivery, refusal)

    async def _no_hook(self, credential: Credential, delivery: Delivery) -> Answer:
        if delivery.hook in LATER:
            message = f"The hook {delivery.hook} comes in a later version of Regulars: nothing was done."
            outcome = "not yet"
        else:
            message = f"There is no hook {delivery.hook}: nothing was done. Is its name misspelt?"
            outcome = "unknown hook"
        log.warning("a call of a hook that isn't there", program=credential.program_id, hook=delivery.hook)
        await self._write(credential, delivery, status=201, outcome=outcome, problem=True, message=message)
        return problem(201, message)

    async def _write(self, credential: Credential, delivery: Delivery, **kept: Any) -> None:
        await self._house.deliveries.write(credential.program_id, delivery, **kept)

    async def _keep_failed(self, credential: Credential, delivery: Delivery, signed: SignedBody) -> None:
        came = signed.hmac
        message = (
            "The body has no hmac."
            if came is None
            else "The hmac is not that of this body and this integration's secret."
        )
        await keep(
            self._house,
            self._ration,
            credential,
            cut(delivery),
            status=401,
            outcome="unauthorised",
            message=message,
            details={"expected_text": expected_text(signed), "came": came},
        )

    async def _keep_unknown_integration(self, credential: Credential, delivery: Delivery) -> None:
        await keep(
            self._house,
            self._ration,
            credential,
            cut(delivery),
            status=500,
            outcome="unknown integration",
            message=f"There is no integration {delivery.integration[:100]}: nothing was done.",
            details={},
        )


def _refusal(delivery: Delivery, refusal: Refused) -> Answer:
    """What the caller hears of it: as a rule nothing, unless it wants strict answers."""
    if delivery.hook == rewards.REDEEM:
        return rewards.refusal(refusal, delivery.refused_status)
    return refused(refusal) if delivery.refused_status == 422 else EMPTY


async def find_credential(house: House, key: str | None) -> Credential | None:
    """The integration of this key; None when there is none."""
    if not key or len(key) > LONGEST_KEY or not key.isprintable():
        return None
    lookup = lootly_lookup(key)
    return house.credentials.cached(lookup) or await house.credentials.find(lookup)


def cut(delivery: Delivery) -> Delivery:
    """The delivery with no more of its body than is kept of a call that nobody signed."""
    return msgspec.structs.replace(delivery, body=delivery.body[:BODY_KEPT_BYTES])


NO_INTEGRATION: Final = problem(500, f"Integration not found: its name is none of {', '.join(INTEGRATIONS)}.")


async def _key_verify(*_: object) -> tuple[Answer, str]:
    return json_answer([]), "The key and the signature are good."


async def _app_installed(house: House, credential: Credential, body: SignedBody) -> tuple[Answer, str]:
    shop_url = fields.text(body.members.get("shop_url"), "shop_url")
    api_endpoint = fields.text(body.members.get("api_endpoint"), "api_endpoint", 2000)
    if shop_url is None:
        raise Invalid("shop_url", "is required")
    is_new = await set_installed(
        house.database, credential, shop_url=shop_url, api_endpoint=api_endpoint, now=house.clock()
    )
    if is_new:
        house.credentials.forget()
        return EMPTY, f"The shop's address was recorded: {shop_url}"
    return EMPTY, "The shop's address was known already."


async def _customer(house: House, credential: Credential, body: SignedBody) -> tuple[Answer, str]:
    customer_id = fields.required_identifier(body.members.get("customer_id"), "customer_id")
    program = await house.programs.get(credential.program_id)
    found = await house.balances.find(program, [customer_id], house.clock())
    if (balance := found.get(customer_id)) is None:
        return json_answer({}), f"No customer with the id {customer_id} is known."
    said = {
        "id": balance.merchant_id,
        "email": balance.email,
        "first_name": balance.first_name,
        "last_name": balance.last_name,
        "points": balance.available,
        "pending": balance.pending,
    }
    return json_answer({"data": said}), f"Told {balance.available} points."


Direct: TypeAlias = Callable[[House, Credential, SignedBody], Awaitable[tuple[Answer, str]]]

_DIRECT: Final[dict[str, Direct]] = {
    "key-verify": _key_verify,
    "app-installed": _app_installed,
    "customer": _customer,
    "rewards-list": rewards.rewards_list,
}
"""The hooks that are answered without a command, and what the log says of it."""
