"""API keys: made, shown once, seen in use, ended."""

from datetime import timedelta
from typing import Final

from regulars.app.connections import end, listed, make_key
from regulars.app.credentials import SCOPES
from regulars.domain.errors import Refused
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import Route
from regulars.doors.admin.words import N_, _

LIVES: Final = (
    ("", N_("for ever")),
    ("30", N_("for 30 days")),
    ("90", N_("for 90 days")),
    ("365", N_("for a year")),
)


async def show(ask: Ask) -> Answer:
    return await _list(ask)


async def _list(ask: Ask, made: str | None = None) -> Answer:
    keys = [one for one in await listed(ask.house.database, ask.program_id) if one.kind == "api_key"]
    return ask.render(
        "keys/list.html",
        keys=[one for one in keys if not one.has_ended(ask.now)],
        ended=[one for one in keys if one.has_ended(ask.now)],
        scopes=SCOPES,
        lives=LIVES,
        made=made,
    )


async def make(ask: Ask) -> Answer:
    """The page again with the key, this once."""
    days = ask.form.get("days")
    try:
        made = await make_key(
            ask.house.database,
            ask.acting,
            name=ask.form.get("name"),
            scopes=tuple(scope for scope in SCOPES if scope in ask.form.all("scopes")),
            expires_at=ask.now + timedelta(days=int(days)) if days in ("30", "90", "365") else None,
            now=ask.now,
        )
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await _list(ask)
    ask.form.fields.clear()
    return await _list(ask, made)


async def revoke(ask: Ask) -> Answer:
    await end(ask.house.database, ask.acting, ask.number("credential"), now=ask.now)
    ask.house.credentials.forget()
    ask.say(_("Revoked: calls with this key are refused from now on."))
    return ask.redirect(ask.url("/keys"))


ROUTES: Final = (
    Route("GET", "/keys", "integrations.read", show),
    Route("POST", "/keys", "integrations.change", make),
    Route("POST", "/keys/{credential}/revoke", "integrations.change", revoke),
)
