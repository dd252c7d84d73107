"""What people typed stays text: 120 texts that would like to be more, in every field, on every page.

They are planted below the doors, which would refuse some. The short form puts twenty in a field at once and
opens every page of the admin, the demo shop and the widget; the long form gives each a row, and pages, of its
own.
"""

import re
from collections.abc import Callable, Iterator
from datetime import datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import msgspec
import pytest

from regulars.app import audit
from regulars.app.access import Role
from regulars.app.claims import redeem
from regulars.app.credentials import create_api_key
from regulars.app.deliveries import Delivery, printable
from regulars.app.house import House
from regulars.app.people import Filter
from regulars.app.programs import Created
from regulars.app.rewards import create_reward
from regulars.demo.memory import program_for
from regulars.domain.commands import (
    Activity,
    AdjustPoints,
    CustomerRef,
    DiscountCode,
    OrderDetails,
    RecordOrder,
    RecordRefund,
    RefundPart,
    SaveCustomer,
)
from regulars.domain.decisions import Outcome
from regulars.domain.rewards import CodeSource, Reward, RewardKind
from regulars.doors.admin.routes import ROUTES
from regulars.doors.admin.routing import OPEN
from regulars.doors.demo_shop.visit import Visit as ShopVisit
from regulars.doors.demo_shop.visit import set_cookie
from tests import make
from tests.browser.conftest import Admin, Visit
from tests.browser.payloads import PAYLOADS, TAGS
from tests.browser.waits import expect
from tests.conftest import fresh_database

TOGETHER = 20
"""Payloads in one field, in the short form."""
PART = 20
"""Payloads in a part of the long form, each in rows of its own: each part has a database of its own, too."""
BELONGS = re.compile(r"[\s\x00-\x1f\u200b\ufeff]+")
"""What a browser may drop or change of a text, which is left out where texts are compared."""
LISTENING = """
  window.x9 = () => console.error("A PAYLOAD RAN");
  for (const name of ["alert", "confirm", "prompt", "print", "open"]) window[name] = window.x9;
  document.addEventListener("securitypolicyviolation", (it) =>
    console.error(`POLICY: ${it.violatedDirective} ${it.blockedURI} ${it.sample}`));
"""
LOOKING = """() => {
  const said = [], alive = [];
  const look = (root) => {
    for (const one of root.querySelectorAll("*")) {
      if (one.classList.contains("x9") || "x9" in one.dataset) alive.push(one.outerHTML.slice(0, 200));
      if (one.shadowRoot) look(one.shadowRoot);
      if ("value" in one && one.tagName !== "LI") said.push(one.value);
      for (const node of one.childNodes) if (node.nodeType === 3) said.push(node.data);
      if (one.title) said.push(one.title);
    }
  };
  look(document);
  return [said.join(""), alive];
}"""
"""All texts of the page, those of fields and shadow roots too; and elements that a payload made."""


STAFF = (
    """
    insert into staff (email, email_key, name, created_at) select mail, mail, $2, $4::timestamptz
      from (select $1 || ' ' || $2) as m (mail) where $3::bigint > 0
    """,
    """
    insert into staff_roles (program_id, staff_id, role, added_at)
    select $3::bigint, staff_id, 'analyst', $4::timestamptz from staff where email = $1 || ' ' || $2
    """,
    """
    insert into staff_sessions
           (session_hash, staff_id, second_factor_due, ip, user_agent, began_at, seen_at, ends_at)
    select decode(md5($1) || md5($1), 'hex'), min(staff_id), $3::bigint = 0, $2, $2, at, at,
           at + interval '1 hour'
      from staff, (select $4::timestamptz) as now (at) group by at
    """,
    """
    insert into staff_links (link_hash, kind, program_id, email, role, made_by, made_at, ends_at)
    select decode(md5($1) || md5($1), 'hex'), 'invitation', $3::bigint, $2, 'analyst', $2, at,
           at + interval '1 day'
      from (select $4::timestamptz) as now (at)
    """,
)
"""Somebody of that name, who works here; a session of the owner's in such a browser; an invitation."""


