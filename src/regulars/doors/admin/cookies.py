"""Cookies, and the token that says a form is ours: derived from a cookie that no other site can read."""

import base64
import hashlib
import hmac
import secrets
from collections.abc import Mapping
from http.cookies import CookieError, SimpleCookie
from typing import Final

SESSION: Final = "regulars"
DEVICE: Final = "regulars-device"
VISIT: Final = "regulars-visit"
"""Before signing in: what the sign-in form's token is derived from."""
DEVICE_SECONDS: Final = 180 * 24 * 3600


class Jar:
    """The cookies of this server on https (`__Host-`: of this host alone) or, plainly named, on http."""

    def __init__(self, *, is_secure: bool) -> None:
        self.is_secure = is_secure

    def name(self, cookie: str) -> str:
        return f"__Host-{cookie}" if self.is_secure else cookie

    def read(self, headers: Mapping[str, str]) -> dict[str, str]:
        """What the browser sent of ours, by our names."""
        try:
            sent = SimpleCookie(headers.get("cookie", ""))
        except CookieError:
            return {}
        wanted = {self.name(one): one for one in (SESSION, DEVICE, VISIT)}
        return {
            wanted[name]: morsel.value
            for name, morsel in sent.items()
            if name in wanted and 20 <= len(morsel.value) <= 100
        }

    def set(self, cookie: str, value: str, *, seconds: int | None = None) -> tuple[str, str]:
        """The header that sets it, until the browser closes or for so long; an empty value takes it away."""
        age = "" if seconds is None else f"; Max-Age={seconds}"
        secure = "; Secure" if self.is_secure else ""
        return ("set-cookie", f"{self.name(cookie)}={value}; Path=/{age}; HttpOnly; SameSite=Lax{secure}")

    def drop(self, cookie: str) -> tuple[str, str]:
        return self.set(cookie, "", seconds=0)


def new_token() -> str:
    return secrets.token_urlsafe(32)


def form_token(cookie: str) -> str:
    """What a page with this session or visit puts into its forms; it says nothing of the cookie itself."""
    digest = hmac.digest(cookie.encode("utf-8", "surrogateescape"), b"a form of Regulars", hashlib.sha256)
    return base64.urlsafe_b64encode(digest).decode().rstrip("=")


def is_ours(cookie: str | None, token: str) -> bool:
    """Whether a form's token belongs to this cookie."""
    if not cookie:
        return False
    return hmac.compare_digest(form_token(cookie).encode(), token.encode("utf-8", "surrogateescape"))


def comes_from_elsewhere(headers: Mapping[str, str], own_origins: frozenset[str]) -> bool:
    """Whether the browser says that another site made it send this."""
    site, origin = headers.get("sec-fetch-site"), headers.get("origin")
    if site is not None and site not in ("same-origin", "none"):
        return True
    return origin is not None and origin.lower() not in own_origins
