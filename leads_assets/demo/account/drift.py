"""Lists that change while they are read."""

import json
from dataclasses import replace
from random import Random
from threading import Lock

from leads_assets.demo.account.account import Account
from leads_assets.demo.server.paging import PageRequest

_TRIES = 100


class Drift:
    """Changes the account after each page, at a place named in the order in which that page was read.

    An insert at the end of an ascending order has a new highest id, one at its front a new lowest id; in a descending
    order it is the other way round. Thread-safe.
    """

    def __init__(self, account: Account) -> None:
        self._account = account
        self._lock = Lock()
        self.reset()

    def reset(self) -> None:
        """Forget which rows were read and begin the random choices anew."""
        with self._lock:
            self._read: dict[str, list[int]] = {}
            self._random = Random(self._account.seed)

    def step(self, value: str, page: PageRequest, rows: list[bytes]) -> None:
        """Change the list once, after these rows of it were read; where there is no such row, nothing changes."""
        operation, _, place = value.partition(":")
        with self._lock:
            if page.offset == 0:
                # A new walk: what an earlier one read does not count.
                self._read[page.endpoint] = []
            self._read.setdefault(page.endpoint, []).extend(json.loads(row)["id"] for row in rows)
            if operation == "insert":
                self._insert(place, page)
                return
            row_id = self._gone(place, page) if operation == "restore" else self._present(place, page)
            if row_id is not None:
                {"delete": self._account.delete, "update": self._account.update, "restore": self._account.restore}[
                    operation
                ](page.endpoint, [row_id])

    def _insert(self, place: str, page: PageRequest) -> None:
        at_front = place in ("front", "read") or (place == "random" and self._random.random() < 0.5)
        self._account.insert(page.endpoint, lowest=at_front != page.is_descending)

    def _gone(self, place: str, page: PageRequest) -> int | None:
        gone = self._account.gone(page.endpoint)
        if place == "read":
            read = set(self._read[page.endpoint])
            gone = tuple(row_id for row_id in gone if row_id in read)
        if not gone:
            return None
        if place in ("front", "back"):
            return gone[-1 if (place == "back") != page.is_descending else 0]
        return self._random.choice(gone)

    def _present(self, place: str, page: PageRequest) -> int | None:
        if place == "read":
            read = self._read[page.endpoint]
            tries = (self._random.choice(read) for _ in range(_TRIES if read else 0))
            return next((row_id for row_id in tries if self._account.has(page.endpoint, row_id)), None)
        total = replace(page, offset=0, limit=0).read(self._account)[1]
        if not total:
            return None
        offset = {"front": 0, "back": total - 1}.get(place, self._random.randrange(total))
        rows, _ = replace(page, offset=offset, limit=1).read(self._account)
        row_id: int = json.loads(rows[0])["id"]
        return row_id
