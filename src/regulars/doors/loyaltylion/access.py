"""Who is calling: an API key as a Bearer token, or a site's token and secret as Basic, which may do all."""

import asyncio
import base64
import binascii
import hmac

from regulars.app.credentials import Credential, api_key_lookup, site_lookup
from regulars.app.house import House
from regulars.doors.loyaltylion.errors import Forbidden, Unauthorized


async def authenticate(house: House, authorization: str | None) -> Credential:
    """The credential that an Authorization header shows. Raises Unauthorized for none that counts."""
    scheme, _, shown = (authorization or "").strip().partition(" ")
    shown = shown.strip()
    if scheme.lower() == "bearer" and shown:
        credential = await _find(house, api_key_lookup(shown))
        if credential is not None and credential.kind == "api_key":
            return credential
    elif scheme.lower() == "basic":
        token, secret = _token_and_secret(shown)
        credential = await _find(house, site_lookup(token))
        if credential is not None and credential.kind == "site" and _is_secret(credential, secret):
            return credential
    raise Unauthorized


def require(credential: Credential, scope: str | None) -> None:
    """Raises Forbidden unless the credential has `scope`; write implies read. Source: loyaltylion.md §2.2."""
    if scope is not None and not credential.allows(scope):
        raise Forbidden(scope)


def _is_secret(credential: Credential, shown: str) -> bool:
    """Compared in a time that says nothing of where they differ."""
    return credential.secret is not None and hmac.compare_digest(credential.secret.encode(), shown.encode())


async def _find(house: House, lookup: str) -> Credential | None:
    if (known := house.credentials.cached(lookup)) is not None:
        return known
    async with asyncio.timeout(house.settings.deadline_seconds):
        return await house.credentials.find(lookup)


def _token_and_secret(shown: str) -> tuple[str, str]:
    try:
        token, colon, secret = base64.b64decode(shown, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Unauthorized from None
    if not colon or not token or not token.isprintable():
        raise Unauthorized
    return token, secret
