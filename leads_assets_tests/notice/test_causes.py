"""What is a cause, by what names, and how it is worded."""

import json
from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from leads_assets.notice.causes import Seen, causes
from leads_assets.notice.message import MOST_LINES, Message

pytestmark = pytest.mark.unit

NOW = datetime(2026, 3, 2, 8, tzinfo=UTC)


def _seen(*tables: dict[str, Any], **others: Any) -> Seen:
    return Seen(**{"tables": tables, "failures": {}, "left": None, "daily": 0, "failed_run": None, **others})


def _table(name: str = "leads", verdict: str = "proven", hours: float = 1, **others: Any) -> dict[str, Any]:
    row = {"endpoint": name, "verdict": verdict, "changes_as_of": NOW - timedelta(hours=hours), "in_progress": None}
    return {**row, "reason": "", **others}


def test_an_account_in_order_gives_no_cause() -> None:
    assert not causes(_seen(_table(), _table("users", "current"), left=1_000, daily=2_000), NOW)


def test_an_unproven_table_is_told_with_its_reason() -> None:
    found = causes(_seen(_table(verdict="unproven", reason="the server named 3 totals")), NOW)
    assert found == {"unproven leads": "leads is unproven: the server named 3 totals"}


def test_a_long_read_that_goes_on_tomorrow_is_no_cause() -> None:
    assert not causes(_seen(_table(verdict="unproven", in_progress="leads: 900 of 3,000 pages")), NOW)


def test_changes_of_yesterday_are_a_cause_whatever_the_verdict() -> None:
    found = causes(_seen(_table(hours=27), _table("users", "current", hours=25.9)), NOW)
    assert found == {"old leads": "leads has its changes up to 2026-03-01 05:00 UTC only"}


def test_a_failed_run_is_a_cause_only_where_no_list_says_why() -> None:
    assert list(causes(_seen(failed_run="8f3a0b12"), NOW)) == ["failed run"]
    explained = causes(_seen(failed_run="8f3a0b12", failures={"leads": "leads: HTTP 503, attempt 6 of 6"}), NOW)
    assert explained == {"failed leads": "leads could not be read: leads: HTTP 503, attempt 6 of 6"}


@pytest.mark.parametrize(("left", "told"), [(200, False), (199, True), (0, True)])
def test_requests_are_told_of_below_a_tenth(left: int, told: bool) -> None:
    assert ("requests" in causes(_seen(left=left, daily=2_000), NOW)) is told


def test_a_chat_gets_a_bounded_text_and_a_program_all_causes() -> None:
    many = {f"unproven {number}": f"list {number} is unproven" for number in range(100)}
    sent = json.loads(Message("data/leads.duckdb", new=many, over={"requests": "few are left"}).encoded())
    assert sent["text"] == sent["content"]
    assert len(sent["text"].splitlines()) == MOST_LINES + 2
    assert "… and 71 more" in sent["text"]
    assert len(sent["new"]) == 100
    assert sent["over"] == [{"cause": "requests", "says": "few are left"}]
