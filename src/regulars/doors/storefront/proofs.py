"""Proofs as they come over the wire: three shapes of one JSON object, told apart by their members.

Whatever has another shape proves nothing, and is answered as a wrong signature is.
"""

from collections.abc import Mapping
from typing import Any, Final

from regulars.app.storefront.proofs import Md5Proof, Proof, Sha1Proof, TokenProof
from regulars.app.storefront.strict import Unproven

MD5: Final = frozenset({"shop_domain", "shop_id", "customer_id", "customer_signature"})
SHA1: Final = frozenset({"customer", "auth"})
TOKEN: Final = frozenset({"token"})
SHOP: Final = ("key", "site")


def shop_named(members: Mapping[str, Any]) -> dict[str, str]:
    """`{"key": …}` or `{"site": …}`, whichever the body has. Raises Unproven for both, none, or no text."""
    found = {name: members[name] for name in SHOP if name in members}
    if len(found) != 1 or not all(isinstance(value, str) for value in found.values()):
        raise Unproven(why="the body names no shop, or two")
    return found


def proof_in(members: Mapping[str, Any]) -> Proof:
    """The proof in a body that may name its shop besides. Raises Unproven."""
    said = {name: value for name, value in members.items() if name not in SHOP}
    if said.keys() == TOKEN:
        return TokenProof(token=_text(said["token"]))
    if said.keys() == MD5:
        return Md5Proof(**{name: _text(said[name]) for name in MD5})
    if said.keys() == SHA1:
        return _sha1(said["customer"], said["auth"])
    raise Unproven(why="the body has no shape of a proof")


def _sha1(customer: object, auth: object) -> Sha1Proof:
    if not isinstance(customer, dict) or not isinstance(auth, dict):
        raise Unproven(why="customer and auth are not objects")
    if not customer.keys() <= {"id", "email", "name"} or auth.keys() != {"date", "token"}:
        raise Unproven(why="customer and auth have not the members of a proof")
    who, email = customer.get("id"), customer.get("email")
    return Sha1Proof(
        customer_id=str(who) if type(who) is int else _text(who),
        email="" if email is None else _text(email),
        date=_text(auth["date"]),
        token=_text(auth["token"]),
    )


def _text(value: object) -> str:
    if not isinstance(value, str):
        raise Unproven(why="a member is no text")
    return value
