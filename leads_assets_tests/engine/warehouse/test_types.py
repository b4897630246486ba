"""Declared types: exact, whatever the first page looks like."""

import json
from collections.abc import Sequence
from datetime import UTC, date, datetime
from decimal import Decimal
from typing import Any

import pytest

from leads_assets_tests.harness.desk import WarehouseHarness

pytestmark = pytest.mark.socket

Sent = Sequence[tuple[str, bytes]]


def stored(desk: WarehouseHarness, values: Sent) -> list[tuple[Any, Any]]:
    """(what the column holds, what `_extra` holds) for each (column, JSON value), all sent in one load."""
    desk.load([b'{"id":%d,"%s":%s}' % (n, column.encode(), raw) for n, (column, raw) in enumerate(values)])
    columns = sorted({column for column, _ in values})
    rows = desk.rows(f"SELECT {', '.join(columns)}, _extra FROM things ORDER BY id")
    return [(row[columns.index(column)], row[-1]) for (column, _), row in zip(values, rows, strict=True)]


def test_integers_are_exact_over_all_64_bits(desk: WarehouseHarness) -> None:
    numbers = [0, -1, 2**53 + 1, 2**63 - 1, -(2**63)]
    assert stored(desk, [("whole", str(number).encode()) for number in numbers]) == [(n, None) for n in numbers]


def test_ids_beyond_doubles_are_exact(desk: WarehouseHarness) -> None:
    desk.load([{"id": 2**53 + 1}, {"id": 2**53}, {"id": 2**63 - 1}, {"id": -5}])
    assert [row[0] for row in desk.rows("SELECT id FROM things ORDER BY id")] == [-5, 2**53, 2**53 + 1, 2**63 - 1]


def test_money_is_held_exactly_as_sent(desk: WarehouseHarness) -> None:
    sent = {
        b"1200.50": "1200.5",
        b'"1200.50"': "1200.5",
        b'"0.0001"': "0.0001",
        b"99999999999999": "99999999999999",
        b"99999999999999.9999": "99999999999999.9999",
        b"1234567890123.4567": "1234567890123.4567",
        b'"99999999999999.9999"': "99999999999999.9999",
        b"-0.01": "-0.01",
        b"1e3": "1000",
        b"1.10000000": "1.1",
        b"0.30000": "0.3",
    }
    assert stored(desk, [("money", raw) for raw in sent]) == [(Decimal(held), None) for held in sent.values()]


def test_numbers_that_arrive_as_text_are_numbers_again(desk: WarehouseHarness) -> None:
    sent = [("whole", b'"12"'), ("whole", b'"-9223372036854775808"'), ("number", b'"0.1"'), ("money", b'"1200.50"')]
    assert [held for held, _ in stored(desk, sent)] == [12, -(2**63), 0.1, Decimal("1200.5")]


UNFIT: Sent = [
    ("money", b"0.00005"),
    ("money", b"100000000000000"),
    ("money", b'"1,200.50"'),
    ("money", b'"12 EUR"'),
    ("money", b"true"),
    ("whole", b"1.5"),
    ("whole", b"9223372036854775808"),
    ("whole", b"123456789012345678901234567890"),
    ("whole", b'"007"'),
    ("whole", b'""'),
    ("whole", b"true"),
    ("number", b"9007199254740993"),
    ("number", b"0.12345678901234567890"),
    ("number", b"1e-400"),
    ("number", b'"Infinity"'),
    ("flag", b"1"),
    ("flag", b'"true"'),
    ("text", b"12"),
    ("text", b"{}"),
    ("texts", b'["a",1]'),
    ("texts", b'"a"'),
    ("day", b'"2024-02-30"'),
    ("day", b'"2024-02-28T10:00:00Z"'),
    ("day", b'"2024-W01-1"'),
    ("day", b'"0001010100"'),
    ("day", b'""'),
    ("updated_at", b'"2024-01-01T10:00:00.1234567Z"'),
    ("updated_at", b'"2024-01-01T10:00:00,1234567Z"'),
    ("updated_at", b'"2024-02-30T10:00:00Z"'),
    ("updated_at", b'"     infinity       "'),
    ("updated_at", b'"0000-01-01T10:00:00Z"'),
    ("updated_at", b'""'),
    ("updated_at", b"1700000000"),
    ("updated_at", b'"1611123100"'),
    ("updated_at", b'"2024-01-01x10:00:00Z"'),
    ("nested", b'{"a":0.12345678901234567890}'),
]


def test_a_value_that_its_column_cannot_hold_exactly_stays_in_extra_as_it_was_sent(desk: WarehouseHarness) -> None:
    expected = [(None, f'{{"{column}":{raw.decode()}}}') for column, raw in UNFIT]
    assert stored(desk, UNFIT) == expected


def test_values_that_do_not_fit_are_counted_by_column_and_leave_the_other_rows_alone(desk: WarehouseHarness) -> None:
    result = desk.load([{"id": 1, "whole": "x"}, {"id": 2, "whole": 2.5, "text": 3}, {"id": 3, "whole": 3}])
    assert result.row.misfits == {"whole": 2, "text": 1}
    assert desk.row("SELECT whole, _extra FROM things WHERE id = 3") == (3, None)


def test_a_number_that_a_double_tells_from_all_others_is_held(desk: WarehouseHarness) -> None:
    sent = [b"0.1", b"1e300", b"-2.5e-7", b"123456789.987654", b"9007199254740992", b"-0.0"]
    assert stored(desk, [("number", raw) for raw in sent]) == [(float(raw), None) for raw in sent]


