"""Known answers: literal rows in, literal rows out, all times UTC and all days Europe/Paris."""

from datetime import date, datetime
from decimal import Decimal
from typing import Any

import pytest

from leads_assets_tests.harness.books import Books, money
from leads_assets_tests.harness.known import FEB, known_account, on

pytestmark = pytest.mark.socket

MARCH_1, MARCH_2, MARCH_3 = (date(2026, 3, day) for day in (1, 2, 3))


@pytest.fixture(scope="module")
def known(tmp_path_factory: pytest.TempPathFactory) -> Books:
    """The known account."""
    return known_account(tmp_path_factory.mktemp("known"))


def versions(known: Books, lead: int) -> list[tuple[Any, ...]]:
    """From, to, step, status, amount of each version."""
    return known.rows(
        "SELECT valid_from, valid_to, step_id, status, amount FROM marts.lead_history"
        f" WHERE lead_id = {lead} ORDER BY version"
    )


def stays(known: Books, lead: int) -> list[tuple[Any, ...]]:
    """Step, days, how it came and how it left, of each stay."""
    return known.rows(
        f"SELECT step, round(days, 3), entered_by, left_by FROM marts.lead_steps WHERE lead_id = {lead} ORDER BY stay"
    )


def test_101_an_old_lead_is_seen_from_its_last_change_on_and_assumed_before(known: Books) -> None:
    assert known.rows("SELECT valid_from, valid_to, known_from FROM marts.lead_history WHERE lead_id = 101") == [
        (on(1, 9, month=FEB), None, on(10, 9, month=FEB))
    ]
    sql = "SELECT days, days_observed, start_is_known FROM marts.lead_steps WHERE lead_id = 101"
    assert known.rows(sql) == [(29.875, 20.875, False)]


def test_102_a_move_and_a_new_amount_in_one_load_are_one_version(known: Books) -> None:
    columns = "valid_from, step_id, amount, weighted_amount"
    sql = f"SELECT {columns} FROM marts.lead_history WHERE lead_id = 102 ORDER BY version"
    assert known.rows(sql) == [
        (on(1, 12), 1, money(200), money(100)),
        (on(2, 3), 2, money(250), money(125)),
    ]
    assert stays(known, 102) == [("New", 0.625, "first", "forward"), ("Quote", 1.125, "forward", None)]


def test_103_a_lead_that_goes_back_counts_as_having_come_that_far(known: Books) -> None:
    assert stays(known, 103) == [
        ("New", 0.625, "first", "forward"),
        ("Quote", 1.083, "forward", "back"),
        ("New", 0.042, "back", None),
    ]
    assert known.row("SELECT times_back FROM marts.leads WHERE lead_id = 103") == (1,)


def test_104_a_won_lead_was_never_in_the_step_that_it_was_closed_in(known: Books) -> None:
    assert stays(known, 104) == [("New", 0.75, "first", "won")]
    assert versions(known, 104) == [
        (on(1, 10), on(2, 4), 1, "todo", money(1000)),
        (on(2, 4), None, 3, "won", money(1000)),
    ]


def test_105_the_days_in_which_a_reopened_lead_was_won_belong_to_no_stay(known: Books) -> None:
    assert stays(known, 105) == [("New", 0.75, "first", "won"), ("Close", 0.167, "reopened", None)]
    sql = "SELECT is_open, times_reopened, cycle_days FROM marts.leads WHERE lead_id = 105"
    assert known.row(sql) == (True, 1, None)


def test_106_a_deleted_lead_ends_when_it_was_found_gone_and_is_in_no_list_of_leads(known: Books) -> None:
    assert versions(known, 106) == [(on(1, 10), on(2, 6, 1), 1, "todo", money(70))]
    assert stays(known, 106) == [("New", 0.834, "first", "deleted")]
    for mart in ("leads", "stuck_leads", "actions_due", "lead_tags", "lead_fields"):
        assert known.rows(f"SELECT * FROM marts.{mart} WHERE lead_id = 106") == []
    assert known.rows("SELECT * FROM marts.data_quality WHERE id = 106") == []


def test_107_a_lead_without_step_owner_and_amount_is_there_and_has_four_findings(known: Books) -> None:
    sql = "SELECT step_id, step, pipeline, owner, owner_has_left, amount FROM marts.leads WHERE lead_id = 107"
    assert known.row(sql) == (None,) * 6
    assert known.rows("SELECT finding FROM marts.data_quality WHERE id = 107 ORDER BY ALL") == [
        ("lead without a known step",),
        ("open lead without a next action",),
        ("open lead without amount",),
        ("open lead without owner",),
    ]
    sql = "SELECT open_leads, leads_without_amount FROM marts.pipeline_daily WHERE is_today AND step_id IS NULL"
    assert known.row(sql) == (1, 1)


