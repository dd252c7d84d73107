"""What staff do for one customer by hand: points, rewards, block, erase. Each asks why; the log keeps it."""

from collections.abc import Awaitable, Callable
from functools import partial
from typing import Final

from regulars.app import audit, claims, erasing, people
from regulars.app.giving import give_reward
from regulars.app.people import Profile
from regulars.domain.commands import AdjustPoints, CancelClaim, Command, FulfilClaim, PatchCustomer
from regulars.domain.errors import Invalid, NotAMember, NotEnoughPoints, Refused
from regulars.domain.rewards import Claim, RewardKind
from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.reading import optional_number, whole_number
from regulars.doors.admin.refusals import errors_of, sentence
from regulars.doors.admin.routing import NoRoute, Route
from regulars.doors.admin.telling import called
from regulars.doors.admin.words import N_, _


async def _find(ask: Ask) -> Profile:
    """The customer, if there is anybody to do something for. Raises NoRoute for one who was merged."""
    now = ask.program.time(ask.now)
    found = await people.profile(ask.house.database, ask.program_id, ask.number("customer"), now=now)
    if found.standing.customer.merged_into is not None:
        raise NoRoute
    return found


def _shop_id(found: Profile) -> str:
    """The shop's id of the customer. Raises NotAMember for a guest without one."""
    merchant_id = found.standing.customer.merchant_id
    if merchant_id is None:
        raise NotAMember(customer=None)
    return merchant_id


async def _act(ask: Ask, command: Command, permission: str, action: str) -> None:
    await audit.act(
        ask.house.database,
        ask.house.engine,
        ask.acting,
        command,
        permission=permission,
        action=action,
        subject=f"customer {ask.number('customer')}",
        reason=ask.form.get("reason"),
        form_key=ask.form_key or None,
        now=ask.now,
    )


def _back(ask: Ask) -> Answer:
    return ask.redirect(ask.url(f"/customers/{ask.number('customer')}"))


# -- points


async def ask_points(ask: Ask) -> Answer:
    found = await _find(ask)
    return ask.render(
        "customers/points.html",
        customer=found.standing.customer,
        account=found.standing.account,
        name=called(found.standing.customer),
    )


async def change_points(ask: Ask) -> Answer:
    found = await _find(ask)
    try:
        way = ask.form.get("way")
        if way not in ("give", "take"):
            raise Invalid("way", "must be chosen")
        points = whole_number(ask.form, "points")
        command = AdjustPoints(
            merchant_id=_shop_id(found),
            points=points if way == "give" else -points,
            reason=ask.form.get("reason"),
            actor=ask.acting.actor,
        )
        action = "give points" if way == "give" else "take points"
        await _act(ask, command, "points.adjust", action)
    except NotEnoughPoints as refused:
        ask.errors = {"points": sentence(refused)}
        return await ask_points(ask)
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await ask_points(ask)
    ask.say(
        _("Given. The timeline says by whom and why.") if way == "give" else _("Taken, with your reason.")
    )
    return _back(ask)


# -- rewards


async def ask_reward(ask: Ask) -> Answer:
    found = await _find(ask)
    customer = found.standing.customer
    program = ask.program
    offers = await claims.offers(
        ask.house.database,
        program,
        customer,
        available=10**15,  # staff give it: no points are needed
        site_id=program.sites[0].id if len(program.sites) == 1 else None,
        now=program.time(ask.now),
    )
    open_ones = [offer for offer in offers if offer.refusal is None]
    return ask.render(
        "customers/reward.html",
        customer=customer,
        name=called(customer),
        choices=[(str(one.reward.id), one.reward.title, one.reward.text) for one in open_ones],
        closed=[(one.reward.title, sentence(one.refusal)) for one in offers if one.refusal is not None],
        has_variable=any(one.reward.kind is RewardKind.VARIABLE_AMOUNT for one in open_ones),
    )


async def change_reward(ask: Ask) -> Answer:
    try:
        reward = ask.program.reward(whole_number(ask.form, "reward"))
        is_variable = reward.kind is RewardKind.VARIABLE_AMOUNT
        claim = await give_reward(
            ask.house,
            ask.acting,
            ask.number("customer"),
            reward.id,
            points=optional_number(ask.form, "points") if is_variable else None,
            reason=ask.form.get("reason"),
            form_key=ask.form_key or None,
            now=ask.now,
        )
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await ask_reward(ask)
    if claim.code is None:
        ask.say(_("“%(title)s” is theirs.", title=claim.title))
    else:
        ask.say(_("“%(title)s” is theirs, with the code %(code)s.", title=claim.title, code=claim.code))
    return _back(ask)


async def _claim(ask: Ask) -> Claim:
    """The claimed reward, if it is this customer's. Raises NoRoute, UnknownClaim."""
    claim = await claims.claim(ask.house.database, ask.program_id, ask.number("claim"))
    if claim.customer_id != ask.number("customer"):
        raise NoRoute
    return claim


# -- changes that ask for nothing but the reason


def _why(
    ask: Ask, found: Profile, *, title: str, text: str, label: str, is_final: bool, sure: str | None = None
) -> Answer:
    return ask.render(
        "customers/why.html",
        customer=found.standing.customer,
        name=called(found.standing.customer),
        title=title,
        text=text,
        label=label,
        is_final=is_final,
        sure=sure,
    )


