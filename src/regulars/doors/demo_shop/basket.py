"""What is in the basket, and what it comes to: goods, what a code takes off, shipping."""

import msgspec

from regulars.domain.rewards import Claim, RewardKind
from regulars.doors.demo_shop.catalogue import BY_ITEM, FREE_SHIPPING_MINOR, SHIPPING_MINOR, Product

MOST_OF_ONE = 20


class Line(msgspec.Struct, frozen=True):
    product: Product
    quantity: int

    @property
    def price_minor(self) -> int:
        return self.product.price_minor * self.quantity


class Basket(msgspec.Struct, frozen=True, kw_only=True):
    """`discount_minor` is off the goods. `problem`: why the code that was given takes nothing off."""

    lines: tuple[Line, ...]
    goods_minor: int
    discount_minor: int
    shipping_minor: int
    problem: str | None

    @property
    def total_minor(self) -> int:
        return self.goods_minor - self.discount_minor + self.shipping_minor


def fill(items: dict[str, int], claim: Claim | None, *, is_unknown: bool = False) -> Basket:
    """The basket of these items and what was claimed for its code. `is_unknown`: the code is of no use."""
    lines = tuple(Line(BY_ITEM[item], quantity) for item, quantity in items.items() if item in BY_ITEM)
    goods = sum(line.price_minor for line in lines)
    shipping = 0 if goods >= FREE_SHIPPING_MINOR or not lines else SHIPPING_MINOR
    problem = "This code is not known here, was used, or is over." if is_unknown else None
    discount = 0
    if claim is not None and goods < claim.minimum_order_minor:
        problem = "The order is too small for this code."
    elif claim is not None:
        discount = min(_off(claim, lines, goods), goods)
        if claim.kind is RewardKind.FREE_SHIPPING:
            shipping = max(0, shipping - (claim.max_shipping_minor or shipping))
        elif lines and not discount:
            problem = "This code takes nothing off what is in the basket."
    return Basket(
        lines=lines, goods_minor=goods, discount_minor=discount, shipping_minor=shipping, problem=problem
    )


def _off(claim: Claim, lines: tuple[Line, ...], goods_minor: int) -> int:
    """What the claim takes off the goods, which may be less than it is worth."""
    match claim.kind:
        case RewardKind.PERCENTAGE:
            return goods_minor * (claim.percent or 0) // 100
        case RewardKind.FREE_PRODUCT:
            return max(
                (it.product.price_minor for it in lines if it.product.item == claim.product), default=0
            )
        case RewardKind.FREE_SHIPPING | RewardKind.CUSTOM:
            return 0
        case _:
            return claim.amount_minor or 0
