"""One round of looks at the server: a few cheap requests, within a time limit."""

import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, replace
from datetime import datetime

from leads_assets.engine.declare import Endpoint, Role
from leads_assets.engine.errors import EndpointError, Oversized, Unavailable
from leads_assets.engine.http.client import ApiClient, Limits, RequestStats
from leads_assets.engine.read import probe
from leads_assets.engine.records.state import SyncState
from leads_assets.refresh.cursor import BYTES_A_DAY, PROBE_INTERVAL, LastSeen, due_looks, updated_last_seen
from leads_assets.refresh.decide import Need, Observation, compare_changes, compare_events, endpoints_with_events

PROBE_LIMITS = Limits(connect_timeout=5, read_timeout=10, attempts=2, deadline=12, body=32 << 20)
"""Bounds of one probe: a tick is ended by Dagster after 60 seconds."""
ROUND_SECONDS = 25.0
"""No probe begins later than this in a round."""


@dataclass(frozen=True, slots=True)
class Lists:
    """The endpoints by how they are looked at."""

    changing: tuple[Endpoint, ...]
    logs: tuple[Endpoint, ...]
    small: tuple[Endpoint, ...]

    @classmethod
    def of(cls, endpoints: Iterable[Endpoint]) -> "Lists":
        """Each endpoint in its group."""
        every = tuple(endpoints)
        changing = tuple(endpoint for endpoint in every if endpoint.change_filter)
        logs = tuple(endpoint for endpoint in every if endpoint.role is Role.LOG)
        return cls(changing, logs, tuple(endpoint for endpoint in every if endpoint not in (*changing, *logs)))

    @property
    def each_time(self) -> tuple[Endpoint, ...]:
        """What every round looks at, with one request each."""
        return (*self.changing, *self.logs)


class Observer:
    """Looks at the logs and the newest changes each time, at the small lists when they are due or an event names them.

    After `look`: `observations` is what was found, `looks` what to remember, `requests` what it cost.
    """

    def __init__(
        self,
        client: ApiClient,
        known: Mapping[str, SyncState],
        looks: Mapping[str, LastSeen],
        now: Callable[[], datetime],
        *,
        endpoints: Mapping[str, Endpoint],
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self.observations: dict[str, Observation] = {}
        self.looks = dict(looks)
        self._client, self._known, self._now, self._clock = client, known, now, clock
        self._endpoints, self._lists = endpoints, Lists.of(endpoints.values())
        self._stats = RequestStats()
        self._ends = clock() + ROUND_SECONDS
        self._named: set[str] = set()
        self._plainly = {name for name, look in looks.items() if look.plainly}
        self._unavailable: list[Unavailable] = []
        self._new = 0
        self._spare: int | None = None

    @property
    def requests(self) -> int:
        """Requests sent."""
        return self._stats.requests

    def look(self, busy: Collection[str], spare: int | None = None) -> None:
        """Look at everything that is due and not `busy`. Raises an ApiError where nothing can be read at all.

        `spare`: requests after which no small list is looked at any more.
        """
        small, self._spare = self._lists.small, spare
        for endpoint in self._lists.logs:
            self._see(endpoint, self._events, busy)
        for endpoint in self._lists.changing:
            self._see(endpoint, self._newest, busy)
        for name in (*sorted(self._named), *due_looks(small, self.looks, self._now())):
            if name not in self.observations and self._endpoints[name] in small:
                self._see(self._endpoints[name], self._list, busy)
        if self._unavailable and not self.observations:
            raise self._unavailable[0]

    def _see(self, endpoint: Endpoint, observation: Callable[[Endpoint], Observation], busy: Collection[str]) -> None:
        name, before = endpoint.name, self.looks.get(endpoint.name)
        notified_at = name in self._named
        is_due = notified_at or before is None or before.due_at <= self._now()
        if name in busy or not is_due or self._is_over(endpoint):
            if notified_at and before:
                # The event is seen now and never again, and a read that is going may have begun before it.
                self.looks[name] = replace(before, notified_at=self._now())
            return
        read, size = self._stats.body_bytes, 0
        try:
            found = observation(endpoint)
        except Oversized as error:
            found, size = Observation("", (Need.CHANGES,), str(error), inconclusive=True), BYTES_A_DAY
        except Unavailable as error:
            # Remembered as if unchanged, because it would otherwise be asked for again at every tick.
            self._unavailable.append(error)
            self.looks[name] = updated_last_seen(
                before, before.fingerprint if before else "", self._now(), notified_at=notified_at
            )
            return
        except EndpointError as error:
            found = Observation(type(error).__name__, (Need.CHANGES,), str(error))
        self.observations[name] = found
        self.looks[name] = updated_last_seen(
            before,
            found.fingerprint,
            self._now(),
            notified_at=notified_at or (found.inconclusive and self._is_overdue(name)),
            size=size or self._stats.body_bytes - read,
            plainly=name in self._plainly,
        )
        self._new += endpoint in self._lists.small and self.looks[name].since == self.looks[name].at

    def _is_over(self, endpoint: Endpoint) -> bool:
        """Whether time, or the requests for small lists, are used up."""
        is_dear = self._spare is not None and self.requests >= self._spare and endpoint in self._lists.small
        return is_dear or self._clock() >= self._ends

    def _is_overdue(self, name: str) -> bool:
        began = self._known.get(name, SyncState()).began
        return began is not None and self._now() - began >= PROBE_INTERVAL

    def _events(self, endpoint: Endpoint) -> Observation:
        known = self._known.get(endpoint.name, SyncState())
        found = probe.events(self._client, endpoint, self._stats, plainly=endpoint.name in self._plainly)
        if found.plainly:
            self._plainly.add(endpoint.name)
        if endpoint.event_log is not None and endpoint.name in self._known:
            named = endpoints_with_events(found, known, self.looks.get(endpoint.name), endpoint.event_log)
            self._named |= named & self._endpoints.keys()
        return compare_events(found, known)

    def _newest(self, endpoint: Endpoint) -> Observation:
        known = self._known.get(endpoint.name, SyncState())
        ahead = len(known.ahead)
        return compare_changes(
            probe.newest_change(self._client, endpoint, self._stats, ahead=ahead, now=self._now), known
        )

    def _list(self, endpoint: Endpoint) -> Observation:
        return Observation(probe.fingerprint(self._client, endpoint, self._stats), (Need.CHANGES,), "")

    def report(self) -> str:
        """What was looked at, in a sentence."""
        parts = [f"{name}: {observation.says}" for name, observation in self.observations.items() if observation.says]
        small = sum(endpoint.name in self.observations for endpoint in self._lists.small)
        if small:
            parts.append(f"{small} small lists: {self._new or 'none'} not seen like this before")
        parts += [str(error) for error in self._unavailable]
        return "; ".join(parts)
