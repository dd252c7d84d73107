"""Merging another record into a customer: two that are one person."""

from msgspec import UNSET

from regulars.app import merging
from regulars.app.listings import find_customer
from regulars.domain.errors import Invalid
from regulars.doors.api.customers import show_customer
from regulars.doors.api.request import Call
from regulars.doors.api.shapes.merging import Merging
from regulars.doors.wire import Answer


async def merge_customer(call: Call) -> Answer:
    """POST /api/v1/customers/{merchant_id}/merge: the path's customer stays."""
    said = call.json(Merging)
    if (said.merchant_id is UNSET) == (said.guest_email is UNSET):
        raise Invalid("merchant_id", "or guest_email is required, and not both")
    house, program_id = call.house, call.program.id
    stays = await find_customer(house.database, program_id, call.path["merchant_id"], now=call.now)
    by_id = said.merchant_id if said.merchant_id is not UNSET else None
    by_email = said.guest_email if said.guest_email is not UNSET else None
    gone = await merging.record_named(house.database, program_id, merchant_id=by_id, guest_email=by_email)
    try:
        await merging.merge_as(
            house,
            program_id,
            call.credential.author,
            gone,
            stays.customer.id,
            actor=call.actor,
            reason=said.reason,
            identity=call.identity(),
            now=house.clock(),
        )
    except Invalid as refused:
        if refused.field != "customer":
            raise
        raise Invalid("guest_email" if by_id is None else "merchant_id", refused.problem) from None
    return await show_customer(call)
