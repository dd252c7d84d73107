"""Our own token for a shopper: signed, named for one shop, dead after five minutes.

`v2.<kid>.<base64url JSON>.<base64url HMAC-SHA256>`, or the same claims as an HS256 JWT. What it is checked
with is known by its kid alone; nothing in the token chooses.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Any, Final

import msgspec

from regulars.app.storefront.signatures import SKEW, is_customer_id, names_site
from regulars.app.storefront.strict import Unproven, decoded, encoded, strict_object
from regulars.domain.program import Site

LONGEST: Final = 4096
LONGEST_LIFE: Final = timedelta(seconds=300)
CLAIMS: Final = frozenset({"shop", "sub", "iat", "exp", "jti"})

_V2: Final = re.compile(r"v2\.([A-Za-z0-9_-]{1,64})\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})", re.ASCII)
_JWT: Final = re.compile(r"([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]+)\.([A-Za-z0-9_-]{43})", re.ASCII)
_KID: Final = re.compile(r"[A-Za-z0-9_-]{1,64}", re.ASCII)
_JTI: Final = re.compile(r"[A-Za-z0-9._~-]{8,128}", re.ASCII)
_LATEST: Final = 253_402_300_799
"""The last second of the year 9999."""


class Token(msgspec.Struct, frozen=True, kw_only=True):
    """A token taken apart; nothing in it has been proved. `method`: v2 or jwt."""

    method: str
    kid: str
    signed: str
    payload: str
    signature: str


class Claims(msgspec.Struct, frozen=True, kw_only=True):
    """What a token says: who (`sub`) at which shop, from when to when, and its own unique `jti`."""

    shop: str
    sub: str
    issued_at: datetime
    expires_at: datetime
    jti: str


def take_apart(token: str) -> Token:
    """The parts of a token of either form. Raises Unproven."""
    if len(token) > LONGEST:
        raise Unproven(why="the token is too long")
    if match := _V2.fullmatch(token):
        kid, payload, signature = match.groups()
        return Token(method="v2", kid=kid, signed=f"v2.{kid}.{payload}", payload=payload, signature=signature)
    if match := _JWT.fullmatch(token):
        header, payload, signature = match.groups()
        return Token(
            method="jwt",
            kid=_kid_of(header),
            signed=f"{header}.{payload}",
            payload=payload,
            signature=signature,
        )
    raise Unproven(why="this has not the form of a token")


def _kid_of(header: str) -> str:
    """The kid of a JWT's header, which may say nothing else but that it is a JWT signed by HS256."""
    try:
        said = strict_object(decoded(header))
    except ValueError:
        raise Unproven(why="the header can't be read") from None
    kid = said.pop("kid", None)
    if said.pop("typ", "JWT") != "JWT" or said != {"alg": "HS256"}:
        raise Unproven(why="the header asks for something other than HS256")
    if not isinstance(kid, str) or not _KID.fullmatch(kid):
        raise Unproven(why="the header has no kid")
    return kid


def claims_of(token: Token, secret: str, site: Site, *, now: datetime, not_before: datetime | None) -> Claims:
    """What the token says, once proved to be this site's and to count at real time `now`. Raises Unproven."""
    if not hmac.compare_digest(signature_of(token.signed, secret), token.signature):
        raise Unproven(why="the signature is not that of this key")
    try:
        said = strict_object(decoded(token.payload))
    except ValueError:
        raise Unproven(why="the claims can't be read") from None
    claims = _claims(said)
    if not names_site(claims.shop, site):
        raise Unproven(why="the token is for another shop")
    if claims.issued_at > now + SKEW or claims.expires_at <= now - SKEW:
        raise Unproven(why="the token has expired, or is of the future")
    if not_before is not None and claims.issued_at < not_before:
        raise Unproven(why="the token is from before all were ended")
    return claims


def _claims(said: dict[str, Any]) -> Claims:
    if said.keys() != CLAIMS:
        raise Unproven(why="the claims are not shop, sub, iat, exp and jti")
    issued, expires = said["iat"], said["exp"]
    if type(issued) is not int or type(expires) is not int or not 0 < issued < expires <= _LATEST:
        raise Unproven(why="iat and exp are not times")
    if expires - issued > LONGEST_LIFE.total_seconds():
        raise Unproven(why="it lives longer than five minutes")
    if not isinstance(said["shop"], str) or not is_customer_id(said["sub"]):
        raise Unproven(why="shop or sub is not fit to be one")
    if not isinstance(said["jti"], str) or not _JTI.fullmatch(said["jti"]):
        raise Unproven(why="the jti is not fit to be one")
    return Claims(
        shop=said["shop"],
        sub=said["sub"],
        issued_at=datetime.fromtimestamp(issued, UTC),
        expires_at=datetime.fromtimestamp(expires, UTC),
        jti=said["jti"],
    )


def signature_of(signed: str, secret: str) -> str:
    """Base64url of the HMAC-SHA256 over the signed text. What comes in is compared as text: one spelling."""
    return encoded(hmac.digest(secret.encode(), signed.encode(), hashlib.sha256))
