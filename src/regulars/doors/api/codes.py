"""A pool's codes: uploaded as a file or a list, listed, exported, made void."""

import asyncio
from collections.abc import Sequence

from regulars.app.codes import lists, uploads, voiding
from regulars.domain.errors import Invalid
from regulars.doors.api.errors import UnknownMedia
from regulars.doors.api.request import Call
from regulars.doors.api.shapes.codes import (
    Code,
    CodeList,
    CodeQuery,
    CodeWarning,
    ExportQuery,
    NewCodes,
    Skipped,
    TakenCodes,
    VoidCodes,
    VoidedCodes,
)
from regulars.doors.wire import Answer, as_json
from regulars.storage.codes import StoredCode

CSV = "text/csv"
JSON = "application/json"


async def upload_codes(call: Call) -> Answer:
    """POST /api/v1/rewards/{reward_id}/codes: a CSV file with one column, or JSON."""
    kind = call.headers.get("content-type", "").partition(";")[0].strip().lower()
    file: bytes | Sequence[str]
    if kind == CSV:
        file = call.body
    elif kind == JSON:
        file = (await asyncio.to_thread(call.json, NewCodes)).codes
    else:
        raise UnknownMedia((CSV, JSON))
    done = await uploads.import_codes(
        call.house.database,
        call.program.id,
        call.number("reward_id"),
        file,
        by=call.credential.author,
        now=call.house.clock(),
        identity=call.identity(),
    )
    warned = [CodeWarning(kind=one.kind, codes=one.codes, message=one.message) for one in done.warnings]
    return as_json(
        TakenCodes(taken=done.taken, rejected=0, free=done.free, header=done.header, warnings=warned),
        201,
    )


async def list_codes(call: Call) -> Answer:
    """GET /api/v1/rewards/{reward_id}/codes."""
    query = call.query(CodeQuery)
    reward = call.program.reward(call.number("reward_id"))
    found = await lists.list_codes(
        call.house.database,
        call.program.id,
        reward.id,
        state=query.state or None,
        after=query.after,
        most=query.limit + 1,
    )
    page = found[: query.limit]
    more = page[-1].key if len(found) > query.limit else None
    return as_json(CodeList(codes=[_shown(one) for one in page], next=more))


async def export_codes(call: Call) -> Answer:
    """GET /api/v1/rewards/{reward_id}/codes.csv."""
    query = call.query(ExportQuery)
    reward = call.program.reward(call.number("reward_id"))
    parts = await lists.export_codes(
        call.house.database,
        call.program.id,
        reward.id,
        state=query.state or None,
        by=call.credential.author,
        now=call.house.clock(),
    )
    headers = (
        (b"content-type", b"text/csv; charset=utf-8"),
        (b"content-disposition", b'attachment; filename="codes-%d.csv"' % reward.id),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
    )
    return Answer(200, headers=headers, parts=parts)


async def void_codes(call: Call) -> Answer:
    """POST /api/v1/rewards/{reward_id}/codes/void."""
    said, reward_id = call.json(VoidCodes), call.number("reward_id")
    if (said.codes is None) == (said.all is None):
        raise Invalid("codes", "or all must be given, and not both")
    house = call.house
    if said.codes is None:
        done = await voiding.void_all(
            house.database, call.program.id, reward_id, by=call.credential.author, now=house.clock()
        )
    else:
        done = await voiding.void_codes(
            house.database,
            call.program.id,
            reward_id,
            said.codes,
            by=call.credential.author,
            now=house.clock(),
        )
    skipped = [Skipped(code=one.code, reason=one.reason) for one in done.skipped]
    return as_json(VoidedCodes(voided=done.voided, free=done.free, skipped=skipped))


def _shown(one: StoredCode) -> Code:
    return Code(
        code=one.code, state=one.state, source=one.source, claim_id=one.claim_id, created_at=one.created_at
    )
