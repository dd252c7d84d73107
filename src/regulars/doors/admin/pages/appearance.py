"""How the storefront widget looks and what it says, with its own panel beside the form."""

from typing import Final

from regulars.app.configuration import save_widget
from regulars.app.storefront.panel import on_offer
from regulars.app.storefront.widgets import LANGUAGES, TEXTS, load_widget
from regulars.domain.errors import Refused
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import Route
from regulars.doors.admin.sample import sample
from regulars.doors.admin.words import N_, _

NAMES: Final = {
    "title": N_("Title of the panel"),
    "welcome": N_("Welcome for who is not logged in"),
    "launcher": N_("Words on the button"),
    "join": N_("Words that invite to join"),
}
TONGUES: Final = {"en": "English", "de": "Deutsch", "fr": "Français", "es": "Español", "ar": "العربية"}


async def show(ask: Ask) -> Answer:
    widget = await load_widget(ask.house.database, ask.program_id)
    shown = await on_offer(ask.house, ask.program, ask.program.sites[0].id if ask.program.sites else None)
    return ask.render(
        "appearance/show.html",
        widget=widget,
        texts=[(name, _(NAMES[name])) for name in TEXTS],
        languages=[("", _("The page's"))] + [(tag, TONGUES[tag]) for tag in LANGUAGES],
        sample=sample(ask.program, widget, shown, now=ask.program.time(ask.now)),
        has_rewards=bool(shown),
    )


async def save(ask: Ask) -> Answer:
    form = ask.form
    try:
        await save_widget(
            ask.house.database,
            ask.acting,
            now=ask.now,
            enabled=form.is_on("enabled"),
            color=form.get("color").lower(),
            side=form.get("side"),
            language=form.get("language") or None,
            texts={name: form.get(name) for name in TEXTS},
            login_url=form.get("login_url") or None,
            signup_url=form.get("signup_url") or None,
        )
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await show(ask)
    ask.say(_("Saved. Pages show it within a minute."))
    return ask.redirect(ask.url("/appearance"))


ROUTES: Final = (
    Route("GET", "/appearance", "appearance.read", show),
    Route("POST", "/appearance", "appearance.change", save),
)
