"""Responses that no retry would change, and the error for each."""

from collections.abc import Mapping
from typing import Any
from urllib.parse import urlsplit

import msgspec

from leads_assets.engine.declare import Dialect
from leads_assets.engine.errors import (
    AccountSuspended,
    ApiError,
    AuthenticationFailed,
    BadRequest,
    NotFound,
    PermissionDenied,
    UnexpectedResponse,
)
from leads_assets.engine.http.transport import Answer, Transport

_SENTENCES: Mapping[int, tuple[type[ApiError], str]] = {
    401: (
        AuthenticationFailed,
        "the key in the setting `api_key` is refused, or the setting `base_url` names no account (a wrong host"
        " answers like a wrong key)",
    ),
    402: (AccountSuspended, "the account is suspended; ask its owner"),
    403: (PermissionDenied, "the key has no right to read {path}, or the account's edition lacks it"),
    404: (NotFound, "there is no {path}; check the path in the setting `base_url`"),
}


def refusal(endpoint: str, path: str, transport: Transport, answer: Answer, dialect: Dialect) -> ApiError:
    """The error for a response that is neither 200 nor worth a retry."""
    status = answer.status
    if status == 400:
        missing = _wants_parameter(answer.body, dialect)
        detail = "a parameter is missing" if missing else "the server refuses the request's parameters"
        return BadRequest(f"{endpoint}: HTTP 400, {detail}", missing_parameter=missing)
    if status in _SENTENCES:
        kind, sentence = _SENTENCES[status]
        return kind(f"{endpoint}: HTTP {status} from {transport.host}: {sentence.format(path=path)}")
    if 300 <= status < 400:
        return UnexpectedResponse(
            f"{endpoint}: HTTP {status} to {_target(answer.headers, transport)}: redirects are not followed, the key"
            " would travel along; set the setting `base_url` to the final address"
        )
    return UnexpectedResponse(f"{endpoint}: HTTP {status}, which is not expected here and not retried")


def _wants_parameter(body: bytes, dialect: Dialect) -> bool:
    """Whether the type in an error's body says that a parameter is missing; its wording does not count."""
    try:
        members = msgspec.json.decode(body, type=dict[str, Any])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False
    return bool(dialect.missing_parameter) and members.get(dialect.error_type) == dialect.missing_parameter


def _target(headers: Mapping[str, str], transport: Transport) -> str:
    """The host of a redirect, if it is a plain name. The rest of the address is never shown: it may hold anything."""
    try:
        host = urlsplit(headers.get("Location", "")).hostname
    except ValueError:
        return "an address that is none"
    if not host:
        return "the same host"
    return host if transport.may_show(host) else "another host"
