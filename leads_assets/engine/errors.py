"""What can go wrong between us and the API, grouped by what to do next.

    ApiError
    ├── RunError               every endpoint would meet the same: stop the run, one message
    │   ├── ConfigurationError    a setting is missing or wrong; nothing was sent
    │   ├── AuthenticationFailed            HTTP 401
    │   ├── AccountSuspended      HTTP 402
    │   ├── HostUnreachable       no connection, after all attempts
    │   └── ResumeLater           wait until `resume_at`, then run again
    │       ├── RateLimited           the server's quota (HTTP 429)
    │       └── QuotaExhausted           our own count of requests
    └── EndpointError         this endpoint only; the others go on
        ├── Refused               the server would answer the same request so again
        │   ├── BadRequest            HTTP 400
        │   ├── PermissionDenied          HTTP 403
        │   ├── NotFound              HTTP 404
        │   └── UnexpectedResponse      a redirect, or a status that is not expected
        │       └── Oversized             a body of more bytes than are taken
        ├── Inconsistent          the list contradicts itself: ignored offset, pages without end
        └── Unavailable           faults that outlasted their retries

A message names the endpoint, the fact and the effort. It never holds a body, a key or a query string.
"""

from datetime import datetime

from leads_assets.engine.instants import format_instant


class ApiError(Exception):
    """Anything that kept a list from being read."""


class RunError(ApiError):
    """Every other endpoint would fail in the same way."""


class ConfigurationError(RunError):
    """A setting is missing or wrong; no request was sent."""


class AuthenticationFailed(RunError):
    """HTTP 401: the key is wrong, or the host name is that of no account."""


class AccountSuspended(RunError):
    """HTTP 402."""


class HostUnreachable(RunError):
    """No connection to the host, after all attempts."""


class ResumeLater(RunError):
    """Nothing is wrong, except the time: run again after `resume_at` (UTC)."""

    def __init__(self, message: str, resume_at: datetime) -> None:
        super().__init__(f"{message}; run again after {format_instant(resume_at)}")
        self.resume_at = resume_at


class RateLimited(ResumeLater):
    """HTTP 429 with a wait that is longer than the deadline, or again after all attempts."""


class QuotaExhausted(ResumeLater):
    """The day's requests are used up, or would not be enough for this list."""


class EndpointError(ApiError):
    """This endpoint only; the others go on."""


class Refused(EndpointError):
    """This request, now and whenever it is sent again."""


class BadRequest(Refused):
    """HTTP 400; `missing_parameter` tells whether the server wants a parameter that was not sent."""

    def __init__(self, message: str, *, missing_parameter: bool = False) -> None:
        super().__init__(message)
        self.missing_parameter = missing_parameter


class PermissionDenied(Refused):
    """HTTP 403: not in the account's edition, or no rights."""


class NotFound(Refused):
    """HTTP 404."""


class UnexpectedResponse(Refused):
    """A redirect, or a status that is neither 200 nor a known error."""


class Oversized(UnexpectedResponse):
    """A body of more bytes than are taken; its rest was not read."""


class Inconsistent(EndpointError):
    """The list contradicts itself, so that no end of it can be found."""


class Unavailable(EndpointError):
    """A fault that outlasted its retries."""


class MalformedResponse(Exception):
    """A 200 whose body is not a list of records; the text is the shape, never the content."""
