"""One attempt on the wire, bounded in time and size, to the account's host only."""

import re
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from urllib.parse import urlencode, urlsplit

import requests
import urllib3
from requests.adapters import HTTPAdapter

from leads_assets.engine.errors import ConfigurationError
from leads_assets.engine.http.address import checked_base_url, checked_header, checked_key, may_be_shown
from leads_assets.engine.http.deadline import bound, deadline

CONNECTIONS = 8
"""To one host at a time; more would mostly wait for this process to take their pages."""
_CHUNK = 1 << 18
_LENGTH = re.compile(r"[0-9]{1,18}")
_ERROR_BODY = 1 << 16
_ERROR_SECONDS = 5.0
"""Longest wait for an error's body: its status says nearly all, and the time is better spent on another attempt."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Bounds of one request with all its attempts. Times in seconds, sizes in bytes.

    `deadline` includes the waits, except those for our own pace; it bounds the sockets, so that no server can stretch a
    request beyond it.
    """

    connect_timeout: float = 10.0
    read_timeout: float = 60.0
    attempts: int = 6
    deadline: float = 120.0
    body: int = 64 << 20


class Fault(Exception):
    """A failure worth a retry. `floor`: seconds that the server asks to wait; `fact`: what happened, in a few words."""

    def __init__(self, fact: str, *, floor: float = 0.0, limited: bool = False, reached: bool = True) -> None:
        super().__init__(fact)
        self.fact, self.floor, self.limited, self.reached = fact, floor, limited, reached


class ResponseTooLarge(Exception):
    """The body is larger than the limit; a retry would bring the same."""


@dataclass(frozen=True, slots=True)
class Answer:
    """What the server sent. `body` is complete for status 200; for others it is the beginning."""

    status: int
    headers: Mapping[str, str]
    body: bytes


