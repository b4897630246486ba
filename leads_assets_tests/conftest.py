"""Demo APIs for every test that needs one."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from typing import Any

import pytest

from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.faults import parse_fault

pytest_plugins = ("leads_assets_tests.harness.commands",)

OpenApi = Callable[..., DemoApi]


@pytest.fixture
def open_api() -> Iterator[OpenApi]:
    """Starts servers with the faults given as texts, each with an account of its own; stops them after the test."""
    with ExitStack() as stack:

        def start(*faults: str, leads: int = 250, **options: Any) -> DemoApi:
            return stack.enter_context(DemoApi(Account(leads=leads), faults=map(parse_fault, faults), **options))

        yield start