class Planted(Admin):
    """The server with the demo shop's program, in which each group of payloads has been put everywhere."""

    def __init__(self, dsn: str, home: Path, payloads: list[str], together: int) -> None:
        super().__init__(dsn, home)
        self.payloads = payloads
        self.groups = groups = [
            " ".join(payloads[at : at + together]) for at in range(0, len(payloads), together)
        ]
        self.names = [f"{at} {payloads[at]}" for at in range(len(groups))]
        self.owner = self.session_of()
        self.do(keep_the_house)
        self.rows = [
            self.do(lambda house, at=at: plant(house, self.shop, at, self.names[at], groups[at]))
            for at in range(len(groups))
        ]
        for at, row in enumerate(self.rows):  # whom a customer could be merged with, and the only shop
            row |= {"other": self.rows[at - 1]["customer"], "site": 1}

    @staticmethod
    async def _open_shop(house: House) -> Created:
        origin = f"http://127.0.0.1:{house.settings.port}"
        made = await program_for(
            house, "coffeehouse", name="Kaffeehaus", currency="EUR", domain=origin, now=house.clock()
        )
        return made.keys

    def rename(self, text: str) -> None:
        """Puts the text where a program has one: its name, its site's, integrations', the widget's words."""

        async def put(house: House) -> None:
            words = msgspec.json.encode(
                {"texts": dict.fromkeys(("title", "welcome", "launcher", "join"), text)}
            ).decode()
            async with house.database.acquire() as connection:
                for statement in (
                    "update programs set name = $2 where program_id = $1",
                    "update sites set name = $2 where program_id = $1",
                    "update credentials set name = $2 where program_id = $1 and kind <> 'api_key'",
                ):
                    await connection.execute(statement, self.shop.program_id, text)
                await connection.execute(
                    "insert into widgets (program_id, settings, updated_at) values ($1, $2, now()) "
                    "on conflict (program_id) do update set settings = excluded.settings",
                    self.shop.program_id,
                    words,
                )
            house.programs.forget()

        self.do(put)


async def keep_the_house(house: House) -> None:
    """Lets whoever is there make programs, too."""
    async with house.database.acquire() as connection:
        await connection.execute("update staff set keeps_house = true")


async def plant(house: House, shop: Created, at: int, who: str, text: str) -> dict[str, int]:
    """A customer, an order, a reward and all that belongs to them, with this text wherever texts are kept."""
    program_id, now = shop.program_id, house.clock()
    known = {f"{text} is known": text}
    reward = await create_reward(
        house.database,
        program_id,
        Reward(
            id=0, kind=RewardKind.FREE_PRODUCT, title="tea", cost=1, product="tea", codes=CodeSource.GENERATED
        ),
        now=now,
    )
    written = msgspec.structs.replace(
        reward, title=text, text=text, product=text, instructions=text, tiers=()
    )
    async with house.database.acquire() as connection:
        await connection.execute(
            "update rewards set definition = $3 where program_id = $1 and reward_id = $2",
            program_id,
            reward.id,
            msgspec.json.encode(written).decode(),
        )
    house.programs.forget()
    customer = CustomerRef(
        merchant_id=who, email=f"{text}@{at}.example", first_name=text, last_name=text, properties=known
    )
    details = OrderDetails(
        codes=(DiscountCode(text),),
        lines=({"product_id": text, "product_name": text, "title": text, text: text},),
        ip_address=text,
        user_agent=text,
        referral_id=text,
        tracking_id=text,
    )
    order = make.order(
        f"{at} {text}",
        currency="EUR",
        merchant_number=text,
        customer=customer,
        status=text,
        door="lootly",
        details=details,
    )
    part = RefundPart(100, f"{at} {text}")
    decided = {}
    for command in (
        SaveCustomer(
            customer=customer, activity=Activity(name=text, merchant_id=f"{at} {text}", properties=known)
        ),
        order,
        RecordOrder(
            **{name: getattr(order, name) for name in order.__struct_fields__}
            | {"merchant_id": f"{at} other"}
        ),
        RecordRefund(site_id=1, merchant_id=f"{at} {text}", currency="EUR", parts=(part,)),
        RecordRefund(
            site_id=1, merchant_id=f"{at} early {text}", currency="EUR", parts=(part,), lenient=True
        ),
        AdjustPoints(merchant_id=who, points=50, reason=text, actor=text),
        AdjustPoints(merchant_id=who, points=-1, reason=text, actor="staff:1"),
    ):
        decision = await house.engine.submit(program_id, command)
        assert decision.outcome in (Outcome.DONE, Outcome.WAITING), (command, decision)
        decided[type(command)] = decision
    claim = await claimed(house, shop, who, reward.id, text)
    delivery = Delivery(
        credential_id=1,
        integration=text,
        hook=text,
        body=text.encode() + b"\0\xff",
        received_at=now,
        subject=text,
    )
    details_of_it = {"expected_text": text, "came": text, "reason": text}
    await house.deliveries.write(
        program_id, delivery, status=200, outcome="refused", problem=True, message=text, details=details_of_it
    )
    ids = await of_others(house, shop, at, text, now)
    return ids | {"customer": 0, "claim": claim, "reward": reward.id} | await found(house, program_id, who)


