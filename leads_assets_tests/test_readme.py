"""The README tells the truth about settings and commands."""

import re
from pathlib import Path

from leads_assets.endpoints import ENDPOINTS

ROOT = Path(__file__).parent.parent
README = (ROOT / "README.md").read_text()
DEFINITIONS = (ROOT / "leads_assets" / "definitions.py").read_text()


def _settings_in_code() -> set[str]:
    return set(re.findall(r'"(LEADS_[A-Z_]+)"', DEFINITIONS))


def test_the_table_of_settings_names_exactly_the_settings_that_the_code_reads() -> None:
    assert set(re.findall(r"^\| `(LEADS_[A-Z_]+)`", README, re.MULTILINE)) == _settings_in_code()


def test_the_defaults_in_the_table_are_those_of_the_code() -> None:
    told = dict(re.findall(r"^\| `(LEADS_[A-Z_]+)` \| (\d+) \|", README, re.MULTILINE))
    coded = dict(re.findall(r'_number\("(LEADS_[A-Z_]+)", (\d+)\)', DEFINITIONS))
    assert told == coded


def test_the_example_of_env_names_exactly_the_settings() -> None:
    example = (ROOT / ".env.example").read_text()
    assert set(re.findall(r"^(?:# )?(LEADS_[A-Z_]+)=", example, re.MULTILINE)) == _settings_in_code()


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
