"""The ids of a table's live rows, in order, and how many of them lie below an id."""

from bisect import bisect_left, bisect_right
from collections.abc import Iterable, Sequence


class HeldIds:
    """A sorted set of ids that shares one large array and keeps only what differs from it.

    `ids` is strictly ascending and is not copied: an `array('q')` of 1,000,000 ids takes 8 MB. Looking an id up takes
    logarithmic time; adding or removing ids takes time in proportion to the differences so far.
    """

    def __init__(self, ids: Sequence[int], added: Iterable[int] = ()) -> None:
        self._ids = ids
        self._added: list[int] = []
        self._removed: list[int] = []
        self.add(added)

    def __len__(self) -> int:
        return len(self._ids) + len(self._added) - len(self._removed)

    def __contains__(self, identity: int) -> bool:
        return self.below(identity + 1) > self.below(identity)

    @property
    def highest(self) -> int:
        """The highest id. Raises IndexError if there is none."""
        gone = len(self._removed)
        for identity in reversed(self._ids):
            if gone == 0 or self._removed[gone - 1] != identity:
                return max([identity, *self._added[-1:]])
            gone -= 1
        return self._added[-1]

    def below(self, identity: int) -> int:
        """How many ids are lower than `identity`."""
        return (
            bisect_left(self._ids, identity) + bisect_left(self._added, identity) - bisect_left(self._removed, identity)
        )

    def between(self, low: int, high: int) -> list[int]:
        """The ids above `low` and below `high`, ascending."""
        removed = set(_inside(self._removed, low, high))
        kept = [identity for identity in _inside(self._ids, low, high) if identity not in removed]
        return sorted([*kept, *_inside(self._added, low, high)])

    def count_between(self, low: int, high: int) -> int:
        """How many ids are above `low` and below `high`."""
        return max(0, self.below(high) - self.below(low + 1))

    def add(self, identities: Iterable[int]) -> None:
        """Hold these as well."""
        new = {identity for identity in identities if identity not in self}
        if new:
            returned = new.intersection(self._removed)
            self._removed = [identity for identity in self._removed if identity not in returned]
            self._added = sorted([*self._added, *(new - returned)])

    def remove(self, identities: Iterable[int]) -> None:
        """Hold these no longer."""
        old = {identity for identity in identities if identity in self}
        if old:
            extra = old.intersection(self._added)
            self._added = [identity for identity in self._added if identity not in extra]
            self._removed = sorted([*self._removed, *(old - extra)])


def _inside(ids: Sequence[int], low: int, high: int) -> Sequence[int]:
    # A caller's array that is out of order must not hand out an id from outside of the range.
    found = ids[bisect_right(ids, low) : bisect_left(ids, high)]
    return [identity for identity in found if low < identity < high]
