"""Who is asking, and the program's sites. Source: loyaltylion.md §1.7."""

from regulars.app.credentials import SCOPES
from regulars.app.listings import list_sites
from regulars.doors.keys import Unauthenticated
from regulars.doors.loyaltylion.request import Request
from regulars.doors.loyaltylion.shapes import site
from regulars.doors.wire import Answer, as_json


async def whoami(request: Request) -> Answer:
    """GET /v2/identity/whoami."""
    credential = request.credential
    identity = {
        "kind": credential.kind,
        "account_id": credential.program_id,
        "program_id": credential.program_id,
        "scopes": [scope for scope in SCOPES if credential.kind == "site" or scope in credential.scopes],
        "integration": None,
    }
    return as_json({"identity": identity})


async def get_sites(request: Request) -> Answer:
    """GET /v2/sites; for API keys alone, as documented."""
    if request.credential.kind != "api_key":
        raise Unauthenticated
    found = await list_sites(request.house.database, request.program.id)
    return as_json({"sites": [site(each, request.program.id) for each in found]})
