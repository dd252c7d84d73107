"""How the shop is connected: its integrations with their keys, what they allow, and the code to paste."""

from typing import Final, NamedTuple

import msgspec

from regulars import manual
from regulars.app import connections
from regulars.app.access import require
from regulars.app.connections import Listed, Pair, connect_site, end, listed, rotate, secret_of
from regulars.app.integrations import LONGEST_WINDOW_SECONDS, change_settings
from regulars.app.storefront.signatures import md5_signature
from regulars.app.storefront.switches import change_switches, switches_of
from regulars.domain.errors import Invalid, Refused
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.refusals import errors_of
from regulars.doors.admin.routing import NoRoute, Route
from regulars.doors.admin.words import N_, _

UNSEEN: Final = "…"
GUIDE: Final = "integrate/lootly.md"
LANGUAGES: Final = (("php", "PHP"), ("python", "Python"), ("javascript", "Node"), ("sh", "curl"))
SNIPPET: Final = """\
<?php
$customer = '';   // your id of who is logged in; empty for nobody
$secret = '{secret}';
$domain = '{domain}';
?>
<div id="lootly-widget" class="lootly-init" style="display: none"
     data-provider="{server}"
     data-api-key="{key}"
     data-shop-domain="<?= $domain ?>"
     data-shop-id="<?= md5($domain . $secret) ?>"
     data-customer-id="<?= htmlspecialchars($customer) ?>"
     data-customer-signature="<?= $customer === '' ? '' : md5($customer . $secret) ?>">
</div>"""


class Snippet(NamedTuple):
    """A text to paste, under a heading."""

    name: str
    title: str
    text: str


async def show(ask: Ask) -> Answer:
    all_keys = await listed(ask.house.database, ask.program_id)
    live = [one for one in all_keys if one.kind != "api_key" and not one.has_ended(ask.now)]
    settings = next((one.settings for one in live if one.kind == "lootly"), {})
    return ask.render(
        "integrations/list.html",
        integrations=[one for one in live if one.kind == "lootly"],
        tokens=[one for one in live if one.kind == "site"],
        sites={site.id: site for site in ask.program.sites},
        settings=settings,
        switches=switches_of(settings),
        window=settings.get("redelivery_window_seconds", ask.house.settings.redelivery_window_seconds),
    )


async def connect(ask: Ask) -> Answer:
    """A new integration of a site; its page has the code to paste."""
    site = ask.form.get("site")
    try:
        if not (site.isascii() and site.isdigit()):
            raise Invalid("site", "must be one of the sites")
        pair = await connect_site(
            ask.house.database,
            ask.house.vault,
            ask.acting,
            int(site),
            name=ask.form.get("name"),
            now=ask.now,
        )
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await show(ask)
    ask.say(_("Connected. Paste the code below into your shop."))
    return ask.redirect(ask.url(f"/integrations/{pair.credential_id}"))


async def detail(ask: Ask) -> Answer:
    one = await _find(ask)
    site = next((site for site in ask.program.sites if site.id == one.site_id), None)
    may_see = ask.may("integrations.change")
    pair = await secret_of(ask.house.database, ask.house.vault, ask.program_id, one.credential_id)
    shown = pair if may_see else msgspec.structs.replace(pair, secret=UNSEEN)
    domain = site.domain if site is not None else ""
    server = ask.house.settings.base_url
    return ask.render(
        "integrations/detail.html",
        one=one,
        site=site,
        pair=shown,
        may_see=may_see,
        head=f'<script type="text/javascript" src="{server}/js/integrations/common/script.js"></script>',
        widget=SNIPPET.format(secret=shown.secret, domain=domain, server=server, key=pair.key),
        shop_id=md5_signature(domain, pair.secret),
        snippets=_snippets(server, shown),
    )


