"""The loop that runs the jobs of a server process until it is told to stop."""

import asyncio
from collections.abc import Awaitable, Callable
from typing import NamedTuple

import structlog

from regulars.app.claims import expire_due
from regulars.app.deliveries import prune
from regulars.app.dues import settle_due
from regulars.app.erasing import finish_all
from regulars.app.figures import follow
from regulars.app.house import House
from regulars.app.identities import forget_bodies
from regulars.app.reports import refresh_ages
from regulars.app.storefront.sessions import forget_ended
from regulars.domain.errors import Unavailable
from regulars.storage.database import is_away

log = structlog.get_logger(__name__)

TICK_SECONDS = 1.0

Job = Callable[[House], Awaitable[None]]


class Planned(NamedTuple):
    """A job, how many seconds lie between two of its runs, and the share of all time that it may take."""

    job: Job
    every_seconds: float
    share: float = 1.0

    def rest(self, took_seconds: float) -> float:
        """Seconds until it is due again after a run that took so long."""
        return max(self.every_seconds, took_seconds / self.share - took_seconds)


async def approve(house: House) -> None:
    """Approves what is due in every program."""
    await settle_due(house.database, house.engine, now=house.clock())


async def expire_claims(house: House) -> None:
    """Ends claimed rewards whose codes are no longer valid."""
    await expire_due(house.database, house.engine, now=house.clock())


async def note_use_of_keys(house: House) -> None:
    """Writes down when keys were last used."""
    await house.credentials.note_used()


async def forget_deliveries(house: House) -> None:
    """Forgets deliveries older than the setting says."""
    await prune(house, house.clock())


async def forget_identities(house: House) -> None:
    """Forgets signed bodies that are too old to be taken for a re-delivery."""
    await forget_bodies(house.database, now=house.clock())


async def forget_shoppers_sessions(house: House) -> None:
    """Forgets shoppers' sessions that are over, and tokens that could not count again."""
    await forget_ended(house.database, now=house.clock())


async def add_up(house: House) -> None:
    """Brings the figures by day up to date. It is never urgent: a page that shows them catches up by itself.
    And summing a busy day takes the database seconds."""
    await follow(house, seconds=2.0)


async def add_up_ages(house: House) -> None:
    """Sums what large programs owe by its age."""
    await refresh_ages(house, now=house.clock())


async def finish_erasures(house: House) -> None:
    """Goes on forgetting whoever is to be forgotten."""
    await finish_all(house, now=house.clock())


JOBS: tuple[Planned, ...] = (
    Planned(approve, 1.0),
    Planned(expire_claims, 5.0),
    Planned(add_up, 5.0, share=0.02),
    Planned(finish_erasures, 5.0),
    Planned(add_up_ages, 600.0),
    Planned(note_use_of_keys, 30.0),
    Planned(forget_deliveries, 3600.0),
    Planned(forget_identities, 3600.0),
    Planned(forget_shoppers_sessions, 300.0),
)


async def run(house: House, stop: asyncio.Event) -> None:
    """Runs each job when its time has come. A job that fails is logged and tried again at its next time."""
    loop = asyncio.get_running_loop()
    due = [loop.time()] * len(JOBS)
    while not stop.is_set():
        for number, planned in enumerate(JOBS):
            begun = loop.time()
            if begun >= due[number]:
                await _run_one(house, planned.job)
                due[number] = begun + planned.rest(loop.time() - begun)
        try:
            async with asyncio.timeout(TICK_SECONDS):
                await stop.wait()
        except TimeoutError:
            continue


async def _run_one(house: House, job: Job) -> None:
    try:
        await job(house)
    except Exception as error:
        if isinstance(error, Unavailable) or is_away(error):
            log.warning("a job has to wait", job=job.__name__, reason=str(error))
        else:
            log.exception("a job failed", job=job.__name__)
