"""The OpenAPI document of this API, made of its routes and of the structs that parse and answer."""

import re
from functools import cache
from typing import Any, Final

import msgspec

from regulars import __version__
from regulars.doors.api.codes import CSV, JSON
from regulars.doors.api.routes import BASE, NUMBERS, ROUTES, Route
from regulars.doors.api.shapes.errors import Failure
from regulars.doors.paths import LONGEST_ID, LONGEST_NUMBER

ADDRESS: Final = f"{BASE}/openapi.json"
REF: Final = "#/components/schemas/{name}"

TAGS: Final = {
    "Rewards": "What can be bought with points. A change counts for claims from then on.",
    "Codes": "The coupon codes of a reward whose codes are uploaded.",
    "Customers": "Customers by the shop's own ids: points, what they can have for them, what they claimed.",
    "Spending": "What becomes of claimed rewards afterwards.",
}

_ABOUT: Final = """\
Rewards, coupon codes, and what customers claim with their points.

Authenticate with an API key: `Authorization: Bearer pat_…`. Each operation names the scopes of which the \
key needs one; write implies read. Money is in minor units of the program's currency, times are ISO 8601 \
with an offset. A body with a field that is not known is refused, naming it. Every error has one shape; \
its `code` is for programs, its `message` for people. A 422 changed nothing. A 503 has `Retry-After`: send \
it again, with the same `Idempotency-Key`."""

_FAILURES: Final = {
    400: "The request can't be read: `malformed`.",
    401: "No API key, or none that counts: `unauthenticated`.",
    403: "The key has not been given the scope: `forbidden`.",
    404: "There is nothing of that id: `unknown_reward`, `unknown_claim`, `unknown_customer`, `not_found`.",
    408: "The body did not arrive in time. The error has a message alone.",
    413: "The body is too long. The error has a message alone.",
    415: "The body is of a kind that is not read here: `unsupported_media_type`.",
    503: "Not now: `busy`, `late`, or `unsure`, after which sending the same again finds out.",
}

_BEFORE_THE_DOOR: Final = (408, 413)
"""Answered by the server itself, for every door alike."""


@cache
def document() -> dict[str, Any]:
    """The document, as OpenAPI 3.1 has it."""
    types = {type_ for route in ROUTES for type_ in (route.body, route.answer) if type_ is not None}
    ordered = sorted(types | {Failure}, key=lambda type_: type_.__name__)
    _, components = msgspec.json.schema_components(ordered, ref_template=REF)
    paths: dict[str, dict[str, Any]] = {}
    for route in ROUTES:
        paths.setdefault(route.path, {})[route.method.lower()] = _operation(route)
    return {
        "openapi": "3.1.0",
        "info": {"title": "Regulars", "version": __version__, "description": _ABOUT},
        "servers": [{"url": "/"}],
        "tags": [{"name": name, "description": text} for name, text in TAGS.items()],
        "security": [{"apiKey": []}],
        "paths": paths,
        "components": {
            "schemas": {name: _tidied(schema) for name, schema in sorted(components.items())},
            "securitySchemes": {"apiKey": {"type": "http", "scheme": "bearer"}},
        },
    }


@cache
def encoded() -> bytes:
    """The document as it is served."""
    return msgspec.json.format(msgspec.json.encode(document()), indent=1)


def _operation(route: Route) -> dict[str, Any]:
    scopes = " or ".join(f"`{scope}`" for scope in route.scopes)
    operation: dict[str, Any] = {
        "operationId": route.name,
        "tags": [route.tag],
        "summary": route.summary,
        "description": f"{route.text} Needs the scope {scopes}.".strip(),
        "parameters": [*_path_parameters(route), *_query_parameters(route), *_headers(route)],
    }
    if route.body is not None:
        content: dict[str, Any] = {JSON: {"schema": _named(route.body)}}
        if route.takes_csv:
            content[CSV] = {"schema": {"type": "string"}}
        operation["requestBody"] = {"required": route.needs_body, "content": content}
    operation["responses"] = _responses(route)
    return operation


def _path_parameters(route: Route) -> list[dict[str, Any]]:
    number = {"type": "integer", "minimum": 1, "maximum": 10**LONGEST_NUMBER - 1}
    text = {"type": "string", "minLength": 1, "maxLength": LONGEST_ID}
    return [
        {
            "name": name,
            "in": "path",
            "required": True,
            "schema": number if name in NUMBERS else text,
            **({} if name in NUMBERS else {"description": "The shop's own id of the customer."}),
        }
        for name in re.findall(r"{(\w+)}", route.path)
    ]


def _query_parameters(route: Route) -> list[dict[str, Any]]:
    if route.query is None:
        return []
    (_,), components = msgspec.json.schema_components([route.query], ref_template=REF)
    shape = components[route.query.__name__]
    return [
        {"name": name, "in": "query", "required": False, "schema": _inlined(schema, components)}
        for name, schema in shape["properties"].items()
    ]


def _inlined(schema: dict[str, Any], components: dict[str, Any]) -> dict[str, Any]:
    """A parameter's schema without null, which a query can't say, and with what it refers to in it."""
    options = [one for one in schema.get("anyOf", [schema]) if one.get("type") != "null"]
    chosen = options[0]
    if "$ref" in chosen:
        chosen = components[chosen["$ref"].rpartition("/")[2]]
    return {key: value for key, value in chosen.items() if key not in ("title", "default")} | (
        {"default": schema["default"]} if schema.get("default") not in (None, "") else {}
    )


def _headers(route: Route) -> list[dict[str, Any]]:
    if not route.repeats:
        return []
    schema = {"type": "string", "minLength": 1, "maxLength": 255, "pattern": "^[ -~]+$"}
    text = "The same call with the same key is done once and answered as the first time, for good."
    return [
        {
            "name": "Idempotency-Key",
            "in": "header",
            "required": False,
            "schema": schema,
            "description": text,
        }
    ]


def _responses(route: Route) -> dict[str, Any]:
    if route.answer is None:
        content: dict[str, Any] = {CSV: {"schema": {"type": "string"}}}
    else:
        content = {JSON: {"schema": _named(route.answer)}}
    found: dict[str, Any] = {str(route.status): {"description": "Done.", "content": content}}
    failures = {401, 403, 503}
    if "{" in route.path or route.path.endswith("spending"):
        failures.add(404)
    if route.query is not None or route.repeats or route.body is not None:
        failures.add(400)
    if route.method not in ("GET", "HEAD"):
        failures |= {400, 408, 413}
    if route.takes_csv:
        failures.add(415)
    texts = {status: _FAILURES[status] for status in failures}
    if route.body is not None or route.refusals or route.method != "GET":
        codes = ", ".join(
            f"`{code}`"
            for code in ("invalid", *(["idempotency_key_reused"] if route.repeats else []), *route.refusals)
        )
        texts[422] = f"Refused, and nothing was changed: {codes}."
    for status, text in sorted(texts.items()):
        schema = {"type": "object"} if status in _BEFORE_THE_DOOR else _named(Failure)
        found[str(status)] = {"description": text, "content": {JSON: {"schema": schema}}}
    return found


def _named(type_: type[Any]) -> dict[str, str]:
    return {"$ref": REF.format(name=type_.__name__)}


def _tidied(schema: dict[str, Any]) -> dict[str, Any]:
    """Descriptions on one line, as docstrings break theirs where the source does."""
    if "description" in schema:
        schema = schema | {"description": " ".join(schema["description"].split())}
    return schema
