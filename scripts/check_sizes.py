"""Checks that the widget stays small: what shops' pages load, compressed as it is sent."""

import gzip
import sys
from pathlib import Path

BUILT = Path(__file__).parent.parent / "src/regulars/doors/storefront/built"

# Every page of a shop loads the loader; the panel, with the texts of one language, comes when it is needed.
MOST_BYTES = {"loader.js": 3_000, "panel-*.js": 15_000, "[a-z][a-z]-*.js": 2_500}


def main() -> int:
    """0 when every file is there and small enough."""
    wrong = 0
    for pattern, most in MOST_BYTES.items():
        found = sorted(BUILT.glob(pattern))
        if not found:
            print(f"{pattern} is not built; `make setup` builds it")
            wrong += 1
        for path in found:
            size = len(gzip.compress(path.read_bytes(), 9, mtime=0))
            print(f"{path.name}: {size:,} bytes compressed, of {most:,}")
            wrong += size > most
    return 1 if wrong else 0


if __name__ == "__main__":
    sys.exit(main())
