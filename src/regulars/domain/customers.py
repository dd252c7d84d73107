"""A person known to the shop: by its merchant id, or, as a guest without one, by e-mail."""

from datetime import date, datetime

import msgspec

from regulars.domain.commands import CustomerRef


class Customer(msgspec.Struct, frozen=True, kw_only=True):
    """`member_since` None: a guest, who earns nothing. Blocked members earn nothing and keep what they
    have. `merged_into`: the customer who has everything of this one; never one who was merged, too."""

    id: int
    merchant_id: str | None
    email: str | None
    first_name: str | None = None
    last_name: str | None = None
    birthday: date | None = None
    properties: dict[str, str] = {}
    member_since: datetime | None = None
    blocked: bool = False
    created_at: datetime
    updated_at: datetime
    merged_into: int | None = None

    @property
    def is_member(self) -> bool:
        return self.member_since is not None


def email_key(email: str | None) -> str | None:
    """The text by which e-mails are looked up: blanks around it and letter case do not matter."""
    return email.strip().lower() or None if email else None


def with_profile(customer: Customer, said: CustomerRef) -> Customer:
    """The customer with what the shop says now; what it does not say stays. The same object when nothing
    differs."""
    changes: dict[str, object] = {}
    for name in ("email", "first_name", "last_name", "birthday"):
        value = getattr(said, name)
        if value and value != getattr(customer, name):
            changes[name] = value
    if said.properties and any(customer.properties.get(name) != v for name, v in said.properties.items()):
        changes["properties"] = customer.properties | said.properties
    return msgspec.structs.replace(customer, **changes) if changes else customer
