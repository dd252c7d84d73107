"""People of the tea shop: signing in, guessing, links that work once, roles, and what is written down."""

import asyncio
from datetime import timedelta
from statistics import median
from time import process_time

import pyotp
import pytest

from regulars.app import audit, own_account, passwords, sessions
from regulars.app.access import PERMISSIONS, Acting, NotAllowed, Role, allows
from regulars.app.house import House
from regulars.app.programs import create_program
from regulars.app.sessions import AT_ONE_ACCOUNT, From, SignedIn, SlowDown, Visitor, WrongCode, WrongPassword
from regulars.app.staff import arrivals, colleagues, invitations, links
from regulars.app.staff.colleagues import LastOwner
from regulars.app.staff.invitations import NotYours
from regulars.app.staff.links import LinkSpent
from regulars.app.staff.people import UnknownStaff
from regulars.app.verify import verify
from regulars.domain.commands import AdjustPoints, CustomerRef, SaveCustomer
from regulars.domain.errors import Invalid, UnknownCustomer
from regulars.storage import audit_entries
from regulars.storage import sessions as stored_sessions
from regulars.storage import staff as storage
from tests.clock import Clock

PASSWORD = "a teapot full of leaves"
HOME = From(ip="203.0.113.5", user_agent="her browser")
ELSEWHERE = From(ip="198.51.100.9", user_agent="somebody's browser")


async def open_shop(house: House) -> int:
    made = await create_program(
        house.database,
        house.vault,
        name="Tea Circle",
        domain="https://tea.example",
        currency="GBP",
        now=house.clock(),
    )
    return made.program_id


async def hire(
    house: House, program_id: int, role: Role = Role.OWNER, email: str = "ann@tea.example"
) -> Acting:
    """Somebody with a password and a role."""
    token = await colleagues.add(
        house.database, email=email, name="Ann Tea", role=role, program_ids=[program_id], now=house.clock()
    )
    assert token is not None
    await arrivals.reset_password(house.database, token=token, password=PASSWORD, by=HOME, now=house.clock())
    async with house.database.acquire() as connection:
        person = await storage.by_email(connection, email)
        assert person is not None
        await stored_sessions.forget_devices(connection, person.staff_id)
    return Acting(staff_id=person.staff_id, email=email, name=person.name, program_id=program_id, role=role)


async def sign_in(
    house: House, password: str = PASSWORD, *, email: str = "ann@tea.example", by: From = HOME
) -> SignedIn:
    return await sessions.sign_in(
        house.database, email=email, password=password, by=by, old_session=None, now=house.clock()
    )


async def visitor_of(house: House, signed_in: SignedIn) -> Visitor:
    visitor = await sessions.who_is(house.database, signed_in.session, house.clock())
    assert visitor is not None
    return visitor


# -- signing in


async def test_the_right_password_opens_a_session_and_signing_out_ends_it(house: House) -> None:
    ann = await hire(house, await open_shop(house))
    given = await sign_in(house, email=" Ann@TEA.example ")
    visitor = await visitor_of(house, given)
    assert (visitor.person.staff_id, visitor.places[0].role) == (ann.staff_id, "owner")
    await sessions.sign_out(house.database, given.session)
    assert await sessions.who_is(house.database, given.session, house.clock()) is None


@pytest.mark.parametrize("password", ["", "wrong", PASSWORD.upper(), PASSWORD + " ", "x" * 5000])
async def test_a_wrong_password_and_an_unknown_person_are_answered_alike(house: House, password: str) -> None:
    await hire(house, await open_shop(house))
    with pytest.raises(WrongPassword) as known:
        await sign_in(house, password)
    with pytest.raises(WrongPassword) as unknown:
        await sign_in(house, password, email="nobody@tea.example")
    assert known.value.data == unknown.value.data


async def test_an_unknown_person_takes_as_long_as_a_wrong_password(house: House, clock: Clock) -> None:
    """Not to a microsecond: both make one whole Argon2 hash, which is nearly all of the time."""
    await hire(house, await open_shop(house))
    took: dict[str, list[float]] = {"ann@tea.example": [], "nobody@tea.example": []}
    for _ in range(12):
        clock.forward(timedelta(days=2))  # so that no try is slowed down
        for email, times in took.items():
            began = process_time()  # of all threads: what else the machine does is left out
            with pytest.raises(WrongPassword):
                await sign_in(house, "wrong", email=email)
            times.append(process_time() - began)
    known, unknown = (median(times) for times in took.values())
    assert 0.6 < known / unknown < 1.7


