"""`regulars backup` and `restore`: the bundled database as one file that shows whether it is whole."""

from regulars.app.backup.archive import BadBackup
from regulars.app.backup.manifest import Manifest, key_mark
from regulars.app.backup.restoring import Restored, Target, check_backup, restore
from regulars.app.backup.saving import save_backup

__all__ = [
    "BadBackup",
    "Manifest",
    "Restored",
    "Target",
    "check_backup",
    "key_mark",
    "restore",
    "save_backup",
]
