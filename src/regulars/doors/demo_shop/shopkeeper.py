"""Reports to Regulars as the guide has it: signed hooks, sent to the very door that other shops call."""

import base64
import hashlib
import hmac
import json
import secrets
from typing import Final

import httpx

from regulars.app.programs import Created
from regulars.domain.customers import Customer
from regulars.domain.money import format_amount
from regulars.doors.demo_shop.basket import Basket
from regulars.doors.demo_shop.catalogue import CURRENCY
from regulars.doors.wire import App

LETTERS: Final = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"


class NotTaken(Exception):
    """The door did not take a report; `status` is its answer."""

    def __init__(self, status: int) -> None:
        super().__init__(status)
        self.status = status


class Shopkeeper:
    """Tells Regulars of orders, refunds and new customers."""

    def __init__(self, hooks: App) -> None:
        self._client = httpx.AsyncClient(transport=httpx.ASGITransport(hooks), base_url="http://regulars")

    async def order(
        self, keys: Created, order_id: str, basket: Basket, customer: dict[str, str], code: str | None
    ) -> None:
        """A paid order. Source: lootly.md §2. Raises NotTaken."""
        await self._call(
            keys,
            "orders-completed",
            {
                "id": order_id,
                "total_price": _text(basket.total_minor),
                "total_tax": _text(0),
                "total_discounts": _text(basket.discount_minor),
                "subtotal_price": _text(basket.goods_minor - basket.discount_minor),
                "taxes_included": "0",
                "discount_codes": [{"code": code}] if code else [],
                "customer": customer,
                "products": [
                    {
                        "product_id": line.product.item,
                        "product_name": line.product.name,
                        "product_price": _text(line.product.price_minor),
                        "quantity": line.quantity,
                    }
                    for line in basket.lines
                ],
            },
        )

    async def refund(self, keys: Created, order_id: str, amount_minor: int) -> None:
        """Money given back. Source: lootly.md §3. Raises NotTaken."""
        part = {"id": f"R-{new_number()}", "amount": _text(amount_minor)}
        await self._call(keys, "refunds-create", {"id": order_id, "transactions": [part]})

    async def customer(self, keys: Created, customer: dict[str, str]) -> None:
        """Somebody who signed up. Raises NotTaken."""
        await self._call(keys, "customers-create", dict(customer))

    async def _call(self, keys: Created, hook: str, payload: dict[str, object]) -> None:
        answer = await self._client.post(
            f"/integrations/webhooks/common/{hook}",
            content=signed(payload | {"key": keys.lootly_api_key}, keys.lootly_api_secret),
            headers={"content-type": "application/json"},
        )
        if answer.status_code != 200:
            raise NotTaken(answer.status_code)


def signed(payload: dict[str, object], secret: str) -> str:
    """The body with its hmac: sorted, and written as PHP's json_encode writes texts and whole numbers."""
    text = json.dumps(dict(sorted(payload.items())), separators=(",", ":")).replace("/", "\\/")
    digest = hmac.digest(secret.encode(), text.encode(), hashlib.sha256)
    return json.dumps(payload | {"hmac": base64.b64encode(digest).decode()})


def new_number() -> str:
    """Six letters and digits that nothing else has."""
    return "".join(secrets.choice(LETTERS) for _ in range(6))


def as_said(customer: Customer) -> dict[str, str]:
    """The customer as this shop's hooks name it."""
    said = {
        "id": customer.merchant_id,
        "email": customer.email,
        "first_name": customer.first_name,
        "last_name": customer.last_name,
    }
    return {name: value for name, value in said.items() if value}


def _text(minor: int) -> str:
    return format_amount(minor, CURRENCY)
