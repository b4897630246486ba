"""The shape of JSON is told without parsing it, whatever stands in its texts."""

import json
import time
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leads_assets.engine.records.nesting import DEEPEST, DeepValuesCut, has_more_values

pytestmark = pytest.mark.unit

texts = st.text(max_size=6) | st.sampled_from(['"', "\\", '\\"', "[{", "}]", "\\\\", '",', "\\u0022"])
values = st.recursive(
    st.none() | st.integers() | texts, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(texts, inner)
)


def deep(levels: int) -> bytes:
    """A value of that many levels, with a text that looks like brackets in each."""
    return rb'{"a\"[":["]}\\",' * (levels // 2) + b"1" + b"]}" * (levels // 2)


def count(value: Any) -> int:
    """Values and keys."""
    if isinstance(value, dict):
        return 1 + len(value) + sum(map(count, value.values()))
    return 1 + sum(map(count, value)) if isinstance(value, list) else 1


@settings(max_examples=60, deadline=None)
@given(values, st.booleans())
@example([], False)
@example({"a": [[], {}]}, True)
def test_the_values_of_any_json_are_counted(value: Any, ascii_only: bool) -> None:
    body = json.dumps(value, ensure_ascii=ascii_only).encode("utf-8", "backslashreplace")
    found = next(most for most in range(10_000) if not has_more_values(body, most))
    # A bracket counts for the first value in it, which an empty one does not have.
    empty = sum(1 for inner in walk(value) if inner in ([], {}))
    assert found == count(value) + empty


def walk(value: Any) -> list[Any]:
    """The value and all values in it."""
    inner = value.values() if isinstance(value, dict) else value if isinstance(value, list) else ()
    return [value, *(found for item in inner for found in walk(item))]


@settings(max_examples=60, deadline=None)
@given(st.lists(st.tuples(values, st.integers(0, 400)), min_size=1, max_size=5))
def test_deep_values_are_cut_out_and_put_back(sent: list[tuple[Any, int]]) -> None:
    records = [b'{"id":1,"plain":%s,"deep":%s}' % (json.dumps(value).encode(), deep(n)) for value, n in sent]
    cut = DeepValuesCut(b"[" + b",".join(records) + b"]", level=2)
    found = json.loads(cut.json)
    assert [record["plain"] for record in found] == [value for value, _ in sent]
    assert [isinstance(record["deep"], str) for record in found] == [levels // 2 * 2 > DEEPEST for _, levels in sent]
    assert cut.put_back(cut.json) == b"[" + b",".join(records) + b"]"


@pytest.mark.parametrize("body", [b"", b'"', b'["cut', b"]]]}}", b"[" * 5000, b'{"a":[' * 300, b"\\", b'"\\'])
def test_what_is_no_json_is_left_as_it_is(body: bytes) -> None:
    assert DeepValuesCut(body, level=2).json == body
    assert has_more_values(body, 10**6) is False


def test_a_body_full_of_brackets_takes_seconds_at_most() -> None:
    began = time.monotonic()
    body = b'[{"id":1,"a":' + b"[" * (16 << 20) + b"]" * (16 << 20) + b"}]"
    cut = DeepValuesCut(body, level=2)
    assert len(cut.json) < 100
    assert cut.put_back(cut.json) == body
    assert time.monotonic() - began < 30
