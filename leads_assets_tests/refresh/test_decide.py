"""The sensor's decisions, as tables."""

import json
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leads_assets.account.changes import EVENTS
from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.errors import ApiError, HostUnreachable, QuotaExhausted
from leads_assets.engine.read.probe import Event, LogEnd, NewestChange
from leads_assets.engine.read.rank_cost import search_requests
from leads_assets.engine.records.state import SyncState
from leads_assets.refresh.cursor import LastSeen, SensorCursor, due_looks, parse_cursor, updated_last_seen
from leads_assets.refresh.decide import (
    DENIED,
    Attempts,
    Need,
    ReadRequest,
    compare_changes,
    compare_events,
    endpoints_with_events,
    look_refusal,
    reads_needed,
    reasons,
    refusal,
    run_key,
)
from leads_assets.refresh.quota import DailyQuota, quota_at

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 1, 12, tzinfo=UTC)
DAY = timedelta(days=1)
HOUR = timedelta(hours=1)
MINUTE = timedelta(minutes=1)
RECENT = NOW - HOUR
READ = (Need.CHANGES,)
FULL = (Need.RECONCILE,)
LEADS, TEAMS, STEPS = ENDPOINTS["leads"], ENDPOINTS["teams"], ENDPOINTS["steps"]
LOADED = SyncState(began=RECENT, changes_read=RECENT, full=RECENT, full_requests=203, change_requests=4)
HUNDRED = SyncState(live=100, newest=RECENT, newest_ids=frozenset({7, 8}))
THREE_MORE = SyncState(live=100, newest=RECENT, newest_ids=frozenset({7}), surplus=3)
FUTURE = datetime(2099, 1, 1, tzinfo=UTC)
ONE_AHEAD = SyncState(live=100, newest=RECENT, newest_ids=frozenset({7}), ahead=frozenset({(5, FUTURE)}))
RANKED = SyncState(live=100, newest=RECENT, newest_ids=frozenset({7}), calibration="x")
FIVE_LESS = SyncState(live=100, newest=RECENT, newest_ids=frozenset({7}), surplus=-5)


@pytest.mark.parametrize(
    ("found", "known", "needs", "inconclusive"),
    [
        (NewestChange(7, RECENT, 100), HUNDRED, (), False),
        (NewestChange(8, RECENT, 100), HUNDRED, (), False),
        (NewestChange(9, RECENT, 100), HUNDRED, READ, False),
        (NewestChange(7, NOW, 100), HUNDRED, READ, False),
        (NewestChange(7, NOW, None), HUNDRED, READ, False),
        (NewestChange(7, RECENT, None), HUNDRED, (), False),
        (NewestChange(9, NOW, 101), HUNDRED, READ, False),
        (NewestChange(7, RECENT, 99), HUNDRED, FULL, False),
        (NewestChange(9, NOW, 99), HUNDRED, FULL + READ, False),
        (NewestChange(7, RECENT, 101), HUNDRED, FULL, False),
        (NewestChange(3, RECENT - HOUR, 99), HUNDRED, FULL, False),
        (NewestChange(3, RECENT - HOUR, 100), HUNDRED, READ, True),
        (NewestChange(3, None, None), HUNDRED, READ, True),
        (NewestChange(None, None, 0), HUNDRED, FULL, False),
        (NewestChange(None, None, 0), SyncState(), (), False),
        (NewestChange(None, None, None), SyncState(), (), False),
        (NewestChange(1, NOW, 1), SyncState(), READ, False),
        (NewestChange(7, RECENT, 103), THREE_MORE, (), False),
        (NewestChange(7, RECENT, 102), THREE_MORE, FULL, False),
        (NewestChange(7, RECENT, 95), FIVE_LESS, (), False),
        (NewestChange(7, RECENT, 100, ((5, FUTURE),)), ONE_AHEAD, (), False),
        (NewestChange(7, NOW, 100, ((5, FUTURE),)), ONE_AHEAD, READ, False),
        (NewestChange(9, RECENT, 100, ((5, FUTURE),)), ONE_AHEAD, READ, False),
        (NewestChange(7, RECENT, 99, ((5, FUTURE),)), ONE_AHEAD, FULL, False),
        (NewestChange(7, RECENT, 100, ((5, FUTURE + DAY),)), ONE_AHEAD, READ, False),
        (NewestChange(7, RECENT, 100, ((6, FUTURE),)), ONE_AHEAD, READ, False),
        (NewestChange(None, None, 100, ((6, FUTURE), (5, FUTURE))), ONE_AHEAD, READ, False),
        (NewestChange(None, None, 100, ((5, FUTURE),)), ONE_AHEAD, READ, True),
        (NewestChange(7, RECENT, 99), RANKED, READ, False),
        (NewestChange(9, NOW, 99), RANKED, READ, False),
        (NewestChange(7, RECENT, 101), RANKED, READ, False),
        (NewestChange(7, RECENT, None), RANKED, READ, True),
        (NewestChange(7, RECENT, 100), RANKED, (), False),
    ],
)  # fmt: skip
def test_leads_are_compared_by_newest_change_and_total(
    found: NewestChange, known: SyncState, needs: tuple[Need, ...], inconclusive: bool
) -> None:
    observation = compare_changes(found, known)
    assert (observation.needs, observation.inconclusive) == (needs, inconclusive)


