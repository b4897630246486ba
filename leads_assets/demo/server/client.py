"""Control of a demo API that runs in another process."""

import json
from collections.abc import Iterable, Iterator
from datetime import datetime
from typing import Any
from urllib.parse import urlsplit
from urllib.request import ProxyHandler, Request, build_opener

from leads_assets.demo.server.control import PREFIX
from leads_assets.demo.server.faults import Fault

_TIMEOUT_SECONDS = 60


class DemoControl:
    """Sends control requests to the demo API at `base_url`.

    Every method raises `urllib.error.HTTPError` where the server refuses, `urllib.error.URLError` where none answers.
    """

    def __init__(self, base_url: str, key: str) -> None:
        parts = urlsplit(base_url)
        self._origin = f"{parts.scheme}://{parts.netloc}"
        self._key = key
        # A proxy of the environment has no business with loopback.
        self._opener = build_opener(ProxyHandler({}))

    def faults(self, faults: Iterable[Fault]) -> None:
        """Put these faults in the place of the present ones."""
        self._send("faults", [fault.to_json() for fault in faults])

    def mutate(
        self, endpoint: str, operation: str, *, ids: Iterable[int] | None = None, count: int | None = None
    ) -> list[int]:
        """Insert `count` rows, or update, delete or restore the rows with these ids; returns the ids concerned."""
        content: dict[str, Any] = {"endpoint": endpoint, "op": operation}
        if ids is not None:
            content["ids"] = list(ids)
        if count is not None:
            content["count"] = count
        changed: list[int] = self._send("mutate", content)["ids"]
        return changed

    def advance(self, days: float) -> datetime:
        """Let so many days pass in the account; returns the moment that it is then."""
        return datetime.fromisoformat(self._send("advance", {"days": days})["now"])

    def history(self) -> Iterator[dict[str, Any]]:
        """The truth about the leads: `id`, `since`, `event` and `row` of each version, null where it was deleted."""
        return self._lines("history")

    def state(self) -> dict[str, Any]:
        """Totals per endpoint, requests per endpoint, the faults that are on, and the moment that is shown."""
        return self._send("state")

    def reset(self) -> None:
        """Forget the counted requests."""
        self._send("reset", {})

    def rows(self, endpoint: str) -> Iterator[dict[str, Any]]:
        """The truth: the rows of a list in order of id."""
        return self._lines(f"rows/{endpoint}")

    def _lines(self, name: str) -> Iterator[dict[str, Any]]:
        with self._opener.open(self._request(name), timeout=_TIMEOUT_SECONDS) as reply:
            yield from map(json.loads, reply)

    def _send(self, name: str, content: object = None) -> dict[str, Any]:
        with self._opener.open(self._request(name, content), timeout=_TIMEOUT_SECONDS) as reply:
            answer: dict[str, Any] = json.load(reply)
        return answer

    def _request(self, name: str, content: object = None) -> Request:
        body = None if content is None else json.dumps(content).encode()
        # Without content it is a GET, with content a POST: urllib's own rule.
        return Request(f"{self._origin}{PREFIX}{name}", body, {"X-API-KEY": self._key})
