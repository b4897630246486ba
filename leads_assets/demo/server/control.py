"""Control requests: another process switches faults, changes rows and looks at the truth."""

import json
from datetime import datetime
from typing import Any, Protocol

from leads_assets.demo.account.account import Account
from leads_assets.demo.account.history import LeadVersion
from leads_assets.demo.account.messages import Reply, Request, error_reply, json_reply
from leads_assets.demo.server.faults import Fault

PREFIX = "/_control/"
_LINES = "application/x-ndjson"
_OPERATIONS = ("insert", "update", "delete", "restore")


class Controlled(Protocol):
    """What control requests need of the server."""

    account: Account

    def set_faults(self, faults: list[Fault]) -> None:
        """Put these faults in the place of the present ones."""

    def reset(self) -> None:
        """Forget the counted requests."""

    def state(self) -> dict[str, Any]:
        """Totals, counted requests and faults."""


def control_reply(api: Controlled, request: Request) -> Reply:
    """The reply to a request below `/_control/`: 400 for a body, 404 for a name that makes no sense."""
    name = request.path.removeprefix(PREFIX)
    try:
        reply = _look(api, name) if request.method == "GET" else _change(api, name, request.body)
    except ValueError as error:
        return error_reply(400, str(error))
    return reply or error_reply(404, "No such control request")


def _look(api: Controlled, name: str) -> Reply | None:
    if name == "state":
        return json_reply(api.state())
    if name == "history":
        lines = (_line(version) for lead in api.account.leads_ever() for version in api.account.history(lead))
        return Reply(stream=lines, content_type=_LINES)
    kind, _, endpoint = name.partition("/")
    if kind != "rows" or endpoint not in api.account.endpoints:
        return None
    lines = (row + b"\n" for row in api.account.encoded(endpoint))
    return Reply(stream=lines, content_type=_LINES)


def _change(api: Controlled, name: str, body: bytes) -> Reply | None:
    if name == "faults":
        return _faults(api, json.loads(body))
    if name == "mutate":
        return json_reply({"ids": _mutate(api.account, json.loads(body))})
    if name == "advance":
        return json_reply({"now": _advance(api.account, json.loads(body)).isoformat()})
    if name != "reset":
        return None
    api.reset()
    return json_reply({"reset": True})


def _faults(api: Controlled, content: object) -> Reply:
    if not isinstance(content, list):
        raise ValueError("send a list of faults")
    faults = [Fault.from_json(fields) for fields in content]
    api.set_faults(faults)
    return json_reply({"faults": [fault.to_json() for fault in faults]})


def _line(version: LeadVersion) -> bytes:
    told = {"id": version.lead_id, "since": version.since.isoformat(), "event": version.event, "row": version.row}
    return json.dumps(told, ensure_ascii=False).encode() + b"\n"


def _advance(account: Account, content: object) -> datetime:
    days = content.get("days") if isinstance(content, dict) else None
    if isinstance(days, bool) or not isinstance(days, int | float):
        raise ValueError("send an object with days, a number")
    return account.advance(days)


def _mutate(account: Account, content: object) -> list[int]:
    if not isinstance(content, dict):
        raise ValueError("send an object with endpoint, op, and count or ids")
    endpoint, operation = content.get("endpoint"), content.get("op")
    if endpoint not in account.endpoints or operation not in _OPERATIONS:
        raise ValueError(f"endpoint is one of the fourteen and op one of {', '.join(_OPERATIONS)}")
    if operation == "insert":
        count = content.get("count", 1)
        if not isinstance(count, int) or count < 0:
            raise ValueError("count is a whole number")
        return account.insert(endpoint, count)
    ids = content.get("ids")
    if not isinstance(ids, list) or not all(isinstance(row_id, int) for row_id in ids):
        raise ValueError("ids is a list of whole numbers")
    if operation == "update":
        return account.update(endpoint, ids)
    return account.delete(endpoint, ids) if operation == "delete" else account.restore(endpoint, ids)
