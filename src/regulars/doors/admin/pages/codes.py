"""Reward codes: a file dropped on the page, what was taken and what was not and why, and the lists."""

from typing import Final

from regulars.app.access import require
from regulars.app.codes.lists import export_codes, list_codes
from regulars.app.codes.uploads import CodesRejected, Imported, import_codes
from regulars.app.codes.voiding import void_all, void_codes
from regulars.app.rewards import stocks
from regulars.domain.errors import Invalid, Refused
from regulars.domain.rewards import CodeSource, CodeState, Reward
from regulars.doors.admin.answers import Answer, growing
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.refusals import errors_of, sentence
from regulars.doors.admin.routing import NoRoute, Route
from regulars.doors.admin.words import N_, _, ngettext

SHOWN: Final = 50
PROBLEMS_SHOWN: Final = 100
STATES: Final = (
    ("", N_("All")),
    (CodeState.FREE.value, N_("Available")),
    (CodeState.HANDED.value, N_("Handed out")),
    (CodeState.VOID.value, N_("Void")),
)


async def pools(ask: Ask) -> Answer:
    """Every reward with codes, and how many are left."""
    left = await stocks(ask.house.database, ask.program)
    rewards = [reward for reward in ask.program.rewards if reward.codes is not CodeSource.NONE]
    return ask.render("codes/pools.html", rewards=rewards, stocks=left)


async def show(ask: Ask) -> Answer:
    return await _page(ask)


async def _page(
    ask: Ask, *, imported: Imported | None = None, rejected: CodesRejected | None = None
) -> Answer:
    reward = _reward(ask)
    state = ask.query.get("state", "")
    if state not in set(CodeState):
        state = ""
    found = await list_codes(
        ask.house.database,
        ask.program_id,
        reward.id,
        state=CodeState(state) if state else None,
        after=ask.query.get("after", ""),
        most=SHOWN + 1,
    )
    left = await stocks(ask.house.database, ask.program)
    return ask.render(
        "codes/show.html",
        status=422 if rejected is not None else None,
        reward=reward,
        stock=left[reward.id],
        codes=found[:SHOWN],
        next=found[SHOWN - 1].key if len(found) > SHOWN else None,
        state=state,
        states=[(value, _(label)) for value, label in STATES],
        is_pool=reward.codes is CodeSource.POOL,
        imported=imported,
        rejected=rejected,
        problems=rejected.problems[:PROBLEMS_SHOWN] if rejected is not None else (),
    )


async def upload(ask: Ask) -> Answer:
    """Takes a file whole, or says of each line why not."""
    reward = _reward(ask)
    file = ask.form.file("file")
    try:
        if file is None or not file.content:
            raise Invalid("file", "must be a file with codes in it")
        require(ask.acting, "codes.change")
        imported = await import_codes(
            ask.house.database, ask.program_id, reward.id, file.content, by=ask.acting, now=ask.now
        )
    except CodesRejected as rejected:
        return await _page(ask, rejected=rejected)
    except Refused as refused:
        ask.errors = errors_of(refused)
        return await _page(ask)
    return await _page(ask, imported=imported)


async def void(ask: Ask) -> Answer:
    """Makes the ticked codes void, or all that are available."""
    reward = _reward(ask)
    chosen = ask.form.all("code")
    is_all = ask.form.is_on("all")
    try:
        require(ask.acting, "codes.change")
        if is_all:
            done = await void_all(ask.house.database, ask.program_id, reward.id, by=ask.acting, now=ask.now)
        else:
            done = await void_codes(
                ask.house.database, ask.program_id, reward.id, chosen, by=ask.acting, now=ask.now
            )
    except Refused as refused:
        ask.say(sentence(refused), "danger")
        return ask.redirect(ask.url(f"/rewards/{reward.id}/codes"))
    ask.say(ngettext("%(num)s code is void now.", "%(num)s codes are void now.", done.voided))
    if done.skipped:
        ask.say(
            ngettext(
                "%(num)s was not available, and stays as it is.",
                "%(num)s were not available, and stay as they are.",
                len(done.skipped),
            ),
            "warning",
        )
    return ask.redirect(ask.url(f"/rewards/{reward.id}/codes"))


async def export(ask: Ask) -> Answer:
    """All codes of the reward, as CSV; the log says who took them out."""
    reward = _reward(ask)
    parts = await export_codes(ask.house.database, ask.program_id, reward.id, by=ask.acting, now=ask.now)
    return await growing(parts, f"codes-of-reward-{reward.id}.csv")


def _reward(ask: Ask) -> Reward:
    reward = ask.program.reward(ask.number("reward"))
    if reward.codes is CodeSource.NONE:
        raise NoRoute
    return reward


ROUTES: Final = (
    Route("GET", "/codes", "codes.read", pools),
    Route("GET", "/rewards/{reward}/codes", "codes.read", show),
    Route("POST", "/rewards/{reward}/codes", "codes.change", upload),
    Route("POST", "/rewards/{reward}/codes/void", "codes.change", void),
    # Codes are as good as money: only who may change them may take them all home.
    Route("POST", "/rewards/{reward}/codes/export", "codes.change", export),
)
