"""The encoder: a record passes as it is only where every column holds every value exactly."""

import json
from datetime import UTC, datetime
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from leads_assets.engine.declare import Column, ColumnType, Endpoint
from leads_assets.engine.records.encoder import MOST_FIELDS, RecordEncoder
from leads_assets.engine.records.values import LARGEST_JSON, ExactParser, exact_json

pytestmark = pytest.mark.unit

NUMBERS = Endpoint(
    name="numbers",
    path="/numbers",
    description="",
    columns=(
        Column("id", ColumnType.BIGINT, "", nullable=False),
        Column("money", ColumnType.MONEY, ""),
        Column("number", ColumnType.DOUBLE, ""),
        Column("nested", ColumnType.JSON, ""),
        Column("at", ColumnType.TIMESTAMP, ""),
        Column("text", ColumnType.VARCHAR, ""),
    ),
)


def screen(*records: bytes) -> list[bytes | None]:
    """The lines of one page."""
    return [line if line is None else bytes(line) for line in RecordEncoder(NUMBERS).encode([Raw(r) for r in records])]


def extra(line: bytes | None) -> dict[str, str]:
    """What stands under `_extra`: each key with the words of its value."""
    assert line
    members = msgspec.json.decode(line, type=dict[str, Raw])["_extra"]
    words = msgspec.json.decode(msgspec.json.decode(members, type=str), type=dict[str, Raw])
    return {key: bytes(value).decode() for key, value in words.items()}


PLAIN = [
    b'{"id":1,"money":12.5,"number":0.25,"nested":{"a":[1,2.5]},"at":"2026-01-01T10:00:00.000Z","text":"x"}',
    b'{"id":2,"money":null,"number":null,"nested":null,"at":null,"text":null}',
    b'{"id":3}',
    b'{"id":4,"money":"1200.50","at":"2026-01-01T10:00:00.123456Z","text":"Ren\\u00e9 \\u1e00 "}',
    b'{"id":5,"at":"2026-01-01T10:00:00","text":"9e9z0b1e6c0e7f1E5a 1e"}',
    b'{ "id" : 6 , "text" : "\\u0041" }',
]


def test_records_that_fit_pass_byte_for_byte() -> None:
    assert screen(*PLAIN) == PLAIN


def test_one_odd_record_does_not_touch_the_others() -> None:
    odd = b'{"id":9,"money":0.00001}'
    assert screen(*PLAIN, odd) == [*PLAIN, rb'{"id":9,"_extra":"{\"money\":0.00001}"}']


@pytest.mark.parametrize(
    "value",
    [
        "0.00001",
        "1234567890123.45",
        "1e2",
        "1E2",
        "99999999999999.99995",
        "0.1000000000000000055",
        "-1e-7",
        "9007199254740993.0",
        "1e-400",
        "-0e99999",
        "1" * 400,
    ],
)
def test_a_number_that_the_fast_reading_may_bend_never_passes_unseen(value: str) -> None:
    for column in ("money", "number", "nested"):
        (line,) = screen(b'{"id":1,"%s":%s}' % (column.encode(), value.encode()))
        assert line
        kept = json.loads(line, parse_float=Decimal)
        if column in kept:
            assert Decimal(kept[column]) == Decimal(value)
            assert isinstance(kept[column], str) is (column == "money")  # money only as a text: it has no double
        else:
            assert Decimal(extra(line)[column]) == Decimal(value)


@settings(max_examples=300, deadline=None)
@given(st.from_regex(r"\A-?(0|[1-9][0-9]{0,16})(\.[0-9]{1,12})?\Z"))
@example("999999999.9999")
@example("1000000000.1")
@example("90071992.5474")
def test_what_passes_as_a_number_is_exact_in_a_double(number: str) -> None:
    (line,) = screen(b'{"id":1,"number":%s}' % number.encode())
    assert line
    kept = json.loads(line, parse_float=Decimal, parse_int=Decimal)
    if "number" in kept:
        assert Decimal(repr(float(kept["number"]))) == Decimal(number)


