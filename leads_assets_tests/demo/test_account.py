"""The account's data and what changes do to it."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import EVENT_LOG_ROWS, Account

pytestmark = pytest.mark.unit

NAMES = list(ENDPOINTS)


@pytest.fixture(scope="module")
def untouched() -> Account:
    return Account()


def _ids(account: Account, endpoint: str) -> list[int]:
    return [row["id"] for row in account.rows(endpoint)]


def _page_ids(page: list[bytes]) -> list[int]:
    return [json.loads(row)["id"] for row in page]


@pytest.mark.parametrize("endpoint", NAMES)
def test_records_have_exactly_the_declared_keys(untouched: Account, endpoint: str) -> None:
    declared = {column.json_key for column in ENDPOINTS[endpoint].columns}
    records = list(untouched.rows(endpoint))
    assert records
    assert all(set(record) == declared for record in records)


@pytest.mark.parametrize("endpoint", NAMES)
def test_every_reference_resolves(untouched: Account, endpoint: str) -> None:
    records = list(untouched.rows(endpoint))
    for column in ENDPOINTS[endpoint].references:
        assert column.references is not None
        known = {None, *_ids(untouched, column.references)}
        assert {record[column.json_key] for record in records} <= known
        assert any(record[column.json_key] is not None for record in records)


@pytest.mark.parametrize("endpoint", NAMES)
def test_ids_ascend_and_leave_gaps(untouched: Account, endpoint: str) -> None:
    found = _ids(untouched, endpoint)
    assert found == sorted(set(found))
    assert found[-1] - found[0] > len(found) - 1


def test_the_same_seed_gives_the_same_account_and_another_seed_another() -> None:
    first, again, other = Account(leads=50, seed=3), Account(leads=50, seed=3), Account(leads=50, seed=4)
    for endpoint in NAMES:
        assert list(first.rows(endpoint)) == list(again.rows(endpoint))
    assert list(first.rows("leads")) != list(other.rows("leads"))


def test_a_lead_takes_about_900_bytes_and_some_fields_are_null_somewhere(untouched: Account) -> None:
    page, total = untouched.page("leads", include_unassigned=True)
    assert 850 < sum(map(len, page)) / total < 1000
    records: list[dict[str, Any]] = list(untouched.rows("leads"))
    for key in ("user_id", "client_folder_id", "amount", "closed_at", "remind_date", "description"):
        assert 0 < sum(record[key] is None for record in records) < total


def test_no_timestamp_is_newer_than_the_moment_that_is_shown(untouched: Account) -> None:
    assert untouched.now == datetime(2025, 7, 1, tzinfo=UTC)
    for record in untouched.rows("leads"):
        assert "2023-11-01" < record["created_at"] <= record["updated_at"] <= "2025-07-01T00:00:00.000Z"


def test_leads_without_an_owner_are_left_out_unless_asked_for(untouched: Account) -> None:
    owned = [record["id"] for record in untouched.rows("leads") if record["user_id"] is not None]
    page, total = untouched.page("leads")
    assert _page_ids(page) == owned[::-1]
    assert total == len(owned) < untouched.total("leads") == 250


@pytest.mark.parametrize("direction", ["asc", "desc"])
@pytest.mark.parametrize(("order", "key"), [("id", "id"), ("last_update", "updated_at"), ("created_at", "created_at")])
def test_leads_come_in_the_order_asked_for_also_after_changes(order: str, key: str, direction: str) -> None:
    account = Account(leads=80)
    account.page("leads", order=order, direction=direction, include_unassigned=True)
    known = _ids(account, "leads")
    account.update("leads", known[10:30])
    account.delete("leads", known[20:40])
    account.restore("leads", known[35:40])
    account.insert("leads", 7)
    account.insert("leads", 2, lowest=True)
    expected = sorted(account.rows("leads"), key=lambda row: (row[key], row["id"]), reverse=direction == "desc")
    page, total = account.page("leads", order=order, direction=direction, include_unassigned=True)
    assert _page_ids(page) == [row["id"] for row in expected]
    assert total == 80 - 15 + 9
    middle, _ = account.page("leads", 11, 13, order=order, direction=direction, include_unassigned=True)
    assert middle == page[11:24]


def test_updated_after_is_inclusive_to_the_millisecond(untouched: Account) -> None:
    moments = sorted(datetime.fromisoformat(row["updated_at"]) for row in untouched.rows("leads"))
    page, total = untouched.page("leads", updated_after=moments[200], include_unassigned=True)
    assert total == len(page) == 50
    later = moments[200] + timedelta(milliseconds=1)
    assert untouched.page("leads", updated_after=later, include_unassigned=True)[1] == 49


def test_an_update_changes_more_than_the_time_and_stamps_ascend_while_the_clock_stands() -> None:
    account = Account(leads=10, clock=lambda: 1_800_000_000.0)
    lead = _ids(account, "leads")[4]
    stamps = []
    for _ in range(10):
        before = account.row("leads", lead)
        assert account.update("leads", [lead]) == [lead]
        after = account.row("leads", lead)
        assert {key for key in after if after[key] != before[key]} > {"updated_at"}
        stamps.append(after["updated_at"])
    assert stamps == sorted(set(stamps))
    assert stamps[0] == datetime.fromtimestamp(1_800_000_000, UTC).isoformat(timespec="milliseconds")[:-6] + "Z"


@pytest.mark.parametrize("endpoint", NAMES)
def test_every_list_can_be_changed_and_brought_back(endpoint: str) -> None:
    account = Account(leads=60)
    truth = {row["id"]: row for row in account.rows(endpoint)}
    first, second = list(truth)[:2]
    new = account.insert(endpoint, 2)
    assert new[0] > max(truth)
    assert account.update(endpoint, [first, 1]) == [first]
    assert account.row(endpoint, first) != truth[first]
    assert account.delete(endpoint, [first, second, 1]) == [first, second]
    assert account.gone(endpoint) == (first, second)
    assert account.restore(endpoint, [second, second, 1]) == [second]
    assert account.row(endpoint, second) == truth[second]
    declared = {column.json_key for column in ENDPOINTS[endpoint].columns}
    assert all(set(row) == declared for row in account.rows(endpoint))
    assert {*truth, *new} - {first} <= set(_ids(account, endpoint))


def test_changes_of_leads_are_announced_in_the_webhook_log() -> None:
    account = Account(leads=40)
    before = account.total("webhook_events")
    lead = account.insert("leads")
    for _ in range(5):
        account.update("leads", lead)
    account.delete("leads", lead)
    news = list(account.rows("webhook_events"))[before:]
    assert [row["event"] for row in news][0::6] == ["lead.creation", "lead.deleted"]
    assert {row["event"] for row in news[1:6]} == {
        "lead.step.changed",
        "lead.status.changed",
        "lead.assigned",
        "lead.content_has_changed",
    }
    assert {row["data"]["id"] for row in news} == set(lead)


def test_the_webhook_log_keeps_only_its_newest_rows() -> None:
    account = Account(leads=40)
    oldest = _ids(account, "webhook_events")[0]
    for _ in range(EVENT_LOG_ROWS // 40 + 1):
        account.update("leads", _ids(account, "leads"))
    assert account.total("webhook_events") == EVENT_LOG_ROWS
    assert oldest not in _ids(account, "webhook_events")


def test_an_account_without_leads_has_everything_else() -> None:
    account = Account(leads=0)
    assert [account.total(name) for name in ("leads", "follow_ups", "users", "webhook_events")] == [0, 0, 23, 0]
    assert account.page("leads") == ([], 0)
    assert all(list(account.rows(name)) for name in NAMES if name not in ("leads", "follow_ups", "webhook_events"))
    assert account.insert("leads", 2) == [row["id"] for row in account.rows("leads")]
    assert account.total("webhook_events") == 2


def test_a_name_that_is_no_endpoint_raises_key_error(untouched: Account) -> None:
    with pytest.raises(KeyError):
        untouched.total("spreadsheets")
