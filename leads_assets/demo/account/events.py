"""The rows of the demo account's webhook log: what happened in the last ten days, as it was then."""

from collections.abc import Iterator, Sequence
from datetime import datetime
from typing import NamedTuple

from leads_assets.demo.account import words
from leads_assets.demo.account.contacts import contact
from leads_assets.demo.account.dice import SeededRandom
from leads_assets.demo.account.directory import Directory, Row
from leads_assets.demo.account.leads import LeadRows
from leads_assets.demo.account.stages import RENAMED_SLOT, reviews, step_index
from leads_assets.demo.account.worktime import epoch_milliseconds, moment, worktime

WATCHED_LEADS = 250
"""The account's webhooks are for the leads of one region: about so many, however large the account is."""
_COPIED = (
    "description", "created_at", "currency", "id", "next_action_at", "pipeline", "remind_date", "status", "step",
    "step_id", "tags", "title", "updated_at", "amount", "probability", "closed_at", "estimated_closing_date", "starred",
)  # fmt: skip
_ANNOUNCED = {
    ("clients_folders", "insert"): "client_folder.created",
    ("prospecting_lists", "insert"): "prospect.created",
    ("prospecting_lists", "update"): "prospect.updated",
    ("follow_ups", "update"): "task.status.changed",
    ("steps", "insert"): "account.step.created",
    ("steps", "update"): "account.step.updated",
    ("steps", "delete"): "account.step.deleted",
    ("pipelines", "update"): "account.pipeline.updated",
    ("fields", "insert"): "account.default_field.created",
    ("fields", "update"): "account.default_field.updated",
    ("fields", "delete"): "account.default_field.deleted",
    ("leads", "insert"): "lead.creation",
    ("leads", "delete"): "lead.deleted",
    ("leads", "restore"): "lead.any_update",
}


def event_name(endpoint: str, operation: str) -> str | None:
    """The event that announces a mutation, or None where live servers announce nothing."""
    return _ANNOUNCED.get((endpoint, operation))


class Happening(NamedTuple):
    """What a webhook announces: when, in epoch milliseconds, under which name, and the record as it was then."""

    when: int
    event: str
    record: Row | None


class EventRows:
    """Makes rows of the webhook log of the leads at these positions, of which one in so many is `watched`."""

    def __init__(self, directory: Directory, leads: LeadRows, numbers: Sequence[int], watched: int) -> None:
        self.ids = directory.ids["webhook_events"]
        self._directory = directory
        self._leads = leads
        self._numbers = numbers
        self._watched = watched

    def happened(self, since: int) -> list[Happening]:
        """What happened after a moment in epoch milliseconds and up to now, in order of time."""
        return sorted([*self._to_steps(since), *self._to_leads(worktime(since))], key=lambda happening: happening.when)

    def _to_steps(self, since: int) -> Iterator[Happening]:
        for when, slot in reviews(since, self._directory.now):
            old, new = Directory(self._directory.seed, when - 1), Directory(self._directory.seed, when)
            was, now = (at.step(at.ids["steps"].at(step_index(slot, at.now))) for at in (old, new))
            if slot == RENAMED_SLOT:
                yield Happening(when, "account.step.updated", now)
            else:
                yield Happening(when, "account.step.created", now)
                yield Happening(when, "account.step.deleted", was)

    def _to_leads(self, since: float) -> Iterator[Happening]:
        """Of deleted leads too: their positions are no longer among the numbers."""
        if not self._numbers:
            return
        for number in range(self._numbers[0], self._numbers[-1] + 1):
            lead = self._leads.ids.at(number)
            if number % self._watched or self._leads.is_quiet(lead, since):
                continue
            for (at, event, _, _), row in self._leads.history(lead, since):
                yield Happening(moment(at), event, row or self._leads.row(lead))

    def row(self, row_id: int) -> Row:
        """An event that is made on request: about one of the newest leads."""
        dice = SeededRandom(self._directory.seed, "webhook_events", row_id)
        event, newest = dice.pick(words.LEAD_EVENTS), self._numbers[-200:]
        about = self._leads.row(self._leads.ids.at(dice.pick(newest))) if newest else None
        return self.about(row_id, event, about)

    def about(self, row_id: int, event: str, record: Row | None) -> Row:
        """An event with this name about this record, as the record is now."""
        dice = SeededRandom(self._directory.seed, "delivery", row_id)
        data = self._lead_data(record, event) if record is not None and event.startswith("lead.") else record
        has_succeeded = dice.chance(92)
        return {
            "id": row_id,
            "data": data,
            "event": event,
            "has_succeeded": has_succeeded,
            "last_returned_code": 200 if has_succeeded else dice.pick((404, 500, None)),
            "signature": f"{dice.below(1 << 128):032x}",
            "try_count": 1 if has_succeeded else 1 + dice.below(5),
        }

    def _lead_data(self, lead: Row, event: str) -> Row:
        created = epoch_milliseconds(datetime.fromisoformat(lead["created_at"]))
        person = contact(self._directory.seed, lead["id"], created)
        users = {user["id"]: self._directory.person(user) for user in self._directory.all_users}
        data: Row = {key: lead[key] for key in _COPIED}
        data["all_contact_emails"] = [person.email]
        data["bcc_count"], data["comments"] = 0, []
        data["comment_count"] = lead["attachment_count"] + (event == "lead.commented")
        data["extended_info"] = {
            "created_by": users.get(lead["created_by_id"]),
            "created_by_id": lead["created_by_id"],
            "fields_by_name": {
                "Email": person.email, "First name": person.first_name, "Last name": person.last_name,
                "Phone": person.phone, "N° client": lead["client_folder_id"], "Remarques 📝": None,
                "e-mail (2)": person.email.upper(), **person.fields,
            },
        }  # fmt: skip
        data["fields"] = {
            "email": person.email, "first_name": person.first_name, "last_name": person.last_name,
            "phone": person.phone, "Ville": person.fields.get("Ville"),
        }  # fmt: skip
        data["permalink"] = f"https://app.example.com/leads/{lead['id']}"
        data["reminder_duration"] = 30 if lead["remind_date"] else None
        data["reminder_at"], data["reminder_activity_id"], data["reminder_activity_name"] = None, None, None
        data["reminder_note"] = None
        data["text_description"] = lead["description"]
        data["contact_email"], data["first_contact_email"] = person.email, person.email
        data["user"] = users.get(lead["user_id"])
        data["team"] = None if lead["team_id"] is None else {"id": lead["team_id"], "name": lead["team_name"]}
        data["client"] = None if lead["client_folder_id"] is None else {
            "id": lead["client_folder_id"], "name": lead["client_folder_name"], "description": None, "is_active": True,
        }  # fmt: skip
        return data
