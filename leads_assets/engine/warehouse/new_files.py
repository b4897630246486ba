"""Files that are made in folders to which others may write: under names nobody can guess, through no link."""

import os
import shutil
import stat
import uuid
from contextlib import suppress
from glob import escape
from pathlib import Path

FILE_OPTIONS = "TYPE duckdb, ROW_GROUP_SIZE 30720"
"""A group of rows is in memory while it is written, whatever the limit: of DuckDB's own size, wide rows take 700 MB."""
NEW_FILE = f"{FILE_OPTIONS}, BLOCK_SIZE 65536"
"""With DuckDB's own blocks of 262144 bytes a small load costs a quarter more CPU, and fourteen small tables take 5 MB
instead of 2; a million rows take a fifth less."""
PRIVATE = 0o600
"""Rights on a new file: there are people's data in it."""


def make_copy(source: Path, target: Path) -> None:
    """Copy a file to `target` in one step, the bytes on the disk first; a link in its place is replaced, not followed.

    It keeps the rights of the file that it replaces. What a killed process has left of this is removed. Raises OSError;
    then `target` is as it was.
    """
    for draft in target.parent.glob(f".{escape(target.name)}.*.new"):
        draft.unlink(missing_ok=True)
    draft = target.with_name(f".{target.name}.{uuid.uuid4().hex}.new")
    try:
        with source.open("rb") as read, open(create_private(draft), "wb") as written:
            os.fchmod(written.fileno(), _rights(target))
            shutil.copyfileobj(read, written, 1 << 20)
            written.flush()
            os.fsync(written.fileno())
        draft.replace(target)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def put_in_place(fresh: Path, target: Path) -> None:
    """Replace `target` by a finished file in one step, the bytes on the disk first; it gets the rights of the old one.

    Raises OSError.
    """
    with fresh.open("rb") as written:
        os.fchmod(written.fileno(), _rights(target))
        os.fsync(written.fileno())
    fresh.replace(target)


def write_private(path: Path, text: str) -> None:
    """Write a text for this user alone, in one step; a link in its place is replaced, not followed. Raises OSError."""
    draft = path.with_name(f".{path.name}.{uuid.uuid4().hex}")
    try:
        with open(create_private(draft), "w", encoding="utf-8") as file:
            file.write(text)
        draft.replace(path)
    finally:
        with suppress(OSError):
            draft.unlink(missing_ok=True)


def create_private(path: Path) -> int:
    """A descriptor to write a new file with that only this user can read. Raises OSError, also where one is there."""
    return os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, PRIVATE)


def _rights(target: Path) -> int:
    """The rights of a file that is replaced, and those of a new one where there is none."""
    try:
        status = target.lstat()
    except OSError:
        return PRIVATE
    return stat.S_IMODE(status.st_mode) if stat.S_ISREG(status.st_mode) else PRIVATE
