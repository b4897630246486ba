"""What was sent can be rebuilt from the row: typed columns and `_extra` together."""

import json
import math
import os
import re
import tempfile
from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, date, datetime
from decimal import Decimal, InvalidOperation
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from leads_assets.account.dialect import DIALECT
from leads_assets.engine.declare import ColumnType
from leads_assets.engine.records.page import parse_page
from leads_assets.engine.records.spool import SpoolWriter
from leads_assets.engine.records.values import ExactParser
from leads_assets.engine.warehouse.load import LoadOptions
from leads_assets.engine.warehouse.schema import Table
from leads_assets_tests.harness.desk import THINGS, WarehouseHarness

pytestmark = pytest.mark.socket

EXAMPLES = int(os.environ.get("LEADS_TEST_EXAMPLES", "24"))

TYPES = {column.name: column.type for column in THINGS.columns}


class Number:
    """A number in its own spelling."""

    def __init__(self, spelling: str) -> None:
        self.spelling = spelling

    def __repr__(self) -> str:
        return self.spelling


text = st.text(st.characters(exclude_categories=["Cs"]), max_size=12)
numbers = (
    st.integers()
    | st.integers(-(2**70), 2**70)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.decimals(allow_nan=False, allow_infinity=False, places=4).map(lambda d: Number(f"{d:f}"))
    | st.from_regex(r"\A-?(0|[1-9][0-9]{0,25})(\.[0-9]{1,25})?([eE][+-]?[0-9]{1,3})?\Z").map(Number)
)
scalars = st.none() | st.booleans() | numbers | text
values = st.recursive(scalars, lambda inner: st.lists(inner, max_size=4) | st.dictionaries(text, inner, max_size=4))
moments = st.datetimes(timezones=st.just(UTC)).map(datetime.isoformat) | st.datetimes().map(datetime.isoformat)
digits = st.from_regex(r"\A-?[0-9]{1,20}(\.[0-9]{1,6})?\Z")
likely = {
    ColumnType.BIGINT: st.integers(-(2**64), 2**64) | digits,
    ColumnType.DOUBLE: numbers | digits,
    ColumnType.MONEY: numbers | digits,
    ColumnType.BOOLEAN: st.booleans(),
    ColumnType.VARCHAR: text,
    ColumnType.TEXTS: st.lists(text | st.none(), max_size=3),
    ColumnType.DATE: st.dates().map(date.isoformat) | digits,
    ColumnType.TIMESTAMP: moments | st.dates().map(date.isoformat),
    ColumnType.JSON: values,
}
unknown = st.sampled_from(["new", "New", "new two", "_extra", "_deleted_at", "WHOLE", "a.b", 'say "x"', "id "]) | text
records = st.lists(
    st.builds(
        lambda known, other: {k: v for k, v in (other | known).items() if k != "id"},
        st.fixed_dictionaries(
            {}, optional={name: likely[kind] | values for name, kind in TYPES.items() if name != "id"}
        ),
        st.dictionaries(unknown, values, max_size=3),
    ),
    min_size=1,
    max_size=8,
)


