"""The screen: a record passes as it is only where every column holds every value exactly."""

import json
from decimal import Decimal

import msgspec
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from msgspec import Raw

from leads_assets.engine.declare import Column, ColumnType, Endpoint
from leads_assets.engine.records.encoder import MOST_FIELDS, RecordEncoder
from leads_assets.engine.records.values import fit

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
    return [line if line is None else bytes(line) for line in RecordEncoder(NUMBERS).lines([Raw(r) for r in records])]


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
    assert screen(*PLAIN, odd) == [*PLAIN, b'{"id":9,"_extra":{"money":"0.00001"}}']


@pytest.mark.parametrize(
    "value",
    ["0.00001", "1234567890123.45", "1e2", "1E2", "99999999999999.99995", "0.1000000000000000055", "-1e-7"],
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
            assert Decimal(kept["_extra"][column]) == Decimal(value)


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


def test_unknown_fields_stay_in_place_up_to_a_number() -> None:
    screening = RecordEncoder(NUMBERS)
    screening.lines([Raw(msgspec.json.encode({"id": 1} | {f"k{n}": n for n in range(MOST_FIELDS + 1)}))])
    assert screening.fields == [f"k{n}" for n in range(MOST_FIELDS)]


def test_records_with_fields_that_are_known_by_now_pass_as_they_are() -> None:
    screening = RecordEncoder(NUMBERS)
    record = Raw(b'{"id":1,  "new":{"a":1}}')
    screening.lines([record])
    assert list(screening.lines([record, record])) == [record, record]
    assert screening.misfits == {}


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
    assert fit(kind, sent) == written
