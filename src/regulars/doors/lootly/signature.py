"""Lootly's signatures: who signed a webhook or a balance read.

The texts and digests are the vendor's; every comparison here takes the same time wherever the two differ.
"""

import hmac
from base64 import b64encode
from collections.abc import Mapping
from dataclasses import dataclass, field

from regulars.doors.lootly.php import Member, Unreadable, json_text, read_object

__all__ = [
    "SignedBody",
    "Unreadable",
    "expected_text",
    "read_signed",
    "sign",
    "signed_json",
    "verify",
    "verify_read",
]

LONGEST_CUSTOMER_ID_BYTES = 191


@dataclass(frozen=True, slots=True)
class SignedBody:
    """A webhook's body as it was read, before anyone knows whether its signature is good.

    `members`: the top-level values without `hmac`, in the body's order. `key`, `hmac`: None unless strings.
    """

    key: str | None
    hmac: str | None
    members: dict[str, object]
    read: dict[str, Member] = field(repr=False)

    def source(self, name: str) -> str | None:
        """The value as the body has it (`29.90` where `members` has 29.9; strings quoted), None if absent."""
        member = self.read.get(name)
        return None if member is None else member.source

    def as_php(self) -> str:
        """The text that PHP's arrays give, sorted by name at the top level alone (contract §4)."""
        return json_text(_sorted(self.members))

    def as_sent(self) -> str:
        """The text made of the values as they were sent, sorted likewise; from PHP mostly the same text."""
        sources = (f"{self.read[name].name_source}:{self.read[name].source}" for name in sorted(self.members))
        return "{" + ",".join(sources) + "}"

    def texts(self) -> tuple[str, ...]:
        """The texts whose signature is accepted: `as_php` and, if it differs, `as_sent`."""
        as_php, as_sent = self.as_php(), self.as_sent()
        return (as_php,) if as_php == as_sent else (as_php, as_sent)


def read_signed(body: bytes) -> SignedBody:
    """The body's members, and what its signature is checked against. Raises `Unreadable`: a 401 (§1)."""
    read = read_object(body)
    members = {name: member.value for name, member in read.items() if name != "hmac"}
    key = members.get("key")
    signature = read["hmac"].value if "hmac" in read else None
    return SignedBody(
        key=key if isinstance(key, str) else None,
        hmac=signature if isinstance(signature, str) else None,
        members=members,
        read=read,
    )


def verify(secret: bytes | str, body: SignedBody) -> bool:
    """Whether the body's hmac is that of one of its `texts()`. An empty secret, which all have, never is.

    Contents that PHP can't tell apart share a signature: {} and [], and integers beyond 64 bits (or fractions
    beyond 17 digits) that round to the same float.
    """
    if body.hmac is None or not secret:
        return False
    return _equal(_hmac(secret, body.as_sent()), body.hmac) or _equal(_hmac(secret, body.as_php()), body.hmac)


def expected_text(body: SignedBody) -> str:
    """The text that the shop should have signed: for the delivery log, to be compared with theirs."""
    return body.as_php()


def sign(payload: Mapping[str, object], secret: bytes | str) -> str:
    """The hmac that a PHP shop makes for the members but `hmac`; it holds however the body is written."""
    return _hmac(secret, json_text(_sorted(payload)))


def signed_json(payload: Mapping[str, object], secret: bytes | str) -> str:
    """The body of a call to the shop (§6): PHP's text, names sorted, objects kept, and `hmac` at the end.

    A receiver that sorts and one that doesn't compute the same, as long as no object is empty or like a list.
    """
    members = _sorted(payload)
    members["hmac"] = _hmac(secret, json_text(members, keep_objects=True))
    return json_text(members, keep_objects=True)


def verify_read(secret: bytes | str, key: str, hmac_query: str, customer_ids: str | None = None) -> bool:
    """Whether a balance read's query is signed: the JSON of `key` and, if sent, `customer_ids` (§1).

    The arguments are the query's decoded values; a blank in the hmac was a `+` that the shop didn't encode.
    """
    signed: dict[str, object] = {"key": key}
    if customer_ids is not None:
        signed["customer_ids"] = customer_ids
    return bool(secret) and _equal(_hmac(secret, json_text(signed)), hmac_query.replace(" ", "+"))


def _sorted(payload: Mapping[str, object]) -> dict[str, object]:
    """Without `hmac`, in byte order of the names: UTF-8 sorts as code points do, and so does Python."""
    return {name: payload[name] for name in sorted(payload) if name != "hmac"}


def _hmac(secret: bytes | str, text: str) -> str:
    return b64encode(hmac.digest(_bytes(secret), text.encode(), "sha256")).decode()


def _equal(expected: str, given: str) -> bool:
    return hmac.compare_digest(_bytes(expected), _bytes(given))


def _bytes(text: bytes | str) -> bytes:
    """UTF-8; what a query string brings may hold lone surrogates, and mustn't raise here."""
    return text if isinstance(text, bytes) else text.encode("utf-8", "surrogatepass")
