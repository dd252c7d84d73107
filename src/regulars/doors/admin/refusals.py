"""Refusals in a person's words: one table, from top to bottom."""

from regulars.app.audit import LONGEST_REASON
from regulars.app.connections import UnknownCredential
from regulars.app.deliveries import UnknownDelivery, describe_refusal
from regulars.app.programs import UnknownProgram
from regulars.app.sessions import SlowDown, WrongCode, WrongPassword
from regulars.app.staff.colleagues import LastOwner
from regulars.app.staff.invitations import NotYours
from regulars.app.staff.links import LinkSpent
from regulars.app.staff.people import UnknownStaff
from regulars.domain.errors import (
    ClaimClosed,
    CustomerBlocked,
    IdentityReused,
    Invalid,
    NotAMember,
    NotEnoughPoints,
    OutOfStock,
    Refused,
    Unavailable,
    UnknownClaim,
    UnknownCustomer,
    UnknownOrder,
    UnknownReward,
    UnknownSite,
)
from regulars.doors.admin.figures import number, points
from regulars.doors.admin.words import N_, _, ngettext

NOTHING_THERE = (
    UnknownProgram,
    UnknownStaff,
    UnknownCustomer,
    UnknownOrder,
    UnknownReward,
    UnknownClaim,
    UnknownSite,
    UnknownCredential,
    UnknownDelivery,
)
"""Refusals that are a 404 when a page is asked for."""

SENTENCES: dict[type[Refused], str] = {
    WrongPassword: N_("The e-mail or the password is wrong."),
    WrongCode: N_("This code is not right. Codes change every 30 seconds, and each works once."),
    LinkSpent: N_("This link has been used, or its time is over. Ask for a new one."),
    LastOwner: N_("A program keeps at least one owner: make somebody else an owner first."),
    UnknownStaff: N_("There is nobody like that on the staff."),
    UnknownCustomer: N_("There is no such customer."),
    UnknownOrder: N_("There is no such order."),
    UnknownReward: N_("There is no such reward."),
    UnknownCredential: N_("There is no such key, or it has ended."),
    UnknownDelivery: N_("There is no such call in the log; old ones are deleted."),
    UnknownClaim: N_("There is no such claimed reward."),
    NotAMember: N_("This customer is not a member yet: guests earn and spend nothing."),
    CustomerBlocked: N_("This customer is blocked."),
    OutOfStock: N_("Nothing is left of this reward, or no code to hand out."),
    IdentityReused: N_("This form was sent before with other values. Look at what it did, then start anew."),
}


def sentence(refused: Refused) -> str:
    """What was refused and why, in the reader's language; English where nobody has translated it."""
    match refused:
        case SlowDown():
            wait = ngettext("Try again in %(num)s second.", "Try again in %(num)s seconds.", refused.seconds)
            return _("Too many tries.") + " " + wait
        case NotYours():
            return _("This invitation is for %(email)s: sign in as that person.", email=refused.data["email"])
        case NotEnoughPoints():
            asked, left = refused.data.get("asked", 0), refused.data.get("left", 0)
            return _("%(asked)s are asked for, %(left)s left.", asked=points(asked), left=number(left))
        case ClaimClosed():
            return _("This claimed reward can't be changed any more: it is %(state)s.", **refused.data)
        case Invalid():
            return f"{refused.field}: {_(refused.problem)}"
    for kind, text in SENTENCES.items():
        if isinstance(refused, kind):
            return _(text)
    return describe_refusal(refused)


def errors_of(refused: Refused) -> dict[str, str]:
    """For `ask.errors`: what is wrong, beside the field that it is about, or "" for the form as a whole."""
    if isinstance(refused, Invalid):
        problem = _(refused.problem)
        return {refused.field: problem[:1].upper() + problem[1:]}
    return {"": sentence(refused)}


def unavailable(error: Unavailable) -> str:
    """What to say while the database is busy or away; whether a change was made is part of it."""
    if type(error).__name__ == "Unsure":
        return _(
            "The database fell silent while saving. Look whether the change is there before you repeat it."
        )
    return _("The server is busy, nothing was changed. Try again in a moment.")


__all__ = ["LONGEST_REASON", "NOTHING_THERE", "errors_of", "sentence", "unavailable"]