def encode(value: Any) -> str:
    """JSON in which a Number keeps its spelling."""
    if isinstance(value, Number):
        return value.spelling
    if isinstance(value, Mapping):
        return "{" + ",".join(f"{json.dumps(key)}:{encode(item)}" for key, item in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ",".join(map(encode, value)) + "]"
    return json.dumps(value)


def exactly(number: str) -> Any:
    """A number that is equal to all others of its value, or its spelling, where Python has no such number."""
    try:
        return Decimal(number)
    except InvalidOperation:
        return f"number {number}"


def decode(source: str) -> Any:
    """JSON whose numbers are exact, and equal whatever their spelling."""
    return json.loads(source, parse_float=exactly, parse_int=exactly)


def quoted_back(value: Any) -> Any:
    """A value from `_extra`, taken out of the quotes where no database could read it."""
    if isinstance(value, dict) and set(value) == {"$unreadable"}:
        return decode(value["$unreadable"])
    return value


def agrees(kind: ColumnType | None, sent: Any, held: Any) -> bool:
    """Whether a column's value is what was sent, apart from the exceptions that the README states."""
    if kind in (ColumnType.BIGINT, ColumnType.MONEY):
        return Decimal(sent) == Decimal(held)
    if kind is ColumnType.DOUBLE:
        return Decimal(sent) == Decimal(repr(held))
    if kind is ColumnType.TIMESTAMP:
        instant = datetime.fromisoformat(sent)
        return bool((instant if instant.tzinfo else instant.replace(tzinfo=UTC)) == held)
    if kind is ColumnType.DATE:
        return bool(date.fromisoformat(sent) == held)
    if kind is ColumnType.JSON:
        return bool(decode(held) == sent)
    return bool(sent == held) and type(sent) is type(held)


def evolved(held: Any, kind: str) -> Any:
    """The JSON value that a column made for an unknown field stands for."""
    if kind == "JSON":
        return decode(held)
    return Decimal(repr(held)) if kind in ("BIGINT", "DOUBLE") else held


def check(desk: WarehouseHarness, sent: list[dict[str, Any]], options: LoadOptions | None = None) -> None:
    """Load, rebuild every record, and load again, which may change nothing."""
    lines = [encode({"id": n} | record) for n, record in enumerate(sent)]
    table = desk.load([line.encode() for line in lines], options, page=3).table
    assert_rebuilt(desk, table, lines)
    again = desk.load([line.encode() for line in lines], options, page=100).row
    assert (again.inserted, again.updated, again.outdated) == (0, 0, 0)


def assert_rebuilt(desk: WarehouseHarness, table: Table, lines: list[str]) -> None:
    """The rows of the table give these records back; both are in order of id."""
    kinds = table.columns
    picked = ", ".join('"' + name.replace('"', '""') + '"' for name in (*kinds, "_extra"))
    for line, row in zip(lines, desk.rows(f"SELECT {picked} FROM things ORDER BY id"), strict=True):
        held = dict(zip((*kinds, "_extra"), row, strict=True))
        extra = decode(held.pop("_extra") or "{}")
        for name, value in understood(decode(line)).items():
            if name in extra:
                assert held.get(name) is None
                assert quoted_back(extra.pop(name)) == value, name
            elif value is None:
                assert held.get(name) is None, name
            elif name in TYPES:
                assert agrees(TYPES[name], value, held[name]), (name, value, held[name])
            else:
                assert evolved(held[name], kinds[name]) == value, name
        assert extra == {}


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(records)
@example([{"new": True, "number": Number("1.0"), "money": Number("-0.0"), "whole": Number("1E2")}])
@example([{"new": Number("1e-7")}, {"new": 1}, {"new": 2**53 + 1}])
@example([{"nested": {"a": [Number("0.1000000000000000055511151231257827"), "0.1000000000000000055"]}}])
@example([{"updated_at": "0001-01-01T00:00:00+00:00"}, {"updated_at": "9999-12-31T23:59:59.999999"}])
@example([{"money": "99999999999999.9999"}, {"money": "100000000000000"}, {"money": "00.5"}, {"money": "-0.5"}])
@example([{"nested": Number("12345678901234567890.5")}, {"nested": "null"}, {"nested": []}, {"new": {}}])
def test_any_records_can_be_rebuilt_from_their_rows(sent: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(WarehouseHarness(Path(folder)), sent)


@settings(max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(records)
def test_any_records_can_be_rebuilt_from_frozen_tables(sent: list[dict[str, Any]]) -> None:
    with tempfile.TemporaryDirectory() as folder:
        check(WarehouseHarness(Path(folder)), sent, LoadOptions(evolve=False))


@settings(max_examples=EXAMPLES // 4, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(records, records)
def test_any_records_can_be_rebuilt_from_tables_that_others_have_shaped(
    first: list[dict[str, Any]], second: list[dict[str, Any]]
) -> None:
    with tempfile.TemporaryDirectory() as folder:
        desk = WarehouseHarness(Path(folder))
        check(desk, first)
        second += [{}] * (len(first) - len(second))  # or else the others would be rows that are gone
        # An older version would be left out, and rightly so.
        check(desk, [{key: value for key, value in record.items() if key != "updated_at"} for record in second])


# What a server can say and Python's own encoder would not.
halves = st.sampled_from([r"\ud83d", r"\udfff", r"\ude00\ud83d", r"\ud83d\ude00", r"\\ud83d", r"\"", "ü", "[{"])
spoken = st.lists(halves, max_size=4).map(lambda parts: f'"{"".join(parts)}"')
long_numbers = st.builds(
    "{}{}{}{}".format,
    st.sampled_from(["", "-"]),
    st.sampled_from(["0", "1", "12", "9007199254740993"]) | st.integers(1, 5000).map("7".__mul__),
    st.sampled_from(["", "", ".0", ".1", ".1000000000000000055", "." + "3" * 400]),
    st.sampled_from(["", "", "e400", "E-400", "e5", "E+99999", "e-99999999999999999999", "e99999999999999999999"]),
)
brackets = st.sampled_from([("[", "]"), ('{"a":', "}"), (r'[0,{"]\"":[', r'],"b":1}]')])
deep = st.builds(
    lambda levels, around, inner: around[0] * levels + inner + around[1] * levels,
    st.sampled_from([1, 2, 90, 2_000]),
    brackets,
    long_numbers | spoken,
)
keys = st.sampled_from([*sorted(TYPES.keys() - {"id"}), "new", "New", "a.b", "_extra", r"cut \ud83d"])
members = st.tuples(keys, long_numbers | spoken | deep | values.map(encode) | st.just('{"a":1,"b":2,"a":3}'))
spoken_records = st.lists(members, max_size=6).map(
    # The first key comes twice: the last value counts.
    lambda found: "".join(f',"{key}":{value}' for key, value in [*found, *((found[0][0], "1") for _ in found[4:5])])
)


@settings(max_examples=EXAMPLES, deadline=None, suppress_health_check=list(HealthCheck), print_blob=True)
@given(st.lists(spoken_records, min_size=1, max_size=5), st.sampled_from(["[{}]", '{{"data":[ {}\n]}}']))
@example([',"number":1e400,"money":1e400,"nested":1e400,"new":1e400,"whole":1e400'], "[{}]")
@example([',"number":0.1000000000000000055,"money":0.1000000000000000055,"nested":[0.1000000000000000055]'], "[{}]")
@example([f',"nested":{"[" * 2000}{"]" * 2000}', r',"text":"\ud83d"', ""], "[{}]")
def test_any_page_can_be_rebuilt_from_its_rows_and_rejects(sent: list[str], form: str) -> None:
    lines = [f'{{"id":{number}{record}}}' for number, record in enumerate(sent)]
    page = parse_page(form.format(",".join(lines)).encode(), {}, "data", DIALECT, ExactParser(TYPES))
    assert page.ids == list(range(len(lines)))
    with tempfile.TemporaryDirectory() as folder:
        desk = WarehouseHarness(Path(folder))
        extract = desk.extract([])
        writer = SpoolWriter(extract.spooled.folder, THINGS)
        writer.add(page.records, page.ids, exact=page.exact)
        table = desk.load(replace(extract, spooled=writer.close())).table
        assert_rebuilt(desk, table, [line for line in lines if not is_too_deep(line)])
        rejected = {record for (record,) in desk.rows("SELECT record FROM ops.rejected_rows")}
        expected = {bytes(raw).decode() for raw, line in zip(page.records, lines, strict=True) if is_too_deep(line)}
        assert rejected == expected


def is_too_deep(line: str) -> bool:
    """Whether no parser takes it."""
    try:
        decode(line)
    except RecursionError:
        return True
    return False


def understood(value: Any) -> Any:
    """A value in which each half of a character is the six characters of its escape."""
    if isinstance(value, str):
        return re.sub("[\ud800-\udfff]", lambda half: f"\\u{ord(half[0]):x}", value)
    if isinstance(value, dict):
        return {understood(key): understood(item) for key, item in value.items()}
    return [understood(item) for item in value] if isinstance(value, list) else value


def test_the_exceptions_are_these(tmp_path: Path) -> None:
    desk = WarehouseHarness(tmp_path)
    desk.load([b'{"id":1,"whole":"12","money":1.50,"number":1,"updated_at":"2024-01-01T12:00:00+02:00","text":null}'])
    whole, money, number, moment, note = desk.row("SELECT whole, money, number, updated_at, text FROM things")
    assert (whole, str(money), repr(number), note) == (12, "1.5000", "1.0", None)
    assert moment == datetime(2024, 1, 1, 10, tzinfo=UTC)
    assert math.isfinite(number)
    assert re.fullmatch(r"1\.5000", str(money))