@settings(max_examples=300, deadline=None)
@given(st.text(st.characters(exclude_categories=["Cs"])))
@example('":1.23456')
@example('\\"12:34:56.1234567')
def test_any_text_is_kept(text: str) -> None:
    (line,) = screen(msgspec.json.encode({"id": 1, "text": text, "nested": {text: [text]}}))
    assert line
    assert json.loads(line) == {"id": 1, "text": text, "nested": {text: [text]}}


def test_a_line_is_one_line() -> None:
    for line in screen(b'{\n"id": 1,\r\n"nested": {\n}}', b'{\n"id": 2,"money":"x",\n"nested": [\n1]}', b'{"id":3}'):
        assert line
        assert b"\n" not in line
        assert b"\r" not in line


def test_records_that_are_known_to_fit_are_not_parsed_again_and_still_a_line_each() -> None:
    encoder = RecordEncoder(NUMBERS)
    records = [Raw(b'{"id":1,"unknown":1}'), Raw(b'{"id":2,\r\n"text":"x"\n}')]
    assert list(encoder.encode(records[:1], exact=True)) == records[:1]
    assert list(encoder.encode(records, exact=True)) == [b'{"id":1,"unknown":1}', b'{"id":2,  "text":"x" }']


def test_unknown_fields_stay_in_place_up_to_a_number() -> None:
    encoder = RecordEncoder(NUMBERS)
    encoder.encode([Raw(msgspec.json.encode({"id": 1} | {f"k{n}": n for n in range(MOST_FIELDS + 1)}))])
    assert encoder.fields == [f"k{n}" for n in range(MOST_FIELDS)]


def test_records_with_fields_that_are_known_by_now_pass_as_they_are() -> None:
    encoder = RecordEncoder(NUMBERS)
    record = Raw(b'{"id":1,  "new":{"a":1}}')
    encoder.encode([record])
    assert list(encoder.encode([record, record])) == [record, record]
    assert encoder.misfits == {}


@pytest.mark.parametrize(
    ("kind", "sent", "written"),
    [
        (ColumnType.BIGINT, b'"12"', b"12"),
        (ColumnType.BIGINT, b"1e3", b"1000"),
        (ColumnType.BIGINT, b'"1 2"', None),
        (ColumnType.BIGINT, '"١"'.encode(), None),
        (ColumnType.DOUBLE, b'"1e5"', b"100000.0"),
        (ColumnType.DOUBLE, b'"nan"', None),
        (ColumnType.MONEY, b"1E-4", b'"0.0001"'),
        (ColumnType.MONEY, b"1e9999", None),
        (ColumnType.MONEY, b"1e99999", None),
        (ColumnType.DATE, b'"20240101"', None),
        (ColumnType.TIMESTAMP, b'"0001-01-01T00:00:00+01:00"', None),
        (ColumnType.JSON, b"[" * 5000 + b"]" * 5000, None),
        (ColumnType.VARCHAR, b"null", b"null"),
        (ColumnType.VARCHAR, b'"cut', None),
    ],
)
def test_single_values(kind: ColumnType, sent: bytes, written: bytes | None) -> None:
    assert exact_json(kind, sent) == written


@pytest.mark.parametrize("value", ["1e400", "-1e400", "1e99999999999999999999", "1e-99999999999999999999", "9" * 5000])
def test_a_number_beyond_every_parser_is_kept_as_it_was_sent(value: str) -> None:
    for column in ("money", "number", "nested", "new"):
        (line,) = screen(b'{"id":1,"%s":%s}' % (column.encode(), value.encode()))
        assert extra(line) in ({column: value}, {column: f'{{"$unreadable":"{value}"}}'})