def test_108_another_currency_is_a_line_of_its_own_everywhere(known: Books) -> None:
    assert known.rows("SELECT open_amount FROM marts.owners WHERE currency = 'USD'") == [(money(900),)]
    sql = "SELECT open_leads, amount FROM marts.pipeline_daily WHERE currency = 'USD' AND is_today"
    assert known.rows(sql) == [(1, money(900))]


def test_109_a_step_that_is_renamed_moves_no_lead(known: Books) -> None:
    assert versions(known, 109) == [(on(1, 10), None, 1, "todo", money(40))]


def test_110_a_move_whose_time_the_server_did_not_keep_is_dated_by_the_read_that_saw_it(known: Books) -> None:
    assert [start for start, *_ in versions(known, 110)] == [on(1, 10), on(3, 6)]
    sql = "SELECT not_before FROM marts.lead_history WHERE lead_id = 110 AND version = 2"
    assert known.row(sql) == (on(2, 6),)


def test_111_days_and_months_are_those_of_the_report_not_of_utc(known: Books) -> None:
    sql = "SELECT created_on, closed_on, whole_life_seen FROM marts.leads WHERE lead_id = 111"
    assert known.row(sql) == (MARCH_1, MARCH_1, False)
    assert known.row("SELECT known_from FROM marts.lead_history WHERE lead_id = 111") == (on(28, 23, 45, FEB),)


def test_112_a_lead_is_in_the_funnel_of_each_pipeline_that_it_was_in(known: Books) -> None:
    assert stays(known, 112) == [("Quote", 0.792, "first", "other pipeline"), ("Talk", 1.042, "other pipeline", None)]
    sql = "SELECT step, leads, reached, entered, waiting_here FROM marts.funnel WHERE pipeline = 'Side'"
    assert known.rows(sql) == [("Talk", 1, 1, 1, 1)]


def test_113_an_event_shows_a_move_between_two_reads(known: Books) -> None:
    assert stays(known, 113) == [
        ("New", 0.667, "first", "forward"),
        ("Quote", 0.083, "forward", "forward"),
        ("Close", 1.083, "forward", None),
    ]
    sql = "SELECT known_by FROM marts.lead_history WHERE lead_id = 113 ORDER BY version"
    assert known.rows(sql) == [("journal",), ("event",), ("journal",)]


def test_114_another_amount_in_the_same_step_is_the_same_stay(known: Books) -> None:
    assert [amount for *_, amount in versions(known, 114)] == [money(500), None]
    assert stays(known, 114) == [("Quote", 1.833, "first", None)]


def test_115_a_step_that_was_deleted_keeps_its_name_in_the_history(known: Books) -> None:
    assert stays(known, 115) == [("Old", 0.75, "first", "other step"), ("Quote", 1.083, "other step", None)]


def test_the_clock_speaks_as_of_the_last_read_and_says_that_it_is_unproven(known: Books) -> None:
    sql = "SELECT as_of, complete_as_of, verdict, reason, today, read_at, history_from, time_zone FROM marts.clock"
    assert known.row(sql) == (
        on(3, 6), on(2, 6), "unproven", "rows moved", MARCH_3, on(3, 6), on(1, 6), "Europe/Paris",
    )  # fmt: skip


def test_the_proof_names_the_list_that_is_unproven_and_those_that_were_never_read(known: Books) -> None:
    sql = "SELECT verdict, as_of, complete_as_of, reason, not_in_this_account FROM marts.proof WHERE model = 'leads'"
    assert known.row(sql) == ("unproven", on(3, 6), on(2, 6), "leads: rows moved", ["steps", "teams", "users"])


def test_the_funnel_of_march(known: Books) -> None:
    sql = (
        "SELECT step, leads, reached, reached_next, entered, won, waiting_here FROM marts.funnel"
        " WHERE pipeline = 'Main' AND cohort = DATE '2026-03-01' ORDER BY position"
    )
    assert known.rows(sql) == [
        ("New", 12, 12, 9, 9, 1, 3),
        ("Quote", 12, 9, 3, 7, 1, 4),
        ("Close", 12, 3, None, 3, 1, 2),
    ]


def test_the_outcomes_of_march(known: Books) -> None:
    sql = (
        "SELECT month, sum(won), sum(won_amount), sum(lost), sum(lost_amount), round(max(won_cycle_days), 3),"
        " round(max(lost_cycle_days), 3) FROM marts.outcomes GROUP BY month"
    )
    assert known.rows(sql) == [(MARCH_1, 1, money(1000), 1, money(30), 0.75, 0.01)]


