"""One endpoint from its parameters to its spool: changes only, user by user, and what is told meanwhile."""

from collections.abc import Mapping
from dataclasses import replace
from datetime import UTC, datetime, timedelta, timezone

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.api import DemoApi
from leads_assets.engine.errors import ApiError, BadRequest, PermissionDenied
from leads_assets.engine.http.retry import Backoff
from leads_assets.engine.read.read import PROGRESS_SECONDS, Progress
from leads_assets.engine.records.extract import ReadMode, Verdict
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.reading import ClientFactory, ids, is_proven, rows, truth
from leads_assets_tests.harness.scripted import scripted

pytestmark = pytest.mark.socket

LATE = datetime(2025, 7, 2, tzinfo=UTC)
"""Later than the last change of an untouched demo account."""


def _queries(api: DemoApi, endpoint: str) -> list[Mapping[str, str]]:
    return [query for name, query in api.requests if name == endpoint]


# The spool.


@pytest.mark.parametrize("endpoint", list(ENDPOINTS))
def test_the_spool_holds_every_row_as_the_server_has_it(
    open_api: OpenApi, reading: ClientFactory, endpoint: str
) -> None:
    api = open_api()
    extract = reading.read(api, endpoint)
    assert is_proven(extract)
    assert (extract.mode, extract.total is not None) == (ReadMode.FULL, ENDPOINTS[endpoint].paged)
    assert sorted(rows(extract), key=lambda row: row["id"]) == list(api.account.rows(endpoint))
    assert extract.spooled.count == len(rows(extract))


