"""One GET with retries, backoff, deadline and budget; a 429 pauses all threads."""

import random
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import TypeVar

from leads_assets.engine.declare import Dialect
from leads_assets.engine.errors import (
    ApiError,
    HostUnreachable,
    MalformedResponse,
    Oversized,
    RateLimited,
    Unavailable,
)
from leads_assets.engine.http.budget import RequestBudget
from leads_assets.engine.http.retry import Backoff, server_wait
from leads_assets.engine.http.status_errors import refusal
from leads_assets.engine.http.transport import CONNECTIONS, Fault, Limits, ResponseTooLarge, Transport
from leads_assets.engine.instants import utc_now

__all__ = ["ApiClient", "Limits", "RequestStats"]

RETRIED = frozenset({429, 500, 502, 503, 504})
_NAP = 0.5
"""Longest single sleep, in seconds: a cancelled walk is noticed after it."""

Parsed = TypeVar("Parsed")
Parse = Callable[[bytes, Mapping[str, str]], Parsed]


@dataclass(slots=True)
class RequestStats:
    """Requests, retries and waits of one walk, over all its threads; `cancelled` ends its waits early."""

    requests: int = 0
    retries: int = 0
    body_bytes: int = 0
    seconds_waited: float = 0.0
    cancelled: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *, requests: int = 0, retries: int = 0, seconds: float = 0.0, body_bytes: int = 0) -> None:
        """Count; any thread may. `body_bytes`: of answers, where that is of interest."""
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.seconds_waited += seconds
            self.body_bytes += body_bytes

    def copy(self) -> "RequestStats":
        """The counts as they are now."""
        with self._lock:
            return RequestStats(self.requests, self.retries, self.body_bytes, self.seconds_waited)


class ApiClient:
    """Sends GET requests to one account; safe to use from several threads.

    `dialect` tells how the account's API speaks. Clock, sleep and random are parameters so that tests need not wait.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        budget: RequestBudget,
        dialect: Dialect,
        *,
        limits: Limits | None = None,
        backoff: Backoff | None = None,
        connections: int = CONNECTIONS,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = utc_now,
        rng: Callable[[], float] = random.random,
    ) -> None:
        """Check the settings; nothing is sent. Raises ConfigurationError."""
        self.budget = budget
        self.dialect = dialect
        self._limits = limits or Limits()
        self._backoff = backoff or Backoff()
        self._clock, self._sleep, self._now, self._rng = clock, sleep, now, rng
        self._transport = Transport(
            base_url, api_key, header=dialect.key_header, limits=self._limits, connections=connections, clock=clock
        )
        self._pause_lock = threading.Lock()
        self._paused_until = 0.0

    @property
    def base_url(self) -> str:
        """The account's address, without a trailing slash."""
        return self._transport.base_url

    def close(self) -> None:
        """Close the connections."""
        self._transport.close()

    def get(
        self, endpoint: str, path: str, params: Mapping[str, str], parse: Parse[Parsed], stats: RequestStats
    ) -> Parsed:
        """GET `path` and return `parse(body, headers)`; a MalformedResponse from `parse` is retried like a fault.

        Raises an ApiError that names `endpoint`.
        """
        began = self._clock()
        ends = began + self._limits.deadline
        attempt = 0
        while True:
            attempt += 1
            ends += self._await_turn(endpoint, ends, stats)
            stats.add(requests=1, retries=int(attempt > 1))
            outcome = self._attempt(endpoint, path, params, parse, ends)
            if not isinstance(outcome, Fault):
                return outcome
            wait = max(outcome.floor, self._backoff.wait(attempt, self._rng))
            tried = f"attempt {attempt} of {self._limits.attempts}, {self._clock() - began:.0f} s elapsed"
            if attempt >= self._limits.attempts:
                raise self._given_up(endpoint, outcome, wait, tried)
            if self._clock() + wait >= ends:
                tried += f", the next one would come after the deadline of {self._limits.deadline:.0f} s"
                raise self._given_up(endpoint, outcome, wait, tried)
            if outcome.limited:
                self._pause(wait)
            else:
                self._wait(wait, stats)

    def _attempt(
        self, endpoint: str, path: str, params: Mapping[str, str], parse: Parse[Parsed], ends: float
    ) -> Parsed | Fault:
        """Make one attempt. A fault is returned and not raised, so that no later exception has it as its context."""
        try:
            answer = self._transport.send(path, params, ends)
            if answer.status == 200:
                return parse(answer.body, answer.headers)
        except Fault as fault:
            return fault
        except MalformedResponse as malformed:
            return Fault(f"HTTP 200 with {malformed}")
        except ResponseTooLarge:
            raise Oversized(f"{endpoint}: HTTP 200 with a body of more than {self._limits.body:,} bytes") from None
        if answer.status in RETRIED:
            floor = server_wait(answer.headers, self.dialect.wait_headers, self._now()) or 0.0
            return Fault(f"HTTP {answer.status}", floor=floor, limited=answer.status == 429)
        raise refusal(endpoint, path, self._transport, answer, self.dialect)

    def _await_turn(self, endpoint: str, ends: float, stats: RequestStats) -> float:
        """Wait while the pool is paused, count the request, and wait for its place in the pace.

        Returns the seconds spent on the pace: that wait is ours and not the server's, so the deadline moves by it.
        """
        self._await_pause(endpoint, ends, stats)
        turn = self.budget.take(endpoint)
        self._wait(turn, stats)
        self._await_pause(endpoint, ends + turn, stats)  # another thread may have met a 429 meanwhile
        return turn

    def _await_pause(self, endpoint: str, ends: float, stats: RequestStats) -> None:
        while (left := self._paused_until - self._clock()) > 0 and not stats.cancelled.is_set():
            if self._clock() + left >= ends:
                resume = self._now() + timedelta(seconds=left)
                raise RateLimited(f"{endpoint}: not asked, the server's quota is used up (HTTP 429 before)", resume)
            self._wait(left, stats)
        if stats.cancelled.is_set():
            raise ApiError(f"{endpoint}: reading was given up")

    def _pause(self, seconds: float) -> None:
        with self._pause_lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _wait(self, seconds: float, stats: RequestStats) -> None:
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0 and not stats.cancelled.is_set():
            nap = min(left, _NAP)
            self._sleep(nap)
            stats.add(seconds=nap)

    def _given_up(self, endpoint: str, fault: Fault, wait: float, tried: str) -> ApiError:
        if fault.limited:
            resume = self._now() + timedelta(seconds=wait)
            self._pause(wait)
            if fault.floor:
                self.budget.pause_until(resume)
            asked = f"the server asks to wait {fault.floor:,.0f} s, " if fault.floor else ""
            return RateLimited(f"{endpoint}: {fault.fact}, {asked}{tried}", resume)
        if not fault.reached:
            return HostUnreachable(
                f"{endpoint}: {fault.fact} at {self._transport.host}, {tried};"
                " check the setting `base_url` and the network"
            )
        return Unavailable(f"{endpoint}: {fault.fact}, {tried}")
