"""Writes the parts of the documentation that say what the code says: settings, commands, columns, our API.

`.venv/bin/python scripts/write_docs.py` after a change of these. A test fails while a page is not
up to date.
"""

import re
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import typer.main

from regulars.app.imports import KINDS, Column
from regulars.cli import app
from regulars.doors.api.reference import api_page
from regulars.settings import ELSEWHERE, SETTINGS, variable_of

ROOT = Path(__file__).resolve().parent.parent
BETWEEN = re.compile(r"(<!-- written by scripts/write_docs.py -->\n).*?(<!-- end -->)", re.DOTALL)


def settings_page() -> str:
    """Every setting, in the order in which the code has them, with a heading to link to."""
    parts = []
    for field, setting in SETTINGS.items():
        secret = " It is a secret." if setting.secret else ""
        parts.append(f"### {variable_of(field)}\n\n{setting.does}{secret}\n")
        parts.append(f"- Default: {_code(setting.default)}\n- Must be {setting.wants}\n")
    parts.append("## For the tests alone\n")
    parts.extend(f"### {variable}\n\n{does}\n" for variable, does in ELSEWHERE.items())
    return "\n".join(parts)


def _code(default: str) -> str:
    """Values in code marks; what is described in words stays as it is."""
    return f"`{default}`" if re.fullmatch(r"[a-z0-9.]+", default) else default


def cli_page() -> str:
    """Every command: what it does, how it is called, its arguments and options."""
    return "\n".join(_command(words, command) for words, command in commands())


def commands() -> Iterator[tuple[str, Any]]:
    """(all its words, the command) of every command there is, groups left out."""
    yield from _below("regulars", typer.main.get_command(app))


def _below(words: str, command: Any) -> Iterator[tuple[str, Any]]:
    below = getattr(command, "commands", None)
    if below is None:
        yield words, command
        return
    for name, one in below.items():
        yield from _below(f"{words} {name}", one)


def _command(words: str, command: Any) -> str:
    shown = [one for one in command.params if not getattr(one, "hidden", False) and one.name != "help"]
    arguments = [one for one in shown if one.param_type_name == "argument"]
    options = [one for one in shown if one.param_type_name == "option"]
    usage = " ".join(
        [words, *(_metavar(one) for one in arguments), *(_given(one) for one in options if one.required)]
    )
    if any(not one.required for one in options):
        usage += " [OPTIONS]"
    text = f"## {words}\n\n{_text(command.help)}\n\n```\n{usage}\n```\n"
    if shown:
        lines = [f"| {_name(one)} | {_does(one)} |" for one in arguments + options]
        text += "\n| given | what it does |\n|---|---|\n" + "\n".join(lines) + "\n"
    return text


def _text(text: str | None) -> str:
    """The help's paragraphs, each on one line."""
    paragraphs = re.split(r"\n\s*\n", (text or "").strip())
    return "\n\n".join(" ".join(paragraph.split()) for paragraph in paragraphs)


def _metavar(parameter: Any) -> str:
    return parameter.metavar or parameter.name.upper()


def _given(option: Any) -> str:
    long = max(option.opts, key=len)
    return long if option.is_flag else f"{long} {_metavar(option)}"


def _name(parameter: Any) -> str:
    return f"`{_metavar(parameter) if parameter.param_type_name == 'argument' else _given(parameter)}`"


def _does(parameter: Any) -> str:
    text = _text(parameter.help).replace("|", "\\|")
    default = None if callable(parameter.default) else parameter.default
    if parameter.required:
        return f"{text} Required." if parameter.param_type_name == "option" else text
    if default in (None, False, (), []):
        return text
    return f"{text} Default: `{default}`."


def columns_page() -> str:
    """The columns of every kind of file that can be imported."""
    head = "| column | what it says | also understood |\n|---|---|---|\n"
    return "\n".join(
        f"### {kind.name.capitalize()}\n\n{head}{''.join(_column(column) for column in kind.columns)}"
        for kind in KINDS.values()
    )


def _column(column: Column) -> str:
    also = ", ".join(f"`{name}`" for name in column.also)
    return f"| `{column.name}` | {column.says}{'. Needed' if column.required else ''} | {also} |\n"


WRITTEN = {
    "docs/operate/settings.md": settings_page,
    "docs/operate/cli.md": cli_page,
    "docs/integrate/import.md": columns_page,
    "docs/api.md": api_page,
}


def up_to_date(page: str) -> str:
    """The page's text with its written part anew."""
    text = (ROOT / page).read_text(encoding="utf-8")
    whole, count = BETWEEN.subn(lambda match: f"{match[1]}\n{WRITTEN[page]()}\n{match[2]}", text)
    if count != 1:
        raise ValueError(f"{page} must have one part between the marks")
    return whole


def main() -> None:
    for page in WRITTEN:
        text = up_to_date(page)
        if text != (ROOT / page).read_text(encoding="utf-8"):
            (ROOT / page).write_text(text, encoding="utf-8")
            print(f"wrote {page}")


if __name__ == "__main__":
    main()
