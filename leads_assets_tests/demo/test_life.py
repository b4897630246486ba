"""The life of the demo account: what its leads look like, what happened to them, and what the account says about it."""

import itertools
from collections import Counter
from collections.abc import Iterator, Mapping
from datetime import UTC, datetime, timedelta
from functools import partial
from typing import Any

import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import EVENT_LOG_DAYS, Account
from leads_assets.engine.read.ends import looks_cut

pytestmark = pytest.mark.socket

NOW = datetime(2026, 11, 24, 8, 30, tzinfo=UTC)
CLOSED = frozenset({"won", "lost", "cancelled"})
Row = Mapping[str, Any]


@pytest.fixture(scope="module")
def small() -> Account:
    return Account(now=NOW)


@pytest.fixture(scope="module")
def large() -> Account:
    return Account(leads=3_000, now=NOW)


@pytest.fixture(scope="module")
def leads(large: Account) -> list[Row]:
    return list(large.rows("leads"))


@pytest.fixture(scope="module")
def lives(large: Account) -> list[list[Row]]:
    """Of each lead that ever was, the rows that the server sent, one a change."""
    return [[version.row for version in large.history(lead) if version.row] for lead in large.leads_ever()]


def _time(text: str) -> datetime:
    return datetime.fromisoformat(text)


def _share(found: int, of: int) -> float:
    return found / of


def _changes(lives: list[list[Row]], key: str) -> Iterator[list[Any]]:
    """The values of a field of each lead in order, without repetition."""
    for rows in lives:
        values = [row[key] for row in rows]
        yield [value for place, value in enumerate(values) if place == 0 or value != values[place - 1]]


# What a lead looks like.


@pytest.mark.parametrize("leads", [1, 40, 250, 777])
@pytest.mark.parametrize("now", [datetime(2023, 8, 6, 3, tzinfo=UTC), NOW, datetime(2044, 12, 31, tzinfo=UTC)])
def test_an_account_has_the_leads_that_were_asked_for_and_is_about_eighteen_months_long(
    leads: int, now: datetime
) -> None:
    account = Account(leads=leads, now=now)
    rows = list(account.rows("leads"))
    assert len(rows) == leads
    assert max(row["updated_at"] for row in rows) <= now.isoformat()
    if leads >= 250:
        length = _time(rows[-1]["created_at"]) - _time(rows[0]["created_at"])
        assert timedelta(days=500) < length < timedelta(days=600)


def test_each_lead_agrees_with_itself(leads: list[Row], large: Account) -> None:
    pipelines = {step["id"]: step["pipeline"]["name"] for step in large.rows("steps")}
    names = {step["id"]: step["name"] for step in large.rows("steps")}
    for lead in leads:
        is_closed = lead["status"] in CLOSED
        assert is_closed == (lead["closed_at"] is not None)
        assert lead["created_at"] <= (lead["closed_at"] or lead["updated_at"]) <= lead["updated_at"]
        if is_closed:
            assert lead["probability"] == (100 if lead["status"] == "won" else 0)
            assert lead["next_action_at"] is lead["remind_date"] is lead["remind_time"] is None
        if lead["next_action_at"]:
            assert lead["next_action_at"] == f"{lead['remind_date']}T{lead['remind_time']}:00.000Z"
        assert (lead["step"], lead["pipeline"]) == (names.get(lead["step_id"]), pipelines.get(lead["step_id"]))
        if lead["amount"] is not None and lead["probability"] is not None:
            assert lead["probalized_amount"] == pytest.approx(lead["amount"] * lead["probability"] / 100)


def test_statuses_and_steps_belong_together(leads: list[Row], large: Account) -> None:
    positions = {step["id"]: step["position"] for step in large.rows("steps")}
    last = Counter(step["pipeline_id"] for step in large.rows("steps"))
    pipeline = {step["id"]: step["pipeline_id"] for step in large.rows("steps")}
    from_the_end = Counter(
        last[pipeline[lead["step_id"]]] - positions[lead["step_id"]] for lead in leads if lead["status"] == "won"
    )
    assert set(from_the_end) <= {0, 1}
    chances = [
        (positions[lead["step_id"]], lead["probability"])
        for lead in leads
        if lead["status"] == "todo" and lead["step_id"] and lead["probability"]
    ]
    averages = [
        sum(chance for place, chance in chances if place == position) / sum(place == position for place, _ in chances)
        for position in (1, 2, 3, 4)
    ]
    assert averages == sorted(averages)


