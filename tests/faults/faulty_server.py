"""`regulars`, but the process is killed, or stopped, when the engine reaches a named point for the nth time.

python -m tests.faults.faulty_server SIGKILL|SIGSTOP POINT N serve ...
"""

import os
import signal
import sys

from regulars.app.engine import Engine
from regulars.cli import main


def signal_at(what: signal.Signals, point: str, number: int) -> None:
    """Lets every engine of this process send it that signal when `point` is reached that often."""
    left = number

    def reached(_: Engine, here: str) -> None:
        nonlocal left
        left -= here == point
        if here == point and left == 0:
            os.kill(os.getpid(), what)

    Engine.reached = reached  # type: ignore[method-assign]


if __name__ == "__main__":
    signal_at(signal.Signals[sys.argv[1]], sys.argv[2], int(sys.argv[3]))
    del sys.argv[1:4]
    main()
