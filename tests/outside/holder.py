"""A process that holds a home's server: `holder.py HOME SHARED`; commands by line, answers in JSON.

It stands on the standard library and `regulars.outside.postgres` alone, so that it runs as any user.
"""

import json
import sys
from pathlib import Path

from regulars.outside.postgres import Embedded, PostgresFailed


def main() -> None:
    embedded = Embedded(Path(sys.argv[1]), shared=Path(sys.argv[2]))
    acts = {
        "start": lambda: [embedded.start(30), list(embedded.notes)],
        "stop": embedded.stop,
        "ready": embedded.ready,
    }
    print(json.dumps("here"), flush=True)
    for line in sys.stdin:
        try:
            answer = acts[line.strip()]()
        except PostgresFailed as error:
            answer = {"failed": str(error)}
        print(json.dumps(answer), flush=True)


main()
