"""A list on a server, in a few lines, that changes between the pages that are read from it."""

from collections.abc import Callable, Iterator
from concurrent.futures import Future
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass, field
from typing import Any
from unittest import mock

from msgspec import Raw

from leads_assets.engine.errors import Unavailable
from leads_assets.engine.read import ends
from leads_assets.engine.read.continuity import Order
from leads_assets.engine.read.objections import WalkResult
from leads_assets.engine.read.walk import OverlapWalk
from leads_assets.engine.records.page import Page

GAP = 100
"""Ids are this far apart, so that a row can be inserted between two others."""


@dataclass(frozen=True)
class Change:
    """One change of the list; `place` is how far down it happens (or among the deleted rows), in percent below 100."""

    kind: str
    place: int


@dataclass
class Server:
    """Rows are id -> time of the last change; `order` is id or updated, `cap` the largest page.

    `total` is what it states: none, true, capped (no more than the window) or page (the rows of the answer). No row
    from place `window` on is served. A row in `huge` shares no page with another one, as if pages were cut by their
    bytes. Rows in `hidden` are taken out of a page after it was cut. Where `heeds_direction` is false, the list asked
    backwards is the list. A plain list knows neither limit nor offset, and is cut at `cut` rows.
    `changes[n]` happen before request number n (from 0) is answered, `faults[n]` spoils the answer to it.
    """

    rows: dict[int, int]
    order: str = "id"
    descending: bool = False
    cap: int = 100
    total: str = "true"
    is_plain: bool = False
    cut: int | None = None
    window: int | None = None
    huge: frozenset[int] = frozenset()
    hidden: frozenset[int] = frozenset()
    heeds_direction: bool = True
    changes: dict[int, list[Change]] = field(default_factory=dict)
    faults: dict[int, str] = field(default_factory=dict)
    requests: int = 0

    def __post_init__(self) -> None:
        self._clock = max(self.rows.values(), default=0)
        self._deleted: dict[int, int] = {}
        self.survivors = self._visible()
        self.gone_before: set[int] = set()

    def _visible(self) -> set[int]:
        return set(self.rows) - self.hidden

    def listing(self, *, backwards: bool = False) -> list[int]:
        """The ids in the server's order, hidden ones too."""
        ids = sorted(self.rows, key=lambda row: row if self.order == "id" else self.rows[row])
        return ids[::-1] if self.descending != (backwards and self.heeds_direction) else ids

    def page(self, offset: int, limit: int, *, backwards: bool = False) -> Page:
        """One answer, after the changes that come before it."""
        number = self.requests
        self.requests += 1
        for change in self.changes.get(number, []):
            self._change(change)
        if number == 0:
            self.survivors = self._visible()
            self.gone_before = set(self._deleted)
        fault = self.faults.get(number)
        if fault == "error":
            raise Unavailable("gone")
        limit = min(limit, self.cap)
        if fault == "short":
            limit = max(2, limit // 2)
        listing = self.listing(backwards=backwards)
        if fault == "empty":
            found = []
        elif self.is_plain:
            found = listing[: self.cut]
        else:
            found = self._within_bytes(listing[: self.window][offset : offset + limit])
        found = [row for row in found if row not in self.hidden]
        records = [Raw(b'{"id":%d,"updated_at":%d}' % (row, self.rows[row])) for row in found]
        return Page(records, list(found), self._total(len(found)))

    def _within_bytes(self, rows: list[int]) -> list[int]:
        """As many rows as fit into a page, and at least one."""
        end = next((place for place, row in enumerate(rows) if row in self.huge), len(rows))
        return rows[: max(1, end)]

    def _total(self, sent: int) -> int | None:
        visible = len(self._visible())
        capped = visible if self.window is None else min(visible, self.window)
        return {"none": None, "true": visible, "capped": capped, "page": sent}[self.total]

    def _change(self, change: Change) -> None:
        listing = self.listing()
        if change.kind == "insert":
            self._insert(change.place * (len(listing) + 1) // 100, sorted(listing))
        elif change.kind == "restore" and self._deleted:
            row = sorted(self._deleted)[change.place * len(self._deleted) // 100]
            self.rows[row] = self._deleted.pop(row)
            self.gone_before.discard(row)
        elif change.kind in ("delete", "update") and listing:
            row = listing[change.place * len(listing) // 100]
            if change.kind == "update":
                self.rows[row] = self._tick()
            else:
                self._deleted[row] = self.rows.pop(row)
                self.survivors.discard(row)

    def _insert(self, place: int, ids: list[int]) -> None:
        before = ids[place - 1] if place else (ids[0] - 2 * GAP if ids else 0)
        after = ids[place] if place < len(ids) else before + 2 * GAP
        row = (before + after) // 2
        if row not in self.rows and row not in self._deleted:
            self.rows[row] = self._tick()

    def _tick(self) -> int:
        self._clock += 1
        return self._clock


@dataclass(frozen=True)
class Walked:
    """What a walk said and gave."""

    outcome: WalkResult
    ids: list[int]


@dataclass(frozen=True)
class _Source:
    """The requests of the server's list."""

    server: Server
    first_limit: int
    paged: bool
    order: Order
    name: str = "things"

    def first(self) -> Page:
        return self.server.page(0, self.first_limit)

    def at(self, offset: int, limit: int) -> Page:
        return self.server.page(offset, limit)

    def backwards(self, limit: int, order: Order) -> Page:
        return self.server.page(0, limit, backwards=True)

    def ensure(self, pages: int, rows: int) -> None:
        """No budget."""

    def cancel(self) -> None:
        """No waits."""


def walk(server: Server, *, limit: int, paged: bool = True, asked: bool = True, threads: int = 1) -> Walked:
    """Walk the server's list; `asked`: the requests ask for the order of ids that the server keeps."""
    order = Order.UNKNOWN
    if asked and server.order == "id":
        order = Order.DESCENDING if server.descending else Order.ASCENDING
    source = _Source(server, limit if paged else server.cap, paged, order)
    overlap = OverlapWalk(source, limit=limit, threads=threads, cursor="updated_at")
    taken = [row for rows in overlap for row in rows.ids if row is not None]
    return Walked(overlap.result(), taken)


@contextmanager
def every_size_is_suspicious() -> Iterator[None]:
    """So that small lists try what is meant for those that end at a round number."""
    with ExitStack() as stack:
        for rule in ("is_worth_a_request", "looks_cut", "looks_like_window"):
            stack.enter_context(mock.patch.object(ends, rule, return_value=True))
        yield


class LastFirst:
    """An executor that runs what was submitted when the first result is wanted, the latest task first."""

    def __init__(self, threads: int, name: str) -> None:
        self._waiting: list[tuple[_Task, Callable[[int], Any], int]] = []

    def submit(self, work: Callable[[int], Any], offset: int) -> "_Task":
        """Keep the task for later."""
        task = _Task(self.run)
        self._waiting.append((task, work, offset))
        return task

    def run(self) -> None:
        """Run all that waits."""
        while self._waiting:
            task, work, offset = self._waiting.pop()
            if task.set_running_or_notify_cancel():
                try:
                    task.set_result(work(offset))
                except Unavailable as error:
                    task.set_exception(error)

    def shutdown(self, wait: bool, cancel_futures: bool) -> None:
        """Forget what waits."""
        self._waiting.clear()


class _Task(Future[Any]):
    def __init__(self, run: Callable[[], None]) -> None:
        super().__init__()
        self._run = run

    def result(self, timeout: float | None = None) -> Any:
        if not self.done():
            self._run()
        return super().result(timeout)
