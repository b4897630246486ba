"""One list of the demo account: computed rows below, changed rows on top, and the orders it can be read in."""

import json
from array import array
from bisect import bisect_left
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from leads_assets.demo.account.dice import IdScheme, mix
from leads_assets.demo.account.directory import Row
from leads_assets.demo.account.worktime import epoch_milliseconds

_CACHED_ROWS = 100_000
_CACHED_SELECTIONS = 8
_ENCODER = json.JSONEncoder(ensure_ascii=False, separators=(",", ":"))


class Source(Protocol):
    """Where the untouched rows of a list come from."""

    ids: IdScheme

    def row(self, row_id: int) -> Row:
        """The row with that id."""

    def owner(self, row_id: int) -> int | None:
        """The `user_id` of the row."""

    def updated(self, row_id: int) -> int:
        """When the row last changed, in epoch milliseconds."""


class MadeRows:
    """A source that reads owner and change time off the row itself: for lists of a few thousand rows."""

    def __init__(self, ids: IdScheme, make: Callable[[int], Row]) -> None:
        self.ids = ids
        self.row = make

    def owner(self, row_id: int) -> int | None:
        """The `user_id` of the row, None where it has none."""
        owner: int | None = self.row(row_id).get("user_id")
        return owner

    def updated(self, row_id: int) -> int:
        """When the row last changed, in epoch milliseconds; 0 where it does not say."""
        text = self.row(row_id).get("updated_at")
        return epoch_milliseconds(datetime.fromisoformat(text)) if text else 0


@dataclass(frozen=True, slots=True)
class Selection:
    """Which rows, in which order. `after` is in epoch milliseconds and inclusive."""

    order: str = "id"
    descending: bool = False
    after: int | None = None
    owned_only: bool = False
    user_id: int | None = None
    lead_id: int | None = None


