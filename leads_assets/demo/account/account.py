"""The demo account: fourteen lists that resolve into each other, read by page and changed on request."""

import time
from collections.abc import Callable, Iterable, Iterator, Mapping
from datetime import datetime
from functools import partial
from threading import RLock

from leads_assets.demo.account.catalogue import Catalogue
from leads_assets.demo.account.changes import LeadChange, revise
from leads_assets.demo.account.dice import iso
from leads_assets.demo.account.directory import FROZEN, SIZES, Directory, Row
from leads_assets.demo.account.events import EventRows, event_name
from leads_assets.demo.account.leads import FollowUpRows, LeadRows
from leads_assets.demo.account.table import MadeRows, Selection, Table, epoch_milliseconds

EVENT_LOG_ROWS = 1_000
"""The webhook log keeps this many rows, the newest: the stand-in for the ten days of live servers."""
_MOST_FOLLOW_UPS = 1_841
_SMALLEST_LIMIT = 20


def _follow_ups(leads: int) -> int:
    """One for every fourth lead; never a number that a reader may take for a limit of the server."""
    count = min(leads // 4, _MOST_FOLLOW_UPS)
    while count >= _SMALLEST_LIMIT and (count % 5 == 0 or count & (count - 1) == 0):
        count -= 1
    return count


def descends(endpoint: str, order: str | None, direction: str | None) -> bool:
    """Whether high ids come first: leads do unless they are asked for otherwise."""
    return direction == "desc" or (endpoint == "leads" and order is None and direction is None)


class Account:
    """Fourteen lists of deterministic rows: the same `seed` and number of `leads` give the same account everywhere.

    Leads are computed from their ids when they are read, so a million of them start in a second. Every method is
    thread-safe. `clock` gives epoch seconds and stamps mutations; stamps ascend strictly even if the clock stands.
    Methods that take an endpoint raise KeyError for a name that is not one of the fourteen.
    """

    def __init__(self, *, leads: int = 250, seed: int = 1, clock: Callable[[], float] = time.time) -> None:
        self.seed = seed
        self._clock = clock
        self._lock = RLock()
        self._last_stamp = FROZEN
        self._changes = 0
        self._directory = Directory(seed)
        self._events = EventRows(self._directory, LeadRows(self._directory, leads), leads)
        self._tables: Mapping[str, Table] = self._fill(leads)

    def _fill(self, leads: int) -> dict[str, Table]:
        lead_rows = LeadRows(self._directory, leads)
        follow_ups = FollowUpRows(self._directory, lead_rows, leads)
        makers = {**self._directory.makers, **Catalogue(self._directory).makers}
        made = {name: MadeRows(self._directory.ids[name], make) for name, make in makers.items()}
        made["webhook_events"] = MadeRows(self._events.ids, self._events.row)
        tables = {name: Table(source, SIZES[name]) for name, source in made.items()}
        tables["leads"] = Table(lead_rows, leads)
        tables["follow_ups"] = Table(MadeRows(follow_ups.ids, follow_ups.row), _follow_ups(leads))
        return tables

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

    def _insert(self, endpoint: str, lowest: bool) -> int:
        with self._lock:
            table, now = self._tables[endpoint], self._now()
            row_id = table.new_id(lowest)
            row = table.row(row_id)
            for key in ("updated_at",) if lowest else ("created_at", "updated_at"):
                if key in row:
                    row[key] = iso(now)
            table.put(row_id, row, now)
            self._announce(event_name(endpoint, "insert"), row)
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
                event: str | None = LeadChange(row, self._changes, self._directory, iso(now)).apply()
            else:
                revise(endpoint, row, self._changes)
                event = event_name(endpoint, "update")
            if "updated_at" in row:
                row["updated_at"] = iso(now)
            table.put(row_id, row, now)
            self._announce(event, row)
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

    def delete(self, endpoint: str, ids: Iterable[int]) -> list[int]:
        """Delete rows; ids that are not there are left out of the returned list."""
        return [row_id for row_id in ids if self._delete(endpoint, row_id)]

    def _delete(self, endpoint: str, row_id: int) -> bool:
        with self._lock:
            table = self._tables[endpoint]
            if row_id not in table:
                return False
            table.take_away(row_id)
            self._announce(event_name(endpoint, "delete"), table.row(row_id))
            return True

    def restore(self, endpoint: str, ids: Iterable[int]) -> list[int]:
        """Bring deleted rows back unchanged; ids that are not deleted are left out of the returned list."""
        return [row_id for row_id in ids if self._restore(endpoint, row_id)]

    def _restore(self, endpoint: str, row_id: int) -> bool:
        with self._lock:
            table = self._tables[endpoint]
            if row_id not in table.gone:
                return False
            table.bring_back(row_id)
            self._announce(event_name(endpoint, "restore"), table.row(row_id))
            return True

    def _now(self) -> int:
        self._last_stamp = max(self._last_stamp + 1, int(self._clock() * 1000))
        return self._last_stamp

    def _announce(self, event: str | None, record: Row) -> None:
        if event is None:
            return
        log = self._tables["webhook_events"]
        row_id = log.new_id(lowest=False)
        log.put(row_id, self._events.about(row_id, event, record), self._last_stamp)
        if len(log) > EVENT_LOG_ROWS:
            log.forget(log.ids[0])
