"""What passes from the read to the load: rows in local files, and what is known about them."""

from collections.abc import Mapping
from dataclasses import dataclass, field
from datetime import datetime
from enum import StrEnum
from pathlib import Path

from leads_assets.engine.declare import Endpoint


class Verdict(StrEnum):
    """Whether a list is known to be complete."""

    PROVEN = "proven"
    UNPROVEN = "unproven"


class ReadMode(StrEnum):
    """Whether all rows were asked for, or only those changed since a time."""

    FULL = "full"
    INCREMENTAL = "incremental"


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
class Extract:
    """One endpoint as it was read: the rows' files, the verdict, and what the reading cost.

    Times are UTC; `seconds_waited` are seconds of backoff, pauses and pacing; `requests` counts every attempt.
    `account`: a name of the account that was read, "" where nobody told (`account_of` makes it). `after`: the number of
    the newest load of the endpoint when the read began, None where nobody told. `changed_since`: what was asked for.
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
