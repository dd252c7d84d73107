"""The documentation of this version, served by the server itself: Markdown made into pages."""

import posixpath
import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any, Final, NamedTuple
from urllib.parse import urlsplit

from markdown_it import MarkdownIt
from markdown_it.common.utils import escapeHtml
from markdown_it.renderer import RendererHTML
from markdown_it.token import Token

PREFIX: Final = "/docs/"
TYPES: Final = {
    ".png": "image/png",
    ".svg": "image/svg+xml",
    ".yaml": "application/yaml; charset=utf-8",
}
_COMMENT: Final = re.compile(r"<!--.*?-->", re.DOTALL)


class Page(NamedTuple):
    """A page's title, and its content as HTML in which nothing but our own Markdown speaks."""

    title: str
    html: str


def addresses(folder: Path) -> dict[str, Path]:
    """Every file that is served, by its address: `/docs/`, `/docs/quick-start`, `/docs/images/book.svg`."""
    return {address(path.relative_to(folder).as_posix()): path for path in _files(folder)}


def address(name: str) -> str:
    """The address of a file, named from the documentation's folder."""
    if name == "index.md" or name.endswith("/index.md"):
        return PREFIX + name.removesuffix("index.md")
    return PREFIX + name.removesuffix(".md")


def render(path: Path, folder: Path, known: Mapping[str, Path]) -> Page:
    """A Markdown file as a page. Links between files become links between pages; the rest are no links."""
    markdown = MarkdownIt("commonmark", {"html": False}).enable("table")
    tokens = markdown.parse(_COMMENT.sub("", path.read_text(encoding="utf-8")))
    title = path.stem
    for number, token in enumerate(tokens):
        if token.type == "heading_open":
            text = _plain(tokens[number + 1])
            token.attrSet("id", slug(text))
            title = text if token.tag == "h1" else title
    here = posixpath.dirname(path.relative_to(folder).as_posix())
    for token in _inside(tokens):
        for name in ("href", "src"):
            if isinstance(target := token.attrGet(name), str):
                _point(token, name, target, here, known)
    return Page(title, _Renderer().render(tokens, markdown.options, {}))


def slug(text: str) -> str:
    """The anchor of a heading."""
    words = re.sub(r"[^\w\s-]", "", text.lower()).strip()
    return re.sub(r"[\s-]+", "-", words)


def _files(folder: Path) -> Iterator[Path]:
    return (path for path in sorted(folder.rglob("*")) if path.suffix in (".md", *TYPES))


def _inside(tokens: list[Token]) -> Iterator[Token]:
    for token in tokens:
        yield token
        yield from token.children or ()


def _plain(inline: Token) -> str:
    return "".join(child.content for child in inline.children or () if child.type in ("text", "code_inline"))


def _point(token: Token, name: str, target: str, here: str, known: Mapping[str, Path]) -> None:
    parts = urlsplit(target)
    if parts.scheme or parts.netloc or not parts.path:
        return
    found = address(posixpath.normpath(posixpath.join(here, parts.path)))
    if found in known:
        token.attrSet(name, found + (f"#{parts.fragment}" if parts.fragment else ""))
    else:
        del token.attrs[name]


class _Renderer(RendererHTML):
    """A long line or a wide table scrolls by itself, so it has to be reachable by keyboard."""

    def fence(self, tokens: Sequence[Token], idx: int, *_: Any) -> str:
        return f'<pre tabindex="0"><code>{escapeHtml(tokens[idx].content)}</code></pre>\n'

    def table_open(self, *_: Any) -> str:
        return '<div class="wide" tabindex="0"><table>\n'

    def table_close(self, *_: Any) -> str:
        return "</table></div>\n"