async def _change(
    ask: Ask, again: Callable[[Ask], Awaitable[Answer]], change: Callable[[], Awaitable[None]], said: str
) -> Answer:
    """Makes the change and goes back to the customer; what is refused stands on the page that asked."""
    try:
        await change()
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await again(ask)
    ask.say(said)
    return _back(ask)


async def ask_block(ask: Ask) -> Answer:
    found = await _find(ask)
    if found.standing.customer.blocked:
        return _why(
            ask,
            found,
            title=_("Unblock"),
            text=_("From now on the customer earns and spends points again. What was missed stays missed."),
            label=_("Unblock"),
            is_final=False,
        )
    return _why(
        ask,
        found,
        title=_("Block"),
        text=_(
            "A blocked customer earns nothing and can't claim rewards. The points that they have stay, and "
            "you can unblock them at any time."
        ),
        label=_("Block"),
        is_final=True,
    )


async def change_block(ask: Ask) -> Answer:
    found = await _find(ask)
    is_blocked = found.standing.customer.blocked

    async def change() -> None:
        if found.erased_at is not None:
            raise Invalid("", "This person was erased and stays blocked.")
        command = PatchCustomer(merchant_id=_shop_id(found), blocked=not is_blocked)
        action = "unblock customer" if is_blocked else "block customer"
        await _act(ask, command, "customers.change", action)

    return await _change(ask, ask_block, change, _("Unblocked.") if is_blocked else _("Blocked."))


async def ask_cancel(ask: Ask) -> Answer:
    claim = await _claim(ask)
    return _why(
        ask,
        await _find(ask),
        title=_("Cancel “%(title)s”", title=claim.title),
        text=_("The points that it cost come back, and its code is void. This can't be undone."),
        label=_("Cancel the reward"),
        is_final=True,
    )


async def change_cancel(ask: Ask) -> Answer:
    claim = await _claim(ask)
    command = CancelClaim(claim_id=claim.id, actor=ask.acting.actor, reason=ask.form.get("reason"))
    change = partial(_act, ask, command, "claims.change", "cancel claimed reward")
    return await _change(ask, ask_cancel, change, _("Cancelled: the points are back."))


async def ask_fulfil(ask: Ask) -> Answer:
    claim = await _claim(ask)
    return _why(
        ask,
        await _find(ask),
        title=_("“%(title)s” is fulfilled", title=claim.title),
        text=_(
            "Say what was done, such as the number of the parcel. The customer sees that it is fulfilled."
        ),
        label=_("It is fulfilled"),
        is_final=False,
    )


async def change_fulfil(ask: Ask) -> Answer:
    claim = await _claim(ask)
    command = FulfilClaim(claim_id=claim.id, actor=ask.acting.actor)
    change = partial(_act, ask, command, "claims.change", "fulfil claimed reward")
    return await _change(ask, ask_fulfil, change, _("Noted: it is fulfilled."))


async def ask_erase(ask: Ask) -> Answer:
    found = await _find(ask)
    return _why(
        ask,
        found,
        title=_("Erase this person"),
        text=_(
            "Name, e-mail, birthday, the shop's id and whatever else says who this is are deleted "
            "everywhere: from orders, calls and the log. The book keeps its numbers without a name, so "
            "reports stay right. Points that are left can't be spent any more. This can't be undone."
        ),
        label=_("Erase for ever"),
        is_final=True,
        sure=_("The person asked for it, and I know that nobody can bring it back."),
    )


async def change_erase(ask: Ask) -> Answer:
    async def change() -> None:
        if not ask.form.is_on("sure"):
            raise Invalid("sure", "must be ticked")
        await erasing.erase(
            ask.house,
            ask.acting,
            ask.number("customer"),
            reason=ask.form.get("reason"),
            form_key=ask.form_key or None,
            now=ask.now,
        )

    return await _change(ask, ask_erase, change, _("Erased. Only numbers are left."))


ACTIONS: Final = (
    N_("give points"),
    N_("take points"),
    N_("give reward"),
    N_("block customer"),
    N_("unblock customer"),
    N_("cancel claimed reward"),
    N_("fulfil claimed reward"),
    N_("erase customer"),
)
"""What the audit log says of these pages."""

ROUTES: Final = (
    Route("GET", "/customers/{customer}/points", "points.adjust", ask_points),
    Route("POST", "/customers/{customer}/points", "points.adjust", change_points),
    Route("GET", "/customers/{customer}/reward", "rewards.give", ask_reward),
    Route("POST", "/customers/{customer}/reward", "rewards.give", change_reward),
    Route("GET", "/customers/{customer}/block", "customers.change", ask_block),
    Route("POST", "/customers/{customer}/block", "customers.change", change_block),
    Route("GET", "/customers/{customer}/erase", "customers.erase", ask_erase),
    Route("POST", "/customers/{customer}/erase", "customers.erase", change_erase),
    Route("GET", "/customers/{customer}/claims/{claim}/cancel", "claims.change", ask_cancel),
    Route("POST", "/customers/{customer}/claims/{claim}/cancel", "claims.change", change_cancel),
    Route("GET", "/customers/{customer}/claims/{claim}/fulfil", "claims.change", ask_fulfil),
    Route("POST", "/customers/{customer}/claims/{claim}/fulfil", "claims.change", change_fulfil),
)
