"""What the warehouse tells the next read: where the last ones ended, and what is held."""

from collections.abc import Sequence
from dataclasses import dataclass, field
from datetime import datetime

from leads_assets.engine.records.lap import Lap

MOST_AHEAD = 99
"""Rows that have changed in the future behind which the newest true change is still looked for: a page holds both."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Held:
    """What the warehouse knows of a list before it is read again; nothing where it was never read.

    `longest`: rows of the longest full read since one was unproven; `longest_response`: the same of those that came as
    one response.
    `lowest` and `highest`: ids of live rows. Of a list that may be read in parts also `parts`, the ids of those to
    which its live rows belong, and `without_part`, the number of live rows that belong to none.
    """

    longest: int = 0
    longest_response: int = 0
    lowest: int | None = None
    highest: int | None = None
    parts: frozenset[int] = frozenset()
    without_part: int = 0


@dataclass(frozen=True, slots=True, kw_only=True)
class LiveRows:
    """The live rows of a table, for a read of its changes to be compared with.

    `ids`: ascending, without those that are known to be gone and that the guard keeps. `changed`: those whose last
    change should have brought them again. `young`: those that were seen for the first time within the last hour.
    """

    ids: Sequence[int] = ()
    changed: frozenset[int] = frozenset()
    young: frozenset[int] = frozenset()


@dataclass(frozen=True, slots=True, kw_only=True)
class SyncState:
    """What is known here of one endpoint. Times in UTC; None where there is none.

    `number`, `account`, `began`: of the newest load; `full_number`: of the newest that was no read of changes;
    `taken_over`: of the newest by which an account took the place of another one's rows.
    `changes_read`: begin of the newest read whose changes are in; `full`: of the newest full one that was proven.
    `watermark`: newest change of the rows that such a read has committed.
    `verdict`: the newest that was not unproven. `changes_as_of`, `complete_as_of`: as the newest load left them; clocks
    are not looked at. `next_full`: why the next read should be full, "" where it need not; `forced`: begin of the
    newest read that was full for such a reason. `calibration`: as an Extract has it. `is_open`: the newest load counted
    other rows than the server stated.
    `full_requests`, `full_rows`, `change_requests`, `change_rows`: what the newest full read and the newest read of
    changes have cost, retries left out, and read; `full_seconds`: how long the former took. `surplus`: rows that the
    server stated beyond the live ones when it was last asked: a count that did not agree then (a refused deletion, a
    record without id) shows no change now. `live_proven`: live rows after the newest load whose changes are in;
    `deleted_lately`: rows marked as deleted within 24 hours, and since the user last allowed any number.

    `lap`: how far a full read in parts has gone, where it has not ended and may go on.

    Of another account's loads only `number`, `account` and `began` are told: what they proved is not true of this one.

    `live`: rows that are not marked as deleted; `newest`: the newest change among them, `newest_ids` the rows that
    carry it; `ahead`: ids and times of those, at most a page, that have changed in the future (a wrong clock), which
    `newest` leaves out; `highest_id` counts deleted rows too. These come from the table, and only where they were asked
    for and a probe can use them. `held`: what a full read can compare itself with.
    """

    number: int = 0
    full_number: int = 0
    taken_over: int | None = None
    account: str | None = None
    began: datetime | None = None
    changes_read: datetime | None = None
    full: datetime | None = None
    watermark: datetime | None = None
    verdict: str | None = None
    changes_as_of: datetime | None = None
    complete_as_of: datetime | None = None
    next_full: str = ""
    forced: datetime | None = None
    calibration: str = ""
    is_open: bool = False
    full_requests: int = 1
    full_rows: int | None = None
    full_seconds: float = 0.0
    change_requests: int = 1
    change_rows: int | None = None
    surplus: int = 0
    live_proven: int | None = None
    deleted_lately: int = 0
    lap: Lap | None = None
    live: int = 0
    newest: datetime | None = None
    newest_ids: frozenset[int] = frozenset()
    ahead: frozenset[tuple[int | None, datetime]] = frozenset()
    highest_id: int | None = None
    held: Held = field(default_factory=Held)

    @property
    def known(self) -> bool:
        """Whether any read of it was ever committed."""
        return self.number > 0
