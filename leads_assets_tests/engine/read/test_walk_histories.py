"""Generated histories: lists that change in every way between the pages, against a model of a few lines.

`pytest --hypothesis-profile thorough` tries 5,000 histories of each kind.
"""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any
from unittest import mock

import hypothesis.strategies as st
from hypothesis import assume, event, given

from leads_assets.engine.errors import LeadsApiError
from leads_assets.engine.read import ends
from leads_assets.engine.read import prefetch as ahead
from leads_assets.engine.records.extract import Verdict
from leads_assets_tests.harness.histories import GAP, Change, LastFirst, Server, walk

_KINDS = ("insert", "delete", "update", "restore")
_changes = st.builds(Change, st.sampled_from(_KINDS), st.one_of(st.sampled_from([0, 99]), st.integers(0, 99)))
_faults = st.dictionaries(st.integers(0, 12), st.sampled_from(["empty", "short", "error"]), max_size=3).filter(
    # An empty first page is the business of whoever asks for it.
    lambda faults: faults.get(0) != "empty"
)


@st.composite
def _servers(
    draw: Any, /, *, orders: tuple[str, ...] = ("id", "updated"), least: int = 0, cap: int | None = None, **kind: Any
) -> Server:
    ids = [GAP * (place + 1) for place in range(draw(st.integers(least, least + 14)))]
    times = list(range(1, len(ids) + 1))
    if draw(st.booleans()):
        times = draw(st.permutations(times))
    return Server(
        rows=dict(zip(ids, times, strict=True)),
        order=draw(st.sampled_from(orders)),
        descending=draw(st.booleans()),
        cap=cap or draw(st.integers(2, 6)),
        changes=draw(st.dictionaries(st.integers(0, 12), st.lists(_changes, min_size=1, max_size=4), max_size=6)),
        faults=draw(st.one_of(st.just({}), _faults)),
        **{"total": draw(st.sampled_from(["none", "true"])), **{name: draw(kind[name](ids)) for name in kind}},
    )


def _some(ids: list[int]) -> st.SearchStrategy[frozenset[int]]:
    """Up to three rows, or a stretch of neighbours."""
    if not ids:
        return st.just(frozenset())
    stretches = st.tuples(st.integers(0, len(ids) - 1), st.integers(1, 12)).map(
        lambda stretch: frozenset(ids[stretch[0] :][: stretch[1]])
    )
    return st.one_of(st.just(frozenset()), st.frozensets(st.sampled_from(ids), max_size=3), stretches)


_LIMITED: Any = {
    "total": lambda ids: st.sampled_from(["none", "true", "capped", "page"]),
    "window": lambda ids: st.none() | st.integers(1, len(ids) + 3),
    "huge": _some,
    "hidden": _some,
}
"""What keeps rows from a reader who only asks for the next page."""


def _assert_kept_its_word(server: Server, **reading: Any) -> None:
    try:
        told = walk(server, **reading)
    except LeadsApiError:
        event("raised")
        return
    event(told.outcome.verdict.value)
    if told.outcome.verdict is Verdict.PROVEN:
        # A list whose rows are hidden at both its ends looks empty.
        assume(told.ids or not server.hidden)
        assert server.survivors <= set(told.ids), f"lost {server.survivors - set(told.ids)}"
        assert server.gone_before.isdisjoint(told.ids)


@given(server=_servers(), limit=st.integers(2, 5), asked=st.booleans())
def test_a_proven_walk_has_every_row_that_lived_through_it(server: Server, limit: int, asked: bool) -> None:
    _assert_kept_its_word(server, limit=limit, asked=asked)


@given(server=_servers(orders=("id",), **_LIMITED), limit=st.integers(2, 8), threads=st.sampled_from([1, 3]))
def test_a_proven_walk_has_every_row_of_a_server_that_keeps_some_back(server: Server, limit: int, threads: int) -> None:
    with mock.patch.object(ahead, "ThreadPoolExecutor", LastFirst), _every_size_is_suspicious():
        _assert_kept_its_word(server, limit=limit, threads=threads)


@contextmanager
def _every_size_is_suspicious() -> Iterator[None]:
    """So that small lists try what is meant for those that end at a round number."""
    with ExitStack() as stack:
        for rule in ("is_worth_a_request", "looks_cut"):
            stack.enter_context(mock.patch.object(ends, rule, return_value=True))
        yield


@given(server=_servers(orders=("id",)), limit=st.integers(2, 5))
def test_a_proven_walk_has_every_row_even_if_later_pages_were_fetched_first(server: Server, limit: int) -> None:
    with mock.patch.object(ahead, "ThreadPoolExecutor", LastFirst):
        _assert_kept_its_word(server, limit=limit, threads=3)


@given(server=_servers(least=8, cap=10), is_plain=st.booleans())
def test_a_proven_list_that_was_not_meant_to_page_has_every_row_too(server: Server, is_plain: bool) -> None:
    # A plain list that is cut at no round number cannot be told from a whole one.
    assume(server.faults.get(0) != "short")
    server.is_plain = is_plain
    _assert_kept_its_word(server, paged=False, limit=100, asked=False)


@given(
    server=_servers(orders=("id",)).map(
        lambda server: Server(server.rows, "id", server.descending, server.cap, server.total)
    ),
    limit=st.integers(2, 5),
    asked=st.booleans(),
)
def test_a_calm_list_in_order_of_id_is_always_proven(server: Server, limit: int, asked: bool) -> None:
    told = walk(server, limit=limit, asked=asked)
    assert (told.outcome.verdict, told.outcome.reason) == (Verdict.PROVEN, "")
    assert set(told.ids) == set(server.rows)
