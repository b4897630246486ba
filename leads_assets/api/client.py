"""One GET, done well: attempts, backoff, deadline, budget; and one pause for all threads on a 429."""

import random
import re
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from datetime import datetime, timedelta
from typing import Any, TypeVar
from urllib.parse import urlencode, urlsplit

import msgspec
import requests
import urllib3
from requests.adapters import HTTPAdapter

from leads_assets.api.backoff import Backoff, server_wait
from leads_assets.api.budget import RequestBudget, utc_now
from leads_assets.api.errors import (
    AccessDenied,
    AccountSuspended,
    BadRequest,
    ConfigurationError,
    HostUnreachable,
    KeyRefused,
    LeadsApiError,
    NotFound,
    RateLimited,
    Unavailable,
    UnexpectedAnswer,
)
from leads_assets.api.pages import Malformed

RETRIED = frozenset({429, 500, 502, 503, 504})
_CHUNK = 1 << 18
_NAP = 0.5
"""Longest single sleep, in seconds: a cancelled walk is noticed after it."""

Parsed = TypeVar("Parsed")


@dataclass(slots=True)
class Effort:
    """What one walk has cost so far, over all its threads; `cancelled` ends its waits early."""

    requests: int = 0
    retries: int = 0
    seconds_waited: float = 0.0
    cancelled: threading.Event = field(default_factory=threading.Event)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def add(self, *, requests: int = 0, retries: int = 0, seconds: float = 0.0) -> None:
        """Count; any thread may."""
        with self._lock:
            self.requests += requests
            self.retries += retries
            self.seconds_waited += seconds


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request with all its attempts. Times in seconds, sizes in bytes."""

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    attempts: int = 6
    deadline: float = 120.0
    body: int = 64 << 20


class _Fault(Exception):
    """Worth another attempt. `floor`: seconds that the server asks for; `fact`: what happened, in a few words."""

    def __init__(self, fact: str, *, floor: float = 0.0, limited: bool = False, reached: bool = True) -> None:
        super().__init__(fact)
        self.fact, self.floor, self.limited, self.reached = fact, floor, limited, reached


class _ErrorBody(msgspec.Struct):
    type: str = ""


class ApiClient:
    """Sends GET requests to one account; safe to use from several threads.

    Each request goes straight through `requests`' transport adapter: no redirect is followed, no cookie kept and no
    `.netrc` read, because each of these could carry the key elsewhere. Clock, sleep and random are parameters so that
    tests need not wait.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        budget: RequestBudget,
        *,
        header: str = "X-API-KEY",
        limits: Limits | None = None,
        backoff: Backoff | None = None,
        connections: int = 4,
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
        now: Callable[[], datetime] = utc_now,
        rng: Callable[[], float] = random.random,
    ) -> None:
        """Check the settings; nothing is sent. Raises ConfigurationError."""
        self.base_url = checked_base_url(base_url)
        self.budget = budget
        self._limits = limits or Limits()
        self._backoff = backoff or Backoff()
        self._clock, self._sleep, self._now, self._rng = clock, sleep, now, rng
        self._adapter = HTTPAdapter(pool_maxsize=connections, pool_block=True)
        self._headers = {header: _checked_key(api_key), "Accept": "application/json", "Accept-Encoding": "gzip"}
        with requests.Session() as session:  # proxies and CA bundle of the environment, looked up once
            found = session.merge_environment_settings(self.base_url, {}, None, None, None)
        self._environment: dict[str, Any] = {name: found[name] for name in ("proxies", "verify", "cert")}
        self._pause_lock = threading.Lock()
        self._paused_until = 0.0

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    def get(
        self,
        endpoint: str,
        path: str,
        params: Mapping[str, str],
        parse: Callable[[bytes, Mapping[str, str]], Parsed],
        effort: Effort,
    ) -> Parsed:
        """GET `path` and return `parse(body, headers)`; a Malformed from `parse` is tried again like a fault.

        Raises a LeadsApiError that names `endpoint`.
        """
        began = self._clock()
        ends = began + self._limits.deadline
        for attempt in range(1, self._limits.attempts + 1):
            self._await_turn(endpoint, ends, effort)
            effort.add(requests=1, retries=int(attempt > 1))
            try:
                return self._attempt(endpoint, path, params, parse, ends)
            except _Fault as fault:
                wait = max(fault.floor, self._backoff.wait(attempt, self._rng))
                tried = f"attempt {attempt} of {self._limits.attempts}, {self._clock() - began:.0f} s elapsed"
                if attempt == self._limits.attempts:
                    raise self._given_up(endpoint, fault, wait, tried) from None
                if self._clock() + wait >= ends:
                    tried += f", the next one would come after the deadline of {self._limits.deadline:.0f} s"
                    raise self._given_up(endpoint, fault, wait, tried) from None
                self._back_off(fault, wait, effort)
        raise AssertionError("unreachable: the last attempt returns or raises")

    def _attempt(
        self,
        endpoint: str,
        path: str,
        params: Mapping[str, str],
        parse: Callable[[bytes, Mapping[str, str]], Parsed],
        ends: float,
    ) -> Parsed:
        status, headers, body = self._send(path, params, ends)
        if status == 200:
            try:
                return parse(body, headers)
            except Malformed as malformed:
                raise _Fault(f"HTTP 200 with {malformed}") from None
        if status == 429:
            floor = server_wait(headers, self._now())
            raise _Fault("HTTP 429", floor=floor or 0.0, limited=True)
        if status in RETRIED:
            raise _Fault(f"HTTP {status}", floor=server_wait(headers, self._now()) or 0.0)
        raise self._permanent(endpoint, path, status, headers, body)

    def _send(self, path: str, params: Mapping[str, str], ends: float) -> tuple[int, Mapping[str, str], bytes]:
        request = requests.PreparedRequest()
        request.method = "GET"
        request.url = f"{self.base_url}{path}?{urlencode(params)}" if params else f"{self.base_url}{path}"
        request.headers = requests.structures.CaseInsensitiveDict(self._headers)
        left = max(0.001, ends - self._clock())
        timeout = (min(self._limits.connect_timeout, left), min(self._limits.read_timeout, left))
        try:
            response = self._adapter.send(request, stream=True, timeout=timeout, **self._environment)
        except requests.exceptions.RequestException as error:
            raise _connection_fault(error) from None
        with response:
            return response.status_code, response.headers, self._read(response, ends)

    def _read(self, response: requests.Response, ends: float) -> bytes:
        """The body, bounded in bytes and in time: a server that trickles never trips a read timeout."""
        body = bytearray()
        try:
            while chunk := response.raw.read1(_CHUNK, decode_content=True):
                body += chunk
                if len(body) > self._limits.body:
                    raise _Fault(f"a body of more than {self._limits.body >> 20} MiB")
                if self._clock() > ends:
                    raise _Fault("a body that did not end before the deadline")
        except (urllib3.exceptions.HTTPError, OSError) as error:
            raise _Fault(f"a body that was cut off ({type(error).__name__})") from None
        promised = response.headers.get("Content-Length", "")
        if "Content-Encoding" not in response.headers and promised.isdigit() and int(promised) != len(body):
            raise _Fault(f"a body of {len(body):,} bytes where {int(promised):,} were announced")
        return bytes(body)

    def _await_turn(self, endpoint: str, ends: float, effort: Effort) -> None:
        """Wait while the pool is paused, count the request, and wait for its place in the pace."""
        while (left := self._paused_until - self._clock()) > 0:
            if self._clock() + left >= ends:
                resume = self._now() + timedelta(seconds=left)
                raise RateLimited(f"{endpoint}: not asked, the server's quota is used up (HTTP 429 before)", resume)
            self._wait(left, effort)
        self._check_cancelled(endpoint, effort)
        self._wait(self.budget.take(endpoint), effort)

    def _back_off(self, fault: _Fault, wait: float, effort: Effort) -> None:
        if fault.limited:
            self._pause(wait)
        else:
            self._wait(wait, effort)

    def _pause(self, seconds: float) -> None:
        with self._pause_lock:
            self._paused_until = max(self._paused_until, self._clock() + seconds)

    def _wait(self, seconds: float, effort: Effort) -> None:
        until = self._clock() + seconds
        while (left := until - self._clock()) > 0 and not effort.cancelled.is_set():
            nap = min(left, _NAP)
            self._sleep(nap)
            effort.add(seconds=nap)

    @staticmethod
    def _check_cancelled(endpoint: str, effort: Effort) -> None:
        if effort.cancelled.is_set():
            raise LeadsApiError(f"{endpoint}: reading was given up")

    def _given_up(self, endpoint: str, fault: _Fault, wait: float, tried: str) -> LeadsApiError:
        if fault.limited:
            resume = self._now() + timedelta(seconds=wait)
            self._pause(wait)
            if fault.floor:
                self.budget.pause_until(resume)
            asked = f"the server asks to wait {fault.floor:,.0f} s, " if fault.floor else ""
            return RateLimited(f"{endpoint}: {fault.fact}, {asked}{tried}", resume)
        if not fault.reached:
            return HostUnreachable(
                f"{endpoint}: {fault.fact} at {urlsplit(self.base_url).netloc}, {tried};"
                " check LEADS_API_BASE_URL and the network"
            )
        return Unavailable(f"{endpoint}: {fault.fact}, {tried}")

    def _permanent(
        self, endpoint: str, path: str, status: int, headers: Mapping[str, str], body: bytes
    ) -> LeadsApiError:
        host = urlsplit(self.base_url).netloc
        if status == 400:
            missing = _error_type(body) == "missing_parameter"
            detail = "a parameter is missing" if missing else "the server refuses the request's parameters"
            return BadRequest(f"{endpoint}: HTTP 400, {detail}", missing_parameter=missing)
        if status == 401:
            return KeyRefused(
                f"{endpoint}: HTTP 401 from {host}: the key in LEADS_API_KEY is refused, or LEADS_API_BASE_URL names"
                " no account (a wrong host answers like a wrong key)"
            )
        if status == 402:
            return AccountSuspended(f"{endpoint}: HTTP 402 from {host}: the account is suspended; ask its owner")
        if status == 403:
            return AccessDenied(
                f"{endpoint}: HTTP 403: the key has no right to read {path}, or the account's edition lacks it"
            )
        if status == 404:
            return NotFound(f"{endpoint}: HTTP 404: {host} has no {path}; check the path in LEADS_API_BASE_URL")
        if 300 <= status < 400:
            target = urlsplit(headers.get("Location", "")).hostname or "the same host"
            return UnexpectedAnswer(
                f"{endpoint}: HTTP {status} to {target}: redirects are not followed, the key would travel along;"
                " set LEADS_API_BASE_URL to the final address"
            )
        return UnexpectedAnswer(f"{endpoint}: HTTP {status}, which is neither an answer nor worth another attempt")


