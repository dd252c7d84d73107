"""The routes of this API, said once: what answers them, and all that the document says of them."""

from collections.abc import Awaitable, Callable
from typing import Any, Final, TypeAlias

import msgspec

from regulars.doors.api import codes, customers, merging, rewards
from regulars.doors.api.request import Call
from regulars.doors.api.shapes.claims import Cancelling, ClaimList, ClaimQuery, Gift, OneClaim, Redemption
from regulars.doors.api.shapes.codes import (
    CodeList,
    CodeQuery,
    ExportQuery,
    NewCodes,
    TakenCodes,
    VoidCodes,
    VoidedCodes,
)
from regulars.doors.api.shapes.customers import OfferList, OffersQuery, OneCustomer
from regulars.doors.api.shapes.merging import Merging
from regulars.doors.api.shapes.rewards import NewReward, OneReward, RewardChanges, RewardList
from regulars.doors.api.shapes.spending import OneSpending, SpendingChanges
from regulars.doors.paths import Paths
from regulars.doors.wire import Answer

Endpoint: TypeAlias = Callable[[Call], Awaitable[Answer]]

BASE: Final = "/api/v1"
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
        answer=RewardList,
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
        body=NewReward,
        answer=OneReward,
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
        answer=OneReward,
    ),
    Route(
        method="PATCH",
        path=f"{BASE}/rewards/{{reward_id}}",
        scopes=CONFIGURE,
        endpoint=rewards.change_reward,
        tag="Rewards",
        summary="Change a reward",
        text="What was claimed before keeps its terms. A kind can't be changed: make a new reward.",
        body=RewardChanges,
        answer=OneReward,
    ),
    Route(
        method="POST",
        path=f"{BASE}/rewards/{{reward_id}}/enable",
        scopes=CONFIGURE,
        endpoint=rewards.enable_reward,
        tag="Rewards",
        summary="Switch a reward on",
        answer=OneReward,
    ),
    Route(
        method="POST",
        path=f"{BASE}/rewards/{{reward_id}}/disable",
        scopes=CONFIGURE,
        endpoint=rewards.disable_reward,
        tag="Rewards",
        summary="Switch a reward off",
        text="Nobody can claim it any more; what was claimed stays good.",
        answer=OneReward,
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
        body=NewCodes,
        takes_csv=True,
        answer=TakenCodes,
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
        query=CodeQuery,
        answer=CodeList,
    ),
    Route(
        method="GET",
        path=f"{BASE}/rewards/{{reward_id}}/codes.csv",
        scopes=CONFIGURE,
        endpoint=codes.export_codes,
        tag="Codes",
        summary="Export a reward's codes as CSV",
        text="A cell that a spreadsheet would take for a formula begins with an apostrophe.",
        query=ExportQuery,
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
        body=VoidCodes,
        answer=VoidedCodes,
    ),
    Route(
        method="GET",
        path=f"{BASE}/customers/{{merchant_id}}",
        scopes=READ,
        endpoint=customers.show_customer,
        tag="Customers",
        summary="Read a customer, with the points of now",
        answer=OneCustomer,
    ),
    Route(
        method="GET",
        path=f"{BASE}/customers/{{merchant_id}}/rewards",
        scopes=READ,
        endpoint=customers.list_offers,
        tag="Customers",
        summary="List the enabled rewards as they stand to a customer",
        query=OffersQuery,
        answer=OfferList,
        refusals=("unknown_site",),
    ),
    Route(
        method="GET",
        path=f"{BASE}/customers/{{merchant_id}}/claims",
        scopes=READ,
        endpoint=customers.list_claims,
        tag="Customers",
        summary="List what a customer has claimed, latest first",
        query=ClaimQuery,
        answer=ClaimList,
    ),
    Route(
        method="POST",
        path=f"{BASE}/customers/{{merchant_id}}/claims",
        scopes=WRITE,
        endpoint=customers.redeem,
        tag="Customers",
        summary="Redeem: take the points, hand out the code",
        text="Both happen, or neither. Send an Idempotency-Key: the same again is answered the same.",
        body=Redemption,
        answer=OneClaim,
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
        body=Gift,
        answer=OneClaim,
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
        answer=OneClaim,
    ),
    Route(
        method="POST",
        path=f"{BASE}/customers/{{merchant_id}}/claims/{{claim_id}}/cancel",
        scopes=WRITE,
        endpoint=customers.cancel,
        tag="Customers",
        summary="Cancel: points back, code void",
        text="Once, and only while it is neither used, expired nor fulfilled.",
        body=Cancelling,
        needs_body=False,
        answer=OneClaim,
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
        answer=OneClaim,
        refusals=("claim_closed",),
    ),
    Route(
        method="POST",
        path=f"{BASE}/customers/{{merchant_id}}/merge",
        scopes=WRITE,
        endpoint=merging.merge_customer,
        tag="Customers",
        summary="Merge another record into this customer: two that are one person",
        text="Points with their dates, debts, orders and claimed rewards go to the path's customer; calls by "
        "the other's id or e-mail mean this one from then on. It can't be undone. A member can't be merged "
        "into a guest, nor one with an id into one without. Merging the same two again changes nothing.",
        body=Merging,
        answer=OneCustomer,
        repeats=True,
    ),
    Route(
        method="GET",
        path=f"{BASE}/spending",
        scopes=READ_REWARDS,
        endpoint=rewards.show_spending,
        tag="Spending",
        summary="Read what becomes of claimed rewards afterwards",
        answer=OneSpending,
    ),
    Route(
        method="PATCH",
        path=f"{BASE}/spending",
        scopes=CONFIGURE,
        endpoint=rewards.change_spending,
        tag="Spending",
        summary="Change what becomes of claimed rewards afterwards",
        body=SpendingChanges,
        answer=OneSpending,
    ),
)

find_route: Final = Paths(ROUTES, numbers=NUMBERS).find
"""The route of a method and a path, and what the path caught. Raises NoRoute."""
