"""Sends attacks one by one and judges each answer: by its status, shape, time and effects."""

from collections import Counter
from collections.abc import Iterable, Iterator
from dataclasses import dataclass, field
from typing import Final

import msgspec

from tests.hostile.attacks import Attack, fresh
from tests.hostile.world import MARK, App, Said, World, resident_bytes

PATIENCE_SECONDS: Final = 5.0
"""No refusal takes longer, however busy the machine; what is usual is asserted apart."""
MEMORY_BYTES: Final = 200_000_000


@dataclass
class Result:
    """What a run found. `findings` is empty when all is well."""

    findings: list[str] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    refusal_seconds: list[float] = field(default_factory=list)
    grown_bytes: int = 0

    @property
    def requests(self) -> int:
        return self.statuses.total()

    def refusals_within(self, share: float) -> float:
        """Within how many seconds this share of the refusals came."""
        ordered = sorted(self.refusal_seconds)
        return ordered[min(int(len(ordered) * share), len(ordered) - 1)]


async def run(
    world: World,
    attacks: Iterable[Attack],
    errors: list[str],
    *,
    app: App | None = None,
    most_findings: int = 20,
) -> Result:
    """Sends the attacks one by one to `mine` and judges each answer. `errors`: what `listening` collects."""
    result = Result()
    at_first = resident_bytes()
    head = await world.head(world.mine.program_id)
    for attack in attacks:
        try:
            body = attack.body if isinstance(attack.body, bytes) else fresh(attack.body())
            said = await world.ask(attack.method, attack.target, body, attack.headers, app=app)
        except Exception as error:  # noqa: BLE001 - whatever escapes is a finding
            result.statuses[0] += 1
            result.findings.append(f"{attack.name}: {error!r} escaped")
            continue
        result.statuses[said.status] += 1
        wrong = list(judge(attack, said))
        head_now = await world.head(world.mine.program_id)
        if said.status >= 400:
            result.refusal_seconds.append(said.seconds)
            if head_now != head:
                wrong.append("was refused and changed the book")
        head = head_now
        if errors:
            wrong.append(f"logged {errors.pop()}")
            errors.clear()
        grown = resident_bytes() - at_first
        result.grown_bytes = max(result.grown_bytes, grown)
        if grown > MEMORY_BYTES:
            wrong.append(f"memory grew by {grown} bytes")
        result.findings += [f"{attack.name}: {each} ({said.status} {said.body[:200]!r})" for each in wrong]
        if len(result.findings) >= most_findings:
            break
    return result


def judge(attack: Attack, said: Said) -> Iterator[str]:
    """What is wrong with this answer, whatever was asked."""
    if said.status >= 500 and not (attack.server_error and said.status == 500):
        yield "server error"
    if attack.refused and said.status < 400:
        yield "should be refused"
    if said.status >= 400:
        if said.seconds > PATIENCE_SECONDS:
            yield f"took {said.seconds:.1f} s"
        if attack.method != "HEAD":
            yield from misshapen(said)
    if MARK.encode() in said.body or any(MARK in value for value in said.headers.values()):
        yield "shows what is the neighbour's"


def misshapen(said: Said) -> Iterator[str]:
    """An error has one shape, and says what it is."""
    if said.headers.get("content-type") != "application/json":
        yield f"is of the type {said.headers.get('content-type')}"
        return
    try:
        error = said.json["error"]
        text = error["message"] if isinstance(error, dict) else error
    except (msgspec.MsgspecError, KeyError, TypeError):
        yield "has another shape than errors have"
        return
    if not isinstance(text, str) or not text:
        yield "says nothing"
