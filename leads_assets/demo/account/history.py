"""The truth about the leads of the demo account: what each was, and since when. Tests compare copies with it."""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, datetime

from leads_assets.demo.account.directory import Row
from leads_assets.demo.account.leads import LeadRows
from leads_assets.demo.account.worktime import moment, worktime


@dataclass(frozen=True, slots=True)
class LeadVersion:
    """What a lead was since a moment: the row as the server sent it then, None once it was deleted.

    `event` names the change that made this version. A step that gets another name makes no version: the row does not
    change, only the name that is read with it.
    """

    lead_id: int
    since: datetime
    event: str
    row: Row | None


class Histories:
    """Keeps what was done to leads on request, and tells it after what they did by themselves."""

    def __init__(self) -> None:
        self._requested: dict[int, list[LeadVersion]] = {}
        self._by_itself_until: dict[int, int] = {}

    @property
    def ids(self) -> Sequence[int]:
        """The leads to which something was done."""
        return tuple(self._requested)

    def note(self, event: str, lead_id: int, row: Row | None, when: int, shown: int | None) -> None:
        """Remember a change at a moment, in an account shown at another (both epoch milliseconds); None: a new lead."""
        self._requested.setdefault(lead_id, []).append(LeadVersion(lead_id, _time(when), event, row))
        self._by_itself_until.setdefault(lead_id, 0 if shown is None else shown)

    def of(self, lead_id: int, leads: LeadRows) -> Sequence[LeadVersion]:
        """All versions of a lead, oldest first."""
        until = self._by_itself_until.get(lead_id)
        limit = None if until is None else worktime(until) if until else 0.0
        versions = [
            LeadVersion(lead_id, _time(moment(at)), event, row)
            for (at, event, _, _), row in leads.history(lead_id, 0.0)
            if limit is None or at <= limit
        ]
        return [*versions, *self._requested.get(lead_id, ())]


def _time(milliseconds: int) -> datetime:
    return datetime.fromtimestamp(milliseconds / 1000, UTC)
