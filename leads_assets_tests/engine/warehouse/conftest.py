"""Every test has a warehouse of its own."""

from pathlib import Path

import pytest

from leads_assets_tests.harness.desk import WarehouseHarness
from leads_assets_tests.harness.rich_load import BEFORE, CANARY


@pytest.fixture
def desk(tmp_path: Path) -> WarehouseHarness:
    """A warehouse that does not exist yet."""
    return WarehouseHarness(tmp_path)


@pytest.fixture
def loaded(desk: WarehouseHarness) -> WarehouseHarness:
    """A warehouse in which there is something to lose, a marked row and a rejected record too."""
    desk.load([*BEFORE, {"id": 60}])
    desk.load([*BEFORE, {"id": None, "text": CANARY}], verdict="unproven")
    desk.load(BEFORE)
    return desk
