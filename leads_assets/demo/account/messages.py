"""Requests and replies as the demo server passes them around, and their form on the wire."""

import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from email.utils import formatdate
from http import HTTPStatus
from io import BufferedIOBase
from urllib.parse import parse_qsl, urlsplit

_LONGEST_LINE = 65_536
_LONGEST_BODY = 16_000_000
_JSON_TYPE = "application/json; charset=utf-8"

ERROR_TYPES: Mapping[int, str] = {
    400: "bad_request",
    401: "unauthorized_invalid_token",
    402: "payment_required",
    403: "forbidden",
    404: "not_found",
    405: "method_not_allowed",
    429: "too_many_requests",
}


@dataclass(frozen=True, slots=True)
class Request:
    """One request. Header names are in lower case."""

    method: str
    path: str
    query: Mapping[str, str]
    headers: Mapping[str, str]
    body: bytes = b""

    @property
    def keeps_alive(self) -> bool:
        """Whether the client wants to send more on this connection."""
        return self.headers.get("connection", "").lower() != "close"


@dataclass(frozen=True, slots=True)
class Reply:
    """One reply, and how badly it is delivered.

    `padding` bytes of blanks follow the body. `disconnect` sends nothing, `cut` sends half; `chunk_pause` is in
    seconds; with a `head_pause` (seconds) the head never ends. A `stream` is sent chunked and takes the body's place.
    """

    status: int = 200
    body: bytes = b""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = _JSON_TYPE
    padding: int = 0
    disconnect: bool = False
    cut: bool = False
    chunk_pause: float = 0.0
    head_pause: float = 0.0
    stream: Iterator[bytes] | None = None

    def head(self) -> bytes:
        """Status line and headers as they go over the wire."""
        known = {status.value: status.phrase for status in HTTPStatus}
        length = "Transfer-Encoding: chunked" if self.stream else f"Content-Length: {len(self.body) + self.padding}"
        lines = [
            f"HTTP/1.1 {self.status} {known.get(self.status, 'Unknown')}",
            f"Date: {formatdate(usegmt=True)}",
            f"Content-Type: {self.content_type}",
            length,
            *(f"{name}: {value}" for name, value in self.headers.items()),
        ]
        return "\r\n".join([*lines, "", ""]).encode("latin-1", "replace")


def json_reply(content: object, status: int = 200, headers: Mapping[str, str] | None = None) -> Reply:
    """A reply with this content as JSON."""
    return Reply(status, json.dumps(content, ensure_ascii=False).encode(), headers or {})


def error_reply(
    status: int,
    message: str = "",
    kind: str = "",
    headers: Mapping[str, str] | None = None,
    *,
    under: int | None = None,
) -> Reply:
    """An error body as live servers send it; `under` is the HTTP status where it differs from the stated one."""
    kind = kind or ERROR_TYPES.get(status, "server_error" if status >= 500 else "error")
    content = {"error": status, "message": message or kind.replace("_", " ").capitalize(), "type": kind}
    return json_reply(content, under or status, headers)


def read_request(stream: BufferedIOBase) -> Request | None:
    """The next request of a connection, None at its end; raises ValueError for what is not HTTP."""
    line = stream.readline(_LONGEST_LINE)
    if not line.strip():
        return None
    try:
        method, target, _ = line.decode("latin-1").split()
    except ValueError:
        raise ValueError("not a request line") from None
    headers: dict[str, str] = {}
    while header := stream.readline(_LONGEST_LINE).decode("latin-1").strip():
        name, _, value = header.partition(":")
        headers[name.lower()] = value.strip()
    length = int(headers.get("content-length", "0"))
    if not 0 <= length <= _LONGEST_BODY:
        raise ValueError("the body is too long")
    parts = urlsplit(target)
    query = dict(parse_qsl(parts.query, keep_blank_values=True))
    return Request(method, parts.path, query, headers, stream.read(length))
