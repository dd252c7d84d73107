"""A page's tokens, as the snippets for shops make them."""

import json
from datetime import datetime

from regulars.app.storefront.strict import encoded
from regulars.app.storefront.tokens import signature_of


def make_token(
    kid: str, secret: str, *, shop: str, customer_id: str, jti: str, now: datetime, life_seconds: int = 300
) -> str:
    """A v2 token that lives for `life_seconds`."""
    issued = int(now.timestamp())
    claims = {"shop": shop, "sub": customer_id, "iat": issued, "exp": issued + life_seconds, "jti": jti}
    signed = f"v2.{kid}.{encoded(json.dumps(claims).encode())}"
    return f"{signed}.{signature_of(signed, secret)}"
