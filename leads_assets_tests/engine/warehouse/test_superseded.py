"""Reads that overlap are ordered by the numbers of their loads; what a later one has seen is left to it."""

import logging
import random
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leads_assets.engine.records.extract import Extract
from leads_assets.engine.warehouse.runs import sync_states
from leads_assets_tests.harness.desk import NOON, WarehouseHarness

pytestmark = pytest.mark.socket

YEAR = timedelta(days=365)


def dated(number: int, day: int, **fields: Any) -> dict[str, Any]:
    """A record that changed on that day of January."""
    return {"id": number, "updated_at": f"2026-01-{day:02d}T00:00:00Z"} | fields


def rows(desk: WarehouseHarness) -> dict[int, tuple[Any, bool]]:
    """Id to `whole`, and whether the row lives."""
    found = desk.rows("SELECT id, whole, _deleted_at IS NULL FROM things ORDER BY id")
    return {number: (whole, lives) for number, whole, lives in found}


def test_a_full_read_that_only_reads_of_changes_have_overtaken_marks_what_they_have_not_seen(
    desk: WarehouseHarness,
) -> None:
    desk.load([dated(n, 1, whole=n) for n in range(1, 10)])
    full = desk.extract([dated(n, 1, whole=n) for n in range(1, 6)])
    desk.load([dated(6, 1, whole=6), dated(5, 2, whole=50), dated(10, 2, whole=100)], mode="incremental")
    row = desk.load(full).row
    assert (row.verdict, row.deleted, row.reason) == ("proven", 3, "")
    lives = {number: lives for number, (_, lives) in rows(desk).items()}
    assert lives == {n: n not in (7, 8, 9) for n in range(1, 11)}  # 6 was seen unchanged, and 10 is new
    assert rows(desk)[5] == (50, True)


def test_such_a_read_also_takes_what_changed_without_a_stamp_where_no_later_read_has_seen_the_row(
    desk: WarehouseHarness,
) -> None:
    desk.load([dated(n, 1, whole=n) for n in (1, 2, 3)])
    full = desk.extract([dated(1, 1, whole=10), dated(2, 1, whole=20), dated(3, 1, whole=3)])
    desk.load([dated(2, 1, whole=21)], mode="incremental")
    row = desk.load(full).row
    assert (row.verdict, row.updated, row.outdated) == ("proven", 1, 1)
    assert rows(desk) == {1: (10, True), 2: (21, True), 3: (3, True)}


@pytest.mark.parametrize("verdict", ["proven", "unproven"])
def test_a_read_that_a_full_one_has_overtaken_proves_nothing(desk: WarehouseHarness, verdict: str) -> None:
    desk.load([dated(n, 1) for n in (1, 2, 3)])
    early, changes = desk.extract([dated(1, 1)]), desk.extract([dated(2, 1)], mode="incremental")
    desk.load([dated(n, 1) for n in (1, 2, 3)], verdict=verdict)
    for extract in (early, changes):
        row = desk.load(extract).row
        assert (row.verdict, row.deleted, row.watermark) == ("unproven", 0, None)
        assert row.reason == "another read was loaded since this one began"
    assert all(lives for _, lives in rows(desk).values())


def test_a_full_read_makes_the_notes_of_earlier_reads_of_changes_needless(desk: WarehouseHarness) -> None:
    desk.load([dated(n, 1) for n in (1, 2, 3)])
    desk.load([dated(1, 2), dated(2, 2)], mode="incremental")
    desk.load([dated(2, 3)], mode="incremental")
    assert desk.rows("SELECT id, number FROM ops.seen_rows ORDER BY id") == [(1, 2), (2, 3)]
    desk.load([dated(n, 3) for n in (1, 2, 3)])
    assert desk.rows("SELECT * FROM ops.seen_rows") == []


@pytest.mark.parametrize("ahead", [timedelta(hours=2), YEAR])
def test_a_sync_with_a_clock_that_ran_ahead_stops_no_later_one(
    desk: WarehouseHarness, ahead: timedelta, caplog: pytest.LogCaptureFixture
) -> None:
    desk.load([dated(n, 1, whole=n) for n in (1, 2, 3)])
    desk.load([dated(n, 1, whole=n) for n in (1, 2, 3)], began=NOON + ahead)
    now = NOON + timedelta(minutes=30)
    with caplog.at_level(logging.WARNING):
        state = sync_states(desk.warehouse, now)["things"]
    assert state.full == state.began == NOON + timedelta(minutes=1)
    assert "a wrong clock, ignored" in caplog.text
    row = desk.load([dated(1, 1, whole=10)]).row
    assert (row.verdict, row.updated, row.deleted) == ("proven", 1, 2)
    caplog.clear()
    state = sync_states(desk.warehouse, now)["things"]
    assert state.full == NOON + timedelta(minutes=3)
    assert not caplog.text


