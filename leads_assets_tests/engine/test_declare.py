"""Declarations that contradict themselves are refused where they are made."""

from typing import Any

import pytest

from leads_assets.engine.declare import Column, ColumnType, Endpoint, EventLog, FanOut, Role

pytestmark = pytest.mark.unit

COLUMNS = (
    Column("id", ColumnType.BIGINT, "Key."),
    Column("changed", ColumnType.TIMESTAMP, "Time of the last change.", key="modified"),
    Column("day", ColumnType.DATE, "Day."),
)
OTHERS = Endpoint(name="others", path="/others", description="Others.", columns=COLUMNS)


def _endpoint(**declared: Any) -> Endpoint:
    return Endpoint(name="things", path="/things", description="Things.", columns=COLUMNS, **declared)


@pytest.mark.parametrize(
    ("declared", "says"),
    [
        ({"cursor_field": "modified"}, "things: modified is no declared column of instants"),
        ({"cursor_field": "day"}, "things: day is no declared column of instants"),
        ({"created_field": "created"}, "things: created is no declared column of instants"),
        ({"fan_out": FanOut(OTHERS, "other", "other_id")}, "things: other_id is no declared column"),
        ({"change_filter": "since"}, "things: changes are read .* so they need a cursor_field"),
    ],
)
def test_a_declaration_that_contradicts_itself_is_refused(declared: dict[str, Any], says: str) -> None:
    with pytest.raises(ValueError, match=says):
        _endpoint(**declared)


def test_a_cursor_is_a_column_here_and_a_key_on_the_server() -> None:
    endpoint = _endpoint(cursor_field="changed", change_filter="since")
    assert (endpoint.cursor_field, endpoint.cursor_key) == ("changed", "modified")
    assert _endpoint().cursor_key is None


def test_only_a_log_keeps_rows_that_the_server_has_no_more() -> None:
    assert _endpoint().marks_deleted
    assert not _endpoint(role=Role.LOG).marks_deleted


def test_an_event_names_the_lists_whose_beginning_it_has() -> None:
    log = EventLog("name", {"things": ("thing.", "all."), "others": ("all.",)})
    assert log.named_by("thing.made") == {"things"}
    assert log.named_by("all.gone") == {"things", "others"}
    assert log.named_by("something.else") == log.named_by("") == frozenset()
