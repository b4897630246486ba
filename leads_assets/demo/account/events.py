"""The rows of the demo account's webhook log."""

from leads_assets.demo.account import words
from leads_assets.demo.account.dice import SeededRandom
from leads_assets.demo.account.directory import Directory, Row
from leads_assets.demo.account.leads import LeadRows

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


class EventRows:
    """Makes rows of the webhook log."""

    def __init__(self, directory: Directory, leads: LeadRows, lead_count: int) -> None:
        self.ids = directory.ids["webhook_events"]
        self._directory = directory
        self._leads = leads
        self._newest = range(max(0, lead_count - 200), lead_count)

    def row(self, row_id: int) -> Row:
        """An event of the untouched account: about one of its newest leads."""
        dice = SeededRandom(self._directory.seed, "webhook_events", row_id)
        event = dice.pick(words.LEAD_EVENTS)
        about = self._leads.row(self._leads.ids.at(dice.pick(self._newest))) if self._newest else None
        return self.about(row_id, event, about)

    def about(self, row_id: int, event: str, record: Row | None) -> Row:
        """An event with this name about this record, as the record is now."""
        dice = SeededRandom(self._directory.seed, "delivery", row_id)
        data = self._lead_data(record) if record is not None and event.startswith("lead.") else record
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

    def _lead_data(self, lead: Row) -> Row:
        dice = SeededRandom(self._directory.seed, "contact", lead["id"])
        first, last = dice.pick(words.FIRST_NAMES), dice.pick(words.LAST_NAMES)
        email, phone = f"contact{lead['id']}@client.example", f"+33 1 99 00 {10 + dice.below(90)} {10 + dice.below(90)}"
        users = {user["id"]: self._directory.person(user) for user in self._directory.all_users}
        data: Row = {key: lead[key] for key in _COPIED}
        data["all_contact_emails"] = [email]
        data["bcc_count"], data["comment_count"], data["comments"] = 0, dice.below(5), []
        data["extended_info"] = {
            "created_by": users.get(lead["created_by_id"]),
            "created_by_id": lead["created_by_id"],
            "fields_by_name": {
                "Email": email, "First name": first, "Last name": last, "Phone": phone,
                "N° client": lead["client_folder_id"], "Remarques 📝": None, "e-mail (2)": email.upper(),
            },
        }  # fmt: skip
        data["fields"] = {"email": email, "first_name": first, "last_name": last, "phone": phone, "Ville": "Orléans"}
        data["permalink"] = f"https://app.example.com/leads/{lead['id']}"
        data["reminder_duration"] = 30 if lead["remind_date"] else None
        data["reminder_at"], data["reminder_activity_id"], data["reminder_activity_name"] = None, None, None
        data["reminder_note"] = None
        data["text_description"] = lead["description"]
        data["contact_email"], data["first_contact_email"] = email, email
        data["user"] = users.get(lead["user_id"])
        data["team"] = None if lead["team_id"] is None else {"id": lead["team_id"], "name": lead["team_name"]}
        data["client"] = None if lead["client_folder_id"] is None else {
            "id": lead["client_folder_id"], "name": lead["client_folder_name"], "description": None, "is_active": True,
        }  # fmt: skip
        return data