def test_the_shares_are_those_of_a_sales_team(leads: list[Row]) -> None:
    status = Counter(lead["status"] for lead in leads)
    assert 0.12 < _share(status["todo"] + status["standby"], len(leads)) < 0.25
    assert 0.3 < _share(status["won"], status["won"] + status["lost"]) < 0.5
    assert 0.05 < _share(status["cancelled"], len(leads)) < 0.1
    amounts = sorted(lead["amount"] for lead in leads if lead["amount"] is not None)
    assert 4_500 < amounts[len(amounts) // 2] < 7_500
    assert amounts[-1] > 10 * amounts[len(amounts) // 2]
    cycles = sorted(_time(lead["closed_at"]) - _time(lead["created_at"]) for lead in leads if lead["status"] == "won")
    assert timedelta(days=35) < cycles[len(cycles) // 2] < timedelta(days=80)
    assert sum(lead["amount"] is None for lead in leads if lead["status"] == "won") < 0.05 * status["won"]
    for key in ("user_id", "step_id", "amount", "client_folder_id"):
        assert 0 < sum(lead[key] is None for lead in leads) < 0.3 * len(leads)


def test_sources_and_sellers_differ_in_number_and_in_luck(leads: list[Row]) -> None:
    def rates(key: str) -> dict[Any, tuple[int, float]]:
        ended = [lead for lead in leads if lead["status"] in ("won", "lost")]
        won = Counter(lead[key] for lead in ended if lead["status"] == "won")
        return {value: (count, won[value] / count) for value, count in Counter(lead[key] for lead in ended).items()}

    sources = {source: rate for source, (_, rate) in rates("created_from").items()}
    assert min(sources["email"], sources["mobile"]) > sources["web"] > sources["import"]
    sellers = [found for user, found in rates("user_id").items() if user]
    counts = sorted(count for count, _ in sellers)
    assert counts[-1] > 5 * counts[len(counts) // 4]
    skills = [rate for count, rate in sellers if count >= 100]
    assert max(skills) - min(skills) > 0.1


def test_a_customer_pays_in_one_currency_and_some_come_back_often(leads: list[Row]) -> None:
    currencies: dict[int, set[str]] = {}
    for lead in leads:
        if lead["client_folder_id"]:
            currencies.setdefault(lead["client_folder_id"], set()).add(lead["currency"])
    assert all(len(found) == 1 for found in currencies.values())
    assert len({currency for found in currencies.values() for currency in found}) >= 4
    often = Counter(lead["client_folder_id"] for lead in leads if lead["client_folder_id"])
    assert often.most_common(1)[0][1] > 4 * sorted(often.values())[len(often) // 2]


def test_next_actions_and_expected_closings_lie_on_both_sides_of_today(leads: list[Row]) -> None:
    active = [lead for lead in leads if lead["status"] not in CLOSED]
    for key in ("next_action_at", "estimated_closing_date"):
        dates = [lead[key][:10] for lead in active if lead[key]]
        past = sum(date < NOW.date().isoformat() for date in dates)
        assert 0.1 < _share(past, len(dates)) < 0.8
    assert any(lead["next_action_at"] is None for lead in active)


def test_work_is_done_on_working_days_and_little_of_it_in_august(lives: list[list[Row]]) -> None:
    moments = [_time(row["updated_at"]) for rows in lives for row in rows]
    weekdays = Counter(moment.weekday() for moment in moments)
    assert 0 < weekdays[5] + weekdays[6] < 0.1 * len(moments)
    assert sum(7 <= moment.hour < 18 for moment in moments) > 0.85 * len(moments)
    months = Counter(f"{moment:%Y-%m}" for moment in moments)
    assert months["2026-08"] < 0.7 * min(months["2026-06"], months["2026-09"])


def test_some_descriptions_hold_custom_fields_that_the_account_has_defined(leads: list[Row], large: Account) -> None:
    labels = {field["name"] for field in large.rows("fields") if field["parent_type"] == "lead"}
    lines = [line for lead in leads for line in (lead["description"] or "").split("\n") if ": " in line]
    assert 0.3 * len(leads) < len(lines) < 1.5 * len(leads)
    assert {line.split(": ")[0] for line in lines} <= labels
    events = [event for event in large.rows("webhook_events") if event["event"].startswith("lead.")]
    told = {label for event in events for label in event["data"]["extended_info"]["fields_by_name"]}
    assert {"Seats", "Discount %", "Contract ends"} < told <= labels


# What happened.


def test_leads_walk_from_step_to_step_and_some_skip_return_or_change_pipelines(
    lives: list[list[Row]], large: Account
) -> None:
    places: dict[int, tuple[int, int]] = {}
    for days in range(0, 600, 20):
        for step in Account(leads=0, now=NOW, days=-days).rows("steps"):
            places[step["id"]] = (step["pipeline_id"], step["position"])
    skipped = returned = moved = 0
    for steps in _changes(lives, "step_id"):
        walk = [places[step] for step in steps if step]
        pairs = [(a, b) for a, b in itertools.pairwise(walk) if a != b]
        skipped += any(a[0] == b[0] and b[1] > a[1] + 1 for a, b in pairs)
        returned += any(a[0] == b[0] and b[1] < a[1] for a, b in pairs)
        moved += any(a[0] != b[0] for a, b in pairs)
    assert 0.05 < _share(skipped, len(lives)) < 0.2
    assert 0.03 < _share(returned, len(lives)) < 0.15
    assert 0.005 < _share(moved, len(lives)) < 0.04


def test_some_leads_are_reopened_reassigned_retitled_repriced_put_off_or_deleted(
    lives: list[list[Row]], large: Account
) -> None:
    ever = len(lives)
    walks = [tuple(status in CLOSED for status in statuses) for statuses in _changes(lives, "status")]
    closed = sum(any(walk) for walk in walks)
    reopened = sum((True, False) in itertools.pairwise(walk) for walk in walks)
    assert 0.02 < _share(reopened, closed) < 0.06
    owners = [[owner for owner in found if owner] for found in _changes(lives, "user_id")]
    assert 0.02 < _share(sum(len(found) > 1 for found in owners), ever) < 0.08
    assert 0.02 < _share(sum(len(found) > 1 for found in _changes(lives, "title")), ever) < 0.06
    priced = [[amount for amount in found if amount] for found in _changes(lives, "amount")]
    assert 0.1 < _share(sum(len(found) > 1 for found in priced), ever) < 0.5
    assert 0.05 < _share(sum("standby" in found for found in _changes(lives, "status")), ever) < 0.25
    deleted = sum(large.history(lead)[-1].row is None for lead in large.leads_ever())
    assert deleted == ever - 3_000
    assert 0.01 < _share(deleted, ever) < 0.025


def test_people_leave_and_some_of_their_leads_are_forgotten(leads: list[Row], large: Account) -> None:
    gone = {user["id"] for user in large.rows("users") if user["is_disabled"]}
    assert 2 < len(gone) < 8
    active = [lead for lead in leads if lead["status"] not in CLOSED]
    assert 0 < sum(lead["user_id"] in gone for lead in active) < 0.1 * len(active)
    left = [
        user["id"]
        for days in (0, 180, 360, 540)
        for user in Account(leads=0, now=NOW, days=-days).rows("users")
        if user["is_disabled"]
    ]
    assert any(0 < count < 4 for count in Counter(left).values())


def test_every_eleven_weeks_one_step_gets_another_name_and_one_is_replaced() -> None:
    past = [Account(leads=250, now=NOW, days=-days) for days in range(0, 84, 7)]
    steps = [{step["id"]: step["name"] for step in account.rows("steps")} for account in past]
    assert {len(found) for found in steps} == {14}
    everywhere = set.intersection(*map(set, steps))
    assert len(everywhere) == 13
    renamed = [step for step in everywhere if len({found[step] for found in steps}) > 1]
    assert len(renamed) == 1
    told = {event["event"] for account in past for event in account.rows("webhook_events")}
    assert {"account.step.created", "account.step.deleted", "account.step.updated"} < told


def test_won_leads_are_followed_up_and_the_status_follows_from_the_tasks(large: Account, leads: list[Row]) -> None:
    won = {lead["id"] for lead in leads if lead["status"] == "won"}
    follow_ups = list(large.rows("follow_ups"))
    assert {row["lead_id"] for row in follow_ups} <= won
    assert 0.8 * len(won) < len(follow_ups) < len(won)
    for row in follow_ups:
        assert (row["status"] == "done") == (row["tasks_done_count"] == row["tasks_count"])
        assert row["created_at"] <= row["updated_at"] <= NOW.isoformat()
    assert set(Counter(row["status"] for row in follow_ups)) == {"todo", "in_progress", "late", "done"}


def test_no_list_is_as_long_as_one_that_a_server_has_cut() -> None:
    for leads, days in itertools.product((40, 168, 250, 2_000, 20_000), (-200, -14, -3, 0)):
        account = Account(leads=leads, now=NOW, days=days)
        lists = [account.total(name) for name in ENDPOINTS if name not in ("leads", "prospecting_lists")]
        lists += Counter(row["user_id"] for row in account.rows("follow_ups")).values()
        assert [length for length in lists if looks_cut(length)] == [], (leads, days)


# The webhook log.


def test_the_log_tells_what_happened_in_ten_days_with_the_leads_as_they_were(small: Account) -> None:
    events = [event for event in small.rows("webhook_events") if event["event"].startswith("lead.")]
    assert 15 < len(events) < 100
    times = [_time(event["data"]["updated_at"]) for event in events if event["event"] != "lead.deleted"]
    assert times == sorted(times)
    assert times[0] > NOW - timedelta(days=EVENT_LOG_DAYS)
    differ = 0
    for event in events:
        versions = small.history(event["data"]["id"])
        (version,) = [
            found for found in versions if found.row and found.row["updated_at"] == event["data"]["updated_at"]
        ]
        assert version.row is not None
        shared = version.row.keys() & event["data"].keys()
        assert {key: event["data"][key] for key in shared} == {key: version.row[key] for key in shared}
        differ += versions[-1] is not version
    assert differ > 3


def test_all_that_happened_to_the_watched_leads_in_ten_days_is_in_the_log(small: Account) -> None:
    since = NOW - timedelta(days=EVENT_LOG_DAYS)
    happened = [
        (version.lead_id, version.event)
        for lead in small.leads_ever()
        for version in small.history(lead)
        if version.since > since
    ]
    told = [
        (event["data"]["id"], event["event"])
        for event in small.rows("webhook_events")
        if event["event"].startswith("lead.")
    ]
    assert Counter(told) == Counter(happened)


def test_the_log_of_a_large_account_is_no_longer_than_that_of_a_small_one() -> None:
    assert 10 < Account(leads=20_000, now=NOW).total("webhook_events") < 100


# Time.


def test_the_account_of_any_day_is_that_of_the_day_before_a_day_later() -> None:
    today, tomorrow = Account(now=NOW), Account(now=NOW, days=1)
    assert today.advance(1) == tomorrow.now == NOW + timedelta(days=1)
    for name in ENDPOINTS:
        assert list(today.rows(name)) == list(tomorrow.rows(name)), name
    born_tomorrow = {row["id"]: row for row in Account(now=NOW + timedelta(days=1)).rows("leads")}
    shared = [row for row in today.rows("leads") if row["id"] in born_tomorrow]
    assert len(shared) > 245
    assert all(row == born_tomorrow[row["id"]] for row in shared)


def test_many_small_steps_lead_to_where_one_large_one_does() -> None:
    account = Account(leads=400, seed=5, now=NOW, days=-77)
    for _ in range(11):
        account.advance(7)
    at_once = Account(leads=400, seed=5, now=NOW)
    for name in ENDPOINTS:
        assert list(account.rows(name)) == list(at_once.rows(name)), name


def test_a_past_day_shows_what_the_truth_says_of_it(small: Account) -> None:
    for days in (3, 40, 200):
        past = Account(now=NOW, days=-days)
        names = {step["id"]: step["name"] for step in past.rows("steps")}
        expected = {}
        for lead in small.leads_ever():
            known = [version for version in small.history(lead) if version.since <= past.now]
            if known and known[-1].row is not None:
                expected[lead] = {**known[-1].row, "step": names.get(known[-1].row["step_id"])}
        assert {row["id"]: row for row in past.rows("leads")} == expected


def test_every_order_and_filter_holds_after_days_have_passed() -> None:
    account = Account(leads=300, now=NOW, days=-30)
    account.page("leads", order="last_update")
    account.page("leads", updated_after=NOW - timedelta(days=60))
    account.advance(30)
    rows = list(account.rows("leads"))
    fresh = Account(leads=300, now=NOW)
    for query in ({"order": "last_update"}, {"updated_after": NOW - timedelta(days=9)}, {"include_unassigned": True}):
        assert account.page("leads", **query) == fresh.page("leads", **query)
    changed = [row["id"] for row in rows if _time(row["updated_at"]) >= NOW - timedelta(days=9)]
    assert 5 < len(changed) < 100
    _, total = account.page("leads", updated_after=NOW - timedelta(days=9), include_unassigned=True)
    assert total == len(changed)


def test_what_was_done_on_request_stays_when_days_pass() -> None:
    account = Account(now=NOW, days=-60, clock=NOW.timestamp)
    ids = [row["id"] for row in account.rows("leads")]
    first, second, third = ids[-3:]
    new = account.insert("leads", 40)
    assert account.update("leads", [first]) == [first]
    assert account.delete("leads", [second, third]) == [second, third]
    assert account.restore("leads", [third]) == [third]
    kept = {lead: account.row("leads", lead) for lead in (first, third, *new)}
    assert kept[new[0]]["created_at"] >= (NOW - timedelta(days=60)).isoformat()[:23]
    account.advance(60)
    found = [row["id"] for row in account.rows("leads")]
    assert len(found) == len(set(found))
    assert second not in found
    assert account.gone("leads") == (second,)
    assert {lead: account.row("leads", lead) for lead in kept} == kept
    assert set(kept) <= set(found)


def test_the_truth_tells_what_was_done_on_request_too() -> None:
    account = Account(now=NOW)
    lead = next(row["id"] for row in account.rows("leads") if row["status"] == "todo")
    by_itself = account.history(lead)
    account.update("leads", [lead])
    account.delete("leads", [lead])
    account.restore("leads", [lead])
    (new,) = account.insert("leads")
    account.advance(100)
    versions = account.history(lead)
    assert list(versions[: len(by_itself)]) == list(by_itself)
    changed, deleted, restored = versions[len(by_itself) :]
    assert deleted.row is None
    assert deleted.event == "lead.deleted"
    assert changed.row == restored.row == account.row("leads", lead)
    assert changed.since < deleted.since < restored.since
    (came,) = account.history(new)
    assert (came.event, came.row) == ("lead.creation", account.row("leads", new))
    assert {lead, new} <= set(account.leads_ever())


def test_stamps_of_requests_move_on_with_the_account() -> None:
    account = Account(leads=40, now=NOW, days=-5, clock=NOW.timestamp)
    stamps = []
    for _ in range(3):
        (lead,) = account.insert("leads")
        stamps.append(_time(account.row("leads", lead)["updated_at"]))
        account.advance(2)
    ahead = [stamp - (NOW - timedelta(days=5)) for stamp in stamps]
    assert [round(found / timedelta(days=2), 3) for found in ahead] == [0, 1, 2]


def test_time_does_not_run_backwards_and_the_account_has_a_beginning_and_an_end() -> None:
    account = Account(leads=10, now=NOW)
    with pytest.raises(ValueError, match="only moves on"):
        account.advance(-1)
    for days in (-365 * 10, 365 * 30, 1e300, float("inf"), float("nan")):
        for call in (partial(Account, leads=10, now=NOW), account.advance):
            with pytest.raises(ValueError, match=r"lives from 2022 to 2045|calendar|only moves on|integer"):
                call(days=days)
    assert account.now == NOW


def test_an_account_without_leads_gets_none_however_long_one_waits() -> None:
    account = Account(leads=0, now=NOW)
    account.advance(400)
    assert account.total("leads") == account.total("follow_ups") == 0
    assert account.total("steps") == 14


def test_another_seed_is_another_company_and_the_same_one_the_same() -> None:
    first, again, other = (Account(leads=60, seed=seed, now=NOW) for seed in (1, 1, 2))
    assert [first.history(lead) for lead in first.leads_ever()] == [again.history(lead) for lead in again.leads_ever()]
    assert list(first.rows("leads")) != list(other.rows("leads"))


def test_a_hundred_thousand_leads_start_and_move_on_within_seconds() -> None:
    account = Account(leads=100_000, now=NOW, days=-1)
    assert len(account.page("leads", 50_000, 100, include_unassigned=True)[0]) == 100
    account.advance(1)
    assert account.total("leads") == 100_000