def _error_type(body: bytes) -> str:
    try:
        return msgspec.json.decode(body, type=_ErrorBody).type
    except (msgspec.DecodeError, UnicodeDecodeError):
        return ""


def _connection_fault(error: requests.exceptions.RequestException) -> _Fault:
    if isinstance(error, requests.exceptions.ConnectTimeout):
        return _Fault("no connection in time", reached=False)
    if isinstance(error, requests.exceptions.Timeout):
        return _Fault("no answer in time")
    if isinstance(error, requests.exceptions.SSLError):
        return _Fault("the TLS certificate is not trusted", reached=False)
    # urllib3 wraps the cause twice; only the class names are safe to look at, the texts hold the URL.
    reason = getattr(error.args[0], "reason", None) if error.args else None
    if isinstance(reason, urllib3.exceptions.NameResolutionError):
        return _Fault("the host name is unknown", reached=False)
    if isinstance(reason, urllib3.exceptions.NewConnectionError):
        return _Fault("the connection is refused", reached=False)
    return _Fault("the connection was closed without an answer")


def checked_base_url(text: str) -> str:
    """The base URL without a trailing slash. Raises ConfigurationError if the key could not be sent there safely."""
    name = "LEADS_API_BASE_URL"
    parts = urlsplit(text.strip())
    if parts.scheme not in ("http", "https") or not parts.hostname:
        raise ConfigurationError(f"{name} must be an address like https://api.example.com/v2")
    if parts.username or parts.password or parts.query or parts.fragment:
        raise ConfigurationError(f"{name} must be scheme, host and path only: no user name, no `?`, no `#`")
    if parts.scheme == "http" and not _is_loopback(parts.hostname):
        raise ConfigurationError(f"{name} is plain http to {parts.hostname}, which would show the key; use https")
    return f"{parts.scheme}://{parts.netloc}{parts.path.rstrip('/')}"


def _is_loopback(host: str) -> bool:
    return host in ("localhost", "::1") or re.fullmatch(r"127(\.\d{1,3}){3}", host) is not None


def _checked_key(key: str) -> str:
    if not re.fullmatch(r"[\x21-\x7e]+", key):
        raise ConfigurationError("LEADS_API_KEY is empty, or holds a character that no header can carry")
    return key
