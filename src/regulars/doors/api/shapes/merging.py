"""Merging two records that are one person."""

from typing import Annotated, TypeAlias

from msgspec import UNSET, Meta, UnsetType

from regulars.doors.api.shapes.fields import Closed

NO_NUL = r"^[^\x00]*$"

MerchantId: TypeAlias = Annotated[str, Meta(min_length=1, max_length=191, pattern=NO_NUL)]
Email: TypeAlias = Annotated[str, Meta(min_length=1, max_length=255, pattern=NO_NUL)]
Why: TypeAlias = Annotated[str, Meta(min_length=1, max_length=500, pattern=NO_NUL)]


class Merging(Closed, frozen=True, kw_only=True):
    """Who is merged into the path's customer: `merchant_id`, or `guest_email` for a guest without an id. The
    `reason` stands in the audit log and in both histories."""

    merchant_id: MerchantId | UnsetType = UNSET
    guest_email: Email | UnsetType = UNSET
    reason: Why
