"""Every page and every change there is. A new file of pages is added to the list below."""

from itertools import chain
from typing import Final

from regulars.doors.admin.pages import (
    appearance,
    audit,
    by_hand,
    codes,
    customers,
    deliveries,
    earning,
    home,
    integrations,
    keys,
    links,
    me,
    merging,
    orders,
    points,
    profile,
    programs,
    reports,
    rewards,
    settings,
    sign_in,
    signatures,
    staff,
)
from regulars.doors.admin.routing import Route

PAGES: Final = (
    sign_in,
    links,
    me,
    programs,
    home,
    reports,
    customers,
    profile,
    merging,
    by_hand,
    orders,
    staff,
    audit,
    settings,
    earning,
    rewards,
    codes,
    points,
    appearance,
    integrations,
    deliveries,
    signatures,
    keys,
)

ROUTES: Final[tuple[Route, ...]] = tuple(chain.from_iterable(page.ROUTES for page in PAGES))