def _log(*events: tuple[int, str], whole: bool = True, is_newest: bool = True) -> LogEnd:
    return LogEnd(tuple(Event(*event) for event in events), whole, plainly=False, is_newest=is_newest)


@pytest.mark.parametrize(("after", "names"), [(7, set(EVENTS.announces)), (8, {"steps"}), (9, set())])
def test_events_that_may_have_come_and_are_not_shown_may_tell_of_every_list(after: int, names: set[str]) -> None:
    shown = _log((8, "lead.creation"), (9, "account.step.updated"), whole=False)
    assert endpoints_with_events(shown, SyncState(highest_id=after), None, EVENTS) == names


def test_a_log_that_shows_its_oldest_end_only_cannot_tell_whether_there_is_more() -> None:
    found = compare_events(_log((1, "lead.creation"), whole=False, is_newest=False), SyncState(highest_id=1))
    assert (found.needs, found.inconclusive) == (READ, True)


@pytest.mark.parametrize(
    ("ids", "highest", "needs"),
    [((1, 2), 2, ()), ((1, 2), 5, ()), ((1, 3), 2, READ), ((), 2, ()), ((), None, ()), ((0,), None, READ)],
)
def test_events_count_as_new_above_the_newest_committed_one(
    ids: tuple[int, ...], highest: int | None, needs: tuple[Need, ...]
) -> None:
    assert compare_events(_log(*((id_, "lead.creation") for id_ in ids)), SyncState(highest_id=highest)).needs == needs


@pytest.mark.parametrize(
    ("name", "endpoints"),
    [
        ("lead.creation", {"leads"}),
        ("lead.step.changed", {"leads"}),
        ("account.step.deleted", {"steps"}),
        ("account.pipeline.updated", {"pipelines"}),
        ("account.default_field.created", {"fields"}),
        ("client_folder.created", {"clients_folders"}),
        ("task.status.changed", {"follow_ups"}),
        ("prospect.updated", {"prospecting_lists"}),
        ("something.else", set()),
        ("leadership.changed", set()),
        ("", set()),
    ],
)
def test_an_event_names_the_endpoints_whose_prefix_it_has(name: str, endpoints: set[str]) -> None:
    assert endpoints_with_events(_log((1, name)), SyncState(), None, EVENTS) == endpoints


@pytest.mark.parametrize(
    ("highest", "before", "expected"),
    [
        (None, None, {"leads", "steps"}),
        (1, None, {"steps"}),
        (2, None, set()),
        (None, "1", {"steps"}),
        (1, "2", set()),
        (1, DENIED, {"steps"}),
    ],
)
def test_an_event_names_something_once_whether_committed_or_only_seen(
    highest: int | None, before: str | None, expected: set[str]
) -> None:
    look = LastSeen(before, NOW, NOW) if before else None
    found = _log((1, "lead.creation"), (2, "account.step.updated"))
    assert endpoints_with_events(found, SyncState(highest_id=highest), look, EVENTS) == expected


def test_a_look_remembers_since_when_a_list_has_looked_like_that() -> None:
    first = updated_last_seen(None, "a", RECENT)
    assert updated_last_seen(first, "a", NOW) == LastSeen("a", NOW, RECENT)
    assert updated_last_seen(first, "b", NOW) == LastSeen("b", NOW, NOW)
    assert updated_last_seen(updated_last_seen(first, "a", RECENT, notified_at=True), "a", NOW) == LastSeen(
        "a", NOW, RECENT, notified_at=RECENT
    )


