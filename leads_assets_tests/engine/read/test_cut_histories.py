"""Generated histories of syncs: a list that a server sends in one response, and cuts at a round number or begins to."""

from dataclasses import dataclass, field

import hypothesis.strategies as st
import pytest
from hypothesis import assume, event, given

from leads_assets.engine.records.extract import Verdict
from leads_assets.engine.records.state import Held
from leads_assets_tests.harness.histories import GAP, Change, Server, walk

pytestmark = pytest.mark.socket

CUTS = (20, 25, 30, 32, 40, 50, 60, 64)
_kinds = st.sampled_from(["insert", "delete", "delete", "restore"])
_changes = st.lists(st.builds(Change, _kinds, st.one_of(st.just(99), st.integers(0, 99))), max_size=14)


@dataclass
class _Warehouse:
    """The ids that are live, and the sizes of the full reads since one was unproven."""

    live: set[int] = field(default_factory=set)
    sizes: list[int] = field(default_factory=list)

    def held(self) -> Held:
        longest = max(self.sizes, default=0)
        return Held(
            longest=longest,
            longest_response=longest,
            lowest=min(self.live, default=None),
            highest=max(self.live, default=None),
        )

    def load(self, ids: set[int], verdict: Verdict) -> None:
        if verdict is Verdict.PROVEN:
            self.live, self.sizes = ids, [*self.sizes, len(ids)]
        else:
            self.live, self.sizes = self.live | ids, []


@st.composite
def _servers(draw: st.DrawFn) -> Server:
    rows = {GAP * (place + 1): 0 for place in range(draw(st.integers(15, 70)))}
    total = draw(st.sampled_from(["none", "page"]))
    return Server(rows, descending=draw(st.booleans()), is_plain=True, total=total)


@given(_servers(), st.sampled_from(CUTS), st.integers(0, 4), st.lists(_changes, min_size=2, max_size=5))
def test_a_table_that_is_called_proven_is_the_servers_list_on_every_day(
    server: Server, cut: int, begins: int, days: list[list[Change]]
) -> None:
    warehouse = _Warehouse()
    for day, changes in enumerate(days):
        end = server.listing()[-1:]
        server.changes, server.requests = {0: changes}, 0
        server.cut = cut if day >= begins else None
        told = walk(server, limit=100, paged=False, asked=False)
        listing = server.listing()
        # A list that is cut where it ended before looks as if rows had gone from its middle.
        assume(not (day == begins and len(listing) > cut and listing[cut - 1 : cut] == end))
        outcome = told.outcome.compared(warehouse.held(), warehouse.held().longest_response)
        event(outcome.verdict.value)
        warehouse.load(set(told.ids), outcome.verdict)
        if outcome.verdict is Verdict.PROVEN:
            assert warehouse.live == set(listing)
