"""The widget's own files, as the front end's build leaves them in `built/`: the loader and the panel."""

import gzip
import hashlib
import re
from pathlib import Path
from typing import Final

import msgspec

from regulars.doors.storefront.answers import problem
from regulars.doors.wire import Answer, Headers

BUILT: Final = Path(__file__).parent / "built"
LOADER_PATH: Final = "/js/integrations/common/script.js"
LOADER: Final = "loader.js"
TYPES: Final = {".js": b"text/javascript; charset=utf-8", ".css": b"text/css; charset=utf-8"}

_NAME: Final = re.compile(r"/storefront/([a-z]+(?:-([A-Za-z0-9]{6,16}))?\.(?:js|css))", re.ASCII)
SHORT: Final = b"public, max-age=300"
LONG: Final = b"public, max-age=31536000, immutable"
"""For a file whose name changes with its content."""

NOT_BUILT: Final = problem(
    404,
    "not_built",
    "The widget's files are not there. In a checkout, `make setup` builds them; a package has them.",
)


class File(msgspec.Struct, frozen=True):
    """A file's content, plain and compressed, and the tag that changes with it."""

    content: bytes
    compressed: bytes
    etag: bytes
    content_type: bytes
    cache: bytes


class Files:
    """The built files by the addresses that pages use; read again when a build has changed them."""

    def __init__(self, folder: Path = BUILT) -> None:
        self._folder = folder
        self._read: dict[str, tuple[int, File]] = {}

    def answer(self, path: str, headers: dict[str, str]) -> Answer | None:
        """The file at this address, or that it isn't built; None for an address that is none of ours."""
        if path == LOADER_PATH:
            name, cache = LOADER, SHORT
        elif match := _NAME.fullmatch(path):
            name, cache = match[1], LONG if match[2] else SHORT
        else:
            return None
        file = self._file(name, cache)
        return NOT_BUILT if file is None else _answer(file, headers)

    def _file(self, name: str, cache: bytes) -> File | None:
        path = self._folder / name
        try:
            changed = path.stat().st_mtime_ns
            known = self._read.get(name)
            if known is None or known[0] != changed:
                content = path.read_bytes()
                known = self._read[name] = changed, _file(content, TYPES[path.suffix], cache)
        except (FileNotFoundError, NotADirectoryError):
            self._read.pop(name, None)
            return None
        return known[1]


def _file(content: bytes, content_type: bytes, cache: bytes) -> File:
    etag = b'"%s"' % hashlib.sha256(content).hexdigest()[:20].encode()
    return File(content, gzip.compress(content, 9, mtime=0), etag, content_type, cache)


def _answer(file: File, headers: dict[str, str]) -> Answer:
    """Any page may load it: it is the same for everybody, and holds nothing of anybody."""
    said: Headers = (
        (b"content-type", file.content_type),
        (b"cache-control", file.cache),
        (b"etag", file.etag),
        (b"vary", b"accept-encoding"),
        (b"access-control-allow-origin", b"*"),
        (b"cross-origin-resource-policy", b"cross-origin"),
    )
    if file.etag.decode() in headers.get("if-none-match", ""):
        return Answer(304, b"", said)
    if "gzip" in headers.get("accept-encoding", ""):
        return Answer(200, file.compressed, (*said, (b"content-encoding", b"gzip")))
    return Answer(200, file.content, said)
