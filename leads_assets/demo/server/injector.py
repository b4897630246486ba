"""Which faults strike a request: counts the matching requests of each fault."""

from collections import deque
from collections.abc import Iterable, Mapping
from threading import Lock
from time import monotonic

from leads_assets.demo.server.faults import EVERYWHERE, Fault


class FaultInjector:
    """The faults that are on. Thread-safe."""

    def __init__(self, faults: Iterable[Fault] = ()) -> None:
        self._lock = Lock()
        self.set(faults)

    def set(self, faults: Iterable[Fault]) -> None:
        """Put these faults in the place of the present ones and begin to count anew."""
        with self._lock:
            self._faults = tuple(faults)
            self._seen = [0] * len(self._faults)
            self._recent: dict[Fault, deque[float]] = {}

    @property
    def faults(self) -> tuple[Fault, ...]:
        """The faults that are on."""
        return self._faults

    def active_faults(self, endpoint: str) -> Mapping[str, Fault]:
        """Count a request, and give the faults that strike it by kind; of two of one kind the first wins."""
        struck: dict[str, Fault] = {}
        with self._lock:
            for place, fault in enumerate(self._faults):
                if fault.endpoint not in (EVERYWHERE, endpoint):
                    continue
                seen = self._seen[place]
                self._seen[place] += 1
                if seen >= fault.after and (fault.times is None or seen < fault.after + fault.times):
                    struck.setdefault(fault.kind, fault)
        return struck

    def is_beyond(self, limit: Fault) -> bool:
        """Count a request, and tell whether it is one too many within a second; refused ones do not count."""
        with self._lock:
            now = monotonic()
            recent = self._recent.setdefault(limit, deque())
            while recent and recent[0] <= now - 1:
                recent.popleft()
            if len(recent) >= limit.number:
                return True
            recent.append(now)
            return False