async def claimed(house: House, shop: Created, who: str, reward_id: int, text: str) -> int:
    """The number of the claim of a reward whose code is the text."""
    claim = await redeem(house.database, house.engine, shop.program_id, reward_id, merchant_id=who, site_id=1)
    async with house.database.acquire() as connection, connection.transaction():
        await connection.execute("set local session_replication_role = replica")
        code = f"{claim.id} {text}"
        for table in ("claimed_rewards", "codes"):
            await connection.execute(
                f"update {table} set code = $3, code_key = $3 where program_id = $1 and claim_id = $2",
                shop.program_id,
                claim.id,
                code,
            )
    return claim.id


async def of_others(house: House, shop: Created, at: int, text: str, now: datetime) -> dict[str, int]:
    """What stands beside customers and orders: staff and their sessions, keys, views, the audit log."""
    program_id = shop.program_id
    await create_api_key(
        house.database, program_id=program_id, name=text, scopes=("read_customers",), now=now
    )
    async with house.database.acquire() as connection, connection.transaction():
        # There are at most a hundred in earnest.
        await connection.execute(
            "insert into customer_views (program_id, view_id, name, filter, made_by, created_at) "
            "values ($1, $2, $3, $4, $5, $6)",
            program_id,
            at + 1,
            f"{at} {text}",
            msgspec.json.encode(Filter(text=text)).decode(),
            text,
            now,
        )
        await audit.record_as(
            connection,
            program_id,
            actor=text,
            name=text,
            action="adjust points",
            subject=text,
            before={text: text, "known": [text]},
            after={text: "other", "known": {text: text}},
            reason=text,
            now=now,
        )
        for statement in STAFF:
            await connection.execute(statement, f"{at}", text, program_id, now)
    return {"view": at + 1}


async def found(house: House, program_id: int, who: str) -> dict[str, int]:
    """The numbers of the latest rows: the customer's, the order's, the delivery's."""
    async with house.database.acquire() as connection:
        row = await connection.fetchrow(
            """
            select customer_id as customer, credential_id as credential,
                   (select max(order_id) - 1 from orders o where o.program_id = $1) as order,
                   (select max(delivery_id) from deliveries d where d.program_id = $1) as delivery
              from customers join credentials using (program_id)
             where program_id = $1 and merchant_id = $2 and kind = 'lootly'
            """,
            program_id,
            who,
        )
    return dict(row)