async def test_a_session_ends_after_half_an_idle_hour_and_after_twelve_in_all(
    house: House, clock: Clock
) -> None:
    await hire(house, await open_shop(house))
    idle, busy = await sign_in(house), await sign_in(house)
    for _ in range(29):
        clock.forward(timedelta(minutes=24))
        assert await sessions.who_is(house.database, busy.session, clock.now) is not None
    assert await sessions.who_is(house.database, idle.session, clock.now) is None
    clock.forward(timedelta(minutes=24))  # twelve hours by now, though it was seen just before
    assert await sessions.who_is(house.database, busy.session, clock.now) is None


async def test_signing_in_again_gives_a_new_session_and_ends_the_browsers_old_one(house: House) -> None:
    await hire(house, await open_shop(house))
    first = await sign_in(house)
    second = await sessions.sign_in(
        house.database,
        email="ann@tea.example",
        password=PASSWORD,
        by=HOME,
        old_session=first.session,
        now=house.clock(),
    )
    assert second.session != first.session
    assert await sessions.who_is(house.database, first.session, house.clock()) is None


# -- guessing


async def test_of_ten_thousand_guesses_an_hour_from_everywhere_at_most_thirty_are_looked_at(
    house: House, clock: Clock, monkeypatch: pytest.MonkeyPatch
) -> None:
    await hire(house, await open_shop(house))
    looked_at = 0

    async def verify(_password: str, _stored: str | None) -> bool:
        nonlocal looked_at
        looked_at += 1
        return False

    monkeypatch.setattr(passwords, "verify", verify)
    # Most of the ten thousand are refused before anything is looked at, so every twentieth stands for all.
    for number in range(500):
        clock.forward(timedelta(seconds=7.2))
        try:
            await sign_in(house, "guess", by=From(ip=f"198.51.100.{number % 250}", user_agent=""))
        except (WrongPassword, SlowDown):
            continue
    assert looked_at <= 30
    assert looked_at > 5


async def test_the_owners_own_browser_still_gets_in_while_strangers_guess(house: House, clock: Clock) -> None:
    await hire(house, await open_shop(house))
    device = (await sign_in(house)).device
    for number in range(40):
        clock.forward(timedelta(seconds=1))
        with pytest.raises((WrongPassword, SlowDown)):
            await sign_in(house, "guess", by=From(ip=f"198.51.100.{number}", user_agent=""))
    with pytest.raises(SlowDown) as slow:
        await sign_in(house, by=From(ip="192.0.2.77", user_agent=""))
    assert 0 < slow.value.seconds <= AT_ONE_ACCOUNT.most_seconds + 1
    known = From(ip="192.0.2.77", user_agent="", device=device)
    assert (await sign_in(house, by=known)).session


async def test_guesses_at_once_count_one_by_one(house: House) -> None:
    await hire(house, await open_shop(house))
    results = await asyncio.gather(
        *(sign_in(house, "guess", by=ELSEWHERE) for _ in range(16)), return_exceptions=True
    )
    assert sum(isinstance(one, WrongPassword) for one in results) == 5
    assert sum(isinstance(one, SlowDown) for one in results) == 11


async def test_nobody_is_as_slow_to_guess_as_somebody(house: House, clock: Clock) -> None:
    await hire(house, await open_shop(house))

    async def refusals(email: str) -> list[str]:
        said = []
        for _ in range(12):
            clock.forward(timedelta(seconds=1))
            with pytest.raises((WrongPassword, SlowDown)) as refused:
                await sign_in(house, "guess", email=email, by=ELSEWHERE)
            said.append(repr(refused.value))
        return said

    assert await refusals("ann@tea.example") == await refusals("nobody@tea.example")


# -- passwords


