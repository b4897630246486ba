"""Bodies are read strictly: a list of records, or a fault whose words name the shape and nothing else."""

import pytest

from leads_assets.account.dialect import DIALECT
from leads_assets.engine.declare import ColumnType, Dialect
from leads_assets.engine.errors import MalformedResponse
from leads_assets.engine.records.page import parse_page
from leads_assets.engine.records.values import ExactParser

pytestmark = pytest.mark.unit

CANARY = b"canary"
DEEP = b"[" * 100_000 + b"]" * 100_000


@pytest.mark.parametrize(
    ("body", "shape"),
    [
        (b"", "an empty body"),
        (b" \n", "an empty body"),
        (b"<html>canary</html>", "a page of HTML or XML"),
        (b'{"data":null}', "`data` is null instead of a list"),
        (b'{"data":{}}', "`data` is an object instead of a list"),
        (b'{"data":{"canary":1}}', "`data` is an object instead of a list"),
        (b'{"data":"canary"}', "`data` is a text instead of a list"),
        (b'{"data":7}', "`data` is a number instead of a list"),
        (b'{"data":true}', "`data` is a boolean instead of a list"),
        (b'{"canary":[]}', "an object without `data`"),
        (b"{}", "an object without `data`"),
        (b'{"error":500,"message":"canary","type":"canary"}', "an error object without `data`"),
        (b"null", "null instead of a list"),
        (b'"canary"', "a text instead of a list"),
        (b"12", "a number instead of a list"),
        (b'{"data":[{"id":1},"canary"]}', "a list with something that is not a record"),
        (b"[null]", "a list with something that is not a record"),
        (b"[[]]", "a list with something that is not a record"),
        (b'{"data":[{"id":1},{"canary"', "broken or cut-off JSON of 27 bytes"),
        (b'[{"id":1}] canary', "broken or cut-off JSON of 17 bytes"),
        (b'[{"id":1,"canary":NaN}]', "broken or cut-off JSON of 23 bytes"),
        (b'[{"id":1,"canary":Infinity}]', "broken or cut-off JSON of 28 bytes"),
        (b'[{"id":1,"name":"canary\xff"}]', "broken or cut-off JSON of 27 bytes"),
        (b'{"data":[{"id":1,"name":"\xc3("}]}', "broken or cut-off JSON of 31 bytes"),
        (b'[{"id":1,"name":"\\q"}]', "broken or cut-off JSON of 22 bytes"),
        (b'[{"id":1,"name":"a\nb"}]', "broken or cut-off JSON of 23 bytes"),
        (DEEP, "broken or cut-off JSON of 200,000 bytes"),
        (b'[{"id":1,"deep":' + DEEP + b"}", "broken or cut-off JSON of 200,017 bytes"),
        (b'[{"id":1,"deep":' + DEEP[:-1] + b"}]", "broken or cut-off JSON of 200,017 bytes"),
        (b'[{"id":1,"deep":' + DEEP + b'},{"id":2,"name":"canary', "broken or cut-off JSON of 200,040 bytes"),
        (b'[{"id":1,"deep":' + DEEP + b',"name":"\xff"}]', "broken or cut-off JSON of 200,029 bytes"),
        ('[{"id":1}]'.encode("utf-16"), "broken or cut-off JSON of 22 bytes"),
    ],
    ids=lambda value: value if isinstance(value, str) else "",
)
def test_a_body_that_is_no_list_of_records_is_told_by_its_shape(body: bytes, shape: str) -> None:
    with pytest.raises(MalformedResponse) as caught:
        parse_page(body, {}, "data", DIALECT)
    assert str(caught.value) == shape
    # The libraries' exceptions hold on to the body.
    assert (caught.value.__cause__, caught.value.__context__) == (None, None)


def test_records_keep_the_servers_own_bytes() -> None:
    body = '{"total":9,"data":[ {"id":1, "n":1.10,"s":"ü😀"} ,{"id":2}],"more":{}}'.encode()
    page = parse_page(body, {}, "data", DIALECT)
    assert [bytes(record) for record in page.records] == ['{"id":1, "n":1.10,"s":"ü😀"}'.encode(), b'{"id":2}']
    assert (page.ids, page.total) == ([1, 2], 9)


def test_a_selector_other_than_data_is_as_strict() -> None:
    assert parse_page(b'{"rows":[{"id":1}]}', {}, "rows", DIALECT).ids == [1]
    with pytest.raises(MalformedResponse, match="an object without `rows`"):
        parse_page(b'{"data":[]}', {}, "rows", DIALECT)


@pytest.mark.parametrize(
    ("written", "identity"),
    [
        (b"1", 1),
        (b"-7", -7),
        (b"9223372036854775807", 2**63 - 1),
        (b"9223372036854775808", None),
        (b"1180591620717411303424", None),
        (b"1.0", None),
        (b"1e3", None),
        (b"true", None),
        (b"null", None),
        (b'"1"', None),
        (b"[1]", None),
    ],
)
def test_an_id_is_an_integer_of_64_bits_or_none_at_all(written: bytes, identity: int | None) -> None:
    assert parse_page(b'[{"id":' + written + b"}]", {}, "data", DIALECT).ids == [identity]
    assert parse_page(b'[{"other":1}]', {}, "data", DIALECT).ids == [None]