def test_the_pipeline_of_each_day(known: Books) -> None:
    sql = (
        "SELECT day, coalesce(step, '-'), currency, open_leads, amount FROM marts.pipeline_daily"
        " WHERE open_leads > 0 ORDER BY ALL"
    )
    assert known.rows(sql) == [
        (MARCH_1, "-", "EUR", 1, money(0)),
        (MARCH_1, "New", "EUR", 8, money(1980)),
        (MARCH_1, "New", "USD", 1, money(900)),
        (MARCH_1, "Old", "EUR", 1, money(20)),
        (MARCH_1, "Quote", "EUR", 3, money(680)),
        (MARCH_2, "-", "EUR", 1, money(0)),
        (MARCH_2, "Close", "EUR", 1, money(10)),
        (MARCH_2, "New", "EUR", 2, money(100)),
        (MARCH_2, "New", "USD", 1, money(900)),
        (MARCH_2, "Quote", "EUR", 5, money(470)),
        (MARCH_2, "Talk", "EUR", 1, money(80)),
        (MARCH_3, "-", "EUR", 1, money(0)),
        (MARCH_3, "Close", "EUR", 2, money(510)),
        (MARCH_3, "New", "EUR", 2, money(140)),
        (MARCH_3, "New", "USD", 1, money(900)),
        (MARCH_3, "Quote", "EUR", 5, money(430)),
        (MARCH_3, "Talk", "EUR", 1, money(80)),
    ]


def test_actions_are_due_in_the_time_zone_of_their_owner(known: Books) -> None:
    sql = "SELECT id, time_zone, due_on, due, days_late FROM marts.actions_due ORDER BY id"
    assert known.rows(sql) == [
        (101, "Asia/Tokyo", MARCH_3, "today", 0),
        (102, "Asia/Tokyo", date(2026, 3, 4), "next 7 days", -1),
        (103, "Europe/Paris", MARCH_2, "overdue", 1),
    ]


def test_the_flow_through_the_steps_of_march(known: Books) -> None:
    sql = (
        "SELECT step, entries, went_on, went_back, went_elsewhere, won, lost, deleted, still_there, leads"
        " FROM marts.step_flow WHERE month = DATE '2026-03-01' AND step_id IN (1, 2) ORDER BY position"
    )
    assert known.rows(sql) == [
        # 102, 103, 110, 113 went on; 104, 105 won; 106 deleted; 103 again, 108, 109 are there.
        ("New", 10, 4, 0, 0, 2, 0, 1, 3, 9),
        # 102, 110, 114, 115 are there; 103 went back; 112 elsewhere; 113 on.
        ("Quote", 7, 1, 1, 1, 0, 0, 0, 4, 7),
    ]


def test_the_days_of_a_user(known: Books) -> None:
    sql = "SELECT user_id, day, leads_created, changes_on_own_leads, won, lost FROM marts.user_days ORDER BY ALL"
    assert known.rows(sql) == [
        (1, date(2026, 2, 1), 1, 0, 0, 0),
        (1, MARCH_1, 13, 0, 0, 1),
        (1, MARCH_2, 0, 8, 2, 0),
        (1, MARCH_3, 0, 2, 0, 0),
        (2, MARCH_2, 0, 1, 0, 0),
        (2, MARCH_3, 0, 1, 0, 0),
    ]


def test_owners_have_a_win_rate_of_what_was_decided(known: Books) -> None:
    sql = (
        "SELECT owner, currency, open_leads, won, lost, win_rate, won_amount FROM marts.owners ORDER BY owner, currency"
    )
    assert known.rows(sql) == [
        ("Ada Abbott", "EUR", 9, 1, 1, 0.5, money(1000)),
        ("Ada Abbott", "USD", 1, 0, 0, None, None),
        ("Bo Berg", "EUR", 1, 0, 0, None, None),
        (None, "EUR", 1, 0, 0, None, None),
    ]


def test_no_limit_is_learned_from_fewer_than_ten_won_leads(known: Books) -> None:
    assert known.rows("FROM marts.stuck_leads") == []


def test_each_row_says_as_of_when_and_what_it_rests_on(known: Books) -> None:
    said: set[tuple[datetime, str]] = set()
    for mart in ("leads", "funnel", "pipeline_daily", "outcomes", "lead_history", "data_quality", "user_days"):
        said |= set(known.rows(f"SELECT DISTINCT as_of, verdict FROM marts.{mart}"))
    assert said == {(on(3, 6), "unproven")}


def test_amounts_are_exact(known: Books) -> None:
    assert isinstance(known.row("SELECT amount FROM marts.leads WHERE lead_id = 101")[0], Decimal)
