"""What an update of the demo account does to a row."""

from collections.abc import Mapping
from dataclasses import dataclass

from leads_assets.demo.account import words
from leads_assets.demo.account.directory import Directory, Row

_REVISED: Mapping[str, str] = {
    "steps": "name",
    "pipelines": "name",
    "clients_folders": "is_active",
    "categories": "name",
    "predefined_tags": "name",
    "fields": "name",
    "follow_ups": "tasks_done_count",
    "users": "is_admin",
    "teams": "name",
    "webhooks": "is_disabled",
    "webhook_events": "try_count",
    "activities": "is_disabled",
    "prospecting_lists": "total_row_count",
}


def _revision(text: str, number: int) -> str:
    return f"{text.split(' (revision', 1)[0]} (revision {number})"


def revise(endpoint: str, row: Row, number: int) -> None:
    """Change one field of a row that is not a lead; `number` makes texts differ from one update to the next."""
    key = _REVISED[endpoint]
    value = row[key]
    if isinstance(value, bool):
        row[key] = not value
    elif isinstance(value, int):
        row[key] = value + 1
    else:
        row[key] = _revision(value, number)


@dataclass(frozen=True, slots=True)
class LeadChange:
    """One update of a lead: the `number` of the update decides what changes. `now` is an ISO-8601 time."""

    row: Row
    number: int
    directory: Directory
    now: str

    def apply(self) -> str:
        """Change the row, and name the event that announces it."""
        changes = (self._move, self._close_or_reopen, self._price, self._retitle, self._assign)
        return changes[self.number % len(changes)]()

    def _move(self) -> str:
        others = [step for step in self.directory.all_steps if step["id"] != self.row["step_id"]]
        step = others[self.number % len(others)]
        self.row.update(step=step["name"], step_id=step["id"], pipeline=step["pipeline"]["name"])
        return "lead.step.changed"

    def _close_or_reopen(self) -> str:
        others = sorted(set(words.STATUSES) - {self.row["status"]})
        status = others[self.number % len(others)]
        self.row.update(status=status, closed_at=self.now if status in words.CLOSED_STATUSES else None)
        return "lead.status.changed"

    def _price(self) -> str:
        cents = (round((self.row["amount"] or 0) * 100) + 12_345) % 9_000_000
        percent = self.row["probability"]
        self.row.update(amount=cents / 100, probalized_amount=None if percent is None else cents * percent / 10_000)
        return "lead.content_has_changed"

    def _retitle(self) -> str:
        self.row["title"] = _revision(self.row["title"], self.number)
        return "lead.content_has_changed"

    def _assign(self) -> str:
        users = self.directory.all_users
        place = self.number % len(users)
        if users[place]["id"] == self.row["user_id"]:
            place = (place + 1) % len(users)
        team = self.directory.team_name(place)
        self.row.update(user_id=users[place]["id"], team_id=team["id"], team_name=team["name"])
        return "lead.assigned"
