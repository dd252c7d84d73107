"""The audit log: who changed what, when, from what to what, and why."""

from typing import Final

import msgspec

from regulars.app import audit
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.routing import Route
from regulars.doors.admin.words import N_

SHOWN: Final = 50
NOTHING: Final = ("", "[]", "{}")


async def show(ask: Ask) -> Answer:
    before = ask.query.get("before", "")
    who = ask.query.get("who") or None
    entries = await audit.list_entries(
        ask.house.database,
        ask.acting,
        before_id=int(before) if before.isascii() and before.isdigit() and len(before) < 18 else None,
        actor=who,
        limit=SHOWN + 1,
    )
    return ask.render(
        "audit/list.html",
        entries=entries[:SHOWN],
        changes={entry.entry_id: _changes(entry) for entry in entries[:SHOWN]},
        older=entries[SHOWN - 1].entry_id if len(entries) > SHOWN else None,
        who=who,
    )


def _changes(entry: audit.Entry) -> list[tuple[str, str, str]]:
    """(what, before, after) of an entry: field by field where it has fields, "" for a value by itself.

    Of what was made anew, the fields in which nothing stands are left out.
    """
    before, after = msgspec.json.decode(entry.before), msgspec.json.decode(entry.after)
    if not isinstance(before, dict) and not isinstance(after, dict):
        return [("", _text(before), _text(after))] if (before, after) != (None, None) else []
    old = before if isinstance(before, dict) else {}
    new = after if isinstance(after, dict) else {}
    names = [*old, *(name for name in new if name not in old)]
    told = [
        (name, _text(old.get(name)), _text(new.get(name))) for name in names if old.get(name) != new.get(name)
    ]
    return [one for one in told if one[1] not in NOTHING or one[2] not in NOTHING]


def _text(value: object) -> str:
    if value is None:
        return ""
    return value if isinstance(value, str) else msgspec.json.encode(value).decode()


ACTIONS: Final = (
    N_("change reward"),
    N_("change rules"),
    N_("change spending"),
    N_("change widget"),
    N_("make program"),
    N_("make reward"),
    N_("move clock"),
    N_("upload codes"),
    N_("export codes"),
    N_("void codes"),
    N_("import orders"),
    N_("import customers"),
    N_("import refunds"),
)
"""What the log says of configuration, whichever door it was changed through, besides what pages name."""

ROUTES: Final = (Route("GET", "/audit", "audit.read", show),)
