"""A request as the routes see it: what every call of an API has, its fields, its site."""

from regulars.domain.commands import Command
from regulars.domain.decisions import Decision
from regulars.domain.errors import UnknownSite
from regulars.domain.program import Site
from regulars.doors.call import BadParameters, Call
from regulars.doors.loyaltylion.fields import Fields, parse_body


class Request(Call, kw_only=True):
    """`credential`: an API key or a site."""

    def fields(self) -> Fields:
        """The fields of the body. Raises Malformed."""
        return parse_body(self.body)

    def site(self) -> Site:
        """The site that is meant: the credential's own, or `site_id`, which a single site needs not.

        Raises BadQuery, BadParameters, UnknownSite.
        """
        named = self.parameters().get("site_id")
        if named is not None and not (named.isascii() and named.isdigit() and len(named) < 18):
            raise BadParameters({"site_id": "must be a number"})
        own = self.credential.site_id
        if named is not None and own is not None and int(named) != own:
            raise UnknownSite(site=int(named))
        if named is not None or own is not None:
            return self.program.site(int(named) if named is not None else own)
        if len(self.program.sites) > 1:
            raise BadParameters({"site_id": "is required: this program has several sites"})
        return self.program.site(None)

    async def submit(self, command: Command) -> Decision:
        """The engine's decision, after its commit. Raises its refusal, or Unavailable."""
        return await self.house.engine.submit(self.program.id, command)

    @property
    def actor(self) -> str:
        """Who changes points, for the book."""
        kind = "api key" if self.credential.kind == "api_key" else "site"
        return f"{kind} {self.credential.name}"

    @property
    def address(self) -> str:
        """This request's own address without its query, as the caller sees it."""
        base = self.house.settings.public_url or f"{self.scheme}://{self.headers.get('host', 'localhost')}"
        return f"{base.rstrip('/')}{self.target}"
