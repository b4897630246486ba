"""The reply to a request for a list or a ping, faults included."""

import gzip
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass, replace

from leads_assets.demo.account.account import Account
from leads_assets.demo.account.drift import Drift
from leads_assets.demo.account.messages import Reply, Request, error_reply, json_reply
from leads_assets.demo.server.bodies import Form, list_reply, spoil
from leads_assets.demo.server.faults import PING, Fault
from leads_assets.demo.server.injector import FaultInjector
from leads_assets.demo.server.paging import bend, left_of_page, page_request
from leads_assets.demo.server.refusals import refusal
from leads_assets.engine.declare import Endpoint

_SMALLEST_GZIP = 1_024


@dataclass(frozen=True, slots=True)
class Deployment:
    """How this server answers when nothing is wrong: names of endpoints, and the largest page."""

    bare: Collection[str]
    totals: Collection[str]
    paged: Collection[str]
    max_limit: int
    gzip: bool


class Answers:
    """Answers list requests from the account. `pause` waits some seconds."""

    def __init__(
        self, account: Account, deployment: Deployment, board: FaultInjector, pause: Callable[[float], object]
    ) -> None:
        self._account = account
        self._deployment = deployment
        self._board = board
        self._pause = pause
        self.drift = Drift(account)

    def ping(self, request: Request) -> Reply:
        """The reply to the connection test."""
        faults = self._board.active_faults(PING)
        refused = self._refuse(faults, request, b"{}")
        return refused or _deliver(json_reply({"status": 200, "message": "pong"}), faults)

    def list(self, endpoint: Endpoint, request: Request) -> Reply:
        """The reply to a request for rows."""
        faults = self._board.active_faults(endpoint.name)
        sample = self._account.page(endpoint.name, 0, 1)[0] if "echo_key" in faults else []
        refused = self._refuse(faults, request, b"".join(sample))
        if refused is not None:
            return refused
        is_paged = endpoint.name in self._deployment.paged
        try:
            page = page_request(
                endpoint,
                request,
                is_paged=is_paged or bool(faults.keys() & {"cap", "cap_hard"}),
                max_limit=self._deployment.max_limit,
            )
        except ValueError as error:
            return error_reply(400, str(error), "invalid_parameter")
        page = bend(page, faults, is_paged=is_paged)
        rows, total = page.read(self._account)
        rows = left_of_page(rows, self._account, endpoint.name, faults)
        if "drift" in faults:
            self.drift.step(faults["drift"].text, page, rows)
        form = Form(endpoint.name in self._deployment.bare, endpoint.name in self._deployment.totals)
        reply = list_reply(spoil(rows, endpoint, faults), total, form, faults)
        return _deliver(self._compress(reply, request), faults)

    def _refuse(self, faults: Mapping[str, Fault], request: Request, record: bytes) -> Reply | None:
        if "latency" in faults:
            self._pause(faults["latency"].number)
        if "rate_limit" in faults and self._board.is_beyond(faults["rate_limit"]):
            return error_reply(429, headers={"Retry-After": "1"})
        refused = refusal(faults, request, record)
        return None if refused is None else _deliver(refused, faults)

    def _compress(self, reply: Reply, request: Request) -> Reply:
        accepts = "gzip" in request.headers.get("accept-encoding", "")
        if not (self._deployment.gzip and accepts and len(reply.body) > _SMALLEST_GZIP):
            return reply
        headers = {**reply.headers, "Content-Encoding": "gzip"}
        padded = reply.body + b" " * reply.padding
        return replace(reply, body=gzip.compress(padded, 1), headers=headers, padding=0)


def _deliver(reply: Reply, faults: Mapping[str, Fault]) -> Reply:
    pause = faults["slow_body"].number if "slow_body" in faults else 0.0
    head_pause = faults["slow_head"].number if "slow_head" in faults else 0.0
    return replace(reply, cut="cut_body" in faults, chunk_pause=pause, head_pause=head_pause)
