"""Generated histories: lists that change in every way between the pages, against a model of a few lines.

`pytest --hypothesis-profile thorough` tries 5,000 histories of each kind.
"""

from typing import Any
from unittest import mock

import hypothesis.strategies as st
import pytest
from hypothesis import assume, event, given

from leads_assets.engine.errors import ApiError
from leads_assets.engine.read import ends
from leads_assets.engine.read import prefetch as ahead
from leads_assets.engine.records.extract import Verdict
from leads_assets_tests.harness.histories import GAP, Change, LastFirst, Server, every_size_is_suspicious, walk

pytestmark = pytest.mark.socket

_KINDS = ("insert", "delete", "update", "restore")
_changes = st.builds(Change, st.sampled_from(_KINDS), st.one_of(st.sampled_from([0, 99]), st.integers(0, 99)))
_faults = st.dictionaries(st.integers(0, 12), st.sampled_from(["empty", "short", "error"]), max_size=3).filter(
    # An empty first page is the business of whoever asks for it.
    lambda faults: faults.get(0) != "empty"
)


_FEW = st.integers(0, 14)


@st.composite
def _servers(
    draw: Any, /, *, orders: tuple[str, ...] = ("id", "updated"), sizes: Any = _FEW, cap: Any, **kind: Any
) -> Server:
    ids = [GAP * (place + 1) for place in range(draw(sizes))]
    times = list(range(1, len(ids) + 1))
    if draw(st.booleans()):
        times = draw(st.permutations(times))
    return Server(
        rows=dict(zip(ids, times, strict=True)),
        order=draw(st.sampled_from(orders)),
        descending=draw(st.booleans()),
        cap=draw(cap),
        heeds_direction=draw(st.booleans()),
        **{name: draw(choose(ids)) for name, choose in (_MOVING | kind).items()},
    )


def _some(ids: list[int]) -> st.SearchStrategy[frozenset[int]]:
    """Up to three rows, or a stretch of neighbours."""
    if not ids:
        return st.just(frozenset())
    stretches = st.tuples(st.integers(0, len(ids) - 1), st.integers(1, 12)).map(
        lambda stretch: frozenset(ids[stretch[0] :][: stretch[1]])
    )
    return st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from(ids), max_size=3), stretches)


def _nothing(ids: list[int]) -> st.SearchStrategy[dict[int, Any]]:
    return st.just({})


_MOVING: Any = {
    "total": lambda ids: st.sampled_from(["none", "true", "page"]),
    "changes": lambda ids: st.dictionaries(st.integers(0, 12), st.lists(_changes, min_size=1, max_size=4), max_size=6),
    "faults": lambda ids: st.one_of(st.just({}), _faults),
}
_SMALL: Any = {
    "cap": st.integers(2, 6),
    # A page that is not full and counts itself is believed where it is small.
    "total": lambda ids: st.sampled_from(["none", "true"]),
}
_LIMITED: Any = {
    **_SMALL,
    "total": lambda ids: st.sampled_from(["none", "true", "capped", "page"]),
    "window": lambda ids: st.none() | st.integers(1, len(ids) + 3),
    "huge": _some,
    "hidden": _some,
}
"""What keeps rows from a reader who only asks for the next page."""


def _assert_kept_its_word(server: Server, **reading: Any) -> None:
    try:
        told = walk(server, **reading)
    except ApiError:
        event("raised")
        return
    event(told.outcome.verdict.value)
    if told.outcome.verdict is Verdict.PROVEN:
        # A list whose rows are hidden at both its ends looks empty.
        assume(told.ids or not server.hidden)
        assert server.survivors <= set(told.ids), f"lost {server.survivors - set(told.ids)}"
        assert server.gone_before.isdisjoint(told.ids)


_LIMITS = st.integers(2, 8)


@given(server=_servers(**_SMALL), limit=_LIMITS, asked=st.booleans())
def test_a_proven_walk_has_every_row_that_lived_through_it(server: Server, limit: int, asked: bool) -> None:
    _assert_kept_its_word(server, limit=limit, asked=asked)


@given(server=_servers(**_LIMITED), limit=_LIMITS, asked=st.booleans(), threads=st.sampled_from([1, 3]))
def test_a_proven_walk_has_every_row_of_a_server_that_keeps_some_back(
    server: Server, limit: int, asked: bool, threads: int
) -> None:
    with mock.patch.object(ahead, "ThreadPoolExecutor", LastFirst), every_size_is_suspicious():
        _assert_kept_its_word(server, limit=limit, asked=asked, threads=threads)


_CUTS = (20, 25, 30, 32, 40, 50, 64, 75, 80, 100, 110, 120, 125, 128, 140)


@given(
    server=_servers(
        sizes=st.integers(90, 145),
        cap=st.sampled_from([20, 25, 30, 32, 40]),
        window=lambda ids: st.none() | st.sampled_from([cut for cut in _CUTS if cut >= 100]),
        huge=_some,
    ),
    asked=st.booleans(),
)
def test_a_proven_walk_has_every_row_of_a_server_that_ends_at_a_round_number(server: Server, asked: bool) -> None:
    # A page of any other size that counts itself is believed.
    assume(server.total != "page" or not (server.huge or server.faults.get(0) == "short"))
    # What stands behind a huge row of a list that moves is shown by a total, or from the other end.
    is_calm = not (server.changes or server.faults)
    assume(server.total == "true" or server.heeds_direction or not server.huge or is_calm)
    _assert_kept_its_word(server, limit=40, asked=asked)


@given(
    server=_servers(sizes=st.integers(15, 145), cap=st.just(100), cut=lambda ids: st.none() | st.sampled_from(_CUTS)),
    is_plain=st.booleans(),
)
def test_a_proven_list_that_was_not_meant_to_page_has_every_row_too(server: Server, is_plain: bool) -> None:
    # A plain list that is cut at no round number cannot be told from a whole one.
    assume(server.faults.get(0) != "short")
    server.is_plain = is_plain
    server.cap = server.cut or server.cap
    _assert_kept_its_word(server, paged=False, limit=100, asked=False)


@given(server=_servers(orders=("id",), **_SMALL), limit=_LIMITS)
def test_a_proven_walk_has_every_row_even_if_later_pages_were_fetched_first(server: Server, limit: int) -> None:
    with mock.patch.object(ahead, "ThreadPoolExecutor", LastFirst):
        _assert_kept_its_word(server, limit=limit, threads=3)


@given(
    server=_servers(orders=("id",), sizes=st.integers(0, 145), cap=st.just(50), changes=_nothing, faults=_nothing),
    limit=st.integers(2, 120),
    asked=st.booleans(),
)
def test_a_calm_list_in_order_of_id_is_proven_unless_it_cannot_show_its_end(
    server: Server, limit: int, asked: bool
) -> None:
    told = walk(server, limit=limit, asked=asked)
    assert set(told.ids) == set(server.rows)
    shows_end = server.heeds_direction or server.total == "true"
    if shows_end or not ends.looks_like_window(len(server.rows), is_counted=False):
        assert (told.outcome.verdict, told.outcome.reason) == (Verdict.PROVEN, "")