def _look(since: datetime, notified_at: datetime | None = None, fingerprint: str = "f") -> LastSeen:
    return LastSeen(fingerprint, NOW, since, notified_at)


@pytest.mark.parametrize(
    ("known", "look", "needs", "expected"),
    [
        (LOADED, _look(RECENT - MINUTE), READ, []),
        (LOADED, _look(RECENT), READ, []),
        (LOADED, _look(NOW), READ, ["changes"]),
        (LOADED, _look(NOW), (), []),
        (LOADED, None, READ, []),
        (LOADED, _look(NOW), FULL, ["reconcile"]),
        (LOADED, _look(NOW), FULL + READ, ["reconcile", "changes"]),
        (LOADED, _look(RECENT - MINUTE), FULL, []),
        (SyncState(began=NOW, changes_read=NOW, full=RECENT), _look(NOW - MINUTE), FULL + READ, ["reconcile"]),
        (SyncState(began=NOW, changes_read=RECENT, full=RECENT), _look(NOW - MINUTE), READ, ["changes"]),
        (LOADED, _look(RECENT - DAY, notified_at=NOW), (), ["changes"]),
        (LOADED, _look(RECENT - DAY, notified_at=NOW), READ, ["changes"]),
        (LOADED, _look(NOW, notified_at=RECENT - MINUTE), (), []),
        (None, None, READ, ["missing"]),
        (None, _look(NOW, fingerprint="NotFound"), READ, ["missing"]),
        (SyncState(began=NOW, changes_read=NOW - 2 * DAY, full=NOW - DAY), _look(RECENT - DAY), READ, ["due"]),
        (SyncState(began=NOW, changes_read=NOW), _look(RECENT), (), ["due"]),
    ],
)
def test_a_list_is_wanted_until_a_proven_read_began_after_it_was_seen(
    known: SyncState | None, look: LastSeen | None, needs: tuple[Need, ...], expected: list[str]
) -> None:
    found = reads_needed(LEADS, known, look, needs, now=NOW, reconcile_every=DAY)
    assert [want.token.split("-")[0] for want in found] == expected


def test_a_search_for_what_is_gone_is_priced() -> None:
    known = replace(LOADED, live=145_719)
    prices = [
        want.requests
        for balance in (0, -1, -10)
        for want in reads_needed(LEADS, known, _look(NOW), READ, now=NOW, reconcile_every=DAY, balance=balance)
    ]
    assert prices == [4, 4 + search_requests(1, 145_719, 100) - 1, 4 + search_requests(10, 145_719, 100) - 1]
    assert prices[0] < prices[1] < prices[2] < LOADED.full_requests


def test_a_full_read_that_a_load_asks_for_is_wanted_once_a_day() -> None:
    known = replace(LOADED, number=7, next_full="the table got new columns")
    assert [want.token for want in _wanted(known)] == ["forced-7"]
    assert [want.requests for want in _wanted(known)] == [203]
    assert not _wanted(replace(known, forced=NOW - HOUR))
    assert _wanted(replace(known, forced=NOW - DAY))
    assert _wanted(replace(known, forced=NOW - HOUR, full_requests=4))


def _wanted(known: SyncState) -> tuple[ReadRequest, ...]:
    return reads_needed(LEADS, known, None, (), now=NOW, reconcile_every=None)


def test_a_gated_list_that_was_never_readable_is_not_wanted() -> None:
    denied = _look(NOW, fingerprint=DENIED)
    assert not reads_needed(TEAMS, None, denied, READ, now=NOW, reconcile_every=DAY)
    assert reads_needed(STEPS, None, denied, READ, now=NOW, reconcile_every=DAY)
    assert reads_needed(TEAMS, LOADED, denied, READ, now=NOW, reconcile_every=DAY)


@pytest.mark.parametrize(("need", "requests"), [(Need.CHANGES, 4), (Need.RECONCILE, 203)])
def test_a_read_of_leads_costs_what_the_last_one_of_its_kind_did(need: Need, requests: int) -> None:
    (want,) = reads_needed(LEADS, LOADED, _look(NOW), (need,), now=NOW, reconcile_every=DAY)
    assert want.requests == requests


