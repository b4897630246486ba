"""What this account declares about itself agrees with itself."""

import pytest

from leads_assets.account.changes import EVENTS
from leads_assets.account.dialect import DIALECT, ORDERING
from leads_assets.account.endpoints import CURSOR_FIELD, ENDPOINTS
from leads_assets.engine.declare import Role

pytestmark = pytest.mark.unit


def test_events_tell_of_lists_that_there_are() -> None:
    assert EVENTS.announces.keys() <= ENDPOINTS.keys()
    assert [name for name, endpoint in ENDPOINTS.items() if endpoint.event_log] == ["webhook_events"]


def test_every_list_that_tells_when_a_row_changed_or_was_made_says_so() -> None:
    for endpoint in ENDPOINTS.values():
        columns = {column.name for column in endpoint.columns}
        assert (endpoint.cursor_field == CURSOR_FIELD) is (CURSOR_FIELD in columns)
        assert (endpoint.created_field == "created_at") is ("created_at" in columns)


def test_one_list_is_a_log() -> None:
    assert [name for name, endpoint in ENDPOINTS.items() if endpoint.role is Role.LOG] == ["webhook_events"]


def test_leads_are_read_in_order_of_id_in_the_words_of_the_dialect() -> None:
    assert DIALECT.ordering is ORDERING
    params = ENDPOINTS["leads"].params
    assert params == {"order": "id", "direction": "asc", "include_unassigned": "true"}
    assert ORDERING.params(ORDERING.by_change, descending=True) == {"order": "last_update", "direction": "desc"}