@pytest.mark.parametrize(
    "password",
    [
        "short",
        "elevenchars",
        "passwordpassword",
        "aaaaaaaaaaaaaaaa",
        "x" * 257,
        "ann tea regulars",
        "with\x00nul chars",
        "letmeinletmein1",
        "qwertyuiop123456",
        "123qweasdzxc1",
        "p4ssw0rdp4ssw0rd",
        "willkommen2026",
        "regulars-points-1",
        "tea.example-2026",
        "abcdefghijklmnop",
        "aB3$" * 20,
    ],
)
async def test_a_password_that_is_guessed_first_is_refused(password: str) -> None:
    with pytest.raises(Invalid, match="password"):
        await passwords.check_new(password, email="ann@tea.example", name="Ann Tea")


@pytest.mark.parametrize(
    "password", [PASSWORD, "nebel kupfer dattel " * 12, "vollmundiger Darjeeling für dich ☕"]
)
async def test_a_sentence_is_a_good_password(password: str) -> None:
    await passwords.check_new(password, email="ann@tea.example", name="Ann Tea")


async def test_changing_the_password_ends_every_other_session_and_renews_this_one(house: House) -> None:
    await hire(house, await open_shop(house))
    here, there = await sign_in(house), await sign_in(house)
    visitor = await visitor_of(house, here)
    with pytest.raises(WrongPassword):
        await own_account.change_password(
            house.database,
            visitor,
            old="wrong",
            new="another teapot of leaves",
            token=here.session,
            by=HOME,
            now=house.clock(),
        )
    renewed = await own_account.change_password(
        house.database,
        visitor,
        old=PASSWORD,
        new="another teapot of leaves",
        token=here.session,
        by=HOME,
        now=house.clock(),
    )
    for ended in (here, there):
        assert await sessions.who_is(house.database, ended.session, house.clock()) is None
    assert (await visitor_of(house, renewed)).person.email == "ann@tea.example"
    with pytest.raises(WrongPassword):
        await sign_in(house)


# -- the second factor


async def with_second_factor(house: House) -> pyotp.TOTP:
    visitor = await visitor_of(house, await sign_in(house))
    secret, address = await own_account.begin_second_factor(house.database, house.vault, visitor)
    assert address.startswith("otpauth://totp/") and secret in address
    totp = pyotp.TOTP(secret)
    visitor = await visitor_of(house, await sign_in(house))
    await own_account.confirm_second_factor(
        house.database, house.vault, visitor, code=totp.at(house.clock()), now=house.clock()
    )
    return totp


async def test_with_a_second_factor_the_password_alone_opens_nothing(house: House, clock: Clock) -> None:
    await hire(house, await open_shop(house))
    totp = await with_second_factor(house)
    clock.forward(timedelta(minutes=1))
    half = await sign_in(house)
    assert half.second_factor_due
    visitor = await visitor_of(house, half)
    with pytest.raises(WrongCode):
        await sessions.confirm(
            house.database, house.vault, visitor, code="000000", token=half.session, by=HOME, now=clock.now
        )
    whole = await sessions.confirm(
        house.database,
        house.vault,
        visitor,
        code=totp.at(clock.now),
        token=half.session,
        by=HOME,
        now=clock.now,
    )
    assert whole.session != half.session
    assert not (await visitor_of(house, whole)).session.second_factor_due
    assert await sessions.who_is(house.database, half.session, clock.now) is None


async def test_a_code_works_once(house: House, clock: Clock) -> None:
    await hire(house, await open_shop(house))
    totp = await with_second_factor(house)
    clock.forward(timedelta(minutes=1))
    code = totp.at(clock.now)
    results = []
    for _ in range(2):
        half = await sign_in(house)
        visitor = await visitor_of(house, half)
        results.append(
            await asyncio.gather(
                sessions.confirm(
                    house.database,
                    house.vault,
                    visitor,
                    code=code,
                    token=half.session,
                    by=HOME,
                    now=clock.now,
                ),
                return_exceptions=True,
            )
        )
    assert isinstance(results[0][0], SignedIn)
    assert isinstance(results[1][0], WrongCode)