def test_a_list_that_was_never_loaded_costs_what_it_was_found_to_need() -> None:
    (want,) = reads_needed(LEADS, None, None, (), now=NOW, reconcile_every=DAY, needed=25)
    assert (want.requests, want.reserved) == (25, True)


def test_what_a_list_needs_that_was_never_loaded_is_kept_from_the_looks() -> None:
    money = quota_at(30, [], NOW, DAY, [25])
    assert look_refusal(money, 6, None, NOW)
    assert not refusal(ReadRequest("leads", "missing", "", 25, reserved=True), Attempts(), money, None, NOW)


def test_a_read_that_is_asked_for_is_no_longer_there_for_another() -> None:
    money = DailyQuota(30, 25, DAY).after(25, reserved=True)
    assert (money.left, money.reserve) == (5, 0)
    assert DailyQuota(30, 25, DAY).after(5) == DailyQuota(25, 25, DAY)
    assert DailyQuota(None, 25, DAY).after(5) == DailyQuota(None, 25, DAY)


@pytest.mark.parametrize(
    ("size", "wait"),
    [(0, timedelta(0)), (1 << 20, timedelta(0)), (16 << 20, 90 * MINUTE), (1 << 30, 2 * HOUR)],
)
def test_the_next_look_comes_the_later_the_larger_the_answer_and_at_last_on_the_slow_beat(
    size: int, wait: timedelta
) -> None:
    assert abs(LastSeen("f", NOW, NOW, size=size).due_at - NOW - wait) < timedelta(seconds=1)


LITTLE = ReadRequest("leads", "t", "changed", 4)
LARGE = ReadRequest("leads", "t", "changed", 203, full=True)
DUE = ReadRequest("leads", "t", "due", 203, reserved=True)
PLENTY = DailyQuota(1000, 0, 12 * HOUR)


@pytest.mark.parametrize(
    ("want", "attempts", "money", "last_read", "says"),
    [
        (LITTLE, Attempts(), PLENTY, None, ""),
        (LITTLE, Attempts(), PLENTY, NOW - 6 * MINUTE, ""),
        (LITTLE, Attempts(), PLENTY, NOW - 5 * MINUTE, "waits until"),
        (LITTLE, Attempts(), PLENTY, NOW + HOUR, ""),
        (LARGE, Attempts(), PLENTY, NOW - 4 * HOUR, "waits until"),
        (LARGE, Attempts(), PLENTY, NOW - 5 * HOUR, ""),
        (DUE, Attempts(), PLENTY, NOW - MINUTE, ""),
        (LARGE, Attempts(), DailyQuota(300, 100, HOUR), None, "its read of 203 requests waits"),
        (DUE, Attempts(), DailyQuota(300, 100, HOUR), None, ""),
        (DUE, Attempts(), DailyQuota(202, 100, HOUR), None, "its read of 203 requests waits"),
        (LARGE, Attempts(), DailyQuota(None, 100, HOUR), NOW, ""),
        (LITTLE, Attempts(1, NOW - 4 * MINUTE), PLENTY, None, "asked 1 times"),
        (LITTLE, Attempts(1, NOW - 5 * MINUTE), PLENTY, None, ""),
        (LITTLE, Attempts(3, NOW - 19 * MINUTE), PLENTY, None, "asked 3 times"),
        (LITTLE, Attempts(3, NOW - 20 * MINUTE), PLENTY, None, ""),
        (DUE, Attempts(50, NOW - 23 * HOUR), PLENTY, None, "asked 50 times"),
        (DUE, Attempts(5000, NOW - DAY), PLENTY, None, ""),
    ],
)
def test_a_wanted_read_waits_for_its_turn_and_its_requests(
    want: ReadRequest, attempts: Attempts, money: DailyQuota, last_read: datetime | None, says: str
) -> None:
    notified_at = refusal(want, attempts, money, last_read, NOW)
    assert says in notified_at
    assert bool(notified_at) == bool(says)


