"""What the demo shop's forms do; each leads back to a page."""

import re
from collections.abc import Awaitable, Callable
from typing import Final, TypeAlias

import msgspec

from regulars.app.storefront import till
from regulars.domain.errors import Invalid
from regulars.domain.money import parse_amount
from regulars.doors.demo_shop.basket import MOST_OF_ONE
from regulars.doors.demo_shop.catalogue import BY_ITEM, CURRENCY, price_text
from regulars.doors.demo_shop.counter import Answer, Counter, Shown
from regulars.doors.demo_shop.shopkeeper import as_said, new_number
from regulars.doors.demo_shop.visit import MOST_ORDERS, Visit, is_email

Fields: TypeAlias = dict[str, str]
Form: TypeAlias = Callable[[Counter, Shown, Fields], Awaitable[Answer]]

replace = msgspec.structs.replace


async def add(counter: Counter, shown: Shown, fields: Fields) -> Answer:
    """One more of a product."""
    visit, item = shown.visit, fields.get("item", "")
    if item not in BY_ITEM:
        return counter.back("", visit)
    number = min(visit.basket.get(item, 0) + 1, MOST_OF_ONE)
    said = f"{BY_ITEM[item].name} is in the basket."
    return counter.back("basket", replace(visit, basket=visit.basket | {item: number}, said=said))


async def change(counter: Counter, shown: Shown, fields: Fields) -> Answer:
    """Another number of a product; 0 puts it back."""
    visit, item, number = shown.visit, fields.get("item", ""), fields.get("quantity", "")
    if item not in BY_ITEM or not re.fullmatch(r"[0-9]{1,2}", number, re.ASCII):
        return counter.back("basket", visit)
    kept = visit.basket | {item: min(int(number), MOST_OF_ONE)}
    kept = {name: quantity for name, quantity in kept.items() if quantity}
    return counter.back("basket", replace(visit, basket=kept))


async def code(counter: Counter, shown: Shown, fields: Fields) -> Answer:
    """A discount code, or none."""
    text = fields.get("code", "").strip()
    fits = len(text) <= 64 and text.isprintable()
    return counter.back("basket", replace(shown.visit, code=text if fits else ""))


async def check_out(counter: Counter, shown: Shown, fields: Fields) -> Answer:
    """Orders what is in the basket, and reports it as paid."""
    visit = shown.visit
    basket, claim = await counter.basket(shown)
    who = await counter.customer(shown)
    email = fields.get("email", "").strip()
    if not basket.lines:
        return counter.back("basket", visit)
    if who is None and not is_email(email):
        return counter.back("basket", replace(visit, said="Please say where the receipt goes."))
    order_id = f"DS-{new_number()}"
    customer = as_said(who.customer) if who is not None else {"email": email}
    used = visit.code if claim is not None and basket.problem is None else None
    await counter.keeper.order(shown.keys, order_id, basket, customer, used)
    paid = price_text(basket.total_minor)
    said = f"Thank you! Order {order_id} over {paid} is paid, and the roaster has been told."
    after = replace(visit, basket={}, code="", said=said)
    if who is None:
        after = replace(after, email=email, orders=(order_id, *visit.orders)[:MOST_ORDERS])
    return counter.back("orders", after)


async def refund(counter: Counter, shown: Shown, fields: Fields) -> Answer:
    """Gives an order's money back, or a part of it. Only the visitor's own."""
    visit, order_id = shown.visit, fields.get("order", "")
    program, who = await counter.program(shown), await counter.customer(shown)
    found = await till.orders_of(
        counter.house,
        program,
        customer_id=who.customer.id if who is not None else None,
        merchant_ids=visit.orders,
    )
    order = next((one for one in found if one.merchant_id == order_id), None)
    if order is None:
        return counter.back("orders", replace(visit, said="That order is not to be found."))
    left = order.paid_minor - order.refunded_minor
    try:
        amount = min(parse_amount(fields.get("amount", "").strip(), CURRENCY), left)
    except Invalid:
        return counter.back("orders", replace(visit, said="Please write the amount like 12.50."))
    if amount > 0:
        await counter.keeper.refund(shown.keys, order_id, amount)
    said = f"{price_text(amount)} of order {order_id} went back. Its points followed in proportion."
    return counter.back("orders", replace(visit, said=said))


async def log_in(counter: Counter, shown: Shown, fields: Fields) -> Answer:
    """As one of the demo's customers. There are no passwords: nobody here exists."""
    who = fields.get("customer", "")
    program = await counter.program(shown)
    standing = await till.customer_of(counter.house, program, who) if _is_id(who) else None
    if standing is None or not standing.customer.is_member:
        return counter.back("log-in", replace(shown.visit, said="Nobody here is called that."))
    name = standing.customer.first_name or who
    return counter.back("", replace(shown.visit, customer=who, orders=(), said=f"Welcome back, {name}."))


async def sign_up(counter: Counter, shown: Shown, fields: Fields) -> Answer:
    """Somebody new, who becomes a member at once."""
    name, email = fields.get("name", "").strip(), fields.get("email", "").strip()
    if not (0 < len(name) <= 60 and name.isprintable()) or not is_email(email):
        return counter.back("log-in", replace(shown.visit, said="Please say your name and an e-mail."))
    who = f"new-{new_number()}"
    await counter.keeper.customer(shown.keys, {"id": who, "email": email, "first_name": name})
    said = f"Welcome, {name}. You are a regular from now on."
    return counter.back("", replace(shown.visit, customer=who, orders=(), said=said))


async def log_out(counter: Counter, shown: Shown, fields: Fields) -> Answer:  # noqa: ARG001 - as all forms
    """Nobody is logged in any more; the basket stays."""
    return counter.back("", Visit(basket=shown.visit.basket, said="You are logged out. Come back soon."))


def _is_id(text: str) -> bool:
    return 0 < len(text) <= 191 and text.isprintable()


FORMS: Final[dict[str, Form]] = {
    "basket/add": add,
    "basket/change": change,
    "basket/code": code,
    "basket/order": check_out,
    "orders/refund": refund,
    "log-in": log_in,
    "sign-up": sign_up,
    "log-out": log_out,
}
