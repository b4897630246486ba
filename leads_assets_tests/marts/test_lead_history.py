"""What is seen and what is assumed: single leads whose history was worked out by hand."""

from datetime import datetime, timedelta
from pathlib import Path
from typing import Any

import pytest

from leads_assets_tests.harness.books import Books, insert, money
from leads_assets_tests.harness.known import FEB, on

pytestmark = pytest.mark.socket

Change = tuple[str, str | None, str | None, datetime | None]


class OneLead:
    """A warehouse with lead 1, read at 06:00 of each day from 1 March on."""

    def __init__(self, folder: Path) -> None:
        self.books = Books(folder, ("leads", "steps", "webhook_events", "fields", "users"))
        with self.books.session() as session:
            steps = [{"id": step, "name": f"S{step}", "pipeline_id": 1, "position": step} for step in (1, 2, 3)]
            insert(session, "main.steps", steps)
        self.lead: dict[str, Any] = {
            "id": 1, "status": "todo", "step_id": 1, "created_at": on(1, 10), "updated_at": on(1, 10),
        }  # fmt: skip

    def read(self, day: int, *changes: Change, mode: str = "full", verdict: str = "proven") -> None:
        """A read, and the changes of the lead that it saw: field, old, new, the server's time."""
        with self.books.session() as session:
            read = self.books.read(session, on(day, 6), mode=mode, verdict=verdict)
            rows = [
                {"endpoint": "leads", "id": 1, "field": field, "old": old, "new": new, "changed_at": changed_at}
                for field, old, new, changed_at in changes
            ]
            insert(session, "ops.changes", [row | {"seen_at": read.loaded_at, "run_id": read.run_id} for row in rows])

    def event(self, number: int, moment: datetime, **data: Any) -> None:
        """An event of the webhook log, about what the lead was from `moment` on."""
        shown = {"id": 1, "updated_at": moment.isoformat()} | data
        with self.books.session() as session:
            insert(session, "main.webhook_events", [{"id": number, "event": "lead.any_update", "data": shown}])

    def history(self, *columns: str, **lead: Any) -> list[tuple[Any, ...]]:
        """The versions of the lead, when its row is as given."""
        with self.books.session() as session:
            insert(session, "main.leads", [self.lead | lead])
        self.books.build()
        return self.books.rows(f"SELECT {', '.join(columns)} FROM marts.lead_history ORDER BY version")

    def stays(self) -> list[tuple[Any, ...]]:
        """Its stays."""
        return self.books.rows("SELECT step_id, entered_by, left_by FROM marts.lead_steps ORDER BY stay")


@pytest.fixture
def one(tmp_path: Path) -> OneLead:
    """One lead."""
    return OneLead(tmp_path)


def moved(at: datetime | None, old: int = 1, new: int = 2) -> Change:
    """The lead's step changed."""
    return "step_id", str(old), str(new), at


def text(at: datetime) -> str:
    """A time as the journal keeps it."""
    return at.strftime("%Y-%m-%d %H:%M:%S+00")


def test_the_time_between_a_deletion_and_a_restoration_is_no_version(one: OneLead) -> None:
    gone = on(2, 6, 1)
    one.read(1)
    one.read(2, ("_deleted_at", None, text(gone), None))
    one.read(4, ("_deleted_at", text(gone), None, on(1, 10)))
    assert one.history("valid_from", "valid_to", "ended_by_deletion") == [
        (on(1, 10), gone, True),
        (on(4, 6), None, False),
    ]
    assert one.stays() == [(1, "first", "deleted"), (1, "restored", None)]
    days = one.books.rows("SELECT day, open_leads FROM marts.pipeline_daily ORDER BY day")
    assert [count for _, count in days] == [1, 0, 0, 1]


def test_a_lead_that_comes_back_changed_was_as_before_until_it_went(one: OneLead) -> None:
    one.read(1)
    one.read(2, ("_deleted_at", None, text(on(2, 6, 1)), None))
    one.read(3, ("_deleted_at", text(on(2, 6, 1)), None, on(2, 20)), moved(on(2, 20)))
    rows = one.history("valid_from", "valid_to", "step_id", step_id=2, updated_at=on(2, 20))
    assert rows == [(on(1, 10), on(2, 6, 1), 1), (on(2, 20), None, 2)]


def test_a_mark_that_no_journal_tells_of_ends_the_history_too(one: OneLead) -> None:
    one.read(1)
    one.read(2)
    rows = one.history("valid_to", "ended_by_deletion", _deleted_at=on(2, 6, 1))
    assert rows == [(on(2, 6, 1), True)]


def test_an_unproven_read_does_not_show_that_a_change_came_after_it(one: OneLead) -> None:
    one.read(1)
    one.read(2, verdict="unproven")
    one.read(3, moved(on(1, 20)))
    rows = one.history("valid_from", "not_before", step_id=2, updated_at=on(1, 20))
    assert rows == [(on(1, 10), None), (on(1, 20), on(1, 10))]