def _snippets(server: str, pair: Pair) -> list[Snippet]:
    """The guide's own code with the shop's values in it."""
    found = []
    for language, title in LANGUAGES:
        text = manual.code(GUIDE, language)
        if text is not None:
            for sample, value in (
                ("https://points.example", server),
                ("your key", pair.key),
                ("your secret", pair.secret),
            ):
                text = text.replace(sample, value)
            found.append(Snippet(language, title, text.rstrip()))
    return found


async def renew(ask: Ask) -> Answer:
    """A new pair beside the old one, so that the shop can change over."""
    one = await _find(ask)
    pair = await rotate(ask.house.database, ask.house.vault, ask.acting, one.credential_id, now=ask.now)
    ask.say(
        _(
            "Here is a new key with a secret of its own. The old pair counts until you revoke it, so change "
            "the shop over first."
        )
    )
    return ask.redirect(ask.url(f"/integrations/{pair.credential_id}"))


async def revoke(ask: Ask) -> Answer:
    one = await _find(ask)
    await end(ask.house.database, ask.acting, one.credential_id, now=ask.now)
    ask.house.credentials.forget()
    ask.say(_("Revoked: calls with this key are refused from now on."))
    return ask.redirect(ask.url("/integrations"))


async def change(ask: Ask) -> Answer:
    """What all integrations of the program allow."""
    form, database = ask.form, ask.house.database
    try:
        minutes = form.get("window_minutes")
        if not (minutes.isascii() and minutes.isdigit()) or len(minutes) > 6:
            raise Invalid("window_minutes", "must be a whole number of minutes")
        if int(minutes) * 60 > LONGEST_WINDOW_SECONDS:
            raise Invalid("window_minutes", f"must be from 0 to {LONGEST_WINDOW_SECONDS // 60}")
        strict, seconds = form.is_on("strict_answers"), int(minutes) * 60
        md5, to_redeem = form.is_on("md5"), form.is_on("token_to_redeem")
        require(ask.acting, connections.CHANGE)
        await change_settings(
            database,
            ask.program_id,
            strict_answers=strict,
            redelivery_window_seconds=seconds,
            by=ask.acting,
            now=ask.now,
        )
        await change_switches(
            database, ask.program_id, md5=md5, token_to_redeem=to_redeem, by=ask.acting, now=ask.now
        )
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await show(ask)
    ask.house.credentials.forget()
    ask.say(_("Saved."))
    return ask.redirect(ask.url("/integrations"))


async def forget_signatures(ask: Ask) -> Answer:
    """After a leak: what pages showed until now counts no more."""
    require(ask.acting, connections.CHANGE)
    await change_switches(ask.house.database, ask.program_id, not_before=ask.now, by=ask.acting, now=ask.now)
    ask.house.credentials.forget()
    ask.say(_("Ended: every shopper's page has to show a fresh signature."))
    return ask.redirect(ask.url("/integrations"))


async def _find(ask: Ask) -> Listed:
    number = ask.number("credential")
    for one in await listed(ask.house.database, ask.program_id):
        if one.credential_id == number and one.kind == "lootly" and not one.has_ended(ask.now):
            return one
    raise NoRoute


ACTIONS: Final = (
    N_("connect site"),
    N_("renew keys"),
    N_("revoke key"),
    N_("make key"),
    N_("change integrations"),
    N_("change storefront"),
    N_("install integration"),
    N_("make token key"),
    N_("end storefront sessions"),
    N_("apply call"),
)
"""What the audit log says of these pages."""

ROUTES: Final = (
    Route("GET", "/integrations", "integrations.read", show),
    Route("POST", "/integrations", "integrations.change", connect),
    Route("POST", "/integrations/settings", "integrations.change", change),
    Route("POST", "/integrations/forget-signatures", "integrations.change", forget_signatures),
    Route("GET", "/integrations/{credential}", "integrations.read", detail),
    Route("POST", "/integrations/{credential}/renew", "integrations.change", renew),
    Route("POST", "/integrations/{credential}/revoke", "integrations.change", revoke),
)
