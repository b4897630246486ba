"""Syncs of one list over days, into a real warehouse: filters lie, our clock jumps, the account changes, and the server
keeps rows back in every way that a walk or a search must survive."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime, timedelta
from pathlib import Path
from tempfile import TemporaryDirectory
from typing import Any

from leads_assets.account.dialect import DIALECT
from leads_assets.engine.declare import Column, ColumnType, Endpoint
from leads_assets.engine.errors import ApiError, ConfigurationError, MalformedResponse
from leads_assets.engine.http.client import RequestStats
from leads_assets.engine.instants import format_instant, parse_instant
from leads_assets.engine.read.plan import plan_read
from leads_assets.engine.read.read import Extraction, ReadOptions
from leads_assets.engine.records.state import SyncState
from leads_assets.engine.warehouse.account import why_another
from leads_assets.engine.warehouse.deletions import DeletionGuard
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets.engine.warehouse.live_rows import live_rows
from leads_assets.engine.warehouse.load import Loader, LoadOptions
from leads_assets.engine.warehouse.result import LoadResult
from leads_assets.engine.warehouse.runs import bound_account, sync_states

START = datetime(2026, 3, 1, tzinfo=UTC)
DAY = timedelta(days=1)
FUTURE = datetime(2099, 1, 1, tzinfo=UTC)
THINGS = Endpoint(
    name="things",
    path="/things",
    description="A list with a change filter.",
    paged=True,
    params={"order": "id", "direction": "asc"},
    columns=(
        Column("id", ColumnType.BIGINT, "Key.", nullable=False),
        Column("text", ColumnType.VARCHAR, "Text."),
        Column("created_at", ColumnType.TIMESTAMP, "Creation."),
        Column("updated_at", ColumnType.TIMESTAMP, "Last change."),
    ),
    change_filter="updated_after",
    cursor_field="updated_at",
    created_field="created_at",
)
Row = dict[str, Any]


@dataclass(frozen=True)
class Change:
    """One change of the list; `place` is how far down it happens (or among the deleted rows), in percent below 100.

    quiet: without a new stamp; restore: with the old stamp; import: a new row with an old stamp, in the middle; future:
    with a stamp of the year 2099; hide: the key loses the right to see a row, and gets it back at the next one.
    """

    kind: str
    place: int


@dataclass(frozen=True)
class Sync:
    """One day: what changes, then a sync. `ahead`: how far our clock is off.

    `filter`: true; none sends nothing, created goes by the creation, drops leaves every other row out, late takes the
    time for one 100 hours later. `account`: ours; address, another one at another address; key, another one at ours.
    `total`: what is stated: none, true, rows (those too that the key may not see), capped (at the window), page.
    `allows`: however many rows are gone. `window`: no row from this place on is served. `is_heavy`: every third row
    shares no page with another one, as if pages were cut by their bytes. `lags`: rows that came on this day are shown
    by the filter, but not by the list yet.
    """

    changes: tuple[Change, ...] = ()
    ahead: timedelta = timedelta(0)
    filter: str = "true"
    total: str = "none"
    window: int | None = None
    is_heavy: bool = False
    lags: bool = False
    account: str = "ours"
    full: bool = False
    allows: bool = False


@dataclass
class ListServer:
    """Rows by id; `number` tells one account from another. `hidden` rows are taken out of each page after it was cut.

    `fresh`: rows that came since `rest` was called.
    """

    number: int = 0
    rows: dict[int, Row] = field(default_factory=dict)
    gone: dict[int, Row] = field(default_factory=dict)
    highest: int = 0
    hidden: set[int] = field(default_factory=set)
    fresh: set[int] = field(default_factory=set)

    @classmethod
    def of(cls, count: int, number: int) -> "ListServer":
        """An account with that many rows, created a day apart, at times of its own."""
        server = cls(number)
        for _ in range(count):
            server.add(START - 30 * DAY + timedelta(hours=number))
        server.rest()
        return server

    def rest(self) -> None:
        """A day begins."""
        self.fresh.clear()

    def visible(self) -> dict[int, Row]:
        """The rows that the key may see."""
        return {row_id: row for row_id, row in self.rows.items() if row_id not in self.hidden}

    def add(self, at: datetime, row_id: int | None = None) -> None:
        """A new row."""
        row_id = self.highest + 10 if row_id is None else row_id
        self.highest = max(self.highest, row_id)
        self.fresh.add(row_id)
        stamp = format_instant(at + timedelta(minutes=row_id))
        self.rows[row_id] = {"id": row_id, "text": f"{self.number}", "created_at": stamp, "updated_at": stamp}

    def happen(self, change: Change, now: datetime) -> None:
        """Make one change."""
        ids = sorted(self.rows)
        if change.kind == "insert":
            self.add(now)
        elif change.kind == "restore" and self.gone:
            row_id = sorted(self.gone)[change.place * len(self.gone) // 100]
            self.rows[row_id] = self.gone.pop(row_id)
            self.fresh.add(row_id)
        elif change.kind == "import" and ids:
            row_id = ids[change.place * len(ids) // 100] + 1
            if row_id not in self.rows and row_id not in self.gone:
                self.add(START - 90 * DAY, row_id)
        elif change.kind == "hide" and ids:
            self.hidden = set() if self.hidden else {ids[change.place * len(ids) // 100]}
        elif change.kind in ("delete", "update", "quiet", "future") and ids:
            row_id = ids[change.place * len(ids) // 100]
            if change.kind == "delete":
                self.gone[row_id] = self.rows.pop(row_id)
                return
            stamp = {"update": format_instant(now), "future": format_instant(FUTURE)}
            row = self.rows[row_id]
            self.rows[row_id] = row | {
                "text": row["text"] + "+",
                "updated_at": stamp.get(change.kind, row["updated_at"]),
            }

    def listed(self, params: Mapping[str, str], sync: Sync) -> list[Row]:
        """The rows that a request asks for, before paging."""
        found = [self.rows[row_id] for row_id in sorted(self.rows, reverse=params.get("direction") == "desc")]
        since = parse_instant(params.get("updated_after"))
        if since is None:
            return [row for row in found if not (sync.lags and row["id"] in self.fresh)]
        key = "created_at" if sync.filter == "created" else "updated_at"
        since += timedelta(hours=100) if sync.filter == "late" else timedelta(0)
        found = [row for row in found if _moment(row[key]) >= since]
        return [] if sync.filter == "none" else found[::2] if sync.filter == "drops" else found

    def page(self, params: Mapping[str, str], sync: Sync) -> tuple[list[Row], int | None]:
        """The rows of an answer, and the total that it states."""
        listed = self.listed(params, sync)
        start = int(params.get("offset", 0))
        rows = listed[: sync.window][start:][: int(params.get("limit", len(listed)))]
        if sync.is_heavy:
            heavy = (place for place, row in enumerate(rows) if row["id"] % 30 == 0)
            rows = rows[: max(1, next(heavy, len(rows)))]
        rows = [row for row in rows if row["id"] not in self.hidden]
        visible = sum(row["id"] not in self.hidden for row in listed)
        capped = visible if sync.window is None else min(visible, sync.window)
        totals = {"true": visible, "rows": len(listed), "capped": capped, "page": len(rows)}
        return rows, totals.get(sync.total)


def _moment(text: str) -> datetime:
    return parse_instant(text) or START


class _Budget:
    def require(self, endpoint: str, requests: int, rows: int) -> None:
        """No limit."""

    def left(self) -> None:
        """No limit."""


class _Client:
    """What a read needs of a client, answered by a server in this process."""

    def __init__(self, server: ListServer, sync: Sync) -> None:
        self.dialect = DIALECT
        self.budget = _Budget()
        self._server, self._sync = server, sync

    def get(
        self, endpoint: str, path: str, params: Mapping[str, str], parse: Callable[..., Any], stats: RequestStats
    ) -> Any:
        """The answer of a page."""
        stats.add(requests=1)
        page, total = self._server.page(params, self._sync)
        headers = {} if total is None else {"X-TOTAL-COUNT": str(total)}
        return parse(json.dumps({"data": page}).encode(), headers)


class Days:
    """A warehouse, and the accounts that are synced into it."""

    def __init__(self, rows: int) -> None:
        self._folder = TemporaryDirectory()
        self._path = Path(self._folder.name)
        self.warehouse = FileWarehouse(self._path / "things.duckdb")
        self.ours, self.other = ListServer.of(rows, 0), ListServer.of(rows, 1)
        self.day = 0

    def close(self) -> None:
        """Remove the folder."""
        self._folder.cleanup()

    @property
    def now(self) -> datetime:
        """The true time."""
        return START + self.day * DAY

    def server(self, sync: Sync) -> ListServer:
        """The account that a sync reads."""
        return self.ours if sync.account == "ours" else self.other

    def sync(self, sync: Sync) -> LoadResult | None:
        """A day; None where the sync failed, because of the account or of what the server sent."""
        self.day += 1
        self.ours.rest()
        for change in sync.changes:
            self.ours.happen(change, self.now)
        clock = self.now + sync.ahead
        known = sync_states(self.warehouse, clock, {THINGS.name: THINGS})
        account = "another" if sync.account == "address" else "account"
        if why_another(bound_account(known), account):
            return None
        state = known.get(THINGS.name, SyncState())
        plan = plan_read(THINGS, state, clock, full_refresh=sync.full, reconcile_every=3 * DAY)
        folder = self._path / f"{self.day}"
        folder.mkdir()
        client: Any = _Client(self.server(sync), sync)
        read = Extraction(
            client,
            THINGS,
            folder,
            held=lambda _: state.held,
            live=lambda since: live_rows(self.warehouse, THINGS, changed_since=since, now=clock),
            calibration=state.calibration,
            options=ReadOptions(limit=5, threads=1),
            now=lambda: clock,
        )
        try:
            extract = read.run(plan.changed_since)
        except (ApiError, MalformedResponse):  # a client tries the latter again, and gives up
            return None
        extract = replace(
            extract, account=account, after=state.number, changed_since=plan.changed_since, forced=plan.forced
        )
        loader = Loader(
            self.warehouse,
            LoadOptions(server_wins=sync.full, guard=DeletionGuard(allow=sync.allows)),
            now=lambda: clock,
        )
        try:
            return loader.load(extract, f"day {self.day}")
        except (LoadFailed, ConfigurationError):
            return None
        finally:
            loader.close()

    def table(self) -> tuple[dict[int, str], set[int]]:
        """Id to text of the live rows, and the ids of those that are marked as deleted."""
        with self.warehouse.read("the test") as session:
            if session is None:
                return {}, set()
            rows = session.run("looking", "SELECT id, text, _deleted_at IS NULL FROM things")
        return {row[0]: row[1] for row in rows if row[2]}, {row[0] for row in rows if not row[2]}
