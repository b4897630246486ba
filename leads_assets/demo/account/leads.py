"""The leads of the demo account and their follow-ups: rows made from the id alone, so that a million cost nothing."""

from leads_assets.demo.account import words
from leads_assets.demo.account.dice import SeededRandom, day, iso, mix
from leads_assets.demo.account.directory import DAY, FROZEN, OPENED, SIZES, Directory, Row

_LONGEST_LIFE = 120 * DAY
_UNOWNED_ONE_IN = 17


class LeadRows:
    """Makes leads. `count` spreads them over the account's life: creation times ascend with the ids."""

    def __init__(self, directory: Directory, count: int) -> None:
        self.ids = directory.ids["leads"]
        self._directory = directory
        self._seed = directory.seed
        self._step_between = (FROZEN - DAY - OPENED) // max(1, count)

    def created(self, row_id: int) -> int:
        """Creation time of the lead in epoch milliseconds."""
        start = OPENED + self.ids.index(row_id) * self._step_between
        return min(FROZEN, start + mix(self._seed + 3, row_id) % self._step_between)

    def updated(self, row_id: int) -> int:
        """Time of the last change in epoch milliseconds: most changes come soon after the creation."""
        created = self.created(row_id)
        draw = mix(self._seed + 1, row_id) & 0xFFFF
        return created + (min(FROZEN - created, _LONGEST_LIFE) * draw * draw >> 32)

    def _owner_index(self, row_id: int) -> int | None:
        draw = mix(self._seed + 2, row_id)
        return None if draw % _UNOWNED_ONE_IN == 0 else (draw >> 8) % SIZES["users"]

    def owner(self, row_id: int) -> int | None:
        """The id of the user who owns the lead."""
        index = self._owner_index(row_id)
        return None if index is None else self._directory.ids["users"].at(index)

    def row(self, row_id: int) -> Row:
        """The lead with that id."""
        dice = SeededRandom(self._seed, "leads", row_id)
        created, updated = self.created(row_id), self.updated(row_id)
        step = dice.pick(self._directory.all_steps)
        status = dice.pick(words.STATUSES)
        is_closed = status in words.CLOSED_STATUSES
        client = dice.pick(self._directory.all_clients) if dice.chance(85) else None
        topic = dice.pick(words.TOPICS)
        name = f"{dice.pick(words.FIRST_NAMES)} {dice.pick(words.LAST_NAMES)}"
        text = [dice.pick(words.SENTENCES), dice.pick(words.SENTENCES)] if dice.chance(90) else []
        row: Row = {
            "id": row_id,
            "description": " ".join(text) if text else None,
            "attachment_count": dice.below(4),
            "closed_at": iso(updated) if is_closed else None,
            "created_at": iso(created),
            "created_by_id": dice.pick(self._directory.all_users)["id"],
            "created_from": dice.pick(words.ORIGINS),
            "currency": dice.pick(words.CURRENCIES),
            "html_description": f"<p>{'</p><p>'.join(text)}</p>" if text else None,
            "pipeline": step["pipeline"]["name"],
            "starred": dice.chance(12),
            "status": status,
            "step": step["name"],
            "step_id": step["id"],
            "tags": [dice.pick(group) for group in words.TAGS[: dice.below(4)]],
            "title": f"{name}: {topic}" if client is None else f"{client['name']}: {topic}",
            "updated_at": iso(updated),
            "user_id": self.owner(row_id),
        }
        row.update(self._money(dice))
        row.update(self._reminder(dice, None if is_closed or dice.chance(60) else updated + dice.below(30) * DAY))
        row["estimated_closing_date"] = day(updated // DAY + dice.below(90)) if dice.chance(70) else None
        row["client_folder_id"] = None if client is None else client["id"]
        row["client_folder_name"] = None if client is None else client["name"]
        row.update(self._team(row_id))
        return row

    @staticmethod
    def _reminder(dice: SeededRandom, due: int | None) -> Row:
        if due is None:
            return {"next_action_at": None, "remind_date": None, "remind_time": None}
        time = f"{8 + dice.below(10):02d}:{dice.below(4) * 15:02d}"
        return {"next_action_at": iso(due), "remind_date": day(due // DAY), "remind_time": time}

    @staticmethod
    def _money(dice: SeededRandom) -> Row:
        cents = None if dice.chance(12) else dice.below(9_000_000)
        percent = None if dice.chance(10) else dice.below(21) * 5
        return {
            "probability": percent,
            "amount": None if cents is None else cents / 100,
            "amount_percentage": 100 if dice.chance(80) else 50,
            "probalized_amount": None if cents is None or percent is None else cents * percent / 10_000,
        }

    def _team(self, row_id: int) -> Row:
        index = self._owner_index(row_id)
        team = {"id": None, "name": None} if index is None else self._directory.team_name(index)
        return {"team_id": team["id"], "team_name": team["name"]}


class FollowUpRows:
    """Makes follow-ups: each belongs to one of the account's first leads and has an owner."""

    _STATUSES = ("todo", "in_progress", "done", "late")

    def __init__(self, directory: Directory, leads: LeadRows, lead_count: int) -> None:
        self.ids = directory.ids["follow_ups"]
        self._directory = directory
        self._leads = leads
        self._lead_count = lead_count

    def row(self, row_id: int) -> Row:
        """The follow-up with that id."""
        dice = SeededRandom(self._directory.seed, "follow_ups", row_id)
        lead_id = self._leads.ids.at(dice.below(self._lead_count)) if self._lead_count else None
        created = OPENED if lead_id is None else self._leads.updated(lead_id)
        updated = min(FROZEN, created + dice.below(60 * DAY))
        tasks = dice.below(8)
        return {
            "id": row_id,
            "description": dice.pick(words.SENTENCES) if dice.chance(70) else None,
            "created_at": iso(created),
            "lead_id": lead_id,
            "next_action_at": iso(updated + dice.below(20 * DAY)) if dice.chance(50) else None,
            "status": dice.pick(self._STATUSES),
            "tags": [dice.pick(words.TAGS[4])] if dice.chance(50) else [],
            "tasks_count": tasks,
            "tasks_done_count": dice.below(tasks + 1),
            "title": f"Deliver {dice.pick(words.TOPICS)}",
            "updated_at": iso(updated),
            "user_id": dice.pick(self._directory.all_users)["id"],
        }
