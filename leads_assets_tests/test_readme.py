"""The README tells the truth about commands and tables."""

import re
from pathlib import Path

import pytest

from leads_assets.account.endpoints import ENDPOINTS

pytestmark = pytest.mark.unit

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
TESTS = [*(ROOT / "leads_assets_tests").rglob("test_*.py"), *(ROOT / "browser_tests").glob("test_*.py")]


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


def test_every_file_that_a_document_names_is_there() -> None:
    documents = [
        ROOT / "CONTRIBUTING.md",
        ROOT / "README.md",
        *(ROOT / "docs").glob("[!.]*.md"),
        *(ROOT / "docs").glob("[!.]*/**/*.md"),
    ]
    missing = []
    for document in documents:
        text = document.read_text()
        for target in re.findall(r"\]\(([^)#:]+)(?:#[^)]*)?\)", text):
            if not (document.parent / target).exists():
                missing.append(f"{document.name}: {target}")
        # `folder/test_a.py`, `test_b.py` and `test_c.py` stand in one folder.
        names = {name.rpartition("/")[2] for name in re.findall(r"`((?:[\w/]+/)?test_\w+\.py)`", text)}
        missing += [f"{document.name}: {name}" for name in names - {path.name for path in TESTS}]
    assert not missing
