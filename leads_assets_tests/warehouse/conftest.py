"""Every test has a warehouse of its own."""

from pathlib import Path

import pytest

from leads_assets_tests.warehouse.desk import Desk


@pytest.fixture
def desk(tmp_path: Path) -> Desk:
    """A warehouse that does not exist yet."""
    return Desk(tmp_path)
