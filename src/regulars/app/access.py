"""Who may do what: one table of permissions and roles, asked by every use case of staff; and who did it."""

from enum import StrEnum
from typing import Final, Protocol

import msgspec

from regulars.domain.errors import Refused


class Role(StrEnum):
    """What somebody is in a program; the first may do everything."""

    OWNER = "owner"
    MANAGER = "manager"
    SUPPORT = "support"
    ANALYST = "analyst"
    READ_ONLY = "read_only"


class NotAllowed(Refused):
    """`permission`: what was asked for; `role`: what they are, None: nothing in this program."""


class UnknownPermission(LookupError):
    """A permission that stands in no table: a mistake of ours."""


class Who(Protocol):
    """Somebody whom the audit log can name: staff, or what acts without being a person."""

    @property
    def actor(self) -> str:
        """For good, such as `staff:12` or `api key 3`."""

    @property
    def name(self) -> str:
        """As people read it."""


class Author(msgspec.Struct, frozen=True):
    """Who makes a change and is no staff in a program: an API key, an integration, the command line."""

    actor: str
    name: str


COMMAND_LINE: Final = "command line"
"""The actor of what is done by `regulars ...`: whoever may run it may do everything anyway."""
BY_COMMAND_LINE: Final = Author(COMMAND_LINE, COMMAND_LINE)
BY_US: Final = Author("regulars", "Regulars")
"""Of what nobody asked for by name, such as the demo's program."""


class Acting(msgspec.Struct, frozen=True, kw_only=True):
    """A signed-in member of staff, in one program. `role` None: none of this program's staff."""

    staff_id: int
    email: str
    name: str
    program_id: int
    role: Role | None

    @property
    def actor(self) -> str:
        """Who, as decisions and audit entries name them."""
        return actor_of(self.staff_id)


def actor_of(staff_id: int) -> str:
    return f"{STAFF}{staff_id}"


STAFF: Final = "staff:"
"""How the actor of staff begins, before the number."""

_ALL: Final = "owner manager support analyst read_only"

# What may be done, and by whom. Reading is for nearly all; what gives points away, tells secrets or ends
# things is not.
_TABLE: Final = {
    "home.read": _ALL,
    "customers.read": _ALL,
    "customers.change": "owner manager support",
    "customers.export": "owner manager analyst",
    "customers.merge": "owner manager",
    "customers.erase": "owner manager",
    "points.adjust": "owner manager support",
    "rewards.give": "owner manager support",
    "claims.change": "owner manager support",
    "orders.read": _ALL,
    "orders.apply": "owner manager support",
    "orders.export": "owner manager analyst",
    "rules.read": _ALL,
    "rules.change": "owner manager",
    "rewards.read": _ALL,
    "rewards.change": "owner manager",
    "codes.read": "owner manager support analyst",
    "codes.change": "owner manager",
    "appearance.read": _ALL,
    "appearance.change": "owner manager",
    "integrations.read": "owner manager support analyst",
    "integrations.change": "owner manager",
    "deliveries.read": "owner manager support analyst",
    "deliveries.replay": "owner manager",
    "reports.read": "owner manager analyst read_only",
    "reports.export": "owner manager analyst",
    "settings.read": _ALL,
    "settings.change": "owner manager",
    "staff.read": "owner manager",
    "staff.change": "owner",
    "audit.read": "owner manager",
}

PERMISSIONS: Final = {name: frozenset(map(Role, roles.split())) for name, roles in _TABLE.items()}
"""By the name of each permission, the roles that have it."""


def allows(acting: Acting, permission: str) -> bool:
    """Whether they may. Raises UnknownPermission."""
    if permission not in PERMISSIONS:
        raise UnknownPermission(permission)
    return acting.role in PERMISSIONS[permission]


def require(acting: Acting, permission: str) -> None:
    """Raises NotAllowed unless they may."""
    if not allows(acting, permission):
        raise NotAllowed(permission=permission, role=acting.role)
