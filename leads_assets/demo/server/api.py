"""The demo API as a server: start it in a test, or serve it until interrupted."""

import hmac
import signal
import time
from collections import Counter
from collections.abc import Callable, Collection, Iterable
from datetime import UTC, datetime
from threading import Event, Lock, Thread
from types import TracebackType
from typing import Any, Self

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.account.messages import Reply, Request, error_reply
from leads_assets.demo.server.answers import Answers, Deployment
from leads_assets.demo.server.connections import Connections
from leads_assets.demo.server.control import PREFIX, control_reply
from leads_assets.demo.server.faults import PING, Fault
from leads_assets.demo.server.injector import FaultInjector

KEY_HEADER = "x-api-key"
PAGED = frozenset(name for name, endpoint in ENDPOINTS.items() if endpoint.paged)
_ROOT = "/v2"
_ROUTES = {f"{_ROOT}{endpoint.path}": endpoint for endpoint in ENDPOINTS.values()}
_UNKNOWN = "unknown"


class DemoApi:
    """A demo account behind HTTP on loopback; a context manager that starts and stops it.

    `port` 0 takes a free one. `bare` names the endpoints that answer a bare array, `totals` those that state a total,
    `paged` those that honour `limit` and `offset`; a page never has more than `max_limit` rows. `gzip` compresses
    bodies over 1 kB for clients that ask for it. Raises OSError where the port is taken.
    """

    def __init__(
        self,
        account: Account,
        *,
        key: str = "demo-key",
        port: int = 0,
        faults: Iterable[Fault] = (),
        bare: Collection[str] = (),
        totals: Collection[str] = PAGED,
        paged: Collection[str] = PAGED,
        max_limit: int = 100,
        gzip: bool = False,
    ) -> None:
        self.account = account
        self.key = key
        self._port = port
        self._board = FaultInjector(faults)
        self._deployment = Deployment(bare, totals, paged, max_limit, gzip)
        self._lock = Lock()
        self._requests: list[tuple[str, dict[str, str]]] = []
        self._connections: Connections | None = None
        self._thread: Thread | None = None
        self._answers = Answers(account, self._deployment, self._board, self._pause)

    def start(self) -> Self:
        """Listen and serve in the background."""
        self._connections = Connections(self._port, self._answer)
        # A short poll, so that a test does not wait half a second for each server it stops.
        self._thread = Thread(target=self._connections.serve_forever, args=(0.02,), name="demo-api", daemon=True)
        self._thread.start()
        return self

    def stop(self) -> None:
        """Stop listening and end every connection; nothing happens where it does not run."""
        connections, self._connections = self._connections, None
        if connections is not None:
            connections.shutdown()
            connections.close_all()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @property
    def base_url(self) -> str:
        """The address that clients need; raises RuntimeError where the server does not run."""
        if self._connections is None:
            raise RuntimeError("the demo API is not running")
        return f"http://127.0.0.1:{self._connections.server_address[1]}{_ROOT}"

    def set_faults(self, faults: Iterable[Fault]) -> None:
        """Put these faults in the place of the present ones and begin to count anew."""
        self._board.set(faults)
        self._answers.drift.reset()

    @property
    def requests(self) -> list[tuple[str, dict[str, str]]]:
        """Endpoint (or `ping`, `unknown`) and query of each request so far, refused ones included."""
        with self._lock:
            return list(self._requests)

    def count(self, endpoint: str | None = None) -> int:
        """How many requests came so far: for this endpoint, or in all."""
        with self._lock:
            return sum(endpoint in (None, name) for name, _ in self._requests)

    def reset(self) -> None:
        """Forget the counted requests."""
        with self._lock:
            self._requests.clear()

    def state(self) -> dict[str, Any]:
        """Totals per endpoint, requests per endpoint, the faults that are on, and the moment that is shown."""
        return {
            "totals": {name: self.account.total(name) for name in self.account.endpoints},
            "requests": dict(Counter(name for name, _ in self.requests)),
            "faults": [fault.to_json() for fault in self._board.faults],
            "now": self.account.now.isoformat(),
        }

    def _pause(self, seconds: float) -> None:
        if self._connections is not None:
            self._connections.stopping.wait(seconds)

    def _answer(self, request: Request) -> Reply:
        is_control = request.path.startswith(PREFIX)
        endpoint = _ROUTES.get(request.path)
        is_ping = request.path == f"{_ROOT}/{PING}"
        if not is_control:
            name = endpoint.name if endpoint else PING if is_ping else _UNKNOWN
            with self._lock:
                self._requests.append((name, dict(request.query)))
        if not hmac.compare_digest(request.headers.get(KEY_HEADER, "").encode(), self.key.encode()):
            return error_reply(401, "The key is not valid")
        if is_control:
            return control_reply(self, request)
        if request.method != "GET":
            return error_reply(405, headers={"Allow": "GET"})
        if is_ping:
            return self._answers.ping(request)
        return self._answers.list(endpoint, request) if endpoint else error_reply(404, "No such path")


def serve(
    port: int,
    leads: int,
    seed: int,
    *,
    faults: Iterable[Fault],
    key: str,
    on_ready: Callable[[str], None],
    now: datetime | None = None,
    days: float = 0,
) -> None:
    """Serve a demo account until SIGINT or SIGTERM; `on_ready` gets the base URL once requests are answered.

    The account is shown as it is `days` after `now` (without it: after this moment). Its clock goes on from there; its
    rows stay until they are changed or the account is advanced. Call it from the main thread: Python delivers signals
    only there. Raises OSError where the port is taken, ValueError for a moment at which there is no account.
    """
    began = time.time()
    shown = datetime.fromtimestamp(began, UTC) if now is None else now
    shift = shown.timestamp() - began
    account = Account(leads=leads, seed=seed, now=shown, days=days, clock=lambda: time.time() + shift)
    interrupted = Event()
    handlers = {name: signal.signal(name, lambda *_: interrupted.set()) for name in (signal.SIGINT, signal.SIGTERM)}
    try:
        with DemoApi(account, key=key, port=port, faults=faults) as api:
            on_ready(api.base_url)
            interrupted.wait()
    finally:
        for name, handler in handlers.items():
            signal.signal(name, handler)