plain = st.from_regex(r"\A-?(0|[1-9][0-9]{0,18})(\.[0-9]{1,18})?\Z")
numbers = plain | st.from_regex(r"\A-?(0|[1-9][0-9]{0,3})(\.[0-9]{1,3})?([eE][+-]?[0-9]{1,3})?\Z")
moments = st.datetimes().map(lambda moment: moment.isoformat() + "Z") | st.from_regex(
    r"\A(0001|2024|9999)-(01|12)-(01|31)[T ]10:00:00(\.[0-9]{1,9})?(Z|[+-]1[0-4]:00)?\Z"
)
jsons = (
    numbers
    | (numbers | moments | st.from_regex(r"\A2024-0[1-3]-[0-3][0-9]\Z") | st.text(max_size=5)).map(json.dumps)
    | numbers.map("[{{}},{}]".format)
    | st.sampled_from(["null", "true", '["a"]', '["a",null]', '"1_000"', '" 1"', '"NaN"', '"+1"', '"007"', '"١"', "[]"])
)


def meaning(kind: ColumnType, written: bytes) -> object:
    """What a column of that type holds, in a form that can be compared."""
    value = json.loads(written, parse_float=Decimal, parse_int=Decimal)
    if kind in (ColumnType.BIGINT, ColumnType.DOUBLE, ColumnType.MONEY) and value is not None:
        return Decimal(value)
    if kind is ColumnType.TIMESTAMP and value is not None:
        moment = datetime.fromisoformat(value)
        return moment if moment.tzinfo else moment.replace(tzinfo=UTC)
    return value


@settings(max_examples=1000, deadline=None)
@given(st.sampled_from(ColumnType), jsons)
@example(ColumnType.DOUBLE, "9007199254740993")
@example(ColumnType.DOUBLE, '"9007199254740993"')
@example(ColumnType.MONEY, "999999999.99999")
@example(ColumnType.MONEY, '"1.00001"')
@example(ColumnType.TIMESTAMP, '"2024-01-01T10:00:00.1234567"')
@example(ColumnType.TIMESTAMP, '"0001-01-01T00:00:00+14:00"')
def test_what_passes_with_many_others_is_what_is_found_value_by_value(kind: ColumnType, value: str) -> None:
    record = b'{"id":1,"value":%s}' % value.encode()
    if ExactParser({"value": kind}).ids([Raw(b'{"id":7}'), Raw(record)]) is None:
        return
    one = exact_json(kind, value.encode())
    assert one is not None
    assert meaning(kind, one) == meaning(kind, value.encode())


@pytest.mark.parametrize(
    ("kind", "value"),
    [
        (ColumnType.DOUBLE, b"0.1"),
        (ColumnType.DOUBLE, b"1e5"),
        (ColumnType.DOUBLE, b'"12.5"'),
        (ColumnType.MONEY, b'"1200.50"'),
        (ColumnType.MONEY, b"999999999.9999"),
        (ColumnType.TIMESTAMP, b'"2024-01-01T10:00:00.123456+02:00"'),
        (ColumnType.JSON, b'{"a":[0.25,1e5,123456789012345678901234567890]}'),
    ],
)
def test_usual_values_are_not_looked_at_one_by_one(kind: ColumnType, value: bytes) -> None:
    assert ExactParser({"value": kind}).ids([Raw(b'{"id":1,"value":%s}' % value)]) == [1]


def test_odd_records_are_found_among_many() -> None:
    odd = {17, 18, 499, 997}
    records = [b'{"id":%d,"number":%s}' % (n, b"0.12345678901234567890" if n in odd else b"1.5") for n in range(1000)]
    lines = screen(*records)
    assert [n for n, line in enumerate(lines) if line != records[n]] == sorted(odd)
    assert lines[17] == rb'{"id":17,"_extra":"{\"number\":0.12345678901234567890}"}'


def test_large_json_goes_to_extra_because_a_database_reads_it_many_times_over() -> None:
    (line,) = screen(b'{"id":1,"nested":["%s"],"text":"%s"}' % (b"x" * LARGEST_JSON, b"y" * LARGEST_JSON))
    assert line
    kept = json.loads(line)
    assert len(kept["text"]) == LARGEST_JSON
    assert json.loads(extra(line)["nested"]) == ["x" * LARGEST_JSON]
