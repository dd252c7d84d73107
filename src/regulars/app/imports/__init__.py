"""`regulars import`: past orders, customers and refunds, from files of any length, through the engine."""

from regulars.app.imports.columns import Column
from regulars.app.imports.files import UnreadableFile
from regulars.app.imports.run import KINDS, Kind, Progress, Summary, find_shop, run_import
from regulars.app.imports.shop import Shop

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
