"""What a read will cost in requests: pure arithmetic."""

from dataclasses import dataclass


def pages_needed(total: int, size: int) -> int:
    """Requests of a walk through `total` rows by pages of `size`, where nothing moves meanwhile.

    Adjacent pages overlap by a row, the far end is asked for by itself, and a list in no asked order is looked at once
    more, at its front.
    """
    if total < size:
        return 1
    return 3 + -(-(total - size) // max(1, size - 1))


def days_to_read(requests: int, left: int | None, daily: int) -> int:
    """Days after today until a list that is read in parts is complete: `left` requests are left today, None without a
    limit, of `daily`; a tenth of a day's is left to reads of changes."""
    if left is None:
        return 0
    more = requests - max(0, left - daily // 10)
    return max(0, -(-more // max(1, daily - daily // 10)))


@dataclass(frozen=True, slots=True)
class Estimate:
    """`requests` and `rows` are None where nothing is known; `basis` says what they rest on."""

    requests: int | None
    rows: int | None
    basis: str


def estimate_paged(rows: int, total: int | None, last_rows: int | None, size: int) -> Estimate:
    """A paged list whose first page held `rows`; `total` as the server states it, `last_rows` of the last read."""
    if total is not None:
        actual = rows if rows and rows < min(size, total) else size
        return Estimate(pages_needed(total, actual), total, "the server's total")
    if rows < size:
        return Estimate(2, rows, "a first page that is not full; the second shows the end")
    if last_rows is not None:
        return Estimate(pages_needed(last_rows, size) + 1, last_rows, "the rows of the last read; no total is sent")
    return Estimate(None, None, "no total is sent, and it was never read")


def estimate_unpaged(last_requests: int | None, last_rows: int | None, *, parts: str = "") -> Estimate:
    """A list that comes with one plain request, if the last read did not need more."""
    if last_requests is not None:
        return Estimate(last_requests, last_rows, "the last read")
    note = f"; one more for each of {parts}, if the plain list is refused" if parts else ""
    return Estimate(1, None, f"one plain request{note}")
