"""What keeps a walk from being proven, in words."""

from dataclasses import dataclass, replace

from leads_assets.engine.read.continuity import Continuity, Order
from leads_assets.engine.read.ends import Totals
from leads_assets.engine.records.extract import Verdict
from leads_assets.engine.records.state import Held


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkResult:
    """How a walk ended.

    `doubts` are the reasons against a proof. `suspect` is a number of rows at which the server may have cut the list; 0
    where its end was shown. `total` is the last row count of the whole list that the server stated. `order` is how
    the ids ran, `lowest` and `highest` are the outermost of them. `calibrates`: whether the last row stood at the place
    of its number, so that offsets count just the rows that were read; None where that could not be told.
    """

    pages: int
    distinct: int
    duplicates: int = 0
    total: int | None = None
    doubts: tuple[str, ...] = ()
    suspect: int = 0
    order: Order = Order.UNKNOWN
    lowest: int | None = None
    highest: int | None = None
    calibrates: bool | None = None

    @property
    def verdict(self) -> Verdict:
        """Proven where nothing speaks against it."""
        return Verdict.UNPROVEN if self.doubts or self.suspect else Verdict.PROVEN

    @property
    def reason(self) -> str:
        """What speaks against a proof; empty where nothing does."""
        limit = (
            f"{self.suspect:,} rows may be a limit of the server: a longer list would show that it is none;"
            " if you know that it is whole, name it in the setting `whole_lists`"
        )
        return "; ".join((*self.doubts, limit) if self.suspect else self.doubts)

    @property
    def is_blank(self) -> bool:
        """Whether there was no row, and no word from the server that there is none."""
        return self.verdict is Verdict.PROVEN and self.distinct == 0 and self.total is None

    def compared(self, held: Held, longest: int) -> "WalkResult":
        """Without the suspicion, if the list had more rows lately (`longest`), and ends with the same row as then.

        A server that begins to cut a list takes the row at its end away, or lets newer ones come behind it.
        """
        if not self.suspect or longest <= self.suspect:
            return self
        if self._ends_with_the_same(held):
            return replace(self, suspect=0)
        why = (
            f"{self.suspect:,} rows may be a limit of the server: it sent more before, and the list ends with another"
            " row now; if you know that it is whole, name it in the setting `whole_lists`"
        )
        return replace(self, suspect=0, doubts=(*self.doubts, why))

    def _ends_with_the_same(self, held: Held) -> bool:
        if self.order is Order.ASCENDING:
            return self.highest == held.highest
        return self.order is Order.DESCENDING and self.lowest == held.lowest


class Objections:
    """The reasons against a proof; none of them twice."""

    def __init__(self) -> None:
        self._reasons: dict[str, None] = {}
        self.suspect = 0
        """The number of rows at which the server may have cut the list; 0 for none."""

    def __bool__(self) -> bool:
        return bool(self._reasons)

    def add(self, reason: str) -> None:
        """One more reason."""
        self._reasons[reason] = None

    def add_low_total(self, total: int, seen: int) -> None:
        """The server states a total that its own pages exceed."""
        self.add(f"the server states fewer rows ({total:,}) than it sends ({seen:,} and more)")

    def outcome(self, continuity: Continuity, totals: Totals, *, pages: int, moved: bool) -> WalkResult:
        """The verdict on what was read in `pages` pages; `moved`: rows came or went meanwhile."""
        total = totals.value
        if continuity.rejected:
            self.add(f"{continuity.rejected:,} records came without a usable id")
        if pages > 1 and continuity.order is Order.NONE:
            self.add("the list is not in order of id, so rows may have moved unseen while it was read")
        if total is not None and not continuity.rejected:
            is_short = continuity.distinct < total
            if is_short or (continuity.distinct > total and not moved):
                self.add(f"the server states {total:,} rows, {continuity.distinct:,} different ids were read")
        return WalkResult(
            pages=pages,
            distinct=continuity.distinct,
            duplicates=continuity.duplicates,
            total=total,
            doubts=tuple(self._reasons),
            suspect=self.suspect,
            order=continuity.order,
            lowest=continuity.lowest,
            highest=continuity.highest,
        )
