"""The follow-ups of the demo account at a moment: what has to be delivered for the leads that were won."""

from collections import Counter
from collections.abc import Sequence

from leads_assets.demo.account import words
from leads_assets.demo.account.dice import SeededRandom, iso, mix
from leads_assets.demo.account.directory import Directory, Row
from leads_assets.demo.account.leads import LeadRows
from leads_assets.demo.account.sizes import unsuspicious
from leads_assets.demo.account.worktime import DAY

_MOST = 1_841
"""Older follow-ups than the newest so many are archived, and not listed."""


class FollowUpRows:
    """Makes follow-ups: nearly every won lead has one, whose place among the ids is that of the lead."""

    def __init__(self, directory: Directory, leads: LeadRows, numbers: Sequence[int]) -> None:
        self.ids = directory.ids["follow_ups"]
        self._directory = directory
        self._leads = leads
        self._numbers = numbers

    def present(self) -> list[int]:
        """The positions of the follow-ups that there are, ascending."""
        found: list[int] = []
        for number in reversed(self._numbers):
            if len(found) == _MOST:
                break
            is_followed = mix(self._directory.seed + 50, number) % 8 != 0
            if is_followed and self._leads.won_at(self._leads.ids.at(number)) is not None:
                found.append(number)
        return _listed(found, [self.row(self.ids.at(number))["user_id"] for number in found])[::-1]

    def row(self, row_id: int) -> Row:
        """The follow-up with that id; one that is made on request begins now."""
        dice = SeededRandom(self._directory.seed, "follow_ups", row_id)
        lead_id: int | None = self._leads.ids.at(self.ids.index(row_id))
        created = self._leads.won_at(self._leads.ids.at(self.ids.index(row_id)))
        if created is None:
            created = self._directory.now
            lead_id = self._leads.ids.at(dice.pick(self._numbers)) if self._numbers else None
        tasks, pace = 1 + dice.below(8), (2 + dice.below(9)) * DAY
        # Some are left lying.
        limit = dice.below(tasks) if dice.chance(12) else tasks
        done = min(limit, (self._directory.now - created) // pace)
        due = None if done == tasks or dice.chance(20) else created + (done + 1) * pace
        return {
            "id": row_id,
            "description": dice.pick(words.SENTENCES) if dice.chance(70) else None,
            "created_at": iso(created),
            "lead_id": lead_id,
            "next_action_at": None if due is None else iso(due),
            "status": self._status(done, tasks, due),
            "tags": [dice.pick(words.TAGS[4])] if dice.chance(50) else [],
            "tasks_count": tasks,
            "tasks_done_count": done,
            "title": f"Deliver {dice.pick(words.TOPICS)}",
            "updated_at": iso(created + done * pace),
            "user_id": (lead_id and self._leads.owner(lead_id)) or dice.pick(self._directory.all_users)["id"],
        }

    def _status(self, done: int, tasks: int, due: int | None) -> str:
        if done == tasks:
            return "done"
        if due is not None and due < self._directory.now - DAY:
            return "late"
        return "in_progress" if done else "todo"


def _listed(numbers: Sequence[int], users: Sequence[int]) -> list[int]:
    """The newest of the follow-ups, which are given newest first with their users.

    The oldest are archived where otherwise the list, or the list of a user, were as long as one that a server cuts.
    """
    kept, counts = [*zip(numbers, users, strict=True)], Counter(users)
    while True:
        suspects = {user for user, count in counts.items() if unsuspicious(count) != count}
        if not suspects and unsuspicious(len(kept)) == len(kept):
            return [number for number, _ in kept]
        place = max(place for place, (_, user) in enumerate(kept) if user in suspects or not suspects)
        counts[kept.pop(place)[1]] -= 1
