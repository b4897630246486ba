"""The server of the demo account for its own tests."""

import pytest

from leads_assets.demo.server.api import DemoApi
from leads_assets_tests.conftest import OpenApi


@pytest.fixture
def api(open_api: OpenApi) -> DemoApi:
    """A server with the default account and no faults."""
    return open_api()
