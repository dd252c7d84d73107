"""How often Python looks for cycles of objects: rarely, where many records are made and none in a circle."""

import gc
from typing import Final

CYCLES_AFTER: Final = (50_000, 20, 20)
"""Net new objects, and younger collections, before the next; Python's own are 700, 10 and 10."""


def rarely_look_for_cycles() -> None:
    """Spares what is there by now from being looked at, and the rest from being looked at all the time.

    A batch makes thousands of records and no cycles: at the usual rate the search costs a tenth of the whole.
    """
    gc.collect()
    gc.freeze()
    gc.set_threshold(*CYCLES_AFTER)
