"""What there is to do until a program is live. Every step is done by a fact, never by a tick: a rule that is
on, a reward that can be claimed, a key that was used, an order in the book."""

from typing import Final, NamedTuple

from regulars.app.connections import Listed, listed
from regulars.app.deliveries import page_of_deliveries
from regulars.app.listings import Window, list_orders
from regulars.app.rewards import stocks
from regulars.app.storefront.widgets import load_widget
from regulars.domain.program import Program
from regulars.domain.rewards import CodeSource, Reward, Stock, is_out_of_stock
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.figures import number, points
from regulars.doors.admin.words import _, ngettext

FIRST_ORDERS: Final = 5
"""With so many orders nobody needs to be told any more that everything is set up."""


class Step(NamedTuple):
    """One step: what it is, how it stands or what to do, and where. `path` None: not for who looks."""

    title: str
    text: str
    path: str | None
    label: str
    is_done: bool
    warning: str = ""


class Checklist(NamedTuple):
    steps: list[Step]
    is_past: bool
    """Whether it was all done some orders ago, so that it need not be shown."""

    @property
    def done(self) -> int:
        return sum(step.is_done for step in self.steps)

    @property
    def is_live(self) -> bool:
        return self.done == len(self.steps)

    @property
    def next(self) -> Step | None:
        """The first that is not done."""
        return next((step for step in self.steps if not step.is_done), None)


async def checklist(ask: Ask) -> Checklist:
    """How far the program is. Raises Busy."""
    database, program = ask.house.database, ask.program
    left = await stocks(database, program)
    keys = [one for one in await listed(database, program.id) if not one.has_ended(ask.now)]
    orders = await list_orders(database, program.id, Window(limit=FIRST_ORDERS), now=program.time(ask.now))
    has_order = bool(orders)
    steps = [
        _named(ask),
        _earning(ask),
        _reward(ask, left),
        _connected(ask, keys, has_order=has_order),
        await _tried(ask, has_order=has_order),
    ]
    widget = await load_widget(database, program.id)
    steps.append(_live(ask, is_ready=all(step.is_done for step in steps), is_shown=widget.enabled))
    return Checklist(steps, is_past=len(orders) >= FIRST_ORDERS and all(step.is_done for step in steps))


def _named(ask: Ask) -> Step:
    program = ask.program
    text = _(
        "It is called %(name)s and counts in %(currency)s.", name=program.name, currency=program.currency
    )
    return Step(_("Name and currency"), text, _open(ask, "/settings"), _("Settings"), is_done=True)


def _earning(ask: Ask) -> Step:
    program = ask.program
    rule = program.purchase
    said = []
    if rule.enabled and rule.rate_numerator > 0:
        rate = points_each(program)
        said.append(
            _("%(points)s for each %(currency)s of an order.", points=rate, currency=program.currency)
        )
    if program.join.points > 0:
        said.append(_("%(points)s for becoming a member.", points=points(program.join.points)))
    text = " ".join(said) or _("Say what customers get points for: their orders, becoming a member, or both.")
    return Step(
        _("What earns points"), text, _open(ask, "/rules"), _("Set the earning rule"), is_done=bool(said)
    )


def points_each(program: Program) -> str:
    """What each currency unit of an order gives: "1 point", "1.25 points"."""
    rule = program.purchase
    if rule.rate_denominator == 1:
        return points(rule.rate_numerator)
    return _("%(points)s points", points=number(rule.rate_numerator / rule.rate_denominator))


def _reward(ask: Ask, left: dict[int, Stock]) -> Step:
    title, rewards = _("A first reward"), ask.program.rewards
    claimable = [one for one in rewards if _is_claimable(ask, one, left[one.id])]
    if claimable:
        count = len(claimable)
        text = ngettext("%(num)s reward can be claimed.", "%(num)s rewards can be claimed.", count)
        return Step(title, text, _open(ask, "/rewards"), _("Rewards"), is_done=True)
    bare = next(
        (one for one in rewards if one.codes is CodeSource.POOL and left[one.id].codes_free == 0), None
    )
    if bare is not None:
        text = _("“%(title)s” has no codes that could be handed out: upload some.", title=bare.title)
        path = _open(ask, "/rewards/{reward}/codes", reward=bare.id)
        return Step(title, text, path, _("Upload its codes"), is_done=False)
    if rewards:
        text = _("There are rewards, but none of them can be claimed now.")
        return Step(title, text, _open(ask, "/rewards"), _("Look at the rewards"), is_done=False)
    text = _("Points are worth something once there is something to spend them on.")
    return Step(title, text, _open(ask, "/rewards/new"), _("Make the first reward"), is_done=False)


def _is_claimable(ask: Ask, reward: Reward, stock: Stock) -> bool:
    has_ended = reward.ends_at is not None and reward.ends_at <= ask.program.time(ask.now)
    return reward.enabled and not has_ended and not is_out_of_stock(reward, stock)


def _connected(ask: Ask, keys: list[Listed], *, has_order: bool) -> Step:
    title, own = _("Connect the shop"), [one for one in keys if one.kind == "lootly"]
    path = _open(ask, "/integrations")
    if has_order or any(one.last_used_at is not None for one in keys):
        text = _("Your shop has called with a key of this program.")
        return Step(title, text, path, _("Integrations"), is_done=True)
    if len(own) == 1:
        path = _open(ask, "/integrations/{credential}", credential=own[0].credential_id)
    text = _("Paste a few lines into your shop: they are ready, with its own key and secret.")
    return Step(title, text, path, _("Get the code to paste"), is_done=False)


async def _tried(ask: Ask, *, has_order: bool) -> Step:
    title, path = _("Try it"), _open(ask, "/deliveries")
    if has_order:
        return Step(title, _("The first order is here."), path, _("Delivery log"), is_done=True)
    text = _("Place a first order in your shop, or send the one of the sample code, and see what it gives.")
    failed = path is not None and await page_of_deliveries(
        ask.house.database, ask.program_id, problems_only=True, most=1
    )
    warning = _("A call came, but something was wrong with it. The log says what.") if failed else ""
    return Step(title, text, path, _("Look into the delivery log"), is_done=False, warning=warning)


def _live(ask: Ask, *, is_ready: bool, is_shown: bool) -> Step:
    title, path = _("Go live"), _open(ask, "/appearance")
    if is_ready and is_shown:
        text = _("Every order earns, and the widget shows customers their points.")
        return Step(title, text, path, _("Widget"), is_done=True)
    if is_shown:
        text = _("The widget is switched on. You are live as soon as the steps above are done.")
    else:
        text = _("Give the widget your colours and words, and switch it on for your customers.")
    return Step(title, text, path, _("Make the widget yours"), is_done=False)


def _open(ask: Ask, path: str, **values: int) -> str | None:
    """The address of this page, None where who asks may not see it."""
    permission = ask.routes.permission(path)
    if permission is None or not ask.may(permission):
        return None
    return ask.url(path.format(**values))
