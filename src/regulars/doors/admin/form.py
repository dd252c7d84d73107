"""What a form sent: its fields and files, from either of the two encodings that browsers use."""

import re
from collections.abc import Iterator
from typing import Final, NamedTuple
from urllib.parse import parse_qsl

MOST_FIELDS: Final = 500


class BadForm(ValueError):
    """The body is no form, or not one that a browser sends."""


class Upload(NamedTuple):
    """A file that was chosen; `name` is what the browser says and nothing to rely on."""

    name: str
    content: bytes


class Form:
    """Fields by name, the first of each unless all are asked for; text is trimmed, and never None."""

    def __init__(
        self, fields: list[tuple[str, str]] | None = None, files: dict[str, Upload] | None = None
    ) -> None:
        self.fields = fields or []
        self.files = files or {}

    def __contains__(self, name: str) -> bool:
        return any(known == name for known, _ in self.fields)

    def get(self, name: str, default: str = "") -> str:
        """The field as it was sent, trimmed."""
        return next((value.strip() for known, value in self.fields if known == name), default)

    def raw(self, name: str) -> str:
        """The field with its blanks: for passwords."""
        return next((value for known, value in self.fields if known == name), "")

    def all(self, name: str) -> list[str]:
        """Every value of a field that may be there several times."""
        return [value.strip() for known, value in self.fields if known == name]

    def is_on(self, name: str) -> bool:
        """Whether a checkbox was ticked."""
        return name in self

    def file(self, name: str) -> Upload | None:
        """The file that was chosen, if one was."""
        found = self.files.get(name)
        return found if found is not None and (found.name or found.content) else None


def read_form(content_type: str, body: bytes) -> Form:
    """The form in a request's body. Raises BadForm."""
    kind = content_type.partition(";")[0].strip().lower()
    if kind == "application/x-www-form-urlencoded":
        try:
            text = body.decode("ascii")
            fields = parse_qsl(text, keep_blank_values=True, max_num_fields=MOST_FIELDS, errors="strict")
        except ValueError:
            raise BadForm("fields") from None
        return Form(_without_nul(fields))
    if kind == "multipart/form-data":
        match = re.search(r'boundary="?([^";\s]{1,70})"?', content_type)
        if match is None:
            raise BadForm("boundary")
        return _multipart(body, match[1].encode("latin-1"))
    if not body:
        return Form()
    raise BadForm("content type")


def _multipart(body: bytes, boundary: bytes) -> Form:
    fields: list[tuple[str, str]] = []
    files: dict[str, Upload] = {}
    for head, content in _parts(body, boundary):
        disposition = re.search(
            r"^content-disposition:\s*form-data;(.*)$", head, re.IGNORECASE | re.MULTILINE
        )
        if disposition is None:
            raise BadForm("part")
        said = dict(re.findall(r'(\w+)="([^"\r\n]*)"', disposition[1]))
        if "name" not in said:
            raise BadForm("name")
        if "filename" in said:
            files[said["name"]] = Upload(said["filename"][:255], content)
            continue
        try:
            fields.append((said["name"], content.decode("utf-8")))
        except UnicodeDecodeError:
            raise BadForm("text") from None
    return Form(_without_nul(fields), files)


def _parts(body: bytes, boundary: bytes) -> Iterator[tuple[str, bytes]]:
    chunks = (b"\r\n" + body).split(b"\r\n--" + boundary)
    if len(chunks) < 2 or not chunks[-1].startswith(b"--") or len(chunks) > MOST_FIELDS:
        raise BadForm("parts")
    for chunk in chunks[1:-1]:
        head, found, content = chunk.partition(b"\r\n\r\n")
        if not found:
            raise BadForm("part")
        yield head.decode("utf-8", "replace"), content


def _without_nul(fields: list[tuple[str, str]]) -> list[tuple[str, str]]:
    """PostgreSQL keeps no NUL, and no person types one."""
    if any("\x00" in value or "\x00" in name for name, value in fields):
        raise BadForm("NUL")
    return fields
