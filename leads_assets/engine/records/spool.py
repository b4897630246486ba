"""The spool: one extract's rows on local disk, between the network and the database.

Each extract has a folder of its own, held by an operating-system lock as long as its process lives, so that the folders
of dead runs can be told apart and removed.
"""

import shutil
import uuid
from collections import Counter
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path
from types import TracebackType

import msgspec
from filelock import FileLock, Timeout
from msgspec import Raw

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.records.encoder import RecordEncoder
from leads_assets.engine.records.extract import SpoolFiles
from leads_assets.engine.records.nesting import has_more_values
from leads_assets.engine.records.values import LARGE_RECORD

_OWNER = "owner.lock"
_DOOR = "door.lock"
_BUFFER = 1 << 20
_OURS = 0o700
"""Rights on folders that nobody else has business in: there are rows in them."""
PART = 2 << 20
"""Bytes after which a file of rows is followed by another: the database takes the rows of a file together, up to 2,048
of them, and a dense row of JSON takes ten times its length."""
_own: set[Path] = set()

LARGEST_RECORD = 22 << 20
"""Bytes of a row's line. The database holds it several times over while it reads it."""
MOST_VALUES = 500_000
"""Values and keys of a row; the database takes some 16 bytes for each, whenever it looks at the JSON."""

_NO_ID = "no usable id: it must be an integer of at most 64 bits"
_BROKEN_TEXT = "a text in it is broken, or it is nested too deeply"
_TOO_LARGE = f"too large: a row may have {LARGEST_RECORD >> 20} MB and {MOST_VALUES:,} values"


class SpoolDir:
    """A folder for one extract, removed on exit; use it as a context manager."""

    def __init__(self, root: Path, *, lock_seconds: float = 120.0) -> None:
        """`root` is made as needed; folders in it whose owners are dead are removed.

        Only one process at a time does so; waits `lock_seconds` at most for the others. Raises filelock.Timeout then,
        OSError where `root` cannot be written.
        """
        root.parent.mkdir(parents=True, exist_ok=True)
        root.mkdir(mode=_OURS, exist_ok=True)
        self.path = root / uuid.uuid4().hex
        self._owner = FileLock(self.path / _OWNER)
        # Nobody tidies up between the making of a folder and its lock.
        with FileLock(root / _DOOR, timeout=lock_seconds):
            _remove_dead(root)
            self.path.mkdir(mode=_OURS)
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