def test_a_time_in_any_iso_form_and_zone_becomes_its_instant(desk: WarehouseHarness) -> None:
    ten = datetime(2024, 1, 1, 10, tzinfo=UTC)
    forms = {
        "2024-01-01T10:00:00.000Z": ten,
        "2024-01-01T10:00:00Z": ten,
        "2024-01-01t10:00:00z": ten,
        "2024-01-01T10:00:00": ten,
        "2024-01-01 10:00:00": ten,
        "2024-01-01T10:00": ten,
        "2024-01-01T10:00Z": ten,
        "20240101T100000Z": ten,
        "2024-W01-1T10:00:00Z": ten,
        "2024-01-01T12:00:00+02:00": ten,
        "2024-01-01T12:00:00+0200": ten,
        "2024-01-01T12:00:00+02": ten,
        "2024-01-01 04:30:00.000-05:30": ten,
        "2024-01-01T10:00:00,5Z": ten.replace(microsecond=500000),
        "2024-01-01T10:00:00.123456Z": ten.replace(microsecond=123456),
        "2024-01-01T10:00:00.123456000Z": ten.replace(microsecond=123456),
        "2024-01-01": ten.replace(hour=0),
    }
    sent = [("updated_at", b'"%s"' % form.encode()) for form in forms]
    assert stored(desk, sent) == [(instant, None) for instant in forms.values()]


def test_an_all_null_column_and_empty_lists_keep_their_declared_types(desk: WarehouseHarness) -> None:
    desk.load([{"id": n, "whole": None, "texts": [], "day": None, "nested": []} for n in range(3)])
    desk.load([{"id": 4, "whole": 7, "texts": ["a", None], "day": "2024-05-06", "nested": {"a": [1]}}])
    kinds = dict(desk.rows("SELECT column_name, column_type FROM (DESCRIBE things)"))
    assert (kinds["whole"], kinds["texts"], kinds["day"], kinds["nested"]) == ("BIGINT", "VARCHAR[]", "DATE", "JSON")
    held = desk.row("SELECT whole, texts, day, nested FROM things WHERE id = 4")
    assert held == (7, ["a", None], date(2024, 5, 6), '{"a":[1]}')


def test_an_odd_first_page_does_not_change_the_types_of_those_that_follow(desk: WarehouseHarness) -> None:
    desk.load([{"id": n, "whole": "x", "money": [], "text": 5, "flag": "no"} for n in range(100)])
    desk.load([{"id": n, "whole": n, "money": "1.25", "text": "x", "flag": True} for n in range(100)])
    assert desk.rows("SELECT DISTINCT money, text, flag, _extra FROM things") == [(Decimal("1.25"), "x", True, None)]
    assert desk.row("SELECT sum(whole) FROM things") == (4950,)


def test_an_endpoint_without_rows_still_gets_its_typed_table(desk: WarehouseHarness) -> None:
    desk.load([], endpoint="leads")
    kinds = dict(desk.rows("SELECT column_name, column_type FROM (DESCRIBE leads)"))
    assert (kinds["id"], kinds["amount"], kinds["tags"]) == ("BIGINT", "DECIMAL(18,4)", "VARCHAR[]")


def test_texts_keep_every_character(desk: WarehouseHarness) -> None:
    text = "a\x00b \N{SNOWMAN} \U0001f600 \u2028 \r\n \\ \" '"
    desk.load([{"id": 1, "text": text, "texts": [text], "nested": {text: text}}])
    held, listed, nested = desk.row("SELECT text, texts, nested FROM things")
    assert (held, listed, json.loads(nested)) == (text, [text], {text: text})


def test_a_value_that_no_database_reads_is_quoted_in_extra(desk: WarehouseHarness) -> None:
    desk.load([b'{"id":1,"number":1e400,"other":1e400,"text":"\xff"}', {"id": 2, "other": "x"}])
    extra = json.loads(desk.row("SELECT _extra FROM things WHERE id = 1")[0])
    assert {key: value["$unreadable"] for key, value in extra.items()} == {
        "number": "1e400",
        "other": "1e400",
        "text": r'"\xff"',
    }


def test_deep_nesting_is_kept_and_stops_nothing(desk: WarehouseHarness) -> None:
    deep = {n: b"[" * levels + b"]" * levels for n, levels in enumerate((90, 127, 500, 900))}
    zigzag = {n + 10: b'{"a":[0,' * levels + b"1" + b'],"b":2}' * levels for n, levels in enumerate((40, 70, 300))}
    sent = deep | zigzag
    lines = [b'{"id":%d,"nested":%s,"other":%s}' % (n, raw, raw) for n, raw in sent.items()]
    assert desk.load([*lines, b'{"id":99,"other":1}']).row.inserted == len(sent) + 1
    assert desk.load([*lines, b'{"id":99,"other":2}']).row.updated == 1
    for n, nested, other in desk.rows("SELECT id, nested, other FROM things WHERE id < 99"):
        assert [nested, other] == [sent[n].decode()] * 2
    reordered = [line.replace(b'"b":2}', b'"b":3}') for line in lines]
    assert desk.load([*reordered, b'{"id":99,"other":2}']).row.updated == len(zigzag)


def test_lone_brackets_in_texts_are_only_texts(desk: WarehouseHarness) -> None:
    desk.load([{"id": n, "text": "[{" * 300, "money": "1.25"} for n in range(3)])
    assert desk.rows("SELECT DISTINCT length(text), money, _extra FROM things") == [(600, Decimal("1.25"), None)]


def test_a_key_that_stands_twice_counts_the_last_time(desk: WarehouseHarness) -> None:
    desk.load([b'{"id":1,"whole":1,"whole":2,"nested":{"a":1,"a":2}}', {"id": 2, "whole": 3}])
    assert desk.rows("SELECT whole, nested FROM things ORDER BY id") == [(2, '{"a":1,"a":2}'), (3, None)]
