"""What keeps a walk from being proven, in words."""

from dataclasses import dataclass

from leads_assets.engine.read.continuity import Continuity, Order
from leads_assets.engine.read.ends import Totals
from leads_assets.engine.records.extract import Verdict
from leads_assets.engine.records.state import Held


@dataclass(frozen=True, slots=True, kw_only=True)
class WalkResult:
    """How a walk ended.

    `doubts` are the reasons against a proof. `suspect` is a number of rows at which the server may have cut the list; 0
    where its end was shown. `total` is the last row count of the whole list that the server stated. `first` and `last`
    are the lowest and the highest id; `order` is how the ids ran.
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

    @property
    def verdict(self) -> Verdict:
        """Proven where nothing speaks against it."""
        return Verdict.UNPROVEN if self.doubts or self.suspect else Verdict.PROVEN

    @property
    def reason(self) -> str:
        """What speaks against a proof; empty where nothing does."""
        limit = (
            f"{self.suspect:,} rows may be a limit of the server: a longer read would show that it is none,"
            " and LEADS_WHOLE_LISTS takes your word for it"
        )
        return "; ".join((*self.doubts, limit) if self.suspect else self.doubts)

    @property
    def is_blank(self) -> bool:
        """Whether there was no row, and no word from the server that there is none."""
        return self.verdict is Verdict.PROVEN and self.distinct == 0 and self.total is None

    def ends_where(self, held: Held) -> bool:
        """Whether the row that stood at the end of the list is still there: a cut would have taken it first."""
        if self.lowest is None or self.highest is None or held.lowest is None or held.highest is None:
            return False
        if self.order is Order.ASCENDING:
            return self.highest >= held.highest
        return self.order is Order.DESCENDING and self.lowest <= held.lowest


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