def test_a_read_of_changes_that_is_current_bounds_a_change_as_a_proven_one_does(one: OneLead) -> None:
    one.read(1)
    one.read(2, mode="incremental", verdict="current")
    one.read(3, moved(on(1, 20)))
    assert one.history("valid_from", "not_before", step_id=2)[1] == (on(3, 6), on(2, 6))


def test_a_part_of_a_read_is_no_load_but_dates_what_it_saw(one: OneLead) -> None:
    one.read(1)
    one.read(2, mode="part", verdict="")
    one.read(3, moved(None), mode="part", verdict="")
    assert one.history("valid_from", "not_before", step_id=2)[1] == (on(3, 6), on(1, 10))
    assert one.books.row("SELECT history_from, read_at FROM marts.clock") == (on(1, 6), on(3, 6))


def test_a_stamp_that_the_change_before_had_already_is_not_the_time_of_this_one(one: OneLead) -> None:
    one.read(1)
    one.read(2, moved(on(1, 20)), verdict="unproven")
    one.read(3, moved(on(1, 20), 2, 3))
    assert one.history("valid_from", "step_id", step_id=3, updated_at=on(1, 20)) == [
        (on(1, 10), 1),
        (on(1, 20), 2),
        (on(3, 6), 3),
    ]


def test_a_stamp_in_the_future_is_not_the_time_of_a_change(one: OneLead) -> None:
    one.read(1)
    one.read(2, moved(on(20)))
    assert one.history("valid_from", step_id=2, updated_at=on(20))[1] == (on(2, 6),)


def test_changes_are_put_in_the_order_of_loads_also_where_a_clock_went_back(one: OneLead) -> None:
    one.read(5)
    one.read(4, moved(None))
    one.read(3, moved(None, 2, 3))
    assert [step for (step,) in one.history("step_id", step_id=3)][-1] == 3
    assert one.books.rows("SELECT count(*) FROM marts.lead_history WHERE is_current") == [(1,)]


def test_null_is_a_value_and_not_the_lack_of_a_change(one: OneLead) -> None:
    one.read(1)
    one.read(2, ("amount", None, "5.0000", on(1, 20)))
    one.read(3, ("amount", "5.0000", None, on(2, 20)))
    one.read(4, ("amount", None, "7.0000", on(3, 20)))
    rows = one.history("amount", amount=7, updated_at=on(3, 20))
    assert rows == [(None,), (money(5),), (None,), (money(7),)]


@pytest.mark.parametrize("field", ["closed_at", "next_action_at"])
def test_times_that_are_tracked_are_in_the_history(one: OneLead, field: str) -> None:
    one.read(1)
    one.read(2, (field, text(on(1, 12)), text(on(5)), on(1, 20)))
    assert one.history(field, **{field: on(5)}, updated_at=on(1, 20)) == [(on(1, 12),), (on(5),)]


def test_the_currency_is_the_one_of_then(one: OneLead) -> None:
    one.read(1)
    one.read(2, ("currency", "USD", "EUR", on(1, 20)))
    assert one.history("currency", currency="EUR", updated_at=on(1, 20)) == [("USD",), ("EUR",)]


def test_counts_tell_what_had_happened_by_then(one: OneLead) -> None:
    one.read(1)
    one.read(2, ("status", "todo", "won", on(1, 12)), ("user_id", "1", "2", on(1, 12)))
    one.read(3, ("status", "won", "todo", on(2, 12)), ("next_action_at", text(on(3)), text(on(4)), on(2, 12)))
    columns = ("times_reopened", "times_reassigned", "times_postponed", "status_before")
    lead = {"user_id": 2, "next_action_at": on(4), "updated_at": on(2, 12)}
    assert one.history(*columns, **lead) == [(0, 0, 0, None), (0, 1, 0, "todo"), (1, 1, 1, "won")]


@pytest.mark.parametrize(
    ("created_at", "first_seen_at", "whole", "known_from"),
    [
        pytest.param(on(2, 10), on(3, 6, 1), True, on(2, 10), id="new since the read before"),
        pytest.param(on(1, 5), on(1, 6, 1), False, on(1, 5, 30), id="older than the history"),
        pytest.param(on(1, 10), on(3, 6, 1), False, on(1, 10), id="imported later"),
        pytest.param(on(1, 6, 0), on(1, 6, 1), True, on(1, 6, 0), id="created while the first read began"),
        pytest.param(on(1, 10), None, True, on(1, 10), id="of a warehouse that did not keep it"),
        pytest.param(on(1, 9, month=FEB), None, False, on(1, 5, 30), id="old, of such a warehouse"),
    ],
)
def test_the_life_of_a_lead_is_seen_whole_if_the_read_before_its_first_sight_was_before_it(
    one: OneLead, created_at: datetime, first_seen_at: datetime | None, whole: bool, known_from: datetime
) -> None:
    for day in (1, 2, 3):
        one.read(day)
    lead = {"created_at": created_at, "_first_seen_at": first_seen_at, "updated_at": max(created_at, on(1, 5, 30))}
    assert one.history("whole_life_seen", "known_from", **lead) == [(whole, known_from)]
    assert one.books.row("SELECT start_is_known FROM marts.lead_steps") == (known_from == created_at,)