def test_declared_parameters_are_sent_and_can_be_replaced_or_dropped(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api()
    reading.read(api)
    sent = _queries(api, "leads")[0]
    assert sent == {**ENDPOINTS["leads"].params, "limit": "100", "offset": "0"}
    api.reset()
    extract = reading.read(api, params={"include_unassigned": "", "direction": "desc", "more": "1"}, limit=50)
    sent = _queries(api, "leads")[0]
    assert sent == {"order": "id", "direction": "desc", "more": "1", "limit": "50", "offset": "0"}
    assert is_proven(extract)
    assert all(row["user_id"] for row in rows(extract))


def test_a_failed_read_leaves_no_open_files_and_no_extract(open_api: OpenApi, reading: ClientFactory) -> None:
    with pytest.raises(PermissionDenied):
        reading.read(open_api("status=403@leads+1"))


DEEP = b'{"id":2,"updated_at":"2020-01-01T00:00:00Z","nested":' + b"[" * 5_000 + b"]" * 5_000 + b"}"
LARGE = b'{"id":2,"updated_at":"2020-01-01T00:00:00Z","name":"' + b"x" * (40 << 20) + b'"}'


@pytest.mark.parametrize("endpoint", ["leads", "users"])
@pytest.mark.parametrize("record", [DEEP, LARGE], ids=["too deep", "too large"])
def test_a_record_that_no_row_can_be_spoils_itself_and_not_its_list(
    reading: ClientFactory, endpoint: str, record: bytes
) -> None:
    body = b'{"data":[{"id":1},' + record + b',{"id":3}]}'
    last = (200, {"X-TOTAL-COUNT": "3"}, b'{"data":[{"id":3}]}')
    with scripted((200, {"X-TOTAL-COUNT": "3"}, body), last) as server:
        extract = reading.read(reading.client(server.origin), endpoint)
    assert (ids(extract), extract.spooled.rejected, extract.retries) == ([1, 3], 1, 0)
    assert is_proven(extract)  # all was read; the load says that a record could not become a row


def test_a_record_that_is_nested_too_deeply_may_stand_at_a_seam(reading: ClientFactory) -> None:
    first = b"[%s]" % b",".join([*(b'{"id":%d}' % n for n in range(100)), DEEP.replace(b'"id":2', b'"id":100')])
    last = b"[" + DEEP.replace(b'"id":2', b'"id":100') + b"]"
    for endpoint in ("leads", "prospecting_lists"):
        with scripted((200, {}, first), (200, {}, last)) as server:
            extract = reading.read(reading.client(server.origin), endpoint)
        assert (ids(extract), extract.spooled.rejected) == (list(range(100)), 1)


def test_changes_are_read_although_a_record_is_nested_too_deeply(reading: ClientFactory) -> None:
    with scripted((200, {"X-TOTAL-COUNT": "1"}, b"[" + DEEP + b"]")) as server:
        extract = reading.read(reading.client(server.origin), "leads", datetime(2020, 1, 1, tzinfo=UTC))
    assert (extract.mode, extract.spooled.rejected) == (ReadMode.INCREMENTAL, 1)


# Changes only.


def test_changes_are_asked_for_in_utc_to_the_second(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api()
    changed = api.account.update("leads", truth(api)[5:8])
    since = LATE.astimezone(timezone(timedelta(hours=5, minutes=30))).replace(microsecond=987_654)
    extract = reading.read(api, since=since)
    assert (extract.mode, is_proven(extract), ids(extract)) == (ReadMode.INCREMENTAL, True, changed)
    assert [query["updated_after"] for query in _queries(api, "leads")] == ["2025-07-02T00:00:00Z"]


def test_every_page_of_a_read_of_changes_carries_the_filter(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api(leads=600)
    changed = api.account.update("leads", truth(api)[:250])
    extract = reading.read(api, since=LATE)
    assert (is_proven(extract), ids(extract)) == (True, changed)
    assert {query.get("updated_after") for query in _queries(api, "leads")} == {"2025-07-02T00:00:00Z"}


def test_a_list_without_a_change_filter_is_read_in_full(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api()
    assert reading.read(api, "users", since=LATE).mode is ReadMode.FULL
    assert _queries(api, "users") == [{}]


def test_an_ignored_change_filter_makes_a_full_read_and_is_told(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("ignore_updated_after")
    extract = reading.read(api, since=LATE)
    assert (extract.mode, is_proven(extract), ids(extract)) == (ReadMode.FULL, True, truth(api))
    assert extract.notes == ("the server ignores `updated_after`: all rows were read",)
    assert "updated_after" not in _queries(api, "leads")[-1]


def test_old_rows_among_the_changed_ones_do_not_make_a_full_read(reading: ClientFactory) -> None:
    """A server may take a comment for a change and leave `updated_at` alone; a full read marks the rest as gone."""
    rows_by_id = {row: b'{"id":%d,"updated_at":"2025-07-0%dT00:00:00Z"}' % (row, row) for row in (1, 2, 5)}
    answers = [b"[%s,%s]" % (rows_by_id[1], rows_by_id[5]), b"[%s]" % b",".join(rows_by_id.values()), rows_by_id[5]]
    answers[2] = b"[%s]" % answers[2]
    with scripted(*((200, {}, answer) for answer in answers)) as server:
        extract = reading.read(reading.client(server.origin), since=datetime(2025, 7, 4, tzinfo=UTC))
    assert (extract.mode, is_proven(extract), ids(extract), extract.notes) == (ReadMode.INCREMENTAL, True, [1, 5], ())


@pytest.mark.parametrize(("faults", "verdict"), [(["no_total"], Verdict.UNPROVEN), ([], Verdict.PROVEN)])
def test_a_read_of_changes_without_any_row_is_believed_only_with_a_total(
    open_api: OpenApi, reading: ClientFactory, faults: list[str], verdict: Verdict
) -> None:
    api = open_api(*faults)
    extract = reading.read(api, since=LATE)
    assert (extract.verdict, extract.mode, extract.spooled.count) == (verdict, ReadMode.INCREMENTAL, 0)


# User by user.


def test_follow_ups_are_read_user_by_user_where_the_plain_list_is_refused(
    open_api: OpenApi, reading: ClientFactory
) -> None:
    api = open_api("missing_parameter@follow_ups")
    extract = reading.read(api, "follow_ups")
    assert is_proven(extract)
    assert ids(extract) == truth(api, "follow_ups")
    assert extract.notes == ("the server refuses the plain list (HTTP 400): read in parts, one for each of 23 users",)
    asked = [query.get("user_id") for query in _queries(api, "follow_ups")]
    assert asked == [None, *(str(user) for user in truth(api, "users"))]
    assert extract.requests == api.count() == 25
    assert not any("lead_id" in query for query in _queries(api, "follow_ups"))


def test_follow_ups_are_unproven_if_one_users_list_is(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("missing_parameter@follow_ups", "wrong_total=1@follow_ups+4x1")
    extract = reading.read(api, "follow_ups")
    assert extract.verdict is Verdict.UNPROVEN
    assert extract.reason.startswith("1 of 24 lists, of them the first: the server")


def test_follow_ups_are_unproven_if_the_list_of_users_is(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("missing_parameter@follow_ups", "cap_hard=10@users")
    extract = reading.read(api, "follow_ups")
    assert extract.verdict is Verdict.UNPROVEN
    assert "10 rows may be a limit" in extract.reason


def test_one_user_that_fails_fails_the_list(open_api: OpenApi, reading: ClientFactory) -> None:
    with pytest.raises(ApiError, match="follow_ups: HTTP 500"):
        reading.read(open_api("missing_parameter@follow_ups", "status=500@follow_ups+6"), "follow_ups")


def test_only_a_missing_parameter_is_a_reason_to_read_user_by_user(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("status=400@follow_ups", "missing_parameter@follow_ups+9")
    with pytest.raises(BadRequest):
        reading.read(api, "follow_ups")
    assert api.count() == 1


def test_no_other_list_is_read_user_by_user(reading: ClientFactory, open_api: OpenApi) -> None:
    api = open_api("missing_parameter@follow_ups")
    with pytest.raises(BadRequest):
        reading.read(api, replace(ENDPOINTS["follow_ups"], fan_out=None))


# Progress.


def test_progress_is_told_about_every_ten_seconds_with_an_estimate(open_api: OpenApi, reading: ClientFactory) -> None:
    api = open_api("status=500@leads+1x1", "status=500@leads+5x1", "status=500@leads+9x1", leads=1_000)
    client = reading.client(api.base_url, backoff=Backoff(first=20, longest=20))
    reading.read(client, threads=1)
    assert len(reading.told) == 3
    first = reading.told[0]
    assert (first.total, first.rows, first.requests) == (1_000, 199, 3)
    assert first.seconds >= PROGRESS_SECONDS
    assert first.seconds_left == pytest.approx(first.seconds / 199 * 801)


def test_the_estimate_is_none_without_a_total_and_never_negative() -> None:
    assert Progress(50, 200, 1, 10.0).seconds_left == pytest.approx(30)
    assert Progress(300, 200, 1, 10.0).seconds_left == 0
    assert Progress(50, None, 1, 10.0).seconds_left is None
    assert Progress(0, 200, 1, 10.0).seconds_left is None
