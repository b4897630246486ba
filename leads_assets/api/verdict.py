"""What keeps a walk from being proven, in words."""

from dataclasses import dataclass

from leads_assets.api.coverage import Coverage, Order
from leads_assets.extract import Verdict


@dataclass(frozen=True, slots=True)
class Outcome:
    """How a walk ended. `total` is the last row count that the server stated."""

    verdict: Verdict
    reason: str
    pages: int
    distinct: int
    duplicates: int
    total: int | None

    @property
    def is_blank(self) -> bool:
        """Whether there was no row, and no word from the server that there is none."""
        return self.verdict is Verdict.PROVEN and self.distinct == 0 and self.total is None


class Doubts:
    """The reasons against a proof; none of them twice."""

    def __init__(self) -> None:
        self._reasons: dict[str, None] = {}

    def __bool__(self) -> bool:
        return bool(self._reasons)

    def add(self, reason: str) -> None:
        """One more reason."""
        self._reasons[reason] = None

    def add_low_total(self, total: int, seen: int) -> None:
        """The server states a total that its own pages exceed."""
        self.add(f"the server states fewer rows ({total:,}) than it sends ({seen:,} and more)")

    def outcome(self, coverage: Coverage, *, pages: int, total: int | None, moved: bool) -> Outcome:
        """The verdict on what was read in `pages` pages; `moved`: rows came or went meanwhile."""
        if coverage.rejected:
            self.add(f"{coverage.rejected:,} records came without a usable id")
        if pages > 1 and coverage.order is Order.NONE:
            self.add("the list is not in order of id, so rows may have moved unseen while it was read")
        if total is not None and not coverage.rejected:
            is_short = coverage.distinct < total
            if is_short or (coverage.distinct > total and not moved):
                self.add(f"the server states {total:,} rows, {coverage.distinct:,} different ids were read")
        return Outcome(
            verdict=Verdict.UNPROVEN if self else Verdict.PROVEN,
            reason="; ".join(self._reasons),
            pages=pages,
            distinct=coverage.distinct,
            duplicates=coverage.duplicates,
            total=total,
        )
