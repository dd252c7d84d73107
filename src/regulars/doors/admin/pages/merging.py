"""Two records that are one person: find the other one, look at both, say why, and merge them for good."""

from typing import Final

from regulars.app import merging, people
from regulars.app.merging import Preview
from regulars.app.people import Filter, Profile
from regulars.domain.errors import Invalid, Refused
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.refusals import errors_of, sentence
from regulars.doors.admin.routing import NoRoute, Route
from regulars.doors.admin.telling import called, told_apart
from regulars.doors.admin.words import N_, _

SHOWN: Final = 20
FIELDS: Final = ("reason", "sure")
"""What the form asks for; whatever else is refused is about the two as such."""


async def find_other(ask: Ask) -> Answer:
    """Customers who may be the same person, by what one knows of them."""
    now = ask.program.time(ask.now)
    found = await people.profile(ask.house.database, ask.program_id, ask.number("customer"), now=now)
    customer = found.standing.customer
    if customer.merged_into is not None or found.erased_at is not None:
        raise NoRoute
    text, rows = ask.query.get("q", ""), []
    if text.strip():
        try:
            page = await people.search(
                ask.house.database, ask.program_id, Filter(text=text), most=SHOWN, now=now
            )
            rows = [row for row in page.rows if row.customer.id != customer.id]
        except Invalid as refused:
            ask.errors = errors_of(refused)
    return ask.render(
        "customers/merge_find.html",
        customer=customer,
        name=called(customer),
        text=text,
        rows=rows,
        called=called,
    )


async def compare(ask: Ask) -> Answer:
    """Both side by side, and what would become of them."""
    ids = _both(ask)
    stays = _chosen(ask.query.get("stays", "") or ask.form.get("stays"))
    if stays not in ids:
        stays = await merging.who_stays(ask.house.database, ask.program_id, ids)
    goes = next(one for one in ids if one != stays)
    now = ask.program.time(ask.now)
    seen = await merging.preview(ask.house.database, ask.program_id, goes, stays, now=now)
    return ask.render(
        "customers/merge.html",
        here=ask.number("customer"),
        name=called((seen.stays if stays == ids[0] else seen.gone).standing.customer),
        address=ask.url(f"/customers/{ids[0]}/merge/{ids[1]}"),
        seen=seen,
        called=called,
        sides=[_side(seen.stays, seen.gone, stays=True), _side(seen.gone, seen.stays, stays=False)],
        why_not=_why_not(seen),
    )


async def change(ask: Ask) -> Answer:
    """Merges them, and shows the one who stays."""
    ids = _both(ask)
    stays = _chosen(ask.form.get("stays"))
    if stays not in ids:
        raise NoRoute
    try:
        if not ask.form.is_on("sure"):
            raise Invalid("sure", "must be ticked")
        await merging.merge(
            ask.house,
            ask.acting,
            next(one for one in ids if one != stays),
            stays,
            reason=ask.form.get("reason"),
            form_key=ask.form_key or None,
            now=ask.now,
        )
    except Invalid as refused:
        ask.errors = errors_of(refused) if refused.field in FIELDS else {"": sentence(refused)}
        return await compare(ask)
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await compare(ask)
    ask.say(_("Merged: all is here now, and the timeline says why."))
    return ask.redirect(ask.url(f"/customers/{stays}"))


def _both(ask: Ask) -> tuple[int, int]:
    ids = ask.number("customer"), ask.number("other")
    if ids[0] == ids[1]:
        raise NoRoute
    return ids


def _chosen(text: str) -> int | None:
    return int(text) if text.isascii() and text.isdigit() and len(text) < 18 else None


def _side(found: Profile, other: Profile, *, stays: bool) -> dict[str, object]:
    claims = len(found.claims)
    return {
        "stays": stays,
        "found": found,
        "customer": found.standing.customer,
        "account": found.standing.account,
        "name": told_apart(found.standing.customer, other.standing.customer),
        "claims": f"{claims}+" if claims == people.SHOWN else str(claims),
    }


def _why_not(seen: Preview) -> str | None:
    """What stands in the way, as the reader says it."""
    both = seen.gone, seen.stays
    if seen.problem is None:
        return None
    if any(one.erased_at is not None for one in both):
        return _("One of the two was erased: there is nobody to be merged.")
    if any(one.standing.customer.merged_into is not None for one in both):
        return _("One of the two was merged before. Look for the one who stayed.")
    return _(
        "A member can't go into a guest, nor somebody who has an id of your shop into somebody without one. "
        "Let the other one stay."
    )


ACTIONS: Final = (N_("merge customers"),)
"""What the audit log says of these pages."""

ROUTES: Final = (
    Route("GET", "/customers/{customer}/merge", "customers.merge", find_other),
    Route("GET", "/customers/{customer}/merge/{other}", "customers.merge", compare),
    Route("POST", "/customers/{customer}/merge/{other}", "customers.merge", change),
)
