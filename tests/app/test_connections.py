"""A shop's integrations and keys: made, renewed without a gap, ended, and seen in use."""

import pytest

from regulars.app.access import Acting, Role
from regulars.app.connections import UnknownCredential, connect_site, listed, rotate, secret_of
from regulars.app.credentials import api_key_lookup, create_api_key, lootly_lookup, revoke
from regulars.app.house import House
from regulars.domain.errors import Invalid, UnknownSite
from tests.app.test_engine import open_shop
from tests.clock import Clock
from tests.make import NOON, days


def owner_of(program_id: int) -> Acting:
    return Acting(staff_id=1, email="o@tea.example", name="Olga", program_id=program_id, role=Role.OWNER)


async def test_a_renewed_integration_has_two_pairs_until_the_old_one_is_revoked(house: House) -> None:
    shop = await open_shop(house)
    first = await connect_site(house.database, house.vault, owner_of(shop), 1, name="Shop", now=NOON)
    second = await rotate(house.database, house.vault, owner_of(shop), first.credential_id, now=NOON)
    assert second.secret != first.secret
    assert await secret_of(house.database, house.vault, shop, second.credential_id) == second
    for pair in (first, second):
        found = await house.credentials.find(lootly_lookup(pair.key))
        assert found is not None
        assert (found.secret, found.site_id, found.name) == (pair.secret, 1, "Shop")
    await revoke(house.database, program_id=shop, credential_id=first.credential_id, now=NOON)
    house.credentials.forget()
    assert await house.credentials.find(lootly_lookup(first.key)) is None
    with pytest.raises(UnknownCredential):
        await rotate(house.database, house.vault, owner_of(shop), first.credential_id, now=NOON)


async def test_a_key_ends_by_itself_and_its_last_use_is_seen(house: House, clock: Clock) -> None:
    shop = await open_shop(house)
    key = await create_api_key(
        house.database, program_id=shop, name="till", scopes=(), expires_at=NOON + days(2), now=NOON
    )
    clock.forward(days(1))
    assert await house.credentials.find(api_key_lookup(key)) is not None
    await house.credentials.note_used()
    (seen,) = [one for one in await listed(house.database, shop) if one.name == "till"]
    assert (seen.last_used_at, seen.expires_at, seen.key) == (NOON + days(1), NOON + days(2), None)
    clock.forward(days(1))
    house.credentials.forget()
    assert await house.credentials.find(api_key_lookup(key)) is None
    assert seen.has_ended(clock.now)


async def test_nothing_of_another_program_can_be_renewed_or_read(house: House) -> None:
    shop = await open_shop(house)
    other = await open_shop(house, name="Other", domain="https://other.example")
    mine = await connect_site(house.database, house.vault, owner_of(shop), 1, name="Shop", now=NOON)
    for act in (
        rotate(house.database, house.vault, owner_of(other), mine.credential_id, now=NOON),
        secret_of(house.database, house.vault, other, mine.credential_id),
    ):
        with pytest.raises(UnknownCredential):
            await act
    with pytest.raises(UnknownSite):
        await connect_site(house.database, house.vault, owner_of(shop), 7, name="Shop", now=NOON)
    with pytest.raises(Invalid):
        await connect_site(house.database, house.vault, owner_of(shop), 1, name=" ", now=NOON)
    with pytest.raises(Invalid):
        await create_api_key(house.database, program_id=shop, name="x", scopes=(), expires_at=NOON, now=NOON)
