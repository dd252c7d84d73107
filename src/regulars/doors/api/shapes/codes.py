"""A pool's coupon codes: uploaded, listed, made void."""

from datetime import datetime
from typing import Annotated, Literal

from msgspec import UNSET, Meta, UnsetType

from regulars.domain.rewards import CodeSource, CodeState
from regulars.doors.api.shapes.fields import Closed, Limit, Open


class NewCodes(Closed, frozen=True, kw_only=True):
    """Codes for a pool; all are taken or none."""

    codes: Annotated[list[str], Meta(min_length=1, max_length=500_000)]


class CodeWarning(Open, frozen=True, kw_only=True):
    """What makes so many of the codes easy to guess. `kind`: short or sequence."""

    kind: str
    codes: int
    message: str


class TakenCodes(Open, frozen=True, kw_only=True):
    """The file was taken as a whole. `free`: how many codes can be handed out now; `header`: the first line
    where it was a heading."""

    taken: int
    rejected: int
    free: int
    header: str | None
    warnings: list[CodeWarning]


class Code(Open, frozen=True, kw_only=True):
    """`claim_id`: the claimed reward that it was handed out to."""

    code: str
    state: CodeState
    source: CodeSource
    claim_id: int | None
    created_at: datetime


class CodeList(Open, frozen=True, kw_only=True):
    """A page of codes; `next` goes into `after` for the next page, null on the last one."""

    codes: list[Code]
    next: str | None


class CodeQuery(Closed, frozen=True, kw_only=True):
    state: CodeState | UnsetType = UNSET
    after: Annotated[str, Meta(max_length=255)] = ""
    limit: Limit = 100


class ExportQuery(Closed, frozen=True, kw_only=True):
    state: CodeState | UnsetType = UNSET


class VoidCodes(Closed, frozen=True, kw_only=True):
    """Either some `codes` by name, or `all` that are free."""

    codes: Annotated[list[str], Meta(min_length=1, max_length=1000)] | None = None
    all: Literal[True] | None = None


class Skipped(Open, frozen=True, kw_only=True):
    code: str
    reason: str


class VoidedCodes(Open, frozen=True, kw_only=True):
    """So many became void; `skipped` were not free."""

    voided: int
    free: int
    skipped: list[Skipped]