async def test_guessing_codes_becomes_slow(house: House, clock: Clock) -> None:
    await hire(house, await open_shop(house))
    await with_second_factor(house)
    visitor = await visitor_of(house, half := await sign_in(house))
    refused: list[type[BaseException]] = []
    for number in range(20):
        with pytest.raises((WrongCode, SlowDown)) as raised:
            await sessions.confirm(
                house.database,
                house.vault,
                visitor,
                code=f"{number:06}",
                token=half.session,
                by=HOME,
                now=clock.now,
            )
        refused.append(raised.type)
    assert refused.count(WrongCode) == AT_ONE_ACCOUNT.free


async def test_the_secret_of_the_second_factor_is_not_stored_in_clear(house: House) -> None:
    await hire(house, await open_shop(house))
    totp = await with_second_factor(house)
    async with house.database.acquire() as connection:
        stored = await connection.fetchval("select totp_secret from staff")
    assert totp.secret.encode() not in stored


# -- links


async def test_an_empty_house_is_set_up_once(house: House) -> None:
    program_id = await open_shop(house)
    earlier = await links.make_setup_link(house.database, now=house.clock())
    token = await links.make_setup_link(house.database, now=house.clock())
    assert earlier is not None and token is not None
    values = {"email": "ann@tea.example", "name": "Ann", "password": PASSWORD, "locale": "de-DE"}
    with pytest.raises(LinkSpent):
        await arrivals.set_up(house.database, token=earlier, by=HOME, now=house.clock(), **values)
    given = await arrivals.set_up(house.database, token=token, by=HOME, now=house.clock(), **values)
    visitor = await visitor_of(house, given)
    assert visitor.person.keeps_house
    assert [(place.program_id, place.role) for place in visitor.places] == [(program_id, "owner")]
    with pytest.raises(LinkSpent):
        await arrivals.set_up(house.database, token=token, by=HOME, now=house.clock(), **values)
    assert await links.make_setup_link(house.database, now=house.clock()) is None


