"""Checking a signature by hand: paste what the shop sent, and see the text that should have been signed."""

from typing import Final

from regulars.app.connections import Pair, listed, secret_of
from regulars.app.storefront.signatures import md5_signature
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.calls import Checked
from regulars.doors.admin.pages.deliveries import Pieces, marked
from regulars.doors.admin.routing import Route
from regulars.doors.admin.words import _

MOST_COMPARED: Final = 4000
"""Characters; comparing longer texts letter by letter would take too long."""


async def show(ask: Ask) -> Answer:
    return await _page(ask)


async def check(ask: Ask) -> Answer:
    """A webhook's body, with the text of the shop's own to compare if it is given."""
    pair = await _pair(ask, "integration")
    body = ask.form.raw("body")
    if pair is None or ask.calls is None:
        ask.errors = {"integration": _("Choose one of your integrations.")}
        return await _page(ask)
    try:
        checked = ask.calls.check(pair.secret, body.encode())
    except ValueError as unreadable:
        ask.errors = {"body": _("This body can't be read: %(why)s.", why=str(unreadable))}
        return await _page(ask)
    signed = ask.form.raw("signed").strip()
    compared = None
    if signed and len(signed) <= MOST_COMPARED and len(checked.text) <= MOST_COMPARED:
        compared = (marked(checked.text, signed), marked(signed, checked.text))
    return await _page(ask, checked=checked, compared=compared, is_our_key=checked.key == pair.key)


async def check_page(ask: Ask) -> Answer:
    """What a page's two md5 signatures have to be."""
    pair = await _pair(ask, "for_page")
    if pair is None:
        ask.errors = {"for_page": _("Choose one of your integrations.")}
        return await _page(ask)
    domain, customer = ask.form.get("domain"), ask.form.get("customer")
    return await _page(
        ask,
        md5={
            "shop": md5_signature(domain, pair.secret) if domain else None,
            "customer": md5_signature(customer, pair.secret) if customer else None,
        },
    )


async def _page(
    ask: Ask,
    *,
    checked: Checked | None = None,
    compared: tuple[Pieces, Pieces] | None = None,
    is_our_key: bool = True,
    md5: dict[str, str | None] | None = None,
) -> Answer:
    live = [
        one
        for one in await listed(ask.house.database, ask.program_id)
        if one.kind == "lootly" and not one.has_ended(ask.now)
    ]
    return ask.render(
        "signatures/check.html",
        integrations=live,
        checked=checked,
        compared=compared,
        is_our_key=is_our_key,
        md5=md5,
    )


async def _pair(ask: Ask, field: str) -> Pair | None:
    """The integration that was chosen in this field, with its secret."""
    chosen = ask.form.get(field)
    for one in await listed(ask.house.database, ask.program_id):
        if one.kind == "lootly" and str(one.credential_id) == chosen and not one.has_ended(ask.now):
            return await secret_of(ask.house.database, ask.house.vault, ask.program_id, one.credential_id)
    return None


ROUTES: Final = (
    Route("GET", "/signatures", "integrations.change", show),
    Route("POST", "/signatures", "integrations.change", check),
    Route("POST", "/signatures/page", "integrations.change", check_page),
)
