"""Who is calling: an API key as a Bearer token, or a site's token and secret as Basic, which may do all."""

import base64
import binascii
import hmac

from regulars.app.credentials import Credential, site_lookup
from regulars.app.house import House
from regulars.doors.keys import Unauthenticated, find, key_holder, said_by


async def authenticate(house: House, authorization: str | None) -> Credential:
    """The credential that an Authorization header shows. Raises Unauthenticated for none that counts.

    Source: loyaltylion.md §2.2.
    """
    scheme, shown = said_by(authorization)
    if scheme != "basic":
        return await key_holder(house, authorization)
    token, secret = _token_and_secret(shown)
    credential = await find(house, site_lookup(token))
    if credential is None or credential.kind != "site" or not _is_secret(credential, secret):
        raise Unauthenticated
    return credential


def _is_secret(credential: Credential, shown: str) -> bool:
    """Compared in a time that says nothing of where they differ."""
    return credential.secret is not None and hmac.compare_digest(credential.secret.encode(), shown.encode())


def _token_and_secret(shown: str) -> tuple[str, str]:
    try:
        token, colon, secret = base64.b64decode(shown, validate=True).decode().partition(":")
    except (binascii.Error, ValueError):
        raise Unauthenticated from None
    if not colon or not token or not token.isprintable():
        raise Unauthenticated
    return token, secret
