"""Who a shopper is, by what the shop's page shows: one of three proofs, checked against one credential."""

from datetime import datetime
from typing import TypeAlias

import msgspec

from regulars.app.credentials import Credential, lootly_lookup, site_lookup
from regulars.app.house import House
from regulars.app.storefront import tokens
from regulars.app.storefront.keys import secret_for
from regulars.app.storefront.signatures import is_fresh, is_md5_proof, is_sha1_proof, moment_of
from regulars.app.storefront.strict import Unproven
from regulars.app.storefront.switches import switches_of
from regulars.domain.program import Program, Site

LONGEST_KEY = 200


class Md5Proof(msgspec.Struct, frozen=True, kw_only=True):
    """The guide's data attributes. Source: lootly.md §5."""

    shop_domain: str
    shop_id: str
    customer_id: str
    customer_signature: str


class Sha1Proof(msgspec.Struct, frozen=True, kw_only=True):
    """What LoyaltyLion's SDK is given; `email` is "" where it is not said. Source: loyaltylion.md §5.2."""

    customer_id: str
    email: str
    date: str
    token: str


class TokenProof(msgspec.Struct, frozen=True, kw_only=True):
    """Our own token, or the same as a JWT."""

    token: str


Proof: TypeAlias = Md5Proof | Sha1Proof | TokenProof


class Shop(msgspec.Struct, frozen=True, kw_only=True):
    """A shop at its storefront: its credential as the page shows it, and the program and site behind."""

    shown: str
    credential: Credential
    program: Program
    site: Site


class Proven(msgspec.Struct, frozen=True, kw_only=True):
    """A shopper who was proved. `jti` and `until`: of the token, where it was one."""

    merchant_id: str
    method: str
    jti: str | None = None
    until: datetime | None = None


async def find_shop(house: House, *, key: str | None = None, site: str | None = None) -> Shop | None:
    """The shop of an integration's API key or a site's token; None when there is none. Raises Busy."""
    shown = key if key is not None else site
    if not shown or len(shown) > LONGEST_KEY or not (shown.isascii() and shown.isprintable()):
        return None
    lookup = lootly_lookup(shown) if key is not None else site_lookup(shown)
    credential = house.credentials.cached(lookup) or await house.credentials.find(lookup)
    if credential is None:
        return None
    program = await house.programs.get(credential.program_id)
    return Shop(shown=shown, credential=credential, program=program, site=program.site(credential.site_id))


async def prove(house: House, shop: Shop, proof: Proof, *, now: datetime) -> Proven:
    """Who the proof shows, at real time `now`. Raises Unproven for every proof that doesn't count, Busy."""
    switches = switches_of(shop.credential.settings)
    match proof:
        case Md5Proof():
            switches.check_method("md5")
            return _by_md5(shop, proof)
        case Sha1Proof():
            return _by_sha1(shop, proof, now)
        case TokenProof():
            token = tokens.take_apart(proof.token)
            secret = await secret_for(house, shop.credential, shop.shown, token.kid, now)
            claims = tokens.claims_of(token, secret, shop.site, now=now, not_before=switches.not_before)
            return Proven(
                merchant_id=claims.sub, method=token.method, jti=claims.jti, until=claims.expires_at
            )


def _by_md5(shop: Shop, proof: Md5Proof) -> Proven:
    secret = shop.credential.secret
    if shop.credential.kind != "lootly" or secret is None:
        raise Unproven(why="md5 is for an integration's key")
    said = msgspec.structs.asdict(proof)
    if not is_md5_proof(secret, shop.site, **said):
        raise Unproven(why="the md5 signatures are not this shop's for this customer")
    return Proven(merchant_id=proof.customer_id, method="md5")


def _by_sha1(shop: Shop, proof: Sha1Proof, now: datetime) -> Proven:
    secret, switches = shop.credential.secret, switches_of(shop.credential.settings)
    if shop.credential.kind != "site" or secret is None:
        raise Unproven(why="this token is for a site's credential")
    signed_at = moment_of(proof.date)
    if signed_at is None or not is_fresh(signed_at, now, within=switches.sha1_window):
        raise Unproven(why="the date is too old, of the future, or none")
    if switches.not_before is not None and signed_at < switches.not_before:
        raise Unproven(why="the token is from before all were ended")
    if not is_sha1_proof(secret, **msgspec.structs.asdict(proof)):
        raise Unproven(why="the token is not this site's for this customer")
    return Proven(merchant_id=proof.customer_id, method="sha1")
