"""The documentation as files: where it lies, and the code in it, of which there is but this one copy."""

import re
from functools import cache
from pathlib import Path


def find_folder() -> Path | None:
    """Where the documentation lies: in the installed package, else beside the sources, else nowhere."""
    package = Path(__file__).parent
    return next((path for path in (package / "docs", package.parents[1] / "docs") if path.is_dir()), None)


@cache
def code(page: str, language: str) -> str | None:
    """The first block of code in that language on a page such as "integrate/lootly.md"; None without one."""
    folder = find_folder()
    if folder is None or not (folder / page).is_file():
        return None
    text = (folder / page).read_text(encoding="utf-8")
    found = re.search(rf"^```{re.escape(language)}\n(.*?)^```$", text, re.DOTALL | re.MULTILINE)
    return found[1] if found else None
