"""Orders as a shop's plugin sends them to the Lootly door, signed beforehand: signing is the shop's work."""

import random
from collections.abc import Iterator, Sequence
from pathlib import Path

from regulars.domain.commands import CustomerRef
from regulars.doors.lootly.php import json_text
from regulars.doors.lootly.signature import sign

FIRST_NAMES = ("Ada", "Ben", "Cleo", "Dan", "Elif", "Femi", "Grete", "Hugo")
LAST_NAMES = ("Abel", "Brook", "Cruz", "Dahl", "Eriksen", "Fox", "Gupta")
GOODS = (("Red tee, size M", 1999), ("Coffee mug", 1250), ("Black cap", 2450), ("Blue jeans", 5990))


def customer(number: int) -> CustomerRef:
    """Customer c`number`, with all that the orders say of them, so that an order changes no profile."""
    return CustomerRef(
        merchant_id=f"c{number}",
        email=f"c{number}@shop.example",
        first_name=FIRST_NAMES[number % len(FIRST_NAMES)],
        last_name=LAST_NAMES[number % len(LAST_NAMES)],
        properties={"zip": f"{number % 90_000 + 10_000}", "country": "GB"},
    )


def write_bodies(
    path: Path, name: str, *, threads: int, each: int, customers: int, signing: Sequence[dict[str, str]]
) -> None:
    """Writes `each` signed bodies for every thread: thread n's into `path`.n, a line each. `signing`: key and
    secret of every shop, in turn."""
    for thread in range(1, threads + 1):
        chance = random.Random(f"{name}-{thread}")
        with path.with_name(f"{path.name}.{thread}").open("w") as file:
            for number in range(1, each + 1):
                order_id, who = f"{name}-{thread}-{number}", chance.randint(1, customers)
                file.write(signed_order(order_id, who, chance, **signing[number % len(signing)]) + "\n")


def signed_order(order_id: str, customer_number: int, chance: random.Random, *, key: str, secret: str) -> str:
    """The body of `orders-completed`, in PHP's text; its members stand in another order than is signed."""
    said = customer(customer_number)
    properties = said.properties or {}
    products = list(_products(chance))
    subtotal = sum(price * quantity for _, price, quantity in products)
    discount = min(500, subtotal // 10)
    body: dict[str, object] = {
        "key": key,
        "id": order_id,
        "total_price": _text(subtotal - discount + 495),
        "total_tax": _text(0),
        "total_discounts": _text(discount),
        "subtotal_price": _text(subtotal - discount),
        "taxes_included": "0",
        "discount_codes": [{"code": "WELCOME"}],
        "customer": {
            "id": said.merchant_id,
            "email": said.email,
            "first_name": said.first_name,
            "last_name": said.last_name,
            "birthday": "",
            "default_address": {"zip": properties["zip"], "country": properties["country"]},
        },
        "products": [
            {
                "product_id": 100 + place,
                "product_name": title,
                "product_price": price / 100,
                "quantity": quantity,
                "categories": [{"category_id": 7, "category_name": "Apparel"}],
            }
            for place, (title, price, quantity) in enumerate(products)
        ],
        "ip_address": f"203.0.113.{chance.randint(1, 254)}",
    }
    return json_text(body | {"hmac": sign(body, secret)})


def _products(chance: random.Random) -> Iterator[tuple[str, int, int]]:
    for title, price in chance.sample(GOODS, 3):
        yield title, price, chance.randint(1, 2)


def _text(minor: int) -> str:
    return f"{minor // 100}.{minor % 100:02}"
