"""Faults that answer before any row is read."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from email.utils import format_datetime
from time import time

from leads_assets.demo.account.messages import Reply, Request, error_reply
from leads_assets.demo.server.faults import Fault

_PAGE = b"<!doctype html><html><head><title>Sign in</title></head><body>Please sign in.</body></html>"
_WAIT_HEADERS = {"retry_after": "Retry-After", "api_retry_after": "API-RETRY-AFTER", "limit_reset": "API-LIMIT-RESET"}


def _moment(text: str) -> str:
    """A header value as given, or the moment that `date:`, `epoch:` or `iso:` names in seconds from now."""
    form, _, seconds = text.partition(":")
    if form not in ("date", "epoch", "iso"):
        return text
    at = time() + float(seconds)
    if form == "epoch":
        return str(int(at))
    moment = datetime.fromtimestamp(at, UTC)
    return format_datetime(moment, usegmt=True) if form == "date" else moment.isoformat(timespec="seconds")


@dataclass(frozen=True, slots=True)
class _Struck:
    """A request that a fault struck, and a record that the reply may give away."""

    fault: Fault
    request: Request
    record: bytes

    def disconnect(self) -> Reply | None:
        return Reply(disconnect=True)

    def redirect(self) -> Reply | None:
        return Reply(302, headers={"Location": self.fault.text})

    def echo_key(self) -> Reply | None:
        key = self.request.headers.get("x-api-key", "")
        return error_reply(self.fault.whole, f"The key {key} may not read {self.record.decode()}")

    def missing_parameter(self) -> Reply | None:
        if {"user_id", "lead_id"} & set(self.request.query):
            return None
        return error_reply(400, "Give user_id or lead_id", "missing_parameter")

    def html(self) -> Reply | None:
        return Reply(self.fault.whole, _PAGE, content_type="text/html; charset=utf-8")

    def empty_body(self) -> Reply | None:
        return Reply()

    def error_200(self) -> Reply | None:
        return error_reply(500, under=200)


_REFUSALS: Mapping[str, Callable[[_Struck], Reply | None]] = {
    "disconnect": _Struck.disconnect,
    "redirect": _Struck.redirect,
    "echo_key": _Struck.echo_key,
    "missing_parameter": _Struck.missing_parameter,
    "html": _Struck.html,
    "empty_body": _Struck.empty_body,
    "error_200": _Struck.error_200,
}


def refusal(faults: Mapping[str, Fault], request: Request, record: bytes) -> Reply | None:
    """The reply of the first fault that refuses the request, None where none does.

    The headers of several wait faults come together, and with those of `status`. `record` is what `echo_key` gives
    away.
    """
    waits = {header: _moment(faults[kind].text) for kind, header in _WAIT_HEADERS.items() if kind in faults}
    if "status" in faults or waits:
        return error_reply(faults["status"].whole if "status" in faults else 429, headers=waits)
    replies = (refuse(_Struck(faults[kind], request, record)) for kind, refuse in _REFUSALS.items() if kind in faults)
    return next((reply for reply in replies if reply is not None), None)
