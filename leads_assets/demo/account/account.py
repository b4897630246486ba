"""The demo account: fourteen lists that resolve into each other, read by page and changed on request."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from datetime import UTC, datetime, timedelta
from functools import partial
from threading import RLock

from leads_assets.demo.account.changes import LeadChange, revise
from leads_assets.demo.account.dice import iso
from leads_assets.demo.account.directory import OPENED, Row
from leads_assets.demo.account.events import Happening, event_name
from leads_assets.demo.account.history import Histories, LeadVersion
from leads_assets.demo.account.sizes import unsuspicious
from leads_assets.demo.account.snapshot import Population, Snapshot
from leads_assets.demo.account.table import Selection, Table
from leads_assets.demo.account.worktime import epoch_milliseconds

DEFAULT_NOW = datetime(2025, 7, 1, tzinfo=UTC)
"""A fixed day, in a week in which the company is closed: what is shown where no other moment is asked for."""
EVENT_LOG_DAYS = 10
EVENT_LOG_ROWS = 1_000
"""The webhook log keeps ten days, and never more than this many rows, the newest."""
_EVENT_ID_EVERY = 10_000
"""The ids of events follow their time: one in so many milliseconds, and one more for each of several."""
_FIRST, _LAST = datetime(2022, 1, 1, tzinfo=UTC), datetime(2045, 12, 31, tzinfo=UTC)


def _later(now: datetime, days: float) -> datetime:
    """So many days later; raises ValueError where there is no account then."""
    try:
        later = now + timedelta(days=days)
    except OverflowError:
        raise ValueError(f"{days} days are more than the calendar has") from None
    if not _FIRST <= later <= _LAST:
        raise ValueError(f"the demo account lives from {_FIRST.year} to {_LAST.year}, not in {later.year}")
    return later


def descends(endpoint: str, order: str | None, direction: str | None) -> bool:
    """Whether high ids come first: leads do unless they are asked for otherwise."""
    return direction == "desc" or (endpoint == "leads" and order is None and direction is None)


class Account:
    """Fourteen lists of deterministic rows: the same seed, number of leads and `now` give the same account everywhere.

    The account is eighteen months long and has so many `leads` at `now`; it is shown as it is so many `days` after that
    (before it: a negative number), and `advance` moves it on. The same seed and number of leads give the same life
    whatever `now` is: tomorrow's account is today's, a day later. Leads are computed from their ids when they are read,
    so a million of them start in a second. Every method is thread-safe.

    `clock` gives epoch seconds and stamps mutations, ahead by the days that the account is; stamps ascend strictly even
    if the clock stands. What is changed on request lives no further by itself. Methods that take an endpoint raise
    KeyError for a name that is not one of the fourteen. Raises ValueError for a `now` before 2022 or after 2045.
    """

    def __init__(
        self,
        *,
        leads: int = 250,
        seed: int = 1,
        clock: Callable[[], float] = time.time,
        now: datetime = DEFAULT_NOW,
        days: float = 0,
    ) -> None:
        self.seed = seed
        self._clock = clock
        self._lock = RLock()
        self._changes = 0
        self._shown = _later(_later(now, 0), days)
        self._ahead = epoch_milliseconds(self._shown) - epoch_milliseconds(now)
        self._last_stamp = epoch_milliseconds(self._shown)
        self._population = Population(seed, leads, epoch_milliseconds(now))
        self._snapshot = Snapshot(self._population, self._last_stamp)
        self._tables: Mapping[str, Table] = {name: Table(*rows) for name, rows in self._snapshot.lists().items()}
        self._histories = Histories()
        self._log_by_itself(self._log_begins)

    @property
    def now(self) -> datetime:
        """The moment at which the account is shown."""
        return self._shown

    @property
    def _log_begins(self) -> int:
        return epoch_milliseconds(self._shown - timedelta(days=EVENT_LOG_DAYS))

    def advance(self, days: float) -> datetime:
        """Let so many days pass, and return the moment that it is then.

        Raises ValueError for a negative number, and for a moment after 2045.
        """
        if days < 0:
            raise ValueError("the account only moves on; make one that is shown as of an earlier day")
        with self._lock:
            since, self._shown = epoch_milliseconds(self._shown), _later(self._shown, days)
            now = epoch_milliseconds(self._shown)
            self._ahead += now - since
            self._last_stamp = max(self._last_stamp, now)
            self._snapshot = Snapshot(self._population, now)
            for name, rows in self._snapshot.lists().items():
                self._tables[name].replace(*rows)
            self._log_by_itself(max(since, self._log_begins))
            return self._shown

    def history(self, lead_id: int) -> Sequence[LeadVersion]:
        """The truth about a lead up to now, oldest version first; also of leads that are gone."""
        with self._lock:
            return self._histories.of(lead_id, self._snapshot.leads)

    def leads_ever(self) -> Sequence[int]:
        """The ids of all leads that were there at any time since the first one that is there, ascending."""
        with self._lock:
            return sorted({*self._snapshot.leads_ever(), *self._histories.ids})

    @property
    def endpoints(self) -> tuple[str, ...]:
        """The names of the lists."""
        return tuple(self._tables)

    def total(self, endpoint: str) -> int:
        """How many rows the list has, leads without an owner included."""
        with self._lock:
            return len(self._tables[endpoint])

    def gone(self, endpoint: str) -> tuple[int, ...]:
        """The ids of the deleted rows that can be restored, ascending."""
        with self._lock:
            return tuple(sorted(self._tables[endpoint].gone))

    def rows(self, endpoint: str) -> Iterator[Row]:
        """The truth: the rows that are there when the iteration begins, in order of id."""
        with self._lock:
            ids = self._tables[endpoint].ids[:]
        return map(partial(self.row, endpoint), ids)

    def ids(self, endpoint: str) -> Sequence[int]:
        """The ids of the rows that are there now, ascending."""
        with self._lock:
            return self._tables[endpoint].ids[:]

    def has(self, endpoint: str, row_id: int) -> bool:
        """Whether the list has a row with that id now."""
        with self._lock:
            return row_id in self._tables[endpoint]

    def row(self, endpoint: str, row_id: int) -> Row:
        """One row, also if it has been deleted since."""
        with self._lock:
            return self._tables[endpoint].row(row_id)

    def encoded(self, endpoint: str) -> Iterator[bytes]:
        """The rows that are there when the iteration begins, in order of id, each as JSON."""
        with self._lock:
            ids = self._tables[endpoint].ids[:]
        for row_id in ids:
            with self._lock:
                encoded = self._tables[endpoint].encoded(row_id)
            yield encoded

    def page(
        self,
        endpoint: str,
        offset: int = 0,
        limit: int | None = None,
        *,
        order: str | None = None,
        direction: str | None = None,
        updated_after: datetime | None = None,
        include_unassigned: bool = False,
        user_id: int | None = None,
        lead_id: int | None = None,
    ) -> tuple[list[bytes], int]:
        """Rows as JSON from `offset` on, at most `limit` of them, and how many rows match.

        `order` is id, last_update, created_at or shuffled (a fixed order that is none of these); without it leads
        come by id descending and everything else by id ascending. `direction` is asc (unless said otherwise) or desc.
        `updated_after` is aware and inclusive. Leads without an owner count only with `include_unassigned`.
        """
        is_leads = endpoint == "leads"
        selection = Selection(
            # Creation times ascend with the ids.
            order="id" if order in (None, "created_at") else str(order),
            descending=descends(endpoint, order, direction),
            after=None if updated_after is None else epoch_milliseconds(updated_after),
            owned_only=is_leads and not include_unassigned,
            user_id=user_id,
            lead_id=lead_id,
        )
        with self._lock:
            table = self._tables[endpoint]
            ids, total = table.page(selection, offset, limit)
            return [table.encoded(row_id) for row_id in ids], total

    def insert(self, endpoint: str, count: int = 1, *, lowest: bool = False) -> list[int]:
        """Add rows with new highest ids, created and changed now; returns the ids.

        With `lowest` the ids are new lowest ones instead, as if old rows had been imported.
        """
        return [self._insert(endpoint, lowest) for _ in range(count)]

    def pad(self, endpoint: str) -> None:
        """Add rows until the list has no length that a reader takes for a limit of the server."""
        while unsuspicious(self.total(endpoint)) < self.total(endpoint):
            self.insert(endpoint)

    def _insert(self, endpoint: str, lowest: bool) -> int:
        with self._lock:
            table, now = self._tables[endpoint], self._now()
            row_id = table.new_id(lowest)
            is_new_lead = endpoint == "leads" and not lowest
            row = self._snapshot.leads.newborn(row_id, now) if is_new_lead else table.row(row_id)
            for key in ("updated_at",) if lowest else ("created_at", "updated_at"):
                if key in row:
                    row[key] = iso(now)
            table.put(row_id, row, now)
            self._tell(endpoint, event_name(endpoint, "insert"), row, is_new=True)
            return row_id

    def update(self, endpoint: str, ids: Iterable[int]) -> list[int]:
        """Change rows and their `updated_at`; ids that are not there are left out of the returned list."""
        return [row_id for row_id in ids if self._update(endpoint, row_id)]

    def _update(self, endpoint: str, row_id: int) -> bool:
        with self._lock:
            table = self._tables[endpoint]
            if row_id not in table:
                return False
            now, row = self._now(), table.row(row_id)
            self._changes += 1
            if endpoint == "leads":
                event: str | None = LeadChange(row, self._changes, self._snapshot.directory, iso(now)).apply()
            else:
                revise(endpoint, row, self._changes)
                event = event_name(endpoint, "update")
            if "updated_at" in row:
                row["updated_at"] = iso(now)
            table.put(row_id, row, now)
            self._tell(endpoint, event, row)
            return True

    def change(self, endpoint: str, ids: Iterable[int], *, at: datetime | None = None, **fields: object) -> None:
        """Change rows to these values, and their `updated_at` to now, or to the aware `at`, whatever the clock says.

        Raises KeyError for an id that is not there.
        """
        with self._lock:
            table = self._tables[endpoint]
            for row_id in ids:
                if row_id not in table:
                    raise KeyError(row_id)
                now = self._now() if at is None else epoch_milliseconds(at)
                row = table.row(row_id) | fields
                if "updated_at" in row:
                    row["updated_at"] = iso(now)
                table.put(row_id, row, now)
                self._tell(endpoint, None, row)

    def delete(self, endpoint: str, ids: Iterable[int]) -> list[int]:
        """Delete rows; ids that are not there are left out of the returned list."""
        return [row_id for row_id in ids if self._delete(endpoint, row_id)]

    def _delete(self, endpoint: str, row_id: int) -> bool:
        with self._lock:
            table = self._tables[endpoint]
            if row_id not in table:
                return False
            self._now()
            table.take_away(row_id)
            self._tell(endpoint, event_name(endpoint, "delete"), table.row(row_id), is_gone=True)
            return True

    def restore(self, endpoint: str, ids: Iterable[int]) -> list[int]:
        """Bring deleted rows back unchanged; ids that are not deleted are left out of the returned list."""
        return [row_id for row_id in ids if self._restore(endpoint, row_id)]

    def _restore(self, endpoint: str, row_id: int) -> bool:
        with self._lock:
            table = self._tables[endpoint]
            if row_id not in table.gone:
                return False
            self._now()
            table.bring_back(row_id)
            self._tell(endpoint, event_name(endpoint, "restore"), table.row(row_id))
            return True

    def _now(self) -> int:
        self._last_stamp = max(self._last_stamp + 1, int(self._clock() * 1000) + self._ahead)
        return self._last_stamp

    def _tell(self, endpoint: str, event: str | None, row: Row, *, is_new: bool = False, is_gone: bool = False) -> None:
        """Announce a change on request, and keep it where it is one of a lead."""
        if event is not None:
            self._log([Happening(self._last_stamp, event, row)])
        if endpoint == "leads":
            shown = None if is_new else epoch_milliseconds(self._shown)
            self._histories.note(event or "", row["id"], None if is_gone else row, self._last_stamp, shown)

    def _log_by_itself(self, since: int) -> None:
        self._log(self._snapshot.events.happened(since))
        log = self._tables["webhook_events"]
        while len(log) > unsuspicious(len(log)):
            log.forget(log.ids[0])

    def _log(self, happenings: Iterable[Happening]) -> None:
        log, events = self._tables["webhook_events"], self._snapshot.events
        for when, event, record in happenings:
            row_id = max(log.new_id(lowest=False), events.ids.at((when - OPENED) // _EVENT_ID_EVERY))
            log.put(row_id, events.about(row_id, event, record), when)
        while log.ids and (len(log) > EVENT_LOG_ROWS or log.updated(log.ids[0]) <= self._log_begins):
            log.forget(log.ids[0])