async def test_a_reset_link_works_once_within_ten_minutes_and_ends_sessions(
    house: House, clock: Clock
) -> None:
    await hire(house, await open_shop(house))
    before = await sign_in(house)
    late = await links.make_reset_link(house.database, email="ann@tea.example", now=clock.now)
    clock.forward(timedelta(minutes=10))
    with pytest.raises(LinkSpent):
        await arrivals.reset_password(
            house.database, token=late, password="new leaves, new luck", by=HOME, now=clock.now
        )
    token = await links.make_reset_link(house.database, email="ANN@tea.example", now=clock.now)
    uses = (
        arrivals.reset_password(
            house.database, token=token, password="new leaves, new luck", by=HOME, now=clock.now
        )
        for _ in range(2)
    )
    results = await asyncio.gather(*uses, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["LinkSpent", "SignedIn"]
    assert await sessions.who_is(house.database, before.session, clock.now) is None
    assert (await sign_in(house, "new leaves, new luck")).session
    with pytest.raises(UnknownStaff):
        await links.make_reset_link(house.database, email="nobody@tea.example", now=clock.now)


async def test_no_link_is_stored_in_clear(house: House) -> None:
    ann = await hire(house, await open_shop(house))
    token = await invitations.invite(
        house.database, ann, email="ben@tea.example", role="support", now=house.clock()
    )
    async with house.database.acquire() as connection:
        rows = await connection.fetch("select staff_links::text as row from staff_links")
    assert rows and not any(token in row["row"] for row in rows)


async def test_somebody_is_invited_and_joins(house: House, clock: Clock) -> None:
    ann = await hire(house, await open_shop(house))
    token = await invitations.invite(
        house.database, ann, email="ben@tea.example", role="support", now=clock.now
    )
    given, program_id = await invitations.accept_as_new(
        house.database, token=token, name="Ben", password=PASSWORD, locale="en-GB", by=HOME, now=clock.now
    )
    assert program_id == ann.program_id
    assert (await visitor_of(house, given)).places[0].role == "support"
    with pytest.raises(LinkSpent):
        await invitations.accept_as_new(
            house.database, token=token, name="Eve", password=PASSWORD, locale="en-GB", by=HOME, now=clock.now
        )


async def test_who_is_staff_elsewhere_accepts_as_themselves_and_nobody_else_can(house: House) -> None:
    ann = await hire(house, await open_shop(house))
    ben = await hire(house, await open_shop(house), email="ben@books.example")
    token = await invitations.invite(
        house.database, ann, email="Ben@books.example", role="analyst", now=house.clock()
    )
    async with house.database.acquire() as connection:
        ann_person = await storage.get(connection, ann.staff_id)
        ben_person = await storage.get(connection, ben.staff_id)
    assert ann_person is not None and ben_person is not None
    with pytest.raises(NotYours):
        await invitations.accept_as(house.database, ann_person, token=token, now=house.clock())
    await invitations.accept_as(house.database, ben_person, token=token, now=house.clock())
    visitor = await visitor_of(house, await sign_in(house, email="ben@books.example"))
    assert {place.role for place in visitor.places} == {"owner", "analyst"}


async def test_a_withdrawn_or_late_invitation_is_worth_nothing(house: House, clock: Clock) -> None:
    ann = await hire(house, await open_shop(house))
    tokens = [
        await invitations.invite(house.database, ann, email=email, role="support", now=clock.now)
        for email in ("ben@tea.example", "cat@tea.example")
    ]
    _, sent = await colleagues.list_colleagues(house.database, ann, now=clock.now)
    ben = next(one for one in sent if one.email == "ben@tea.example")
    await invitations.withdraw(house.database, ann, link_id=ben.link_id, now=clock.now)
    clock.forward(timedelta(days=7))
    for token in tokens:
        with pytest.raises(LinkSpent):
            await links.look_at_link(house.database, token, "invitation", now=clock.now)


async def test_a_link_of_one_kind_is_not_one_of_another(house: House) -> None:
    await hire(house, await open_shop(house))
    token = await links.make_reset_link(house.database, email="ann@tea.example", now=house.clock())
    for kind in ("setup", "sign_in", "invitation"):
        with pytest.raises(LinkSpent):
            await links.look_at_link(house.database, token, kind, now=house.clock())


# -- roles


async def test_a_program_keeps_an_owner(house: House) -> None:
    program_id = await open_shop(house)
    ann = await hire(house, program_id)
    with pytest.raises(LastOwner):
        await colleagues.change_role(house.database, ann, staff_id=ann.staff_id, role=None, now=house.clock())
    ben = await hire(house, program_id, email="ben@tea.example")
    outs = (
        colleagues.change_role(house.database, who, staff_id=who.staff_id, role="support", now=house.clock())
        for who in (ann, ben)
    )
    results = await asyncio.gather(*outs, return_exceptions=True)
    assert sorted(type(one).__name__ for one in results) == ["LastOwner", "NoneType"]


async def test_a_changed_role_ends_their_sessions(house: House) -> None:
    program_id = await open_shop(house)
    ann = await hire(house, program_id)
    ben = await hire(house, program_id, Role.MANAGER, "ben@tea.example")
    given = await sign_in(house, email="ben@tea.example")
    await colleagues.change_role(
        house.database, ann, staff_id=ben.staff_id, role="read_only", now=house.clock()
    )
    assert await sessions.who_is(house.database, given.session, house.clock()) is None


async def test_staff_of_another_program_cannot_be_touched(house: House) -> None:
    ann = await hire(house, await open_shop(house))
    ben = await hire(house, await open_shop(house), email="ben@books.example")
    with pytest.raises(UnknownStaff):
        await colleagues.change_role(house.database, ann, staff_id=ben.staff_id, role=None, now=house.clock())


@pytest.mark.parametrize("role", [Role.MANAGER, Role.SUPPORT, Role.ANALYST, Role.READ_ONLY])
async def test_only_an_owner_changes_the_staff(house: House, role: Role) -> None:
    ann = await hire(house, await open_shop(house), role)
    now = house.clock()
    with pytest.raises(NotAllowed):
        await invitations.invite(house.database, ann, email="ben@tea.example", role="owner", now=now)
    with pytest.raises(NotAllowed):
        await colleagues.change_role(house.database, ann, staff_id=ann.staff_id, role="owner", now=now)


def test_the_owner_may_everything_and_a_reader_changes_nothing() -> None:
    def somebody(role: Role | None) -> Acting:
        return Acting(staff_id=1, email="x@y.example", name="X", program_id=1, role=role)

    assert all(allows(somebody(Role.OWNER), name) for name in PERMISSIONS)
    assert {name for name in PERMISSIONS if allows(somebody(Role.READ_ONLY), name)} == {
        name for name in PERMISSIONS if name.endswith(".read")
    } - {"codes.read", "integrations.read", "deliveries.read", "staff.read", "audit.read"}
    assert not allows(somebody(Role.SUPPORT), "rules.change")
    assert not any(allows(somebody(None), name) for name in PERMISSIONS)


# -- what is written down


async def adjust(
    house: House, ann: Acting, points: int, reason: str = "a broken cup", key: str | None = None
) -> int:
    command = AdjustPoints(merchant_id="alice", points=points, reason=reason, actor=ann.actor)
    await audit.act(
        house.database,
        house.engine,
        ann,
        command,
        permission="points.adjust",
        action="adjust points",
        subject="customer alice",
        reason=reason,
        form_key=key,
        now=house.clock(),
    )


async def test_points_given_by_staff_are_written_down_with_who_and_why(house: House) -> None:
    ann = await hire(house, await open_shop(house))
    await house.engine.submit(ann.program_id, SaveCustomer(customer=CustomerRef(merchant_id="alice")))
    await adjust(house, ann, 50)
    entry = (await audit.list_entries(house.database, ann))[0]
    assert (entry.name, entry.action, entry.reason) == ("Ann Tea", "adjust points", "a broken cup")
    assert '"points":50' in entry.after


async def test_a_form_sent_twice_gives_once(house: House) -> None:
    ann = await hire(house, await open_shop(house))
    await house.engine.submit(ann.program_id, SaveCustomer(customer=CustomerRef(merchant_id="alice")))
    for _ in range(2):
        await adjust(house, ann, 50, key="form-1")
    async with house.database.acquire() as connection:
        assert await connection.fetchval("select available from accounts") == 50


async def test_without_a_reason_or_a_permission_nothing_happens(house: House) -> None:
    program_id = await open_shop(house)
    ann = await hire(house, program_id)
    ben = await hire(house, program_id, Role.ANALYST, "ben@tea.example")
    before = len(await audit.list_entries(house.database, ann))
    with pytest.raises(Invalid, match="reason"):
        await adjust(house, ann, 50, reason="  ")
    with pytest.raises(NotAllowed):
        await adjust(house, ben, 50)
    assert len(await audit.list_entries(house.database, ann)) == before


async def test_a_refusal_is_written_down_too(house: House) -> None:
    ann = await hire(house, await open_shop(house))
    with pytest.raises(UnknownCustomer):
        await adjust(house, ann, 50)
    said = [entry.action for entry in await audit.list_entries(house.database, ann)]
    assert said[:2] == ["adjust points: refused", "adjust points"]


async def test_entries_written_at_once_stand_in_one_chain(house: House) -> None:
    ann = await hire(house, await open_shop(house))
    await asyncio.gather(
        *(
            audit.write(
                house.database,
                ann,
                permission="rules.change",
                action="change rules",
                subject=str(number),
                now=house.clock(),
            )
            for number in range(12)
        )
    )
    entries = (await audit.list_entries(house.database, ann))[::-1]
    chain = bytes(32)
    for number, entry in enumerate(entries, start=1):
        assert entry.entry_id == number
        assert entry.digest == audit.digest_of(entry)
        chain = audit.chained(chain, entry.digest)
        assert entry.hash == chain


async def test_what_is_said_of_a_person_can_be_forgotten_and_the_chain_holds(house: House) -> None:
    ann = await hire(house, await open_shop(house))
    await house.engine.submit(ann.program_id, SaveCustomer(customer=CustomerRef(merchant_id="alice")))
    await adjust(house, ann, 50)
    async with house.database.acquire() as connection:
        assert await audit_entries.forget(connection, ann.program_id, ["alice"], house.clock()) == 1
        stored = await connection.fetchval("select string_agg(e::text, ' ') from audit_entries e")
    assert "alice" not in stored
    assert (await verify(house.database, now=house.clock())).is_clean
