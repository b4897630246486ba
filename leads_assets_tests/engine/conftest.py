"""Clients for the tests of the API part, and the profiles of the generated histories."""

from collections.abc import Iterator
from contextlib import ExitStack
from pathlib import Path

import pytest
from hypothesis import HealthCheck, settings

from leads_assets_tests.harness.reading import ClientFactory

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


@pytest.fixture
def reading(tmp_path: Path) -> Iterator[ClientFactory]:
    """Clients whose waits cost no time, closed after the test."""
    with ExitStack() as stack:
        yield ClientFactory(tmp_path, stack)