def test_a_clock_that_was_behind_for_one_sync_stops_no_later_one(desk: WarehouseHarness) -> None:
    desk.load([dated(n, 1) for n in (1, 2, 3)])
    assert desk.load([dated(1, 1), dated(2, 1)], began=NOON - YEAR).row.deleted == 1
    assert desk.load([dated(1, 1)]).row.deleted == 1


def test_a_watermark_of_a_wrong_clock_is_not_believed(desk: WarehouseHarness) -> None:
    desk.load([dated(1, 5)])
    ahead = desk.load([{"id": 1, "updated_at": "2027-06-01T00:00:00Z"}], began=NOON + YEAR).row
    assert ahead.watermark == datetime(2027, 6, 1, tzinfo=UTC)
    state = sync_states(desk.warehouse, NOON + timedelta(hours=1))["things"]
    assert state.watermark is not None
    assert state.watermark.isoformat() == "2026-01-05T00:00:00+00:00"


@dataclass
class Read:
    """A read that saw the account at one moment, with what was committed when it began."""

    extract: Extract
    full: bool
    saw: dict[int, int]
    began: int
    committed: int | None = None

    @property
    def meanwhile(self) -> range:
        """The loads between its begin and its own."""
        return range(self.began + 1, self.committed or 0)

    def covers(self, number: int) -> bool:
        """Whether it says anything about the row."""
        return self.full or number in self.saw


@dataclass
class History:
    """An account that changes, reads that overlap, and what their loads leave in the warehouse."""

    desk: WarehouseHarness
    seed: int
    versions: dict[int, int] = field(default_factory=dict)
    stamps: dict[int, int] = field(default_factory=dict)
    reads: list[Read] = field(default_factory=list)
    loads: int = 0
    moment: int = 0

    def run(self, steps: int) -> None:
        """Random steps; after each load the table is held against what the reads have seen."""
        dice = random.Random(self.seed)
        for number in range(1, 6):
            self._change(number)
        self._begin(full=True)
        self._commit(self.reads[0])
        for _ in range(steps):
            waiting = [read for read in self.reads if read.committed is None]
            step = dice.random()
            if step < 0.6:
                self._mutate(dice)
            elif waiting and (step < 0.8 or len(waiting) > 2):
                self._commit(dice.choice(waiting))
                self._check()
            else:
                self._begin(full=dice.random() < 0.5)

    def _mutate(self, dice: random.Random) -> None:
        number = dice.randint(1, 7)
        if number not in self.versions:
            if dice.random() < 0.5 and number in self.stamps:
                self.versions[number] = self.stamps[number]  # restored as it was
            else:
                self._change(number)
        elif dice.random() < 0.4:
            del self.versions[number]
        else:
            self._change(number)

    def _change(self, number: int) -> None:
        self.moment += 1
        self.versions[number] = self.stamps[number] = self.moment

    def _begin(self, *, full: bool) -> None:
        seen = {n: version for n, version in self.versions.items() if full or version > self.moment - 6}
        records = [
            {"id": n, "whole": version, "updated_at": f"2026-01-01T{version // 60:02d}:{version % 60:02d}:00Z"}
            for n, version in sorted(seen.items())
        ]
        extract = self.desk.extract(records, mode="full" if full else "incremental", total=len(records))
        self.reads.append(Read(extract, full, seen, self.loads))

    def _commit(self, read: Read) -> None:
        self.desk.load(read.extract)
        self.loads += 1
        read.committed = self.loads

    def _check(self) -> None:
        done = [read for read in self.reads if read.committed is not None]
        table = rows(self.desk)
        for number in range(1, 8):
            about = [read for read in done if read.covers(number)]
            newest = [read for read in about if not any(other.began >= (read.committed or 0) for other in about)]
            if number in table and not table[number][1]:
                alive = {read.committed or 0 for read in about if number in read.saw}
                absent = [read for read in about if number not in read.saw]
                assert any(alive.isdisjoint(read.meanwhile) for read in absent), f"{number} lives"
            if newest and all(number in read.saw for read in newest):
                assert table[number][1], f"{number} lives"
                assert table[number][0] == max(read.saw[number] for read in newest), f"{number} is old"


@pytest.mark.parametrize("seed", range(24))
def test_in_no_order_of_commits_is_a_living_row_marked_or_an_older_version_kept(tmp_path: Path, seed: int) -> None:
    """A row is marked by no read during which another was loaded that had seen it alive.

    A read is newer than another if it began after the other's commit; of overlapping ones either may be right.
    """
    History(WarehouseHarness(tmp_path), seed).run(40)
