"""The reference of our own API as a page, made of the same document that is served as OpenAPI."""

from collections.abc import Iterator
from typing import Any, Final

from regulars.doors.api.openapi import document

ALIKE: Final = ("400", "401", "403", "408", "413", "503")
"""Said once for all operations, above."""


def api_page() -> str:
    """Every operation by its tag, then every shape that is sent or answered."""
    found = document()
    parts = []
    for tag in found["tags"]:
        parts.append(f"## {tag['name']}\n\n{tag['description']}\n")
        for path, item in found["paths"].items():
            parts += [
                _operation(method, path, operation)
                for method, operation in item.items()
                if tag["name"] in operation["tags"]
            ]
    parts.append("## Shapes\n")
    parts += [_shape(name, schema) for name, schema in found["components"]["schemas"].items()]
    return "\n".join(parts)


def _operation(method: str, path: str, operation: dict[str, Any]) -> str:
    lines = [f"### {method.upper()} {path}\n", f"{operation['summary']}. {operation['description']}\n"]
    if parameters := operation["parameters"]:
        lines.append("| given | where | what |\n|---|---|---|")
        for one in parameters:
            what = "; ".join(filter(None, (_kind(one["schema"]), one.get("description", "").rstrip("."))))
            lines.append(f"| `{one['name']}` | {one['in']} | {what} |")
        lines.append("")
    if body := operation.get("requestBody"):
        lines.append(f"Body: {_content(body['content'])}.\n")
    lines.append("| answer | what it says |\n|---|---|")
    for status, answer in operation["responses"].items():
        if status in ALIKE:
            continue
        shown = _content(answer["content"]) if status < "300" else answer["description"]
        lines.append(f"| {status} | {shown} |")
    return "\n".join(lines) + "\n"


def _content(content: dict[str, Any]) -> str:
    return " or ".join(f"{_kind(one['schema'])} as `{kind}`" for kind, one in content.items())


def _shape(name: str, schema: dict[str, Any]) -> str:
    lines = [f"### {name}\n"]
    if text := schema.get("description"):
        lines.append(f"{text}\n")
    if "enum" in schema:
        lines.append(f"One of {', '.join(f'`{value}`' for value in schema['enum'])}.\n")
        return "\n".join(lines)
    lines.append("| field | what |\n|---|---|")
    required = schema.get("required", ())
    is_sent = schema.get("additionalProperties") is False
    for field, said in schema["properties"].items():
        needed = "; required" if is_sent and field in required else ""
        lines.append(f"| `{field}` | {_kind(said)}{needed} |")
    return "\n".join(lines) + "\n"


def _kind(schema: dict[str, Any]) -> str:
    """A schema in words."""
    if "anyOf" in schema:
        return " or ".join(dict.fromkeys(_kind(one) for one in schema["anyOf"]))
    if "$ref" in schema:
        name = schema["$ref"].rpartition("/")[2]
        return f"[{name}](#{name.lower()})"
    if "enum" in schema:
        return "one of " + ", ".join(f"`{value}`" for value in schema["enum"])
    if schema.get("type") == "array":
        return f"list of {_kind(schema['items'])}"
    kind = {"date-time": "time", "date": "day"}.get(schema.get("format", ""), schema.get("type", "any"))
    return ", ".join((str(kind), *_bounds(schema)))


def _bounds(schema: dict[str, Any]) -> Iterator[str]:
    if "minimum" in schema and "maximum" in schema:
        yield f"{schema['minimum']:,} to {schema['maximum']:,}"
    if "maxLength" in schema:
        yield f"at most {schema['maxLength']} characters"
    if "pattern" in schema:
        yield f"`{schema['pattern']}`"
