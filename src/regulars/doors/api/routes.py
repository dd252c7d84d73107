"""The routes of this API, said once: what answers them, and all that the document says of them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias
from urllib.parse import unquote_to_bytes

import msgspec

from regulars.doors.api import codes, customers, rewards, shapes
from regulars.doors.api.answers import Answer
from regulars.doors.api.request import Call

Endpoint: TypeAlias = Callable[[Call], Awaitable[Answer]]

BASE: Final = "/api/v1"
LONGEST_ID: Final = 255
LONGEST_NUMBER: Final = 15
NUMBERS: Final = ("reward_id", "claim_id")

READ_REWARDS: Final = ("read_customers", "write_configuration")
CONFIGURE: Final = ("write_configuration",)
READ: Final = ("read_customers",)
WRITE: Final = ("write_customers",)


class Route(msgspec.Struct, frozen=True, kw_only=True):
    """`body`, `query`, `answer`: the structs that parse and write them; `answer` None: a CSV file.
    `repeats`: whether an Idempotency-Key counts. `refusals`: the codes of 422 that are its own."""

    method: str
    path: str
    scopes: tuple[str, ...]
    endpoint: Endpoint
    tag: str
    summary: str
    text: str = ""
    body: type[Any] | None = None
    takes_csv: bool = False
    needs_body: bool = True
    query: type[Any] | None = None
    answer: type[Any] | None = None
    status: int = 200
    repeats: bool = False
    refusals: tuple[str, ...] = ()

    @property
    def name(self) -> str:
        """The operation's id in the document."""
        return self.endpoint.__name__


_CLAIMING: Final = (
    "not_enough_points",
    "limit_reached",
    "out_of_stock",
    "unavailable",
    "tier_required",
    "blocked",
    "not_a_member",
    "unknown_site",
)

ROUTES: Final = (
    Route(
        method="GET",
        path=f"{BASE}/rewards",
        scopes=READ_REWARDS,
        endpoint=rewards.list_rewards,
        tag="Rewards",
        summary="List the rewards, with what is left of each",
        answer=shapes.RewardList,
    ),
    Route(
        method="POST",
        path=f"{BASE}/rewards",
        scopes=CONFIGURE,
        endpoint=rewards.create_reward,
        tag="Rewards",
        summary="Make a reward",
        text="It can be claimed at once, unless `enabled` is false or `starts_at` lies ahead. A pool begins "
        "empty: the reward is out of stock until codes are uploaded.",
        body=shapes.NewReward,
        answer=shapes.OneReward,
        status=201,
        repeats=True,
    ),
    Route(
        method="GET",
        path=f"{BASE}/rewards/{{reward_id}}",
        scopes=READ_REWARDS,
        endpoint=rewards.show_reward,
        tag="Rewards",
        summary="Read one reward",
        answer=shapes.OneReward,
    ),
    Route(
        method="PATCH",
        path=f"{BASE}/rewards/{{reward_id}}",
        scopes=CONFIGURE,
        endpoint=rewards.change_reward,
        tag="Rewards",
        summary="Change a reward",
        text="What was claimed before keeps its terms. A kind can't be changed: make a new reward.",
        body=shapes.RewardChanges,
        answer=shapes.OneReward,
    ),
    Route(
        method="POST",
        path=f"{BASE}/rewards/{{reward_id}}/enable",
        scopes=CONFIGURE,
        endpoint=rewards.enable_reward,
        tag="Rewards",
        summary="Switch a reward on",
        answer=shapes.OneReward,
    ),
    Route(
        method="POST",
        path=f"{BASE}/rewards/{{reward_id}}/disable",
        scopes=CONFIGURE,
        endpoint=rewards.disable_reward,
        tag="Rewards",
        summary="Switch a reward off",
        text="Nobody can claim it any more; what was claimed stays good.",
        answer=shapes.OneReward,
    ),
    Route(
        method="POST",
        path=f"{BASE}/rewards/{{reward_id}}/codes",
        scopes=CONFIGURE,
        endpoint=codes.upload_codes,
        tag="Codes",
        summary="Upload codes into a reward's pool, all or none",
        text="A CSV file in UTF-8 with one column, with or without a heading, or JSON; at most 5 MB. Where "
        "lines are at fault nothing is taken; the first hundred of them are named.",
        body=shapes.NewCodes,
        takes_csv=True,
        answer=shapes.TakenCodes,
        status=201,
        repeats=True,
        refusals=("codes_rejected",),
    ),
    Route(
        method="GET",
        path=f"{BASE}/rewards/{{reward_id}}/codes",
        scopes=CONFIGURE,
        endpoint=codes.list_codes,
        tag="Codes",
        summary="List a reward's codes",
        query=shapes.CodeQuery,
        answer=shapes.CodeList,
    ),
    Route(
        method="GET",
        path=f"{BASE}/rewards/{{reward_id}}/codes.csv",
        scopes=CONFIGURE,
        endpoint=codes.export_codes,
        tag="Codes",
        summary="Export a reward's codes as CSV",
        text="A cell that a spreadsheet would take for a formula begins with an apostrophe.",
        query=shapes.ExportQuery,
    ),
    Route(
        method="POST",
        path=f"{BASE}/rewards/{{reward_id}}/codes/void",
        scopes=CONFIGURE,
        endpoint=codes.void_codes,
        tag="Codes",
        summary="Make free codes void",
        text="A void code is never handed out, and can't be uploaded again. One that was handed out becomes "
        "void by cancelling its claimed reward.",
        body=shapes.VoidCodes,
        answer=shapes.VoidedCodes,
    ),
    Route(
        method="GET",
        path=f"{BASE}/customers/{{merchant_id}}",
        scopes=READ,
        endpoint=customers.show_customer,
        tag="Customers",
        summary="Read a customer, with the points of now",
        answer=shapes.OneCustomer,
    ),
    Route(
        method="GET",
        path=f"{BASE}/customers/{{merchant_id}}/rewards",
        scopes=READ,
        endpoint=customers.list_offers,
        tag="Customers",
        summary="List the enabled rewards as they stand to a customer",
        query=shapes.OffersQuery,
        answer=shapes.OfferList,
        refusals=("unknown_site",),
    ),
    Route(
        method="GET",
        path=f"{BASE}/customers/{{merchant_id}}/claims",
        scopes=READ,
        endpoint=customers.list_claims,
        tag="Customers",
        summary="List what a customer has claimed, latest first",
        query=shapes.ClaimQuery,
        answer=shapes.ClaimList,
    ),
    Route(
        method="POST",
        path=f"{BASE}/customers/{{merchant_id}}/claims",
        scopes=WRITE,
        endpoint=customers.redeem,
        tag="Customers",
        summary="Redeem: take the points, hand out the code",
        text="Both happen, or neither. Send an Idempotency-Key: the same again is answered the same.",
        body=shapes.Redemption,
        answer=shapes.OneClaim,
        status=201,
        repeats=True,
        refusals=_CLAIMING,
    ),
    Route(
        method="POST",
        path=f"{BASE}/customers/{{merchant_id}}/gifts",
        scopes=WRITE,
        endpoint=customers.give,
        tag="Customers",
        summary="Give a reward for no points",
        text="In the name of the API key, with a reason if one is sent.",
        body=shapes.Gift,
        answer=shapes.OneClaim,
        status=201,
        repeats=True,
        refusals=_CLAIMING[1:],
    ),
    Route(
        method="GET",
        path=f"{BASE}/customers/{{merchant_id}}/claims/{{claim_id}}",
        scopes=READ,
        endpoint=customers.show_claim,
        tag="Customers",
        summary="Read one claimed reward",
        answer=shapes.OneClaim,
    ),
    Route(
        method="POST",
        path=f"{BASE}/customers/{{merchant_id}}/claims/{{claim_id}}/cancel",
        scopes=WRITE,
        endpoint=customers.cancel,
        tag="Customers",
        summary="Cancel: points back, code void",
        text="Once, and only while it is neither used, expired nor fulfilled.",
        body=shapes.Cancelling,
        needs_body=False,
        answer=shapes.OneClaim,
        repeats=True,
        refusals=("claim_closed",),
    ),
    Route(
        method="POST",
        path=f"{BASE}/customers/{{merchant_id}}/claims/{{claim_id}}/fulfil",
        scopes=WRITE,
        endpoint=customers.fulfil,
        tag="Customers",
        summary="Note that a custom reward was fulfilled",
        answer=shapes.OneClaim,
        refusals=("claim_closed",),
    ),
    Route(
        method="GET",
        path=f"{BASE}/spending",
        scopes=READ_REWARDS,
        endpoint=rewards.show_spending,
        tag="Spending",
        summary="Read what becomes of claimed rewards afterwards",
        answer=shapes.OneSpending,
    ),
    Route(
        method="PATCH",
        path=f"{BASE}/spending",
        scopes=CONFIGURE,
        endpoint=rewards.change_spending,
        tag="Spending",
        summary="Change what becomes of claimed rewards afterwards",
        body=shapes.SpendingChanges,
        answer=shapes.OneSpending,
    ),
)


