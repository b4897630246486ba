"""Generated histories of syncs: filters that lie, clocks that jump, accounts that change, rows that come back, windows,
pages cut by their bytes, rows out of sight, totals of every kind, lists that lag behind their filter.

`pytest --hypothesis-profile thorough` tries 5,000.
"""

from contextlib import closing
from datetime import timedelta

import hypothesis.strategies as st
import pytest
from hypothesis import event, given, settings

from leads_assets.engine.records.extract import ReadMode, Verdict
from leads_assets_tests.harness.histories import every_size_is_suspicious
from leads_assets_tests.harness.sync_histories import Change, Days, Sync

pytestmark = pytest.mark.socket

_KINDS = ("insert", "delete", "update", "update", "quiet", "restore", "import", "future", "hide")
_CLOCKS = (timedelta(0), timedelta(0), timedelta(hours=2), timedelta(days=365), timedelta(hours=-6))
_syncs = st.builds(
    Sync,
    changes=st.lists(st.builds(Change, st.sampled_from(_KINDS), st.integers(0, 99)), max_size=4).map(tuple),
    ahead=st.sampled_from(_CLOCKS),
    filter=st.sampled_from(["true", "true", "none", "created", "drops", "late"]),
    total=st.sampled_from(["none", "true", "true", "rows", "capped", "page"]),
    window=st.none() | st.none() | st.integers(1, 16),
    is_heavy=st.booleans(),
    lags=st.booleans(),
    account=st.sampled_from(["ours", "ours", "ours", "ours", "address", "key"]),
    full=st.booleans(),
    allows=st.booleans(),
)


_UNTOLD = frozenset({"restore", "import", "hide", "another account"})
"""What a read of changes cannot tell, and as many deletions hide; or less than what an account is recognized by."""


def _live_through(days: Days, syncs: list[Sync]) -> None:
    assert days.sync(Sync()) is not None
    happened: set[str] = set()
    for sync in syncs:
        happened |= {change.kind for change in sync.changes} | {sync.filter}
        before = days.table()
        told = days.sync(sync)
        live, marked = days.table()
        if sync.account != "ours":
            event(f"another account, {sync.account}")
            assert told is None or sync.account == "key"
            # Of two rows nobody can tell whose they are: they may come in, and prove nothing. After them a list of a
            # handful of rows is as much the one's as the other's.
            if "another account" not in happened:
                assert told is None or ReadMode.INCREMENTAL is told.row.mode or told.row.verdict is Verdict.UNPROVEN
                assert told is None or (told.row.rows_read or 0) < 3
                assert marked <= before[1]
            happened |= {"another account"} if told is not None else set()
        if told is None:
            assert (live, marked) == before
        if told is None or sync.account != "ours":
            continue
        event(f"{told.row.mode}, {told.row.verdict}")
        visible = days.ours.visible()
        shown = visible.keys() - (days.ours.fresh if sync.lags else set())
        assert shown.isdisjoint(marked - before[1]), "a living row is marked as deleted"
        if told.row.verdict is Verdict.PROVEN and told.row.mode is ReadMode.FULL:
            assert live.keys() == shown
            kept = told.row.outdated  # by the server's own stamps
            differ = [row for row, text in live.items() if days.ours.rows[row]["text"] != text]
            assert len(differ) <= kept
            happened.clear()
        if told.row.verdict is Verdict.CURRENT and happened.isdisjoint(_UNTOLD):
            assert shown <= live.keys() <= visible.keys()
            if happened.isdisjoint({"quiet", "future", "none", "created", "drops", "late"}):
                assert live == {row: days.ours.rows[row]["text"] for row in live}


# A history makes a warehouse and loads it several times: half a second.
@settings(max_examples=settings().max_examples if settings().max_examples > 1_000 else 15)
@given(rows=st.integers(4, 14), syncs=st.lists(_syncs, min_size=1, max_size=5))
def test_a_proven_table_is_the_servers_list_and_no_living_row_is_ever_marked(rows: int, syncs: list[Sync]) -> None:
    with closing(Days(rows)) as days:
        with every_size_is_suspicious():
            _live_through(days, syncs)
        days.ours.hidden.clear()
        after = days.sync(Sync(full=True, allows=True, total="true"))
        assert after is not None
        assert after.row.verdict is Verdict.PROVEN, "a clock that was wrong before proves nothing about today"
        assert days.table()[0] == {row_id: row["text"] for row_id, row in days.ours.rows.items()}
