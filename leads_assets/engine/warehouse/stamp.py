"""Whether files have changed, without opening them."""

from collections.abc import Iterable
from contextlib import suppress
from pathlib import Path

Stamp = tuple[tuple[int, int, int], ...]


def stamp_of(paths: Iterable[Path]) -> Stamp:
    """What changes with every write to one of the files, and when one comes or goes."""
    found = []
    for path in paths:
        with suppress(OSError):  # whoever opens the file says what is wrong with it
            status = path.stat()
            found.append((status.st_ino, status.st_size, status.st_mtime_ns))
    return tuple(found)