class _Parts:
    """Lines in files of about `PART` bytes each; there is one at least.

    `bytes`, `count`: of all lines. `row_bytes`: as SpoolFiles has it.
    """

    def __init__(self, folder: Path, name: str) -> None:
        self.paths: list[Path] = []
        self.bytes = self.count = self.row_bytes = 0
        self._folder, self._name = folder, name
        self._begin()

    def write(self, lines: Sequence[bytes | Raw]) -> None:
        """Write lines; those of a page are in one file, unless they are long."""
        if sum(map(len, lines)) > PART:
            for line in lines:
                self._write([line])
        elif lines:
            self._write(lines)

    def _write(self, lines: Sequence[bytes | Raw]) -> None:
        length = sum(map(len, lines)) + len(lines)
        if self._bytes and self._bytes + length > PART:
            self.close()
            self._begin()
        self._file.write(b"\n".join(lines) + b"\n")
        self._bytes += length
        self._count += len(lines)

    def _begin(self) -> None:
        self.paths.append(self._folder / f"{self._name}-{len(self.paths):06}.ndjson")
        self._file = self.paths[-1].open("wb", buffering=_BUFFER)
        self._bytes = self._count = 0

    def close(self) -> None:
        """Flush what is written."""
        self._file.close()
        self.bytes += self._bytes
        self.count += self._count
        self.row_bytes = max(self.row_bytes, self._bytes // max(1, self._count))
        self._bytes = self._count = 0


class SpoolWriter:
    """Writes the pages of one endpoint; memory does not grow with their number."""

    def __init__(self, folder: Path, endpoint: Endpoint) -> None:
        self._encoder = RecordEncoder(endpoint)
        self._folder = folder
        self._rows = _Parts(folder, "rows")
        self._rejects = _Rejects(folder)
        self._count = 0

    @property
    def count(self) -> int:
        """Rows written so far."""
        return self._count

    def add(self, records: list[Raw], ids: list[int | None], *, exact: bool = False) -> None:
        """Write one page; records that cannot be rows go to the rejects.

        `exact`: the declared columns are known to hold all values exactly.
        """
        if None in ids or _longest(records) > LARGE_RECORD:
            reasons = [
                _NO_ID if identity is None else _why_too_large(record)
                for record, identity in zip(records, ids, strict=True)
            ]
            self._rejects.add(records, reasons)
            records = [record for record, reason in zip(records, reasons, strict=True) if not reason]
        encoded = self._encoder.encode(records, exact=exact)
        lines = [line for line in encoded if line is not None]
        if len(lines) < len(encoded) or _longest(lines) > LARGE_RECORD:
            reasons = [_BROKEN_TEXT if line is None else _why_too_large(line) for line in encoded]
            self._rejects.add(records, reasons)
            lines = [line for line, reason in zip(encoded, reasons, strict=True) if line is not None and not reason]
        self._rows.write(lines)
        self._count += len(lines)

    def close(self) -> SpoolFiles:
        """Flush all files, and tell what is in them."""
        self._rows.close()
        self._rejects.close()
        return SpoolFiles(
            folder=self._folder,
            rows=tuple(self._rows.paths),
            rejects=self._rejects.path,
            count=self._count,
            bytes=self._rows.bytes,
            row_bytes=self._rows.row_bytes,
            rejected=self._rejects.count,
            large_rejects=self._rejects.large,
            fields=tuple(self._encoder.fields),
            misfits=dict(self._encoder.misfits),
        )


class _Rejects:
    """Writes the records that cannot be rows: a line of JSON each, large ones a file each."""

    def __init__(self, folder: Path) -> None:
        self.path = folder / "rejects.ndjson"
        self.large: dict[Path, str] = {}
        self.count = 0
        self._lines = self.path.open("wb")

    def add(self, records: Sequence[Raw], reasons: Sequence[str]) -> None:
        """Write the records that have a reason."""
        for record, reason in zip(records, reasons, strict=True):
            if not reason:
                continue
            text = bytes(record).decode("utf-8", "backslashreplace")
            if len(record) > LARGE_RECORD:
                file = self.path.with_name(f"reject-{len(self.large)}.txt")
                file.write_bytes(text.encode())
                self.large[file] = reason
            else:
                self._lines.write(msgspec.json.encode({"reason": reason, "record": text}) + b"\n")
            self.count += 1

    def close(self) -> None:
        """Flush."""
        self._lines.close()


def _longest(texts: Sequence[bytes | Raw]) -> int:
    return max(map(len, texts), default=0)


def _why_too_large(json: bytes | Raw) -> str:
    """Why JSON is no row, or nothing."""
    if len(json) <= LARGE_RECORD:
        return ""
    return _TOO_LARGE if len(json) > LARGEST_RECORD or has_more_values(bytes(json), MOST_VALUES) else ""


def reencoded(spooled: SpoolFiles, endpoint: Endpoint) -> SpoolFiles:
    """The same rows, each value checked one by one: for a spool that the database's typed reading refused."""
    encoder = RecordEncoder(endpoint)
    for field in spooled.fields:
        encoder.add_field(field)
    target = _Parts(spooled.folder, "again")
    for path in spooled.rows:
        with path.open("rb", buffering=_BUFFER) as source:
            for line in source:
                target.write([encoder.reencode(line)])
    target.close()
    return replace(
        spooled,
        rows=tuple(target.paths),
        bytes=target.bytes,
        row_bytes=target.row_bytes,
        fields=tuple(encoder.fields),
        misfits=dict(Counter(spooled.misfits) + Counter(encoder.misfits)),
    )
