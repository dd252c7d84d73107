"""`regulars import`: a shop's past orders, customers and refunds, from files of any length, through the engine."""

from regulars.app.imports.columns import Column
from regulars.app.imports.files import UnreadableFile
from regulars.app.imports.run import KINDS, Kind, Progress, Shop, Summary, find_shop, run_import

__all__ = [
    "KINDS",
    "Column",
    "Kind",
    "Progress",
    "Shop",
    "Summary",
    "UnreadableFile",
    "find_shop",
    "run_import",
]