class Reader(Visit):
    """A browser that reports whatever ran, broke the policy, or asked another host for something."""

    def __init__(self, browser: Any, admin: Planted, **options: Any) -> None:
        super().__init__(browser, admin, **options)
        self.context.add_init_script(LISTENING)
        self.page.on("dialog", lambda dialog: self.complaints.append(f"DIALOG {dialog.message}"))
        self.page.on("request", self._follow)
        self.read = 0

    def _follow(self, request: Any) -> None:
        if not request.url.startswith((self.admin.url, "data:image/svg+xml", "about:")):
            self.complaints.append(f"ASKED {request.url}")

    def text(self) -> str:
        """All that the page says; no element of it may be a payload's."""
        said, alive = self.page.evaluate(LOOKING)
        assert alive == []
        self.read += 1
        return bare(said)

    def goto(self, address: str) -> str:
        answer = self.page.goto(address, wait_until="load")
        assert answer.status == 200, (address, answer.status)
        return self.text()


def bare(text: str) -> str:
    return BELONGS.sub("", text)


# -- the stories


def forms() -> Iterator[Any]:
    """The payloads of a run, and how many share a field."""
    yield pytest.param((PAYLOADS, TOGETHER), id="short")
    for number, first in enumerate(range(0, len(PAYLOADS), PART), start=1):
        part = PAYLOADS[first : first + PART]
        yield pytest.param((part, 1), id=f"long-{number}", marks=pytest.mark.long)


def open_planted(server: str, template: str, home: Path, form: tuple[list[str], int]) -> Iterator[Planted]:
    for dsn in fresh_database(server, template):
        running = Planted(dsn, home, *form)
        yield running
        running.close()


@pytest.fixture(scope="module", params=forms())
def planted(
    request: pytest.FixtureRequest, server: str, template: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Planted]:
    yield from open_planted(server, template, tmp_path_factory.mktemp("home"), request.param)


@pytest.fixture
def reader(browser: Any, planted: Planted) -> Iterator[Callable[..., Reader]]:
    opened: list[Reader] = []

    def open_one(**options: Any) -> Reader:
        opened.append(Reader(browser, planted, **options))
        return opened[-1]

    yield open_one
    for one in opened:
        one.close()


def addresses(planted: Planted) -> Iterator[tuple[str, str]]:
    """Every page of the admin: (address, text that must be on it), those of one row once for each group."""
    program = str(planted.shop.program_id)
    for route in ROUTES:
        if route.method != "GET" or route.permission == OPEN or route.path.endswith(("/csv", "/export")):
            continue
        address = planted.url + route.address.replace("{program}", program)
        one = planted.rows[0]
        address = address.replace("{credential}", str(one["credential"])).replace("{site}", str(one["site"]))
        if "{" not in address:  # it is there once, as are the program's integration and its shop
            yield address, ""
            continue
        for row, text in zip(planted.rows, planted.groups, strict=True):
            yield re.sub(r"\{(\w+)\}", lambda name, row=row: str(row[name[1]]), address), text


def test_in_the_admin_texts_stay_texts(planted: Planted, reader: Callable[..., Reader]) -> None:
    browser = reader(session=planted.owner)
    missing = []
    seen = ""
    for number, (address, text) in enumerate(addresses(planted)):
        name = planted.payloads[number % len(planted.payloads)]
        planted.rename(name)
        said = browser.goto(address)
        seen += said
        if text and bare(text) not in said:
            missing.append(urlsplit(address).path)
        assert bare(name) in said, address
        assert browser.complaints == [], address
    assert missing == []
    assert browser.read > 80
    assert all(bare(text) in seen for text in planted.payloads)


def test_lists_go_on_to_their_last_page(planted: Planted, reader: Callable[..., Reader]) -> None:
    browser = reader(session=planted.owner)
    for noun in ("customers", "orders", "deliveries", "audit"):
        said = browser.goto(planted.address(f"/{noun}"))
        for _ in range(20):
            older = browser.page.locator("a[href*='before=']").last
            if not older.count():
                break
            said += browser.goto(str(older.evaluate("it => it.href")))
        # The delivery log has one line for each, and writes what can't be seen as an escape.
        wanted = {text: printable(text, 90)[:-1] if noun == "deliveries" else text for text in planted.groups}
        assert [text for text, shown in wanted.items() if bare(shown) not in said] == [], noun
    for text in planted.groups:
        said = browser.goto(
            planted.address("/customers?") + f"q={text[:20].replace('&', '%26').replace('#', '%23')}"
        )
        assert bare(text[:15]) in said
    assert browser.complaints == []


