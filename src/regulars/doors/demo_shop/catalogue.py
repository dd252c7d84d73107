"""What the demo shop sells. Names and prices are those of the coffeehouse whose history the demo has."""

from typing import Final

import msgspec

SHIPPING_MINOR: Final = 490
FREE_SHIPPING_MINOR: Final = 4500
CURRENCY: Final = "EUR"


class Product(msgspec.Struct, frozen=True):
    """`picture`: how it is drawn, and in which two colours."""

    item: str
    name: str
    price_minor: int
    text: str
    picture: str
    colour: str
    accent: str


_BROWN, _GREEN, _RED, _BLUE, _GOLD = "#6b4430", "#2f5d50", "#a8452f", "#2b4a72", "#b07d2b"

PRODUCTS: Final = (
    Product("HB-250", "House blend, 250 g", 890,
            "Chocolate, hazelnut, and patience.", "bag", _BROWN, _GOLD),
    Product("ES-250", "Espresso Nordwind, 250 g", 990,
            "Dark and straight from the north.", "bag", _BLUE, "#cfdcec"),
    Product("ET-250", "Äthiopien Sidama, 250 g", 1190,
            "Bergamot, peach, a little jasmine.", "bag", _RED, "#f4c9a3"),
    Product("CO-250", "Colombia Huila, 250 g", 1090,
            "Red apple and raw sugar.", "bag", _GREEN, "#e3c567"),
    Product("DE-250", "Decaf Abendruhe, 250 g", 1050,
            "All of the evening, none of the night.", "bag", "#54456b", "#d9cdea"),
    Product("HB-1000", "House blend, 1 kg", 2990,
            "The same, for people with guests.", "sack", _BROWN, _GOLD),
    Product("ES-1000", "Espresso Nordwind, 1 kg", 3290,
            "For machines that never rest.", "sack", _BLUE, "#cfdcec"),
    Product("SUB-3", "Tasting box, three roasts", 2750,
            "Three of 200 g, chosen by the roaster.", "box", _GREEN, _GOLD),
    Product("CUP-1", "Cup “Stammgast”", 1650,
            "Stoneware, thrown two streets away.", "cup", _GREEN, "#f3ead9"),
    Product("MILL-1", "Hand mill", 8900,
            "Steel burrs, beech handle, forty turns a cup.", "mill", "#5a554f", _GOLD),
    Product("TE-100", "Assam second flush, 100 g", 1240,
            "For those who came along.", "tin", _RED, _GOLD),
    Product("CB-6", "Cold brew, 6 bottles", 1850,
            "Sixteen hours slow, one second gone.", "bottles", _BROWN, "#e8d5bd"),
)  # fmt: skip
BY_ITEM: Final = {product.item: product for product in PRODUCTS}


def price_text(minor: int) -> str:
    """The price as a shopper reads it: €8.90."""
    sign = "−" if minor < 0 else ""
    return f"{sign}€{abs(minor) // 100}.{abs(minor) % 100:02d}"