@pytest.mark.parametrize(
    ("header", "stated", "total"),
    [
        (None, None, None),
        ("250", None, 250),
        (" 250 ", None, 250),
        (None, b"250", 250),
        (None, b'"250"', 250),
        ("0", None, 0),
        ("10", b"12", 12),
        ("12", b"10", 12),
        ("-1", None, None),
        ("many", b"null", None),
        ("2.5e2", b"true", None),
        ("", b"-3", None),
        ("9" * 40, b"[]", None),
    ],
)
def test_a_total_is_a_count_from_header_or_body_and_the_larger_one_counts(
    header: str | None, stated: bytes | None, total: int | None
) -> None:
    headers = {} if header is None else {"X-TOTAL-COUNT": header}
    body = b'{"data":[]' + (b"" if stated is None else b',"total":' + stated) + b"}"
    assert parse_page(body, headers, "data", DIALECT).total == total


@pytest.mark.parametrize(
    ("written", "kept"),
    [
        (rb'"cut \ud83d"', rb'"cut \\ud83d"'),
        (rb'"\ude00 cut"', rb'"\\ude00 cut"'),
        (rb'"\uD83D\uD83D\uDE00"', rb'"\\uD83D\uD83D\uDE00"'),
        (rb'"whole \ud83d\ude00"', rb'"whole \ud83d\ude00"'),
        (rb'"no escape \\ud83d, \ud83d"', rb'"no escape \\ud83d, \\ud83d"'),
    ],
)
def test_half_a_character_in_one_record_does_not_keep_the_list_from_being_read(written: bytes, kept: bytes) -> None:
    page = parse_page(b'[{"id":1,"name":' + written + b'},{"id":2}]', {}, "data", DIALECT)
    assert page.ids == [1, 2]
    assert bytes(page.records[0]) == b'{"id":1,"name":' + kept + b"}"


@pytest.mark.parametrize("form", [b"[%s]", b'{"data":[%s]}', b' {"total":3,"more":' + DEEP + b',"data": [\n%s ]}'])
@pytest.mark.parametrize("value", [DEEP, b'{"a":[' * 5_000 + b"1" + b"]}" * 5_000], ids=["arrays", "objects"])
def test_a_record_that_is_nested_too_deeply_does_not_keep_the_list_from_being_read(form: bytes, value: bytes) -> None:
    deep = b'{"id":2,"text":"]}\\"[{","deep":' + value + b',"after":[[]]}'
    records = [b'{"id":1,"name":"\xc3\xbc","nested":{"a":[1]}}', deep, b'{"id":3}']
    page = parse_page(form % b",".join(records), {}, "data", DIALECT)
    assert page.ids == [1, 2, 3]
    assert [bytes(record) for record in page.records] == records
    assert not page.exact


def test_depth_and_half_a_character_on_one_page_are_both_survived() -> None:
    page = parse_page(
        rb'[{"id":1,"name":"\ud83d"},{"id":2,"deep":' + DEEP + rb',"name":"\udfff"},{"id":3}]', {}, "data", DIALECT
    )
    assert page.ids == [1, 2, 3]
    assert bytes(page.records[0]) == rb'{"id":1,"name":"\\ud83d"}'
    assert bytes(page.records[1]).endswith(rb'"name":"\\udfff"}')


def test_an_integer_of_any_length_beside_the_id_does_not_matter() -> None:
    page = parse_page(b'[{"id":1,"n":' + b"9" * 100_000 + b'},{"id":' + b"9" * 5_000 + b"}]", {}, "data", DIALECT)
    assert page.ids == [1, None]


LEADS = ExactParser({"id": ColumnType.BIGINT, "amount": ColumnType.MONEY, "name": ColumnType.VARCHAR})


@pytest.mark.parametrize(
    ("record", "exact"),
    [
        (b'{"id":1,"amount":1.5,"name":"x"}', True),
        (b'{"name":null}', True),
        (b'{"id":1,"amount":1.00001}', False),
        (b'{"id":1,"amount":1e2}', False),
        (b'{"id":1,"name":1}', False),
        (b'{"id":1,"new":1}', False),
        (b'{"id":"1"}', False),
        (rb'{"id":1,"name":"\ud83d"}', False),
    ],
)
def test_a_page_tells_whether_columns_hold_its_records_exactly(record: bytes, exact: bool) -> None:
    page = parse_page(b'[{"id":7},' + record + b"]", {}, "data", DIALECT, LEADS)
    assert page.exact is exact
    assert page.ids == parse_page(b'[{"id":7},' + record + b"]", {}, "data", DIALECT).ids
    assert not parse_page(b'[{"id":7}]', {}, "data", DIALECT).exact


@pytest.mark.parametrize(
    ("header", "key", "total"),
    [("X-Rows", "", 7), ("", "count", 9), ("", "", None), ("X-Rows", "count", 9), ("X-TOTAL-COUNT", "total", None)],
)
def test_a_total_is_looked_for_where_the_dialect_says_and_nowhere_else(
    header: str, key: str, total: int | None
) -> None:
    dialect = Dialect(key_header="X-Key", total_header=header, total_key=key)
    assert parse_page(b'{"rows":[],"count":9}', {"X-Rows": "7"}, "rows", dialect).total == total
