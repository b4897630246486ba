"""Servers and clients for the tests of the API part, and the profiles of the generated histories."""

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, settings

from leads_assets.demo.account import Account
from leads_assets.demo.faults import parse_fault
from leads_assets.demo.server import DemoApi

from .reading import Reading

settings.register_profile(
    "suite",
    max_examples=300,
    deadline=None,
    derandomize=True,
    database=None,
    suppress_health_check=[HealthCheck.too_slow],
)
settings.register_profile("thorough", parent=settings.get_profile("suite"), max_examples=5_000, derandomize=False)
settings.load_profile("suite")

OpenApi = Callable[..., DemoApi]


@pytest.fixture
def open_api() -> Iterator[OpenApi]:
    """Starts servers with the faults given as texts, each with an account of its own; stops them after the test."""
    with ExitStack() as stack:

        def start(*faults: str, leads: int = 250, **options: Any) -> DemoApi:
            return stack.enter_context(
                DemoApi(Account(leads=leads), faults=[parse_fault(fault) for fault in faults], **options)
            )

        yield start


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[Reading]:
    """Clients whose waits cost no time, closed after the test."""
    with ExitStack() as stack:
        yield Reading(tmp_path, stack)
