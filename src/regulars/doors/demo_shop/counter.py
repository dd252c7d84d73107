"""What every page and form of the demo shop works with, and how a page is put together."""

from typing import Any

import jinja2
import msgspec

from regulars.app.house import House
from regulars.app.listings import Standing
from regulars.app.programs import Created
from regulars.app.storefront import till
from regulars.app.storefront.signatures import md5_signature
from regulars.domain.program import Program
from regulars.domain.rewards import Claim
from regulars.doors.demo_shop.basket import Basket, fill
from regulars.doors.demo_shop.shopkeeper import Shopkeeper
from regulars.doors.demo_shop.visit import Visit

HTML = "text/html; charset=utf-8"


class Answer(msgspec.Struct, frozen=True):
    """`location`: where a form leads back to. `visit`: to be remembered from here on."""

    status: int
    content_type: str = "text/plain; charset=utf-8"
    body: bytes = b""
    cache: str = "no-store"
    location: str | None = None
    visit: Visit | None = None


class Shown(msgspec.Struct, frozen=True, kw_only=True):
    """A call: the demo program's keys, what is remembered of the visitor, and where the browser is."""

    keys: Created
    visit: Visit
    origin: str


class Counter:
    """The shop's counter: the house behind it, who reports to it, and the templates."""

    def __init__(self, house: House, keeper: Shopkeeper, templates: jinja2.Environment) -> None:
        self.house = house
        self.keeper = keeper
        self._templates = templates

    async def program(self, shown: Shown) -> Program:
        return await self.house.programs.get(shown.keys.program_id)

    async def customer(self, shown: Shown) -> Standing | None:
        """Who is logged in, if anybody is."""
        if shown.visit.customer is None:
            return None
        return await till.customer_of(self.house, await self.program(shown), shown.visit.customer)

    async def basket(self, shown: Shown) -> tuple[Basket, Claim | None]:
        """The basket with its code, and what the code was handed out for."""
        visit, claim = shown.visit, None
        if visit.code:
            program = await self.program(shown)
            now = program.time(self.house.clock())
            claim = await till.usable_claim(self.house, program, visit.code, now)
        return fill(visit.basket, claim, is_unknown=bool(visit.code) and claim is None), claim

    async def page(self, shown: Shown, template: str, *, status: int = 200, **values: Any) -> Answer:
        """A page of the shop; what was to be said once is said in it and then forgotten."""
        visit = shown.visit
        who = await self.customer(shown)
        text = self._templates.get_template(template).render(
            who=who,
            number=sum(visit.basket.values()),
            said=visit.said,
            widget=self._snippet(shown, who),
            **values,
        )
        after = msgspec.structs.replace(visit, said="") if visit.said else None
        return Answer(status, HTML, text.encode(), visit=after)

    def back(self, path: str, visit: Visit) -> Answer:
        """Leads to another page of the shop, which shows what has changed."""
        return Answer(303, location=f"/demo-shop/{path}", visit=visit)

    def _snippet(self, shown: Shown, who: Standing | None) -> dict[str, str]:
        """What the guide's snippet puts into the page, signed as it says."""
        keys, secret = shown.keys, shown.keys.lootly_api_secret
        customer_id = who.customer.merchant_id or "" if who is not None else ""
        return {
            "provider": shown.origin,
            "api_key": keys.lootly_api_key,
            "shop_domain": keys.site_domain,
            "shop_id": md5_signature(keys.site_domain, secret),
            "customer_id": customer_id,
            "customer_signature": md5_signature(customer_id, secret) if customer_id else "",
        }
