"""Forcing what the embedded engine has written onto the disk.

One call of syncfs(2) covers every part, directory and log the engine wrote since the last one,
which is cheaper than an fsync for each of the hundreds of files, and covers files for which the
engine has no such setting (its deduplication log).
"""

from __future__ import annotations

import ctypes
import os
from pathlib import Path


def sync_filesystem(directory: Path) -> None:
    """Returns when all data of the file system under `directory` is on the disk.

    Raises OSError if the disk says it is not. Source: syncfs(2).
    """
    handle = os.open(directory, os.O_RDONLY | os.O_DIRECTORY)
    try:
        libc = ctypes.CDLL(None, use_errno=True)
        if not hasattr(libc, "syncfs"):
            os.sync()
        elif libc.syncfs(handle) != 0:
            number = ctypes.get_errno()
            raise OSError(number, os.strerror(number), str(directory))
    finally:
        os.close(handle)
