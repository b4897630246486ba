"""Servers of the demo account for its own tests."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from leads_assets.demo.account import Account
from leads_assets.demo.server import DemoApi

OpenApi = Callable[..., DemoApi]


@pytest.fixture
def open_api() -> Iterator[OpenApi]:
    """Starts servers, each with an account of its own, and stops them after the test."""
    with ExitStack() as stack:

        def start(*, leads: int = 250, **options: Any) -> DemoApi:
            return stack.enter_context(DemoApi(Account(leads=leads), **options))

        yield start


@pytest.fixture
def api(open_api: OpenApi) -> DemoApi:
    """A server with the default account and no faults."""
    return open_api()
