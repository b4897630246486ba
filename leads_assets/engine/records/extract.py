"""What passes from the read to the load: rows in local files, and what is known about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.records.lap import Lap


class Verdict(StrEnum):
    """What is known of a table; of a read, PROVEN is one that is known to have brought all that it asked for."""

    PROVEN = "proven"
    """A full read showed it: the live rows are the server's rows."""
    CURRENT = "current"
    """All changes were read since, and the whole list closed: so they are, but for what the README names."""
    UNPROVEN = "unproven"


class ReadMode(StrEnum):
    """Whether all rows were asked for, or a part of them, or only those changed since a time."""

    FULL = "full"
    INCREMENTAL = "incremental"
    PART = "part"
    """Of all rows, by which nothing is known of the others."""


@dataclass(frozen=True, slots=True)
class SpoolFiles:
    """The files of one extract, and what was noticed while writing them.

    `rows`: in their order, files of newline-delimited JSON whose declared columns hold what they can hold exactly; what
    does not fit is under `_extra`, the text of a JSON object. `row_bytes`: the mean
    length of a row in that one of these files in which it is the largest. `fields`: unknown keys that are left in
    place, to become columns. `misfits`: field name to number of values that its column refused. `rejects`:
    newline-delimited `{"reason", "record"}`; `large_rejects`: files of one record each, with their reasons; `rejected`
    counts both.
    """

    folder: Path
    rows: tuple[Path, ...]
    rejects: Path
    count: int
    bytes: int
    row_bytes: int
    rejected: int
    large_rejects: Mapping[Path, str]
    fields: tuple[str, ...]
    misfits: Mapping[str, int]


@dataclass(frozen=True, slots=True, kw_only=True)
class Closing:
    """What the whole list showed after a read of its changes.

    `is_closed`: rows that we hold and rows of the list agree once this is loaded. `gone`: ids held live that the list
    no longer has. `total`: rows of the whole list as the server states them, None where it does not. `reason`: why it
    is not closed, "" where it is. `is_broken`: what was found is against what the changes have said, so that only a
    full read can tell.
    """

    is_closed: bool = False
    gone: frozenset[int] = frozenset()
    total: int | None = None
    reason: str = ""
    is_broken: bool = False


@dataclass(frozen=True, slots=True, kw_only=True)
class Extract:
    """One endpoint as it was read: the rows' files, the verdict on the read, and what the reading cost.

    Times are UTC; `seconds_waited` are seconds of backoff, pauses and pacing; `requests` counts every attempt.
    `account`: a name of the account that was read, "" where nobody told (`account_of` makes it). `after`: the number of
    the newest load of the endpoint when the read began, None where nobody told. `changed_since`: what was asked for.
    `closing`: after a read of changes, None where the whole list was not asked. `calibration`: after a full read, by
    which query parameters offsets were seen to count just the rows that the key sees; "" where they do not, None where
    it could not be told. `forced`: it was read in full because an earlier load asked for that. `lap`: how far a
    full read in parts has come with this; one that is no part ends it. `earlier_ids`: a file with the ids of the rows
    of its earlier parts, one a line, where a full read ends it.
    """

    endpoint: Endpoint
    mode: ReadMode
    verdict: Verdict
    reason: str
    spooled: SpoolFiles
    total: int | None
    duplicates: int
    pages: int
    requests: int
    retries: int
    seconds_waited: float
    budget_left: int | None
    began_at: datetime
    ended_at: datetime
    notes: tuple[str, ...] = field(default=())
    account: str = ""
    after: int | None = None
    changed_since: datetime | None = None
    closing: Closing | None = None
    calibration: str | None = None
    forced: bool = False
    lap: Lap | None = None
    earlier_ids: Path | None = None
