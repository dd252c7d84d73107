"""Whose call it is: the credential that an Authorization header shows, and what that may do."""

import asyncio

from regulars.app.credentials import Credential, api_key_lookup
from regulars.app.house import House


class Unauthenticated(Exception):
    """No credential, or none that counts."""


class Forbidden(Exception):
    """The key has been given none of `scopes`."""

    def __init__(self, scopes: tuple[str, ...]) -> None:
        super().__init__(scopes)
        self.scopes = scopes


async def key_holder(house: House, authorization: str | None) -> Credential:
    """The API key that is shown as a Bearer token. Raises Unauthenticated for none that counts."""
    scheme, shown = said_by(authorization)
    credential = await find(house, api_key_lookup(shown)) if scheme == "bearer" and shown else None
    if credential is None or credential.kind != "api_key":
        raise Unauthenticated
    return credential


def said_by(authorization: str | None) -> tuple[str, str]:
    """The header's scheme, in lower case, and what it shows; two times "" without one."""
    scheme, _, shown = (authorization or "").strip().partition(" ")
    return scheme.lower(), shown.strip()


async def find(house: House, lookup: str) -> Credential | None:
    """The credential that is kept under `lookup`. Raises TimeoutError past the house's deadline."""
    if (known := house.credentials.cached(lookup)) is not None:
        return known
    async with asyncio.timeout(house.settings.deadline_seconds):
        return await house.credentials.find(lookup)


def require(credential: Credential, *scopes: str) -> None:
    """Raises Forbidden unless the credential has one of `scopes`; write implies read."""
    if not any(credential.allows(scope) for scope in scopes):
        raise Forbidden(scopes)
