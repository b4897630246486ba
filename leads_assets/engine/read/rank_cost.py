"""Requests that a rank search costs, and those of the full read that it saves."""

from math import ceil


def full_read_requests(rows: int, limit: int) -> int:
    """Requests of a full read of `rows` rows: pages of `limit` rows that overlap by one, and one that shows the end."""
    return ceil(rows / max(1, limit - 1)) + 1


def search_requests(balance: int, rows: int, limit: int) -> int:
    """Requests that a rank search is expected to cost for `balance` rows gone, scattered among `rows`.

    One closes the ranks where nothing is gone. Else a second one closes them in the end, and between the two stand the
    pages of the bisection: a page in the middle of each stretch in which a row is gone. A block of neighbours costs
    about as much as a single row. Never more than a full read, at which the search gives up.
    """
    full = full_read_requests(rows, limit)
    gone = min(abs(balance), rows)
    if gone == 0:
        return 1
    expected, stretches = 2.0, 1
    while (share := (1 - (stretches - 1) * limit / rows) / stretches) > 0:
        expected += stretches * (1 - (1 - share) ** gone)
        stretches *= 2
    return min(full, ceil(expected))
