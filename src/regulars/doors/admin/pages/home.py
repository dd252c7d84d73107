"""Home: what there is to do until the program is live, and how it stands."""

from typing import Final

from regulars.doors.admin.answers import Answer
from regulars.doors.admin.ask import Ask
from regulars.doors.admin.routing import Route


async def show(ask: Ask) -> Answer:
    return ask.render("home/show.html")


ROUTES: Final = (Route("GET", "/", "home.read", show),)