class Table:
    """The rows of one list: of the source those at these positions, ascending.

    Not thread-safe: the account holds the lock.
    """

    def __init__(self, source: Source, indexes: Sequence[int]) -> None:
        self._stored: dict[int, bytes] = {}
        self._moved: dict[int, int] = {}
        self.gone: dict[int, None] = {}
        self._lowest, self._highest = (indexes[0], indexes[-1]) if indexes else (0, -1)
        self._show(source, map(source.ids.at, indexes))

    def _show(self, source: Source, ids: Iterable[int]) -> None:
        self._source = source
        self._views: dict[tuple[bool, bool], array[int]] = {(False, False): array("q", ids)}
        self._encoded: dict[int, bytes] = {}
        self._selected: dict[Selection, Sequence[int]] = {}

    def replace(self, source: Source, indexes: Sequence[int]) -> None:
        """Have other untouched rows; what was added, changed or deleted on request stays so."""
        ids = {*map(source.ids.at, indexes)} - self.gone.keys()
        ids |= {row_id for row_id in self._stored if row_id in self}
        self._highest = max([self._highest, *indexes[-1:]])
        self._show(source, sorted(ids))

    @property
    def ids(self) -> "array[int]":
        """The ids of all rows, ascending."""
        return self._views[False, False]

    def __len__(self) -> int:
        return len(self.ids)

    def __contains__(self, row_id: int) -> bool:
        place = bisect_left(self.ids, row_id)
        return place < len(self.ids) and self.ids[place] == row_id

    def row(self, row_id: int) -> Row:
        """The row with that id, present or gone."""
        row: Row = json.loads(self.encoded(row_id))  # to make a row costs many times what it takes to read it
        return row

    def encoded(self, row_id: int) -> bytes:
        """The row with that id as JSON."""
        known = self._stored.get(row_id) or self._encoded.get(row_id)
        if known is not None:
            return known
        encoded = _ENCODER.encode(self._source.row(row_id)).encode()
        # Nothing is ever evicted: whoever reads a longer list from end to end again and again still finds a part.
        if len(self._encoded) < _CACHED_ROWS:
            self._encoded[row_id] = encoded
        return encoded

    def updated(self, row_id: int) -> int:
        """When the row last changed, in epoch milliseconds."""
        moved = self._moved.get(row_id)
        return self._source.updated(row_id) if moved is None else moved

    def _owner(self, row_id: int) -> int | None:
        if row_id not in self._stored:
            return self._source.owner(row_id)
        owner: int | None = self.row(row_id).get("user_id")
        return owner

    def _recency(self, row_id: int) -> tuple[int, int]:
        return self.updated(row_id), row_id

    def _view(self, by_update: bool, owned_only: bool) -> "array[int]":
        view = self._views.get((by_update, owned_only))
        if view is None:
            ids: Iterable[int] = self.ids
            if owned_only:
                ids = (row_id for row_id in ids if self._owner(row_id) is not None)
            # The ids ascend and the sort is stable, so equal times stay in the order of their ids.
            view = array("q", sorted(ids, key=self.updated) if by_update else ids)
            self._views[by_update, owned_only] = view
        return view

    def page(self, selection: Selection, offset: int, limit: int | None) -> tuple[list[int], int]:
        """The ids from `offset` on, at most `limit`, and how many rows the selection has."""
        found = self._find(selection)
        total = len(found)
        end = total if limit is None else min(total, offset + limit)
        if not selection.descending:
            return list(found[offset:end]), total
        return list(found[max(0, total - end) : max(0, total - offset)])[::-1], total

    def _find(self, selection: Selection) -> Sequence[int]:
        by_update = selection.order == "last_update"
        view = self._view(by_update, selection.owned_only)
        if selection.order != "shuffled" and (selection.after, selection.user_id, selection.lead_id) == (None,) * 3:
            return view
        found = self._selected.get(selection)
        if found is None:
            if len(self._selected) >= _CACHED_SELECTIONS:
                self._selected.clear()
            found = self._selected[selection] = self._filter(selection, view)
        return found

    def _filter(self, selection: Selection, view: Sequence[int]) -> Sequence[int]:
        if selection.after is not None:
            recent = self._view(True, selection.owned_only)
            view = recent[bisect_left(recent, selection.after, key=self.updated) :]
        if selection.user_id is not None:
            view = [row_id for row_id in view if self._owner(row_id) == selection.user_id]
        if selection.lead_id is not None:
            view = [row_id for row_id in view if self.row(row_id).get("lead_id") == selection.lead_id]
        if selection.order == "shuffled":
            return sorted(view, key=lambda row_id: mix(0, row_id))
        return view if selection.order == "last_update" else sorted(view)

    def new_id(self, lowest: bool) -> int:
        """An id that no row ever had: above all others, or below them."""
        if lowest:
            self._lowest -= 1
            return self._source.ids.at(self._lowest)
        self._highest += 1
        return self._source.ids.at(self._highest)

    def put(self, row_id: int, row: Row, updated: int) -> None:
        """Store a new or changed row, `updated` in epoch milliseconds."""
        if row_id in self:
            self._enter(row_id, leave=True)
        self._stored[row_id] = _ENCODER.encode(row).encode()
        self._moved[row_id] = updated
        self._encoded.pop(row_id, None)
        self._highest = max(self._highest, self._source.ids.index(row_id))
        self._enter(row_id, leave=False)

    def take_away(self, row_id: int) -> None:
        """Delete a row that is there, and keep it as it is: `bring_back` undoes it."""
        kept, updated = self.encoded(row_id), self.updated(row_id)
        self._enter(row_id, leave=True)
        self._stored[row_id], self._moved[row_id] = kept, updated
        self.gone[row_id] = None

    def bring_back(self, row_id: int) -> None:
        """Put a deleted row back as it was."""
        del self.gone[row_id]
        self._enter(row_id, leave=False)

    def forget(self, row_id: int) -> None:
        """Delete a row for good."""
        self._enter(row_id, leave=True)
        self._stored.pop(row_id, None)
        self._moved.pop(row_id, None)
        self._encoded.pop(row_id, None)

    def _enter(self, row_id: int, *, leave: bool) -> None:
        """Put the row into each order that has been asked for, or take it out."""
        self._selected.clear()
        is_owned = self._owner(row_id) is not None
        for (by_update, owned_only), view in self._views.items():
            if owned_only and not is_owned:
                continue
            if by_update:
                place = bisect_left(view, self._recency(row_id), key=self._recency)
            else:
                place = bisect_left(view, row_id)
            if leave:
                del view[place]
            else:
                view.insert(place, row_id)