def test_a_lead_imported_later_is_in_no_day_before_it_was_seen(one: OneLead) -> None:
    for day in (1, 2, 3):
        one.read(day)
    one.history("1", created_at=on(1, 9, month=FEB), updated_at=on(3, 1), _first_seen_at=on(3, 6, 1))
    assert one.books.rows("SELECT day, open_leads FROM marts.pipeline_daily WHERE open_leads > 0") == [
        (on(3).date(), 1)
    ]


def test_an_event_tells_what_it_holds_and_leaves_the_rest_as_it_was(one: OneLead) -> None:
    one.read(1)
    one.read(2, moved(on(1, 20), 1, 3), ("amount", "5.0000", "9.0000", on(1, 20)))
    one.event(7, on(1, 15), status="standby", step_id=2)
    lead = {"step_id": 3, "amount": 9, "updated_at": on(1, 20)}
    assert one.history("valid_from", "known_by", "status", "step_id", "amount", **lead) == [
        (on(1, 10), "journal", "todo", 1, money(5)),
        (on(1, 15), "event", "standby", 2, money(5)),
        (on(1, 20), "journal", "todo", 3, money(9)),
    ]


def test_an_event_that_tells_nothing_new_is_no_version(one: OneLead) -> None:
    one.read(1)
    one.read(2)
    one.event(7, on(1, 15), status="todo", step_id=1)
    assert one.history("valid_from", updated_at=on(1, 20)) == [(on(1, 10),)]


def test_whatever_events_tell_the_current_version_is_the_row(one: OneLead) -> None:
    one.read(1)
    one.read(2)
    one.event(7, on(1, 15), status="lost", step_id=3)
    one.event(8, on(1, 20), status="won", step_id=3)
    rows = one.history("valid_from", "status", "step_id", updated_at=on(1, 20))
    assert rows == [(on(1, 10), "todo", 1), (on(1, 15), "lost", 3), (on(1, 20), "todo", 1)]


def test_an_event_that_is_newer_than_the_row_waits_for_the_next_read(one: OneLead) -> None:
    one.read(1)
    one.event(7, on(2, 15), status="won", step_id=3)
    assert one.history("status") == [("todo",)]


@pytest.mark.parametrize(
    "shown",
    [{"step_id": "x"}, {"amount": "much"}, {"amount": 10**30, "probability": 1e308}, {"user": "Ada"}, {"closed_at": 7},
     {"updated_at": "yesterday"}, {"updated_at": None}, {"id": "none"}, {"extended_info": []}, {"user": {"id": [1]}},
     {"extended_info": {"fields_by_name": {"~/\"'": 1, "": 2}}}],
    ids=repr,
)  # fmt: skip
def test_an_event_of_a_strange_shape_fails_no_load(one: OneLead, shown: dict[str, Any]) -> None:
    one.read(1)
    one.event(7, on(1, 15), **({"status": "todo"} | shown))
    assert one.history("is_current", updated_at=on(1, 20))[-1] == (True,)
    one.books.refresh("webhook_events", [7])
    one.books.refresh("leads", [1])
    assert one.books.rows("SELECT count(*) FROM marts.leads") == [(1,)]


@pytest.mark.parametrize(
    "lead", [{"created_at": None}, {"created_at": None, "updated_at": None}, {"status": None}], ids=repr
)
def test_a_lead_that_lacks_its_times_or_its_status_has_a_history(one: OneLead, lead: dict[str, Any]) -> None:
    one.read(1)
    assert one.history("valid_from IS NOT NULL", "is_current", **lead) == [(True, True)]


def test_a_change_that_comes_while_a_read_is_loaded_counts_for_that_day(one: OneLead) -> None:
    one.read(1)
    midnight = on(2, 22, 59) + timedelta(seconds=30)  # 23:59:30 in Paris, and loaded after midnight
    with one.books.session() as session:
        one.books.read(session, midnight)
    one.history("1", created_at=midnight + timedelta(seconds=40))
    assert one.books.row("SELECT day, open_leads FROM marts.pipeline_daily WHERE is_today") == (on(2).date(), 1)


def test_keys_that_no_lead_has_are_no_error(one: OneLead) -> None:
    one.read(1)
    one.history("1")
    one.books.refresh("leads", [99])
    one.books.refresh("users", [1])
    one.books.refresh("leads", [])
    assert one.books.rows("SELECT count(*) FROM marts.lead_history") == [(1,)]