def test_in_the_shop_and_its_widget_texts_stay_texts(planted: Planted, reader: Callable[..., Reader]) -> None:
    browser = reader()
    for at, text in enumerate(planted.groups):
        who = planted.names[at]
        kept = planted.do(lambda house, who=who: cookie_of(house, who))
        browser.context.clear_cookies()
        browser.context.add_cookies([{"name": "demo-shop", "value": kept, "url": f"{planted.url}/demo-shop"}])
        for path in ("", "product/CUP-1", "basket", "points", "log-in") if at == 0 else ("basket",):
            browser.goto(f"{planted.url}/demo-shop/{path}")
        planted.rename(planted.payloads[at])
        said = browser.goto(f"{planted.url}/demo-shop/orders")
        assert bare(text) in said
        if "://" in who:  # no md5 signature is taken for such an id: the panel knows nobody
            look_into_the_strangers_widget(browser, planted.payloads[at])
        else:
            look_into_the_widget(browser, text)
        assert browser.complaints == []
        browser.page.evaluate("localStorage.clear(), sessionStorage.clear()")  # the next one is somebody else


async def cookie_of(house: House, who: str) -> str:
    """The cookie of somebody who is logged in to the demo shop, and has a basket."""
    visit = ShopVisit(customer=who, basket={"CUP-1": 1}, said=who, email=who)
    return set_cookie(visit, house.vault, is_https=False).partition("=")[2].partition(";")[0]


def open_panel(browser: Reader) -> None:
    browser.page.evaluate("openLootlyWidget()")
    browser.page.locator("dialog[open] .head:not([aria-busy])").wait_for()


def look_into_the_strangers_widget(browser: Reader, text: str) -> None:
    """Opens the panel, whose program is called by that text, and each of its tabs."""
    open_panel(browser)
    assert bare(text) in browser.text()
    for tab in browser.page.get_by_role("tab").all():
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
    assert browser.page.locator(".balance").count() == 0


def look_into_the_widget(browser: Reader, text: str) -> None:
    """Opens the panel and each of its tabs, and asks for the reward up to the last confirmation."""
    page = browser.page
    open_panel(browser)
    page.locator(".balance").wait_for()
    assert bare(text) in browser.text()  # the greeting, and the rewards
    for tab in page.get_by_role("tab").all():
        tab.click()
        expect(tab).to_have_attribute("aria-selected", "true")
        said = browser.text()
        if tab.get_attribute("id") in ("tab-history", "tab-codes"):
            assert bare(text) in said, tab.get_attribute("id")


def test_a_role_with_little_to_see_sees_texts_too(planted: Planted, reader: Callable[..., Reader]) -> None:
    browser = reader(session=planted.session_of(Role.READ_ONLY), width=390)
    for path in ("/", "/customers", "/orders", "/rewards"):
        browser.goto(planted.address(path))
    assert browser.complaints == []


def test_a_page_that_forgot_to_escape_would_be_noticed(
    planted: Planted, reader: Callable[..., Reader]
) -> None:
    browser = reader()
    address = f"{planted.url}/forgotten"
    unnoticed = []
    tags = [it for it in TAGS if it in planted.payloads]
    for payload in (it for it in tags if "refresh" not in it):  # which leads away before one can look
        body = f"<!doctype html><title>tea</title><p>{payload}</p>"
        headers = {
            "content-type": "text/html; charset=utf-8",
            "content-security-policy": "default-src 'none'",
        }
        browser.page.route(address, lambda route, *, b=body, h=headers: route.fulfill(headers=h, body=b))
        browser.page.goto(address)
        said, alive = browser.page.evaluate(LOOKING)
        if bare(payload) in bare(said) and not alive and not browser.complaints:
            unnoticed.append(payload)
        browser.complaints.clear()
        browser.page.unroute(address)
    assert unnoticed == []
