"""The spool: one extract's rows on local disk, between the network and the database.

Each extract has a folder of its own, held by an operating-system lock as long as its process lives, so that the folders
of dead runs can be told apart and removed.
"""

import shutil
import uuid
from collections.abc import Iterator
from pathlib import Path
from types import TracebackType

import msgspec
from filelock import FileLock, Timeout
from msgspec import Raw

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.records.encoder import RecordEncoder
from leads_assets.engine.records.extract import SpoolFiles

_OWNER = "owner.lock"
_DOOR = "door.lock"
_BUFFER = 1 << 20
_own: set[Path] = set()


class SpoolDir:
    """A folder for one extract, removed on exit; use it as a context manager."""

    def __init__(self, root: Path, *, lock_seconds: float = 120.0) -> None:
        """`root` is made as needed; folders in it whose owners are dead are removed.

        Only one process at a time does so; waits `lock_seconds` at most for the others. Raises filelock.Timeout then,
        OSError where `root` cannot be written.
        """
        root.mkdir(parents=True, exist_ok=True)
        self.path = root / uuid.uuid4().hex
        self._owner = FileLock(self.path / _OWNER)
        # Nobody tidies up between the making of a folder and its lock.
        with FileLock(root / _DOOR, timeout=lock_seconds):
            _remove_dead(root)
            self.path.mkdir()
            self._owner.acquire(timeout=0)
        _own.add(self.path)

    def __enter__(self) -> "SpoolDir":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.remove()

    def remove(self) -> None:
        """Delete the folder and what is in it."""
        self._owner.release()
        shutil.rmtree(self.path, ignore_errors=True)
        _own.discard(self.path)


def abandon() -> None:
    """Delete all folders of this process: for one that ends without coming back to its context managers."""
    for path in tuple(_own):
        shutil.rmtree(path, ignore_errors=True)


def _remove_dead(root: Path) -> None:
    for folder in (entry for entry in root.iterdir() if entry.is_dir()):
        owner = FileLock(folder / _OWNER)
        try:
            owner.acquire(timeout=0)
        except (Timeout, OSError):
            continue
        owner.release()
        shutil.rmtree(folder, ignore_errors=True)


class SpoolWriter:
    """Writes the pages of one endpoint; memory does not grow with their number."""

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        self._screen = RecordEncoder(endpoint)
        self._rows_path = folder / "rows.ndjson"
        self._rejects_path = folder / "rejects.ndjson"
        self._rows = self._rows_path.open("wb", buffering=_BUFFER)
        self._rejects = self._rejects_path.open("wb")
        self._count = 0
        self._rejected = 0

    @property
    def count(self) -> int:
        """Rows written so far."""
        return self._count

    def add(self, records: list[Raw], ids: list[int | None]) -> None:
        """Write one page; records without a usable id go to the rejects."""
        if None in ids:
            for record in (record for record, identity in zip(records, ids, strict=True) if identity is None):
                self._reject(record, "no usable id: it must be an integer of at most 64 bits")
            records = [record for record, identity in zip(records, ids, strict=True) if identity is not None]
        screened = self._screen.lines(records)
        for record in (record for record, line in zip(records, screened, strict=True) if line is None):
            self._reject(record, "a text in it is broken, or it is nested too deeply")
        lines = [line for line in screened if line is not None]
        if lines:
            self._rows.write(b"\n".join(lines) + b"\n")
        self._count += len(lines)

    def _reject(self, record: Raw, reason: str) -> None:
        text = bytes(record).decode("utf-8", "backslashreplace")
        self._rejects.write(msgspec.json.encode({"reason": reason, "record": text}) + b"\n")
        self._rejected += 1

    def close(self) -> SpoolFiles:
        """Flush both files, and tell what is in them."""
        self._rows.close()
        self._rejects.close()
        return SpoolFiles(
            rows=self._rows_path,
            rejects=self._rejects_path,
            count=self._count,
            bytes=self._rows_path.stat().st_size,
            rejected=self._rejected,
            fields=tuple(self._screen.fields),
            misfits=dict(self._screen.misfits),
        )


def reencoded(spooled: SpoolFiles, endpoint: Endpoint) -> SpoolFiles:
    """The same rows, each value checked one by one: for a spool that the database's typed reading refused."""
    screen = RecordEncoder(endpoint)
    for field in spooled.fields:
        screen.expect(field)
    path = spooled.rows.with_suffix(".again.ndjson")
    with path.open("wb", buffering=_BUFFER) as target:
        for line in _lines(spooled.rows):
            target.write(screen.again(line) + b"\n")
    misfits = dict(spooled.misfits)
    for name, count in screen.misfits.items():
        misfits[name] = misfits.get(name, 0) + count
    return SpoolFiles(
        rows=path,
        rejects=spooled.rejects,
        count=spooled.count,
        bytes=path.stat().st_size,
        rejected=spooled.rejected,
        fields=tuple(screen.fields),
        misfits=misfits,
    )


def _lines(path: Path) -> Iterator[bytes]:
    with path.open("rb", buffering=_BUFFER) as source:
        yield from source
