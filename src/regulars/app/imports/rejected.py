"""The rows that were refused, as a CSV file of their own: to be put right and imported again as it is."""

import csv
import os
from collections.abc import Sequence
from pathlib import Path
from typing import IO, Any, Self


class Rejections:
    """Writes `FILE.rejected.csv` beside FILE, for its owner alone; there is none while nothing is refused."""

    def __init__(self, path: Path) -> None:
        self.path = path.with_name(f"{path.name}.rejected.csv")
        self._file: IO[str] | None = None
        self._writer: Any = None

    def __enter__(self) -> Self:
        self.path.unlink(missing_ok=True)  # an earlier run's
        return self

    def __exit__(self, *_: object) -> None:
        if self._file is not None:
            self._file.close()

    def add(self, header: Sequence[str], line: int, reason: str, cells: Sequence[str]) -> None:
        """Writes one row; the first one brings the header, which has the columns of the file itself."""
        if self._file is None:
            descriptor = os.open(self.path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, 0o600)
            # What was no UTF-8 in the input is written as the very same bytes.
            self._file = os.fdopen(descriptor, "w", encoding="utf-8", errors="surrogateescape", newline="")
            self._writer = csv.writer(self._file)
            self._writer.writerow(["line", "reason", *header])
        self._writer.writerow([line, reason, *cells])
