"""The README tells the truth about commands and tables."""

import re
from pathlib import Path

import pytest

from leads_assets.account.endpoints import ENDPOINTS

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()


def test_every_make_target_that_it_names_exists() -> None:
    makefile = (ROOT / "Makefile").read_text()
    targets = set(re.findall(r"^([a-z-]+):", makefile, re.MULTILINE))
    assert set(re.findall(r"make ([a-z-]+)", README)) <= targets | {"so"}


def test_every_table_is_named() -> None:
    assert not [name for name in ENDPOINTS if f"`{name}`" not in README]


def test_it_stays_short() -> None:
    assert len(README.splitlines()) < 200


def test_ci_runs_the_readmes_test_command() -> None:
    assert "exec make test" in (ROOT / ".ci" / "run").read_text()