@pytest.mark.parametrize(
    ("money", "last_look", "says"),
    [
        (PLENTY, None, ""),
        (PLENTY, NOW - 3 * MINUTE, ""),
        (PLENTY, NOW - 2 * MINUTE, "so that the day's requests last"),
        (PLENTY, NOW + DAY, ""),
        (DailyQuota(None, 0, HOUR), NOW, ""),
        (DailyQuota(0, 0, HOUR), None, "0 requests left today"),
        (DailyQuota(100, 99, HOUR), None, "100 requests left today, 99 kept for today's reconcile"),
        (DailyQuota(100, 98, HOUR), None, ""),
    ],
)
def test_a_look_waits_for_its_turn_and_leaves_the_reserve(
    money: DailyQuota, last_look: datetime | None, says: str
) -> None:
    notified_at = look_refusal(money, 2, last_look, NOW)
    assert says in notified_at
    assert bool(notified_at) == bool(says)


@pytest.mark.parametrize(
    ("full", "reserve"), [(None, 203), (NOW - DAY, 203), (NOW - 13 * HOUR, 203), (NOW - 11 * HOUR, 0), (NOW, 0)]
)
def test_requests_are_kept_for_a_reconcile_that_falls_due_today(full: datetime | None, reserve: int) -> None:
    load = SyncState(began=NOW, changes_read=NOW, full=full, full_requests=203)
    assert quota_at(2000, [load], NOW, DAY) == DailyQuota(2000, reserve, 12 * HOUR)


@pytest.mark.parametrize(("leads", "change_requests"), [(20_000, 4), (145_719, 11), (190_000, 40)])
def test_a_busy_day_keeps_within_the_quota_and_its_reconcile_fits(leads: int, change_requests: int) -> None:
    full_requests = leads // 99 + 20
    midnight = datetime(2026, 3, 1, tzinfo=UTC)
    spent, reconciled, last = 0, False, {"look": midnight - HOUR, "leads": midnight - HOUR, "events": midnight - HOUR}
    costs = {"look": 2, "leads": change_requests, "events": 2}
    for tick in range(288):
        now = midnight + tick * timedelta(minutes=5)
        full = now if reconciled else midnight - 12 * HOUR
        money = quota_at(2000 - spent, [SyncState(full=full, full_requests=full_requests)], now, DAY)
        if not reconciled and tick >= 144:
            spent, reconciled = spent + full_requests, True
            continue
        if look_refusal(money, 2, last["look"], now):
            continue
        spent, last["look"] = spent + costs["look"], now
        for name in ("leads", "events"):
            money = quota_at(2000 - spent, [SyncState(full=full, full_requests=full_requests)], now, DAY)
            if not refusal(ReadRequest(name, "t", "changed", costs[name]), Attempts(), money, last[name], now):
                spent, last[name] = spent + costs[name], now
    assert spent <= 2000


def test_the_run_key_carries_what_is_wanted_and_the_attempt() -> None:
    other = ReadRequest("steps", "t", "changed", 1)
    keys = [
        run_key([(LITTLE, 0)]),
        run_key([(LITTLE, 1)]),
        run_key([(other, 0)]),
        run_key([(LITTLE, 0), (other, 0)]),
        run_key([(LITTLE, 1), (other, 0)]),
        run_key([(LITTLE, 0), (other, 1)]),
    ]
    assert len(set(keys)) == len(keys)
    assert run_key([(LITTLE, 0), (other, 1)]) == run_key([(other, 1), (LITTLE, 0)])


def test_reasons_are_told_once_for_all_lists_that_share_them() -> None:
    chosen = [
        ReadRequest("steps", "t", "changed", 1),
        ReadRequest("users", "t", "missing", 1),
        ReadRequest("teams", "t", "changed", 1),
    ]
    assert reasons(chosen) == "changed: steps, teams; missing: users"


def test_small_lists_are_due_after_the_slow_beat_the_longest_waiting_first() -> None:
    looks = {
        "users": LastSeen("f", NOW - 3 * HOUR, NOW),
        "teams": LastSeen("f", NOW - 2 * HOUR, NOW),
        "steps": LastSeen("f", NOW - HOUR, NOW),
    }
    endpoints = [ENDPOINTS[name] for name in ("steps", "teams", "users", "fields")]
    assert due_looks(endpoints, looks, NOW) == ["fields", "users", "teams"]


def test_the_memory_survives_the_cursor() -> None:
    memory = SensorCursor(
        looks={"teams": LastSeen("f", NOW, RECENT)}, asked={"teams": NOW}, looked_at=NOW, failures=2, trouble="t"
    )
    assert parse_cursor(memory.cursor()) == memory