class Transport:
    """Sends one GET at a time; safe to use from several threads.

    `requests` sets up the connections as its users know it (proxies and certificates of the environment); each request
    then goes straight to the pool. So no redirect is followed, no cookie kept and no `.netrc` read, because each of
    these could carry the key elsewhere, and a page costs less than half the CPU.
    """

    def __init__(
        self,
        base_url: str,
        api_key: str,
        *,
        header: str,
        limits: Limits,
        connections: int,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        """Check the settings; nothing is sent. Raises ConfigurationError."""
        self.base_url = checked_base_url(base_url)
        self._limits = limits
        self._clock = clock
        self._adapter = HTTPAdapter(pool_maxsize=connections, pool_block=True)
        self._pool = _pool(self._adapter, self.base_url)
        self._root = urlsplit(self.base_url).path
        self._key = checked_key(api_key)
        self._headers = {
            checked_header(header): self._key,
            "Accept": "application/json",
            "Accept-Encoding": "gzip",
        }

    @property
    def host(self) -> str:
        """Host and port, for messages."""
        return urlsplit(self.base_url).netloc

    def may_show(self, host: str) -> bool:
        """Whether a message may name a host that the server has named."""
        return may_be_shown(host, self._key)

    def close(self) -> None:
        """Close the connections."""
        self._adapter.close()

    def send(self, path: str, params: Mapping[str, str], ends: float) -> Answer:
        """One GET that is over when the clock shows `ends`. Raises Fault or ResponseTooLarge."""
        target = f"{self._root}{path}?{urlencode(params)}" if params else f"{self._root}{path}"
        with deadline(ends, self._clock):
            return self._get(target, ends)

    def _get(self, target: str, ends: float) -> Answer:
        left = max(0.001, ends - self._clock())
        timeout = urllib3.Timeout(
            connect=min(self._limits.connect_timeout, left), read=min(self._limits.read_timeout, left)
        )
        try:
            response = self._pool.urlopen(
                "GET",
                target,
                headers=self._headers,
                timeout=timeout,
                pool_timeout=left,  # type: ignore[arg-type]  # seconds, and fractions of them
                retries=False,
                redirect=False,
                preload_content=False,
            )
        except urllib3.exceptions.HTTPError as error:
            fault = _connection_fault(error)
        else:
            try:
                return self._answer(response, ends)
            finally:
                response.close()  # a connection whose body was not read to its end cannot be used again ...
                response.release_conn()  # ... but its place in the pool is
        raise fault  # outside of the except clause: the exceptions of the library hold the URL

    def _answer(self, response: urllib3.BaseHTTPResponse, ends: float) -> Answer:
        if response.status == 200:
            body = self._body(response, ends)
        else:
            with deadline(min(ends, self._clock() + _ERROR_SECONDS), self._clock):
                body = _beginning(response)
        return Answer(response.status, response.headers, body)

    def _body(self, response: urllib3.BaseHTTPResponse, ends: float) -> bytes:
        """The body. This bounds its bytes; the socket bounds its time."""
        body = bytearray()
        cut = ""
        try:
            while chunk := response.read1(_CHUNK, decode_content=True):
                body += chunk
                if len(body) > self._limits.body:
                    raise ResponseTooLarge
        except (urllib3.exceptions.HTTPError, OSError) as error:
            is_over = self._clock() >= ends
            cut = "did not end before the deadline" if is_over else f"was cut off ({type(error).__name__})"
        if cut:  # outside of the except clause: see above
            raise Fault(f"HTTP 200 with a body that {cut}")
        promised = response.headers.get("Content-Length", "")
        if "Content-Encoding" not in response.headers and _LENGTH.fullmatch(promised) and int(promised) != len(body):
            raise Fault(f"HTTP 200 with a body of {len(body):,} bytes where {int(promised):,} were announced")
        return bytes(body)


def _beginning(response: urllib3.BaseHTTPResponse) -> bytes:
    """The beginning of an error body, which holds its type; empty if it cannot be read."""
    try:
        return bytes(response.read(_ERROR_BODY, decode_content=True))
    except (urllib3.exceptions.HTTPError, OSError):
        return b""


def _pool(adapter: HTTPAdapter, base_url: str) -> urllib3.HTTPConnectionPool:
    """The connections to the account's host, with the proxies and the CA bundle of the environment."""
    with requests.Session() as session:
        found = session.merge_environment_settings(base_url, {}, None, None, None)
    # Plain http is for loopback: a proxy would see the key.
    proxies = {} if base_url.startswith("http:") else found["proxies"]
    request = requests.Request("GET", base_url).prepare()
    try:
        pool = adapter.get_connection_with_tls_context(request, found["verify"], proxies=proxies, cert=found["cert"])
        adapter.cert_verify(pool, base_url, found["verify"], found["cert"])  # type: ignore[no-untyped-call]
        assert isinstance(pool, urllib3.HTTPConnectionPool)
        bound(pool)
    except (requests.exceptions.RequestException, urllib3.exceptions.HTTPError, ValueError, TypeError) as error:
        # Nothing but a proxy's address can be wrong here: both libraries take it apart, each with errors of its own.
        raise ConfigurationError(
            f"the proxy that the environment names cannot be used ({type(error).__name__}):"
            " correct or unset HTTPS_PROXY"
        ) from None
    except OSError:
        raise ConfigurationError(
            "the file of certificates that REQUESTS_CA_BUNDLE or CURL_CA_BUNDLE names is not there; correct or unset it"
        ) from None
    return pool


_FACTS: tuple[tuple[type[Exception], str, bool], ...] = (
    (urllib3.exceptions.NameResolutionError, "the host name is unknown", False),
    (urllib3.exceptions.NewConnectionError, "the connection is refused", False),
    (urllib3.exceptions.ConnectTimeoutError, "no connection in time", False),
    (urllib3.exceptions.EmptyPoolError, "no connection is free in time", True),
    (urllib3.exceptions.TimeoutError, "no answer in time", True),
    (urllib3.exceptions.SSLError, "TLS failed (is the host's certificate trusted?)", False),
    (urllib3.exceptions.ProxyError, "the proxy of the environment does not connect", False),
)


def _connection_fault(error: Exception) -> Fault:
    """The fault for a connection error. It looks at the error's class only, because the text holds the URL."""
    for kind, fact, reached in _FACTS:
        if isinstance(error, kind):
            return Fault(fact, reached=reached)
    return Fault("the connection was closed without an answer")
