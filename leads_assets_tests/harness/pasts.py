"""Random accounts with a past: a server whose leads live, and a warehouse that reads it now and then.

The journal, the marks and the ledger are written as a load writes them; the truth stays with the server.
"""

import random
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any

from leads_assets.engine.warehouse.session import Session
from leads_assets_tests.harness.books import Books, Read, insert, money, written

STARTS = (datetime(2026, 1, 5, 6, tzinfo=UTC), datetime(2026, 4, 5, 6, tzinfo=UTC))
"""Of even and odd seeds; the second account lives over the change of clocks in Europe."""
TRACKED = (
    "status", "step_id", "amount", "weighted_amount", "probability", "user_id", "currency", "closed_at",
    "next_action_at",
)  # fmt: skip
_STATUSES = ("todo", "todo", "todo", "standby", "won", "lost", "cancelled", "odd", None)
_STEPS = ((1, 1, 1), (2, 1, 2), (3, 1, 3), (4, 1, None), (9, 2, 1))
Row = dict[str, Any]


class Past:
    """One account. `live` are the server's leads now; `events` wait to be read."""

    def __init__(self, folder: Path, seed: int) -> None:
        self.dice = random.Random(seed)
        self.now = start = STARTS[seed % 2] - timedelta(days=20)
        self.live: dict[int, Row] = {}
        self.gone: dict[int, Row] = {}
        self.events: list[Row] = []
        self.stored: dict[int, Row] = {}
        self.books = Books(folder)
        with self.books.session() as session:
            steps = [dict(zip(("id", "pipeline_id", "position"), step, strict=True)) for step in _STEPS]
            insert(session, "main.steps", [step | {"name": f"Step {step['id']}"} for step in steps])
            insert(session, "main.pipelines", [{"id": 1, "name": "Main"}])
            insert(session, "main.users", [{"id": 1, "firstname": "Ada"}, {"id": 2, "email": "b@sales.example"}])
            insert(session, "main.fields", [{"id": 5, "name": "Seats", "type": "integer", "parent_type": "lead"}])
            fresh = {"endpoint": "leads", "verdict": "current", "changes_as_of": start, "complete_as_of": start}
            insert(session, "ops.freshness", [fresh])

    def live_on(self, days: float, edits: int) -> None:
        """Let time pass on the server, and that many things happen."""
        for moment in sorted(self.dice.uniform(0, days) for _ in range(edits)):
            self._happen(self.now + timedelta(days=moment))
        self.now += timedelta(days=days)

    def _happen(self, moment: datetime) -> None:
        kind = self.dice.choices(("new", "edit", "delete", "restore", "import"), (3, 12, 1, 1, 1))[0]
        if kind in ("new", "import") or not self.live:
            lead = len(self.live) + len(self.gone) + 1
            created = moment - timedelta(days=90 if kind == "import" else 0)
            self.live[lead] = self._edited(
                {"id": lead, "title": f"Lead {lead}", "created_at": created}, moment, all_of=1
            )
        elif kind == "edit":
            lead = self.dice.choice([*self.live])
            self.live[lead] = self._edited(self.live[lead], moment)
            if self.dice.random() < 0.3:
                self.events.append(self._event(self.live[lead]))
        elif kind == "delete":
            lead = self.dice.choice([*self.live])
            self.gone[lead] = self.live.pop(lead)
        elif self.gone:
            lead = self.dice.choice([*self.gone])
            self.live[lead] = self.gone.pop(lead)

    def _edited(self, row: Row, moment: datetime, all_of: int = 0) -> Row:
        amount = self.dice.choice((None, 100, 250, 400))
        fresh = {
            "status": self.dice.choice(_STATUSES),
            "step_id": self.dice.choice((1, 1, 2, 2, 3, 4, 9, 77, None)),
            "amount": None if amount is None else money(amount),
            "weighted_amount": None if amount is None else money(amount // 2),
            "probability": self.dice.choice((None, 10.0, 50.0)),
            "user_id": self.dice.choice((None, 1, 2, 3)),
            "currency": self.dice.choice(("EUR", "EUR", "USD", None)),
            "closed_at": self.dice.choice((None, moment)),
            "next_action_at": self.dice.choice((None, moment + timedelta(days=3))),
            "tags": self.dice.choice(([], ["hot"], ["hot", "hot", "north"])),
            "description": self.dice.choice((None, "Seats: 5", "Seats: many\nSeats: 7")),
        }
        taken = fresh if all_of else {k: v for k, v in fresh.items() if self.dice.random() < 0.3}
        stamp = moment if all_of or self.dice.random() < 0.8 else row["updated_at"]  # some servers keep the old time
        return row | taken | {"updated_at": stamp}

    def _event(self, row: Row) -> Row:
        data = {"id": row["id"], "updated_at": row["updated_at"].isoformat(), "status": row["status"]}
        data["step_id"] = self.dice.choice((row["step_id"], row["step_id"], "no number"))
        if self.dice.random() < 0.7:
            data |= {
                "amount": None if row["amount"] is None else float(row["amount"]),
                "probability": row["probability"],
            }
        if self.dice.random() < 0.5:
            data["user"] = None if row["user_id"] is None else {"id": row["user_id"]}
        if self.dice.random() < 0.5:
            data["extended_info"] = {"fields_by_name": {"Seats": self.dice.choice((None, 3, "x"))}}
        return {"id": self.dice.randrange(10**9), "event": "lead.any_update", "data": data}

    def read_leads(self) -> tuple[Read, list[int]]:
        """One load of leads, whole or in part, proven or not; returns what it wrote."""
        mode = self.dice.choice(("full", "full", "incremental", "part"))
        verdict = self.dice.choice(("proven", "proven", "current", "unproven"))
        seen = {lead: row for lead, row in self.live.items() if verdict != "unproven" or self.dice.random() < 0.7}
        if mode == "part":
            seen = {lead: row for lead, row in seen.items() if lead % 2}
        with self.books.session() as session:
            read = self.books.read(session, self.now, mode=mode, verdict=verdict)
            written_ids = [lead for lead, row in seen.items() if self._store(session, read, lead, row)]
            if mode == "full" and verdict != "unproven":
                missing = [
                    lead for lead, row in self.stored.items() if lead not in self.live and not row["_deleted_at"]
                ]
                for lead in missing:
                    self._mark(session, read, lead)
                written_ids += missing
        return read, written_ids

    def _store(self, session: Session, read: Read, lead: int, row: Row) -> bool:
        before = self.stored.get(lead)
        if before is not None and not before["_deleted_at"] and {k: before[k] for k in row} == row:
            return False
        first_seen = read.loaded_at if before is None else before["_first_seen_at"]
        self.stored[lead] = row | {"_deleted_at": None, "_first_seen_at": first_seen}
        if before is not None:
            fields = [(name, before[name], row[name]) for name in TRACKED if before[name] != row[name]]
            if before["_deleted_at"]:
                fields.append(("_deleted_at", before["_deleted_at"], None))
            self._journal(session, read, lead, row["updated_at"], fields)
            session.run("test", f"DELETE FROM main.leads WHERE id = {lead}")
        insert(session, "main.leads", [self.stored[lead]])
        return True

    def _mark(self, session: Session, read: Read, lead: int) -> None:
        self.stored[lead]["_deleted_at"] = read.loaded_at
        if lead % 5:  # a warehouse from before deletions were journalled has marks alone
            self._journal(session, read, lead, None, [("_deleted_at", None, read.loaded_at)])
        session.run("test", f"UPDATE main.leads SET _deleted_at = {written(read.loaded_at)} WHERE id = {lead}")

    @staticmethod
    def _journal(
        session: Session, read: Read, lead: int, at: datetime | None, fields: list[tuple[str, Any, Any]]
    ) -> None:
        shared = {"endpoint": "leads", "id": lead, "changed_at": at, "seen_at": read.loaded_at, "run_id": read.run_id}
        rows = [shared | {"field": name, "old": _text(old), "new": _text(new)} for name, old, new in fields]
        insert(session, "ops.changes", rows)

    def read_events(self) -> list[int]:
        """One load of the webhook log; returns what it wrote."""
        events, self.events = self.events, []
        with self.books.session() as session:
            insert(session, "main.webhook_events", events)
        return [event["id"] for event in events]

    def loads(self, count: int) -> Iterator[None]:
        """Live and read in turn; after each load the history is brought up to date."""
        for _ in range(count):
            self.live_on(self.dice.choice((0.5, 1, 3)), self.dice.randrange(12))
            if self.dice.random() < 0.5:
                self.books.refresh("webhook_events", self.read_events())
            else:
                self.books.refresh("leads", self.read_leads()[1])
            self.now += timedelta(minutes=5)
            yield


def _text(value: Any) -> str | None:
    if isinstance(value, datetime):
        return value.astimezone(UTC).strftime("%Y-%m-%d %H:%M:%S.%f+00")
    return None if value is None else str(value)
