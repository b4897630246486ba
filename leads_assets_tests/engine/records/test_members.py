"""Single members of records, read without taking the records apart."""

import pytest
from msgspec import Raw

from leads_assets.engine.records.members import member, raw_member

pytestmark = pytest.mark.unit


@pytest.mark.parametrize(
    ("record", "raw", "value"),
    [
        (b'{"id":1,"at": "2026-01-01" }', b'"2026-01-01"', "2026-01-01"),
        (b'{"at":1.50}', b"1.50", 1.5),
        (b'{"At":1}', b"null", None),
        (b"{}", b"null", None),
        (b"5", b"null", None),
        (b'{"at":"\xff"}', b'"\xff"', None),
        (b'{"at":"\\ud83d"}', b"null", None),
        (b'{"more":' + b"[" * 50_000 + b"]" * 50_000 + b',"at":1}', b"null", None),
    ],
)
def test_a_member_is_what_was_sent_and_nothing_where_it_cannot_be_read(
    record: bytes, raw: bytes, value: object
) -> None:
    assert bytes(raw_member(Raw(record), "at")) == raw
    assert member(Raw(record), "at") == value