class NoRoute(Exception):
    """Nothing is at this path; or, with `allowed`, only these methods are."""

    def __init__(self, allowed: tuple[str, ...] = ()) -> None:
        super().__init__(allowed)
        self.allowed = allowed


def _patterns() -> dict[tuple[str, ...], dict[str, Route]]:
    found: dict[tuple[str, ...], dict[str, Route]] = {}
    for route in ROUTES:
        found.setdefault(tuple(route.path.split("/")[1:]), {})[route.method] = route
    return found


_PATTERNS: Final = _patterns()


def find_route(method: str, raw_path: bytes) -> tuple[Route, dict[str, str]]:
    """The route of a request and what its path caught. HEAD is answered where GET is. Raises NoRoute.

    The path is split before it is decoded: ids may hold slashes, percent-encoded.
    """
    parts = tuple(raw_path.decode("latin-1").removesuffix("/").split("/")[1:])
    for pattern, by_method in _PATTERNS.items():
        caught = _match(pattern, parts)
        if caught is not None:
            route = by_method.get("GET" if method == "HEAD" else method)
            if route is None:
                allowed = set(by_method) | ({"HEAD"} if "GET" in by_method else set())
                raise NoRoute(tuple(sorted(allowed)))
            return route, caught
    raise NoRoute


def _match(pattern: tuple[str, ...], parts: tuple[str, ...]) -> dict[str, str] | None:
    if len(pattern) != len(parts):
        return None
    caught = {}
    for wanted, part in zip(pattern, parts, strict=True):
        if not wanted.startswith("{"):
            if wanted != part:
                return None
            continue
        value = _caught(wanted[1:-1], part)
        if value is None:
            return None
        caught[wanted[1:-1]] = value
    return caught


def _caught(name: str, part: str) -> str | None:
    """An id from a path; None for what can't be one."""
    if name in NUMBERS:
        is_number = part.isascii() and part.isdigit() and len(part) <= LONGEST_NUMBER
        return part if is_number else None
    try:
        text = unquote_to_bytes(part).decode()
    except UnicodeDecodeError:
        return None
    return text if 0 < len(text) <= LONGEST_ID and "\x00" not in text else None
