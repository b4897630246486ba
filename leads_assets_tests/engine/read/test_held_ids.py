"""A sorted set that shares one large array behaves like a set that is sorted anew each time."""

from array import array

import hypothesis.strategies as st
import pytest
from hypothesis import given

from leads_assets.engine.read.held_ids import HeldIds

pytestmark = pytest.mark.unit

_ids = st.sets(st.integers(-20, 20))
_steps = st.lists(st.tuples(st.booleans(), _ids), max_size=6)


@given(begin=_ids, steps=_steps, low=st.integers(-22, 22), high=st.integers(-22, 22))
def test_held_ids_are_a_sorted_set_whatever_is_added_and_removed(
    begin: set[int], steps: list[tuple[bool, set[int]]], low: int, high: int
) -> None:
    model, held = set(begin), HeldIds(array("q", sorted(begin)))
    for is_added, ids in steps:
        if is_added:
            model |= ids
            held.add(ids)
        else:
            model -= ids
            held.remove(ids)
        between = sorted(row for row in model if low < row < high)
        assert (held.between(low, high), held.count_between(low, high)) == (between, len(between))
        assert held.below(low) == len([row for row in model if row < low])
        assert (len(held), low in held) == (len(model), low in model)
        if model:
            assert held.highest == max(model)
        else:
            with pytest.raises(IndexError):
                _ = held.highest


def test_an_array_that_is_out_of_order_hands_out_no_id_from_outside_of_the_range() -> None:
    assert all(3 < row < 8 for row in HeldIds([5, 1, 9, 6, 2, 7, 4]).between(3, 8))
