"""The known account: fifteen leads whose every figure was worked out by hand."""

from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from leads_assets.engine.warehouse.session import Session
from leads_assets_tests.harness.books import Books, Read, insert

JAN, FEB, MARCH = 1, 2, 3


def on(day: int, hour: int = 0, minute: int = 0, month: int = MARCH) -> datetime:
    """A moment of 2026, in UTC."""
    return datetime(2026, month, day, hour, minute, tzinfo=UTC)


_USERS = (
    {"id": 1, "firstname": "Ada", "lastname": "Abbott", "time_zone": "Asia/Tokyo", "is_disabled": False},
    {"id": 2, "firstname": "Bo", "lastname": "Berg", "time_zone": "Mars/Olympus", "is_disabled": False},
)
_STEPS = (
    {"id": 1, "name": "New", "pipeline_id": 1, "position": 1},
    {"id": 2, "name": "Quote", "pipeline_id": 1, "position": 2},
    {"id": 3, "name": "Close", "pipeline_id": 1, "position": 3},
    {"id": 4, "name": "Old", "pipeline_id": 1, "position": 2, "_deleted_at": on(1, 6, 1)},
    {"id": 9, "name": "Talk", "pipeline_id": 2, "position": 1},
)
_PIPELINES = ({"id": 1, "name": "Main"}, {"id": 2, "name": "Side"})
_PLAIN = {
    "status": "todo",
    "step_id": 1,
    "currency": "EUR",
    "user_id": 1,
    "probability": 50,
    "created_at": on(1, 10),
    "created_by_id": 1,
    "updated_at": on(1, 10),
}
_NIGHT = on(2, 4)
LEADS: Sequence[dict[str, Any]] = (
    {"id": 101, "step_id": 2, "amount": 100, "created_at": on(1, 9, month=FEB), "updated_at": on(10, 9, month=FEB),
     "next_action_at": on(3, 14)},
    {"id": 102, "step_id": 2, "amount": 250, "weighted_amount": 125, "created_at": on(1, 12), "updated_at": on(2, 3),
     "next_action_at": on(3, 16)},
    {"id": 103, "amount": 100, "user_id": 2, "created_at": on(1, 12), "updated_at": on(3, 5),
     "next_action_at": on(2, 22, 59)},
    {"id": 104, "status": "won", "step_id": 3, "amount": 1000, "updated_at": _NIGHT, "closed_at": _NIGHT,
     "next_action_at": on(3, 14)},
    {"id": 105, "step_id": 3, "amount": 500, "updated_at": on(3, 2)},
    {"id": 106, "amount": 70, "_deleted_at": on(2, 6, 1)},
    {"id": 107, "step_id": None, "user_id": None, "amount": None},
    {"id": 108, "amount": 900, "currency": "USD"},
    {"id": 109, "amount": 40},
    {"id": 110, "step_id": 2, "amount": 60},
    {"id": 111, "status": "lost", "amount": 30, "created_at": on(28, 23, 30, FEB), "updated_at": on(28, 23, 45, FEB),
     "closed_at": on(28, 23, 45, FEB)},
    {"id": 112, "step_id": 9, "amount": 80, "updated_at": on(2, 5)},
    {"id": 113, "step_id": 3, "amount": 10, "updated_at": _NIGHT},
    {"id": 114, "step_id": 2, "amount": None, "weighted_amount": None, "updated_at": _NIGHT},
    {"id": 115, "step_id": 2, "amount": 20, "updated_at": _NIGHT},
)  # fmt: skip
_SECOND: Sequence[tuple[int, str, str | None, str | None, datetime]] = (
    (102, "step_id", "1", "2", on(2, 3)),
    (102, "amount", "200.0000", "250.0000", on(2, 3)),
    (102, "weighted_amount", "100.0000", "125.0000", on(2, 3)),
    (103, "step_id", "1", "2", on(2, 3)),
    (104, "step_id", "1", "3", _NIGHT),
    (104, "status", "todo", "won", _NIGHT),
    (105, "step_id", "1", "3", _NIGHT),
    (105, "status", "todo", "won", _NIGHT),
    (112, "step_id", "2", "9", on(2, 5)),
    (113, "step_id", "1", "3", _NIGHT),
    (114, "amount", "500.0000", None, _NIGHT),
    (114, "weighted_amount", "250.0000", None, _NIGHT),
    (115, "step_id", "4", "2", _NIGHT),
)
_THIRD: Sequence[tuple[int, str, str | None, str | None, datetime]] = (
    (103, "step_id", "2", "1", on(3, 5)),
    (105, "status", "won", "todo", on(3, 2)),
    (109, "step", "Neu", "New", on(1, 10)),
    (110, "step_id", "1", "2", on(1, 10)),
)


def known_account(folder: Path) -> Books:
    """The account after three reads of leads, the last of them unproven; the views are made."""
    read_lists = ("leads", "steps", "pipelines", "users", "clients_folders", "webhook_events", "fields")
    books = Books(folder, read_lists)
    with books.session() as session:
        insert(session, "main.users", _USERS)
        insert(session, "main.steps", _STEPS)
        insert(session, "main.pipelines", _PIPELINES)
        insert(session, "main.leads", [_PLAIN | {"title": f"Lead {lead['id']}"} | lead for lead in LEADS])
        event = {"id": 113, "status": "todo", "step_id": 2, "amount": 10, "updated_at": "2026-03-02T02:00:00.000Z"}
        insert(session, "main.webhook_events", [{"id": 1, "event": "lead.step.changed", "data": event}])
        books.read(session, on(1, 6))
        _write(session, books.read(session, on(2, 6)), _SECOND)
        _write(session, books.read(session, on(3, 6), verdict="unproven"), _THIRD)
        fresh = {"verdict": "proven", "changes_as_of": on(3, 6), "complete_as_of": on(3, 6), "reason": ""}
        others = ("pipelines", "clients_folders", "webhook_events", "fields")
        insert(session, "ops.freshness", [{"endpoint": name} | fresh for name in others])
        unproven = {"verdict": "unproven", "complete_as_of": on(2, 6), "reason": "rows moved"}
        insert(session, "ops.freshness", [{"endpoint": "leads"} | fresh | unproven])
    books.build()
    return books


def _write(session: Session, read: Read, changes: Sequence[tuple[int, str, str | None, str | None, datetime]]) -> None:
    rows = [
        {"endpoint": read.endpoint, "id": lead, "field": field, "old": old, "new": new, "changed_at": changed_at}
        for lead, field, old, new, changed_at in changes
    ]
    insert(session, "ops.changes", [row | {"seen_at": read.loaded_at, "run_id": read.run_id} for row in rows])
