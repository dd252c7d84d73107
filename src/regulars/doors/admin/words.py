"""The words of the pages, in the reader's language: `_()` in templates and handlers, catalogues in locale/.

Every `*.po` file of a language counts, so that each page's words stand in a file of their own. English is
the source.
"""

import contextlib
import gettext
import io
from collections.abc import Iterator
from contextvars import ContextVar
from functools import cache
from pathlib import Path
from typing import Final, NamedTuple
from zoneinfo import ZoneInfo

import babel
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po

LOCALE: Final = Path(__file__).parent / "locale"


class Reader(NamedTuple):
    """How the present request's reader wants words, numbers and times."""

    words: gettext.NullTranslations
    locale: babel.Locale
    zone: ZoneInfo

    @property
    def tag(self) -> str:
        """The locale as HTML has it, such as en-GB."""
        return str(self.locale).replace("_", "-")


@contextlib.contextmanager
def reading_as(locale: str, timezone: str) -> Iterator[Reader]:
    """For the length of the block, `_()` and all figures are for a reader of this locale and zone."""
    reader = Reader(catalogue(locale[:2]), parsed(locale), ZoneInfo(timezone))
    token = _READER.set(reader)
    try:
        yield reader
    finally:
        _READER.reset(token)


def reader() -> Reader:
    """The present request's reader."""
    return _READER.get()


def _(text: str, **values: object) -> str:
    """The text in the reader's language, with `%(name)s` filled in."""
    said = _READER.get().words.gettext(text)
    return said % values if values else said


def ngettext(one: str, many: str, num: int, **values: object) -> str:
    """The text for this number in the reader's language; `%(num)s` is the number."""
    return _READER.get().words.ngettext(one, many, num) % {"num": num, **values}


def N_(text: str) -> str:  # noqa: N802 - gettext's own name
    """Marks a text for the catalogue; it is translated where it is shown."""
    return text


@cache
def parsed(locale: str) -> babel.Locale:
    return babel.Locale.parse(locale, sep="-")


@cache
def catalogue(language: str) -> gettext.NullTranslations:
    """All words of a language; English, and languages that there are none of, say everything as it is."""
    files = sorted((LOCALE / language / "LC_MESSAGES").glob("*.po"))
    if not files:
        return gettext.NullTranslations()
    whole = Catalog(locale=language)
    for file in files:
        with file.open("rb") as opened:
            for message in read_po(opened, locale=language):
                if message.id:
                    whole[message.id] = message
    buffer = io.BytesIO()
    write_mo(buffer, whole)
    buffer.seek(0)
    return gettext.GNUTranslations(buffer)


_READER: Final[ContextVar[Reader]] = ContextVar(
    "reader",
    default=Reader(gettext.NullTranslations(), babel.Locale("en", "GB"), ZoneInfo("UTC")),  # noqa: B039 - frozen
)
