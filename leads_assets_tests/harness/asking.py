"""One request through a client."""

from collections.abc import Mapping

from leads_assets.account.dialect import DIALECT
from leads_assets.engine.http.client import ApiClient, RequestStats
from leads_assets.engine.records.page import Page, parse_page
from leads_assets_tests.harness.scripted import Scripted

ROWS = b'{"data":[{"id":1}]}'
GOOD: Scripted = (200, {}, ROWS)


def parse(body: bytes, headers: Mapping[str, str]) -> Page:
    """The page in a body."""
    return parse_page(body, headers, "data", DIALECT)


def get(client: ApiClient, stats: RequestStats | None = None) -> Page:
    """One page of leads."""
    return client.get("leads", "/leads", {"limit": "1"}, parse, stats or RequestStats())
