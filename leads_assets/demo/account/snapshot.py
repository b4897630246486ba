"""All lists of the demo account as they are at a moment, before anything is changed on request."""

from array import array
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property

from leads_assets.demo.account.catalogue import Catalogue
from leads_assets.demo.account.directory import SIZES, Directory
from leads_assets.demo.account.events import WATCHED_LEADS, EventRows
from leads_assets.demo.account.fates import Fates
from leads_assets.demo.account.follow_ups import FollowUpRows
from leads_assets.demo.account.leads import LeadRows
from leads_assets.demo.account.stages import present_steps
from leads_assets.demo.account.table import MadeRows, Source
from leads_assets.demo.account.worktime import worktime


@dataclass(frozen=True)
class Population:
    """The leads of an account over all time: `size` of them are there at its end (epoch milliseconds)."""

    seed: int
    size: int
    end: int

    @cached_property
    def fates(self) -> Fates:
        """What becomes of each of them."""
        return Fates(self.seed, self.size)

    @cached_property
    def first(self) -> int:
        """The position of the oldest."""
        work = worktime(self.end)
        return self.fates.oldest(self.fates.newest(work), self.size, work)

    def ever(self, now: int) -> range:
        """The positions of those that have come up to a moment, in epoch milliseconds."""
        return range(self.first, self.fates.newest(worktime(now)) + 1) if self.size else range(0)

    def present(self, now: int) -> Sequence[int]:
        """The positions of those that are there at a moment, ascending."""
        ever, work = self.ever(now), worktime(now)
        doomed = self.fates.doomed(ever.start, ever.stop - 1)
        gone = {number for number in doomed if self.fates.deleted(number) <= work}
        return array("q", (number for number in ever if number not in gone))


class Snapshot:
    """The lists at a moment in epoch milliseconds."""

    def __init__(self, population: Population, now: int) -> None:
        self.directory = Directory(population.seed, now)
        self.leads = LeadRows(self.directory, population.fates)
        self._ever = population.ever(now)
        self._numbers = population.present(now)
        self._follow_ups = FollowUpRows(self.directory, self.leads, self._numbers)
        watched = max(1, population.size // WATCHED_LEADS)
        self.events = EventRows(self.directory, self.leads, self._numbers, watched)

    def leads_ever(self) -> Iterable[int]:
        """The ids of all leads that have come."""
        return map(self.leads.ids.at, self._ever)

    def lists(self) -> Mapping[str, tuple[Source, Sequence[int]]]:
        """Of each list the source of its rows and their positions; none of the webhook log, because it is written."""
        makers = {**self.directory.makers, **Catalogue(self.directory).makers}
        lists: dict[str, tuple[Source, Sequence[int]]] = {
            name: (MadeRows(self.directory.ids[name], make), range(SIZES.get(name, 0))) for name, make in makers.items()
        }
        lists["steps"] = lists["steps"][0], present_steps(self.directory.now)
        lists["webhook_events"] = MadeRows(self.events.ids, self.events.row), ()
        lists["leads"] = self.leads, self._numbers
        follow_ups = self._follow_ups
        lists["follow_ups"] = MadeRows(follow_ups.ids, follow_ups.row), follow_ups.present()
        return lists