@pytest.mark.parametrize(
    "cursor",
    [
        None, "", "x", "[]", "null", "3", '{"looks"', '{"looks": []}', '{"failures": "many"}',
        '{"looks": {"teams": {"fingerprint": "f"}}}', '{"looked_at": "2026-01-01T00:00:00"}',
    ],
)  # fmt: skip
def test_a_cursor_that_cannot_be_read_is_an_empty_memory(cursor: str | None) -> None:
    assert parse_cursor(cursor) == SensorCursor()


def test_a_cursor_of_a_newer_version_is_read_as_far_as_it_is_known() -> None:
    newer: dict[str, Any] = {**json.loads(SensorCursor(failures=1).cursor()), "added": True}
    assert parse_cursor(json.dumps(newer)) == SensorCursor(failures=1)


@pytest.mark.parametrize(
    ("error", "failures", "pause"),
    [
        (HostUnreachable("no"), 0, 5 * MINUTE),
        (HostUnreachable("no"), 1, 10 * MINUTE),
        (HostUnreachable("no"), 3, 40 * MINUTE),
        (HostUnreachable("no"), 4, HOUR),
        (HostUnreachable("no"), 5000, HOUR),
        (QuotaExhausted("spent", NOW + 3 * HOUR), 0, 3 * HOUR),
        (QuotaExhausted("spent", NOW), 0, 5 * MINUTE),
    ],
)
def test_pauses_after_trouble_double_up_to_an_hour_or_last_as_long_as_told(
    error: ApiError, failures: int, pause: timedelta
) -> None:
    after = SensorCursor(failures=failures).after_trouble(error, NOW, 5 * MINUTE)
    assert after.failures == failures + 1
    assert after.resume_at == NOW + pause
    assert str(error) in after.pause(NOW)
    assert not after.pause(NOW + pause)


def test_a_run_that_a_clock_noted_which_ran_ahead_delays_no_other() -> None:
    money = DailyQuota(None, 0, DAY)
    assert refusal(LITTLE, Attempts(3, NOW - MINUTE), money, None, NOW)
    assert not refusal(LITTLE, Attempts(3, NOW + 365 * DAY), money, None, NOW)


@pytest.mark.parametrize("fingerprint", ["²", "٣", "1²", "9" * 5_000, "-1", "1_0", "", "f"])
def test_a_fingerprint_that_is_no_event_s_id_counts_as_none_seen(fingerprint: str) -> None:
    before = LastSeen(fingerprint, RECENT, RECENT)
    assert endpoints_with_events(_log((1, "lead.creation")), SyncState(), before, EVENTS) == {"leads"}


@pytest.mark.parametrize("ahead", [5 * MINUTE, 2 * HOUR, 365 * DAY])
def test_what_a_clock_noted_which_ran_ahead_is_forgotten(ahead: timedelta) -> None:
    wrong = NOW + ahead
    memory = SensorCursor(
        looks={
            "users": LastSeen("f", wrong, RECENT),
            "teams": LastSeen("f", RECENT, wrong),
            "steps": LastSeen("f", RECENT, RECENT, notified_at=wrong),
            "fields": LastSeen("f", RECENT, RECENT, notified_at=RECENT),
        },
        asked={"users": wrong, "fields": RECENT},
        looked_at=wrong,
    ).after_trouble(HostUnreachable("no"), wrong, 5 * MINUTE)
    assert memory.without_future(NOW) == SensorCursor(
        looks={"fields": LastSeen("f", RECENT, RECENT, notified_at=RECENT)}, asked={"fields": RECENT}
    )
    assert memory.without_future(wrong) == memory


def test_a_pause_is_kept_to_its_end_by_a_clock_that_is_right() -> None:
    memory = SensorCursor().after_trouble(QuotaExhausted("spent", NOW + DAY), NOW, 5 * MINUTE)
    assert memory.without_future(NOW + HOUR).pause(NOW + HOUR)
    assert memory.without_future(NOW - timedelta(seconds=30)) == memory


def test_a_pause_whose_begin_is_not_known_is_not_kept() -> None:
    assert not SensorCursor(failures=3, resume_at=NOW + HOUR, trouble="t").without_future(NOW).pause(NOW)
