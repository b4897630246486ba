"""Plain HTTP calls against the demo API, for its own tests."""

from typing import Any

import requests

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.api import DemoApi

TIMEOUT_SECONDS = 10
ALL_LEADS = {"order": "id", "direction": "asc", "include_unassigned": "true"}


def get(api: DemoApi, endpoint: str, **query: object) -> requests.Response:
    """The answer to one request for an endpoint (or `ping`), redirects not followed."""
    path = ENDPOINTS[endpoint].path if endpoint in ENDPOINTS else f"/{endpoint}"
    return requests.get(
        api.base_url + path,
        params={name: str(value) for name, value in query.items()},
        headers={"X-API-KEY": api.key},
        timeout=TIMEOUT_SECONDS,
        allow_redirects=False,
    )


def rows(response: requests.Response) -> list[dict[str, Any]]:
    """The records of an answer in either form."""
    content = response.json()
    found: list[dict[str, Any]] = content if isinstance(content, list) else content["data"]
    return found


def ids(response: requests.Response) -> list[int]:
    """The ids of an answer's records."""
    return [row["id"] for row in rows(response)]


def walk(api: DemoApi, endpoint: str, **query: object) -> list[dict[str, Any]]:
    """All pages up to an empty one, by a client that believes what it is told."""
    found: list[dict[str, Any]] = []
    while page := rows(get(api, endpoint, limit=100, offset=len(found), **query)):
        found += page
    return found
