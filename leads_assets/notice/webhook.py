"""The delivery: one POST, with the manners that the API gets too. No redirect, one deadline, few attempts."""

import time
from collections.abc import Callable
from urllib.parse import urlsplit

import requests
from requests.adapters import HTTPAdapter
from urllib3 import HTTPConnectionPool

from leads_assets.engine.http.deadline import bound, deadline

ATTEMPTS = 3
PAUSE_SECONDS = 2.0
DEADLINE_SECONDS = 30.0
"""Of all attempts together: a tick of a sensor is not to hang on somebody's chat."""
_ONE_WAIT_SECONDS = 10.0


class NotDelivered(Exception):
    """The message may not have arrived; the text names the host and the fact, never the address, which is a secret."""


def deliver(
    url: str,
    body: bytes,
    *,
    clock: Callable[[], float] = time.monotonic,
    sleep: Callable[[float], None] = time.sleep,
) -> None:
    """Send `body`, JSON, to `url`. Raises NotDelivered after the last attempt, or at once where another is no use.

    Where an answer was lost, the message arrives twice rather than never.
    """
    ends = clock() + DEADLINE_SECONDS
    host = urlsplit(url).hostname
    fact = ""
    with requests.Session() as session, deadline(ends, clock):
        for scheme in ("http://", "https://"):
            session.mount(scheme, _BoundedAdapter())
        for attempt in range(1, ATTEMPTS + 1):
            status, fact = _post(session, url, body)
            if 200 <= status < 300:
                return
            if 300 <= status < 500 and status != 429:
                break
            if attempt == ATTEMPTS or clock() + PAUSE_SECONDS >= ends:
                break
            sleep(PAUSE_SECONDS)
    raise NotDelivered(f"notice to {host}: {fact}, attempt {attempt} of {ATTEMPTS}")


def _post(session: requests.Session, url: str, body: bytes) -> tuple[int, str]:
    """The status, 0 for none, and what happened; the body of the answer is not looked at."""
    try:
        with session.post(
            url,
            data=body,
            headers={"Content-Type": "application/json"},
            allow_redirects=False,
            timeout=_ONE_WAIT_SECONDS,
            stream=True,
        ) as response:
            return response.status_code, f"HTTP {response.status_code}"
    except (requests.exceptions.RequestException, OSError) as error:
        return 0, f"no answer ({type(error).__name__})"


class _BoundedAdapter(HTTPAdapter):
    """Connections whose waits all end at the deadline."""

    def get_connection_with_tls_context(self, *args: object, **options: object) -> HTTPConnectionPool:
        """As HTTPAdapter's."""
        pool: HTTPConnectionPool = super().get_connection_with_tls_context(*args, **options)  # type: ignore[arg-type, assignment]
        bound(pool)
        return pool
