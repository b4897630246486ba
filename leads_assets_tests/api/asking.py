"""One request through a client."""

from collections.abc import Mapping

from leads_assets.api.client import ApiClient, Effort
from leads_assets.api.pages import Page, parse_page

from .scripted import Scripted

ROWS = b'{"data":[{"id":1}]}'
GOOD: Scripted = (200, {}, ROWS)


def parse(body: bytes, headers: Mapping[str, str]) -> Page:
    """The page in a body."""
    return parse_page(body, headers, "data")


def get(client: ApiClient, effort: Effort | None = None) -> Page:
    """One page of leads."""
    return client.get("leads", "/leads", {"limit": "1"}, parse, effort or Effort())
