"""`regulars`, but the process is killed when the engine reaches a named point for the nth time.

python -m tests.faults.faulty_server POINT N serve ...
"""

import os
import signal
import sys

from regulars.app.engine import Engine
from regulars.cli import main


def die_at(point: str, number: int) -> None:
    """Lets every engine of this process end it, as a power cut would, when `point` is reached that often."""
    left = number

    def reached(_: Engine, here: str) -> None:
        nonlocal left
        left -= here == point
        if left == 0:
            os.kill(os.getpid(), signal.SIGKILL)

    Engine.reached = reached  # type: ignore[method-assign]


if __name__ == "__main__":
    die_at(sys.argv[1], int(sys.argv[2]))
    del sys.argv[1:3]
    main()
