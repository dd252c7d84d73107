"""The signatures that a shop's page carries: md5 as Lootly's guide has it, SHA-1 as LoyaltyLion's SDK does.

Neither is a MAC that one would choose today; the page on storefront signatures says what that means, and
`tokens` has better. Every comparison takes the same time wherever two texts differ.
"""

import hashlib
import hmac
import re
from datetime import UTC, datetime, timedelta
from typing import Final, TypeGuard
from urllib.parse import urlsplit

from regulars.domain.program import Site

LONGEST_ID_BYTES: Final = 191
SKEW: Final = timedelta(seconds=60)
"""How far ahead of ours a shop's clock may be."""

_MD5: Final = re.compile(r"[0-9a-f]{32}", re.ASCII)
_SHA1: Final = re.compile(r"[0-9a-f]{40}", re.ASCII)
_DATE: Final = re.compile(r"\d{4}-\d{2}-\d{2}T\d{2}:\d{2}:\d{2}(\.\d{1,9})?(Z|[+-]\d{2}:?\d{2})?", re.ASCII)


def is_customer_id(text: object) -> TypeGuard[str]:
    """Whether it can be a customer's id: 1 to 191 bytes of text without `://`.

    An address is none, because `data-shop-id` is public, and signs one.
    """
    if not isinstance(text, str) or "://" in text or "\x00" in text:
        return False
    content = _bytes(text)
    return content is not None and 1 <= len(content) <= LONGEST_ID_BYTES


def md5_signature(text: str, secret: str) -> str:
    """Lower-case hex of md5 over the text and then the secret. Source: lootly.md §5."""
    return hashlib.md5((text + secret).encode(), usedforsecurity=False).hexdigest()


def names_site(domain: str, site: Site) -> bool:
    """Whether `data-shop-domain` means this site: its origin or its bare host, with or without a slash."""
    return domain.removesuffix("/").lower() in (site.domain, urlsplit(site.domain).netloc)


def is_md5_proof(
    secret: str, site: Site, *, shop_domain: str, shop_id: str, customer_id: str, customer_signature: str
) -> bool:
    """Whether both of the page's md5 signatures are this shop's, the domain signed as it was sent.

    A customer whose id could be the shop's domain is refused, as the signature of that stands in every page.
    """
    said = (shop_domain, customer_id)
    if any(_bytes(text) is None for text in said) or not is_customer_id(customer_id):
        return False
    if not names_site(shop_domain, site) or names_site(customer_id, site):
        return False
    if not (_MD5.fullmatch(shop_id) and _MD5.fullmatch(customer_signature)):
        return False
    is_shop = hmac.compare_digest(md5_signature(shop_domain, secret), shop_id)
    is_customer = hmac.compare_digest(md5_signature(customer_id, secret), customer_signature)
    return is_shop and is_customer


def sha1_signature(customer_id: str, date: str, email: str, secret: str) -> str:
    """Lower-case hex of SHA-1 over id, date, e-mail and secret. Source: loyaltylion.md §5.2."""
    content = (customer_id + date + email + secret).encode()
    return hashlib.sha1(content, usedforsecurity=False).hexdigest()


def is_sha1_proof(secret: str, *, customer_id: str, email: str, date: str, token: str) -> bool:
    """Whether the token is over id, date and secret, with the e-mail between or without it: both are in use.

    The date's age is the caller's to judge.
    """
    if any(_bytes(text) is None for text in (customer_id, email, date)) or not is_customer_id(customer_id):
        return False
    if not _SHA1.fullmatch(token):
        return False
    with_email = hmac.compare_digest(sha1_signature(customer_id, date, email, secret), token)
    without = hmac.compare_digest(sha1_signature(customer_id, date, "", secret), token)
    return with_email or without


def moment_of(date: str) -> datetime | None:
    """The moment that an ISO 8601 text names, UTC where it says no zone; None for any other text."""
    if not _DATE.fullmatch(date):
        return None
    try:
        found = datetime.fromisoformat(date)
        return found.replace(tzinfo=UTC) if found.tzinfo is None else found.astimezone(UTC)
    except (ValueError, OverflowError):
        return None


def is_fresh(at: datetime, now: datetime, *, within: timedelta) -> bool:
    """Whether a signature of that moment counts still, and already."""
    return now - within <= at <= now + SKEW


def _bytes(text: str) -> bytes | None:
    """The text in UTF-8; None for one with a lone surrogate, which has none."""
    try:
        return text.encode()
    except UnicodeEncodeError:
        return None
