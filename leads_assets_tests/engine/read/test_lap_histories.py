"""Full reads in parts under histories drawn at random: rows come, go and come back between the parts, and in them.

`pytest --hypothesis-profile thorough` judges 5,000.
"""

import random
from collections.abc import Callable, Iterator
from contextlib import closing
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any, cast

import pytest
from hypothesis import settings

from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.read.continuity import Order
from leads_assets.engine.read.lap_source import LapSource
from leads_assets.engine.read.page_source import PageSource
from leads_assets.engine.read.parts import Parts
from leads_assets.engine.read.walk import OverlapWalk
from leads_assets.engine.records.lap import Lap
from leads_assets.engine.records.page import Page
from leads_assets_tests.harness.rank_histories import History, judge
from leads_assets_tests.harness.rank_model import GAP, Change, RankServer

pytestmark = pytest.mark.unit

NOON = datetime(2026, 11, 24, 12, tzinfo=UTC)
_CHANGES = [RankServer.delete, RankServer.delete, RankServer.restore, RankServer.create, RankServer.insert]


@dataclass
class _Source:
    """The requests of the server's list, as a PageSource makes them."""

    server: RankServer
    limit: int
    name: str = "things"
    paged: bool = True
    order: Order = Order.ASCENDING

    def first(self) -> Page:
        return self.server.page(0, self.limit)

    def at(self, offset: int, limit: int, *, may_be_empty: bool = False) -> Page:
        return self.server.page(offset, limit)

    def backwards(self, limit: int, order: Order) -> Page:
        return self.server.backwards(limit)

    def ensure(self, pages: int, rows: int) -> None:
        pass

    def cancel(self) -> None:
        pass


@pytest.fixture(scope="module")
def budget(tmp_path_factory: pytest.TempPathFactory) -> Iterator[RequestBudget]:
    """Without a limit."""
    with closing(RequestBudget(tmp_path_factory.mktemp("budget") / "requests", 0)) as unlimited:
        yield unlimited


def _change(kind: Callable[[RankServer, float], None], share: float) -> Change:
    return lambda server: kind(server, share)


class _Reader:
    """Reads the server's list in processes that stop after some pages; `table` are the rows that were loaded."""

    def __init__(self, server: RankServer, limit: int, budget: RequestBudget, folder: Path) -> None:
        self.table: set[int] = set()
        self.lap: Lap | None = None
        self.is_proven = False
        self._server, self._limit, self._budget, self._folder = server, limit, budget, folder

    def read(self, pages: int | None) -> None:
        """One process, that stops after so many pages, or at the end."""
        source = LapSource(cast(PageSource, _Source(self._server, self._limit)), self.lap, limit=self._limit)
        walk = OverlapWalk(source, limit=self._limit, threads=1)
        known: dict[str, Any] = {"began": NOON, "params": "", "held": 0, "limit": self._limit}
        parts = Parts(self._budget, source, walk, lap=self.lap, ids=self._folder / "ids", **known)
        with closing(iter(walk)) as rows:
            for _, ids, _ in rows:
                self.table.update(identity for identity in ids if identity is not None)
                if pages is not None and parts.pages >= pages:
                    break
        self.lap = parts.mark(requests=0, rejected=0)
        self.is_proven = pages is None and walk.result().reason == "" and walk.shows_end


def _run(seed: int, budget: RequestBudget, folder: Path) -> str:
    """Read, search, and hold the result against what happened; what became of it."""
    rng = random.Random(seed)
    server = RankServer([GAP * (place + 1) for place in range(rng.choice([30, 60, 120]))])
    for _ in range(rng.choice([0, 3])):
        server.delete(rng.random())
    if rng.random() < 0.1:
        server.hidden = set(rng.sample(server.rows, rng.choice([1, 3])))
    server.totals = rng.choice(["true", "none"])
    last_before = server.rows[-1]
    kinds = [kind for kind in _CHANGES if rng.random() < 0.6] or [RankServer.delete]

    def plan(count: int, requests: int) -> None:
        for _ in range(count):
            kind, share = rng.choice(kinds), rng.random()
            server.changes.setdefault(rng.randrange(requests), []).append(_change(kind, share))

    plan(rng.choice([0, 1, 4, 12]), 30)
    reader = _Reader(server, rng.choice([4, 6, 10]), budget, folder)
    if rng.random() < 0.3:  # a table that was read before, with rows that are gone by now
        reader.table = set(server.rows + server.deleted) - server.hidden
    for _ in range(rng.choice([1, 2, 3])):
        reader.read(rng.randrange(1, 8))
        for _ in range(rng.choice([0, 0, 1, 3])):
            rng.choice(kinds)(server, rng.random())
    reader.read(None)
    always = frozenset.intersection(*server.living)
    assert always <= reader.table, f"{seed}: a row that lived all the time was not read"
    if not reader.is_proven or reader.lap is None or not reader.lap.calibrated:
        return "not searched"
    server.requests, server.living, server.answers, server.changes = 0, [], [], {}
    changed = {row for row in server.rows if row > last_before} - server.hidden
    plan(rng.choice([0, 0, 1, 3]), 8)
    history = History(server, sorted(reader.table), reader._limit, read=changed)
    result = history.search()
    judgement = judge(history, result)
    assert not judgement.broken, f"{seed}: {judgement.broken}"
    return "current" if result.current else "unproven"


def test_no_living_row_is_missed_or_marked_and_what_ends_current_misses_nothing_gone(
    budget: RequestBudget, tmp_path: Path
) -> None:
    seen = [_run(seed, budget, tmp_path) for seed in range(max(1_500, settings().max_examples))]
    assert {"current", "unproven", "not searched"} <= set(seen)
    assert seen.count("current") > 400


@pytest.mark.parametrize("hidden", [set(), {200}])
def test_rows_that_a_page_leaves_out_keep_ranks_from_being_counted_with_and_rows_that_move_do_not(
    budget: RequestBudget, tmp_path: Path, hidden: set[int]
) -> None:
    server = RankServer([GAP * (place + 1) for place in range(60)], hidden=hidden)
    server.changes = {5: [lambda at: at.insert(0.1)]}
    reader = _Reader(server, 10, budget, tmp_path)
    reader.read(None)
    assert reader.lap is not None
    assert reader.lap.calibrated == (not hidden)
