"""What the shop remembers of a visitor, all of it in one encrypted cookie: who, the basket, a word to say."""

import re
from http.cookies import CookieError, SimpleCookie
from typing import Final

import msgspec

from regulars.app.vault import Vault, WrongSecretKey

PURPOSE: Final = "demo-shop"
LONGEST: Final = 3500
MOST_ORDERS: Final = 8


class Visit(msgspec.Struct, frozen=True, kw_only=True, omit_defaults=True):
    """`customer`: the id of who is logged in. `orders`: a guest's own. `said`: to be shown once."""

    purpose: str = ""
    customer: str | None = None
    email: str = ""
    basket: dict[str, int] = {}
    code: str = ""
    orders: tuple[str, ...] = ()
    said: str = ""


def cookie_name(*, is_https: bool) -> str:
    """`__Host-` binds a cookie to this host, and is for https alone."""
    return "__Host-demo-shop" if is_https else "demo-shop"


def visit_of(header: str, vault: Vault, *, is_https: bool) -> Visit:
    """The visit that a Cookie header holds; a new one where it holds none of ours."""
    try:
        cookies = SimpleCookie(header)
        value = cookies[cookie_name(is_https=is_https)].value
        visit = msgspec.json.decode(vault.open(value.encode()), type=Visit)
    except (CookieError, KeyError, WrongSecretKey, UnicodeError, msgspec.DecodeError):
        return Visit()
    return visit if visit.purpose == PURPOSE else Visit()


def set_cookie(visit: Visit, vault: Vault, *, is_https: bool) -> str:
    """The Set-Cookie header's value that keeps the visit until the browser is closed."""
    kept = msgspec.json.encode(msgspec.structs.replace(visit, purpose=PURPOSE)).decode()
    value = vault.close(kept).decode()
    if len(value) > LONGEST:
        value = vault.close(msgspec.json.encode(Visit(purpose=PURPOSE)).decode()).decode()
    path = "/; Secure" if is_https else "/demo-shop"
    return f"{cookie_name(is_https=is_https)}={value}; Path={path}; HttpOnly; SameSite=Lax"


def is_email(text: str) -> bool:
    """Whether it can be an address that an order is reported under."""
    return len(text) <= 120 and re.fullmatch(r"[^\s@\x00]+@[^\s@\x00]+\.[^\s@\x00]+", text) is not None
