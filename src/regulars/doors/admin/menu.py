"""The navigation: what stands in it in which order. What has no page yet, or may not be seen, is left out."""

from typing import TYPE_CHECKING, Final, NamedTuple

from regulars.doors.admin.words import N_

if TYPE_CHECKING:
    from regulars.doors.admin.ask import Ask


class Entry(NamedTuple):
    """A place in the navigation. `path` is below the program's address; `on_phone`: in the bar below, too."""

    path: str
    label: str
    icon: str
    on_phone: bool = False


class Part(NamedTuple):
    label: str
    entries: tuple[Entry, ...]


MENU: Final = (
    Part(
        "",
        (
            Entry("/", N_("Home"), "house", on_phone=True),
            Entry("/customers", N_("Customers"), "users", on_phone=True),
            Entry("/orders", N_("Orders"), "shopping-bag", on_phone=True),
        ),
    ),
    Part(
        N_("Program"),
        (
            Entry("/rules", N_("Earning points"), "sparkles"),
            Entry("/rewards", N_("Rewards"), "gift", on_phone=True),
            Entry("/codes", N_("Reward codes"), "ticket-percent"),
            Entry("/points", N_("Points"), "coins"),
            Entry("/appearance", N_("Widget"), "palette"),
        ),
    ),
    Part(
        N_("Insight"),
        (Entry("/reports", N_("Reports"), "chart-line"),),
    ),
    Part(
        N_("Connection"),
        (
            Entry("/integrations", N_("Integrations"), "plug"),
            Entry("/deliveries", N_("Delivery log"), "inbox"),
            Entry("/signatures", N_("Signature check"), "signature"),
            Entry("/keys", N_("API keys"), "key-round"),
        ),
    ),
    Part(
        N_("House"),
        (
            Entry("/staff", N_("Staff"), "id-card"),
            Entry("/audit", N_("Audit log"), "scroll-text"),
            Entry("/settings", N_("Settings"), "settings"),
        ),
    ),
)


def menu(ask: "Ask") -> list[Part]:
    """What of the navigation who asks may see here."""
    shown = []
    for part in MENU:
        entries = tuple(entry for entry in part.entries if _is_open(ask, entry))
        if entries:
            shown.append(Part(part.label, entries))
    return shown


def _is_open(ask: "Ask", entry: Entry) -> bool:
    permission = ask.routes.permission(entry.path)
    return permission is not None and ask.may(permission)


def is_here(ask: "Ask", entry: Entry) -> bool:
    """Whether the page that is shown belongs to this entry."""
    address = ask.url(entry.path)
    if entry.path == "/":
        return ask.address.rstrip("/") == address
    return ask.address == address or ask.address.startswith(f"{address}/")
