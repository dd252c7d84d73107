"""Everything that can go wrong, as facts with data; each door turns them into its own answers by one table.

RegularsError
├── Refused                      a decision: the rules said no, nothing was changed
│   ├── Invalid                  a value that no rule could accept, with the field's name
│   ├── UnknownOrder · UnknownCustomer · UnknownSite · UnknownReward · UnknownClaim
│   ├── OrderDiffers             the order is known, with other content
│   ├── RefundDiffers            the refund is known, with another amount
│   ├── IdentityReused           an Idempotency-Key came again with another content
│   ├── NotEnoughPoints          fewer points are left than asked for
│   ├── NotAMember · CustomerBlocked
│   ├── RewardUnavailable        it is disabled, not started, ended, or not for this site
│   ├── LimitReached · OutOfStock · TierRequired
│   ├── ClaimClosed              the claimed reward is used, cancelled, expired or fulfilled
│   └── Rejected                 the database would not take what this one command wrote
└── Unavailable                  not now; answered with Retry-After
    ├── Busy                     the queue is full, nothing was done
    ├── Late                     it waited too long, nothing was done and nothing will be
    └── Unsure                   the database fell silent during COMMIT: it happened once or not at all
"""

from typing import Any


class RegularsError(Exception):
    """The root of the tree above. `data` holds the facts, for answers and logs."""

    def __init__(self, **data: Any) -> None:
        super().__init__(data)
        self.data = data

    def __str__(self) -> str:
        facts = ", ".join(f"{name}={value!r}" for name, value in self.data.items())
        return f"{type(self).__name__}({facts})"


class Refused(RegularsError):
    """A decision against the command; the state is as before."""


class Invalid(Refused):
    """`field` is the wire name of the value at fault, `problem` says what is wrong with it."""

    def __init__(self, field: str, problem: str) -> None:
        super().__init__(field=field, problem=problem)
        self.field = field
        self.problem = problem


class UnknownOrder(Refused):
    """No order of that merchant id at this site."""


class UnknownCustomer(Refused):
    """No customer of that merchant id in this program."""


class UnknownSite(Refused):
    """No site of that id in this program."""


class OrderDiffers(Refused):
    """`fields`: the wire names of what differs from the order that is known."""


class RefundDiffers(Refused):
    """`refund`: the id that came again with another amount."""


class IdentityReused(Refused):
    """`key`: the Idempotency-Key that was first used for another content."""


class NotEnoughPoints(Refused):
    """`asked` for, `left`: points."""


class NotAMember(Refused):
    """The customer is not enrolled."""


class CustomerBlocked(Refused):
    """The merchant blocked this customer."""


class UnknownReward(Refused):
    """No reward of that id in this program."""


class UnknownClaim(Refused):
    """No claimed reward of that id, or not this customer's."""


class RewardUnavailable(Refused):
    """`why`: disabled, not started, ended or site."""


class LimitReached(Refused):
    """This customer has claimed it `limit` times in the `period`; `until` when (ISO), None: for ever."""


class OutOfStock(Refused):
    """All are claimed, or no code is left to hand out."""


class TierRequired(Refused):
    """`tiers`: one of them is needed."""


class ClaimClosed(Refused):
    """`state`: used, cancelled, expired or fulfilled, so it can't be changed."""


class Rejected(Refused):
    """`sqlstate`: what the database answered to this command alone."""


class Unavailable(RegularsError):
    """Try again; `Retry-After` says when."""


class Busy(Unavailable):
    """The lane's queue is full; the command was not taken."""


class Late(Unavailable):
    """The command waited past its deadline; it was not executed and never will be."""


class Unsure(Unavailable):
    """COMMIT was sent and not answered. Sending the same identity again finds out."""


REFUSALS: dict[str, type[Refused]] = {
    kind.__name__: kind
    for kind in (
        Invalid,
        UnknownOrder,
        UnknownCustomer,
        UnknownSite,
        OrderDiffers,
        RefundDiffers,
        IdentityReused,
        NotEnoughPoints,
        NotAMember,
        CustomerBlocked,
        UnknownReward,
        UnknownClaim,
        RewardUnavailable,
        LimitReached,
        OutOfStock,
        TierRequired,
        ClaimClosed,
    )
}
"""The refusals that can be remembered under an Idempotency-Key, by name."""
