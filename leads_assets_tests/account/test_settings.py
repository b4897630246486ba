"""The settings: each variable once, wrong values refused in a sentence, `.env` before the environment."""

import os
import re
from collections.abc import Mapping
from pathlib import Path

import pytest
from pydantic import SecretStr

from leads_assets.account.settings import Settings, variables
from leads_assets.engine.errors import ConfigurationError

pytestmark = pytest.mark.socket

ROOT = Path(__file__).parents[2]
NUMBERS = {name: field for name, field in variables().items() if field.annotation in (int, float)}
NO_NUMBERS = ("abc", "12s", "nan", "inf", "-inf", "-1", "1e300", " ")

WRONG = [
    ("LEADS_API_BASE_URL", "api.example.com/v2", "must be an address like https://api.example.com/v2"),
    ("LEADS_API_BASE_URL", "ftp://api.example.com/v2", "must be an address like https://api.example.com/v2"),
    ("LEADS_API_BASE_URL", "http://api.example.com/v2", "is plain http to api.example.com, which would show the key"),
    ("LEADS_API_BASE_URL", "https://user:pass@api.example.com/v2", "no user name"),
    ("LEADS_API_BASE_URL", "https://api.example.com/v2?key=x", "no `?`"),
    ("LEADS_API_KEY", "canary ", "must hold neither blanks nor line breaks"),
    ("LEADS_API_KEY", "two words", "must hold neither blanks nor line breaks"),
    ("LEADS_API_KEY", "line\nbreak", "must hold neither blanks nor line breaks"),
    ("LEADS_API_KEY", "naïve", "only ASCII characters"),
    ("LEADS_API_PAGE_SIZE", "0", "must be a whole number from 1 to 10,000"),
    ("LEADS_API_PAGE_SIZE", "10001", "must be a whole number from 1 to 10,000"),
    ("LEADS_API_DEADLINE_SECONDS", "0", "must be a number from 1 to 86,400"),
    ("LEADS_RECONCILE_HOURS", "0", "must be a number from 1 to 8,760"),
    ("LEADS_RECONCILE_HOURS", "1e12", "must be a number from 1 to 8,760"),
    ("LEADS_SENSOR_SECONDS", "0.5", "must be a whole number from 1 to 86,400"),
    ("LEADS_TIME_ZONE", "Mars/Olympus", "must be the name of a time zone, like Europe/Paris"),
    ("LEADS_TIME_ZONE", "europe/paris", "must be the name of a time zone, like Europe/Paris"),
    ("LEADS_SCHEMA", "foo", "must be `evolve` or `freeze`"),
    ("LEADS_WAREHOUSE", "a?b/leads.duckdb", "must be the path of a file, without `?`"),
    ("LEADS_WAREHOUSE", "leads.duckdb ", "without a blank at either end"),
    ("LEADS_WAREHOUSE", "main.duckdb", "DuckDB would mix the file up with its schema main"),
    ("LEADS_WAREHOUSE_SNAPSHOT", "a?b/copy.duckdb", "must be the path of a file, without `?`"),
]


@pytest.fixture(autouse=True)
def _bare(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """An empty folder, and no setting."""
    monkeypatch.chdir(tmp_path)
    for name in [name for name in os.environ if name.startswith("LEADS_")]:
        monkeypatch.delenv(name)


def _refusal(monkeypatch: pytest.MonkeyPatch, settings: Mapping[str, str]) -> str:
    for name, value in settings.items():
        monkeypatch.setenv(name, value)
    with pytest.raises(ConfigurationError) as refused:
        Settings.from_environment()
    assert refused.value.__cause__ is None
    return str(refused.value)


@pytest.mark.parametrize(("name", "value", "says"), WRONG)
def test_a_wrong_value_is_refused_in_one_sentence_that_names_the_variable_and_what_it_may_be(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str, says: str
) -> None:
    told = _refusal(monkeypatch, {name: value})
    assert name in told
    assert says in told
    assert "\n" not in told
    assert len(set(re.findall("LEADS_[A-Z_]+", told))) == 1


@pytest.mark.parametrize("value", NO_NUMBERS)
@pytest.mark.parametrize("name", NUMBERS)
def test_what_is_no_number_within_bounds_is_refused_for_every_number(
    monkeypatch: pytest.MonkeyPatch, name: str, value: str
) -> None:
    assert re.fullmatch(rf"{name} must be a (whole )?number from \d to [\d,]+", _refusal(monkeypatch, {name: value}))


def test_all_wrong_values_are_named_at_once_and_none_is_shown(monkeypatch: pytest.MonkeyPatch) -> None:
    wrong = {name: value for name, value, _ in WRONG}
    told = _refusal(monkeypatch, wrong)
    assert set(re.findall("LEADS_[A-Z_]+", told)) == set(wrong)
    assert not [value for value in ("two words", "naïve", "user:pass", "foo", "10001") if value in told]


def test_a_read_copy_in_the_place_of_the_warehouse_is_refused_also_through_a_link(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "copy.duckdb").symlink_to("leads.duckdb")
    settings = {"LEADS_WAREHOUSE": "leads.duckdb", "LEADS_WAREHOUSE_SNAPSHOT": "copy.duckdb"}
    assert _refusal(monkeypatch, settings) == "LEADS_WAREHOUSE_SNAPSHOT must be another file than LEADS_WAREHOUSE"


def test_nothing_has_to_be_set(tmp_path: Path) -> None:
    settings = Settings.from_environment()
    assert not settings.has_account
    assert settings.warehouse == tmp_path / "data" / "leads.duckdb"
    assert settings == Settings()


@pytest.mark.parametrize("word", ["freeze", "FREEZE", "Freeze"])
def test_the_schema_policy_may_be_written_in_capitals(monkeypatch: pytest.MonkeyPatch, word: str) -> None:
    monkeypatch.setenv("LEADS_SCHEMA", word)
    assert Settings.from_environment().schema_policy == "freeze"


def test_paths_are_relative_to_the_current_folder_and_their_links_are_followed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "disk").mkdir()
    (tmp_path / "leads.duckdb").symlink_to("disk/real.duckdb")
    (tmp_path / "folder").symlink_to("disk")
    monkeypatch.setenv("LEADS_WAREHOUSE", "leads.duckdb")
    monkeypatch.setenv("LEADS_WAREHOUSE_SNAPSHOT", "folder/copy.duckdb")
    settings = Settings.from_environment()
    assert settings.warehouse == tmp_path / "disk" / "real.duckdb"
    assert settings.snapshot == tmp_path / "disk" / "copy.duckdb"


def test_env_file_wins_over_the_environment_even_where_it_says_nothing(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    lines = ("LEADS_API_PAGE_SIZE=50", "LEADS_API_KEY=", "LEADS_SCHEMA", "OTHER=1", "export LEADS_SENSOR_SECONDS='9'")
    (tmp_path / ".env").write_text("\n".join(lines))
    for name, value in {"PAGE_SIZE": "60", "KEY": "from-the-environment", "DAILY_REQUESTS": "70"}.items():
        monkeypatch.setenv(f"LEADS_API_{name}", value)
    monkeypatch.setenv("LEADS_SCHEMA", "freeze")
    settings = Settings.from_environment()
    assert (settings.page_size, settings.daily_requests, settings.sensor_seconds) == (50, 70, 9)
    assert settings.api_key.get_secret_value() == ""
    assert settings.schema_policy == "freeze"


def test_only_the_env_file_of_the_current_folder_counts(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / ".env").write_text("LEADS_API_PAGE_SIZE=50")
    (tmp_path / "below").mkdir()
    monkeypatch.chdir(tmp_path / "below")
    assert Settings.from_environment().page_size == 100


def test_an_env_file_that_cannot_be_read_is_named(tmp_path: Path) -> None:
    (tmp_path / ".env").write_bytes(b"LEADS_API_KEY=\xff\xfe")
    with pytest.raises(ConfigurationError, match=r"the file \.env of the current folder cannot be read"):
        Settings.from_environment()


def test_settings_made_in_code_read_neither_the_environment_nor_the_env_file(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / ".env").write_text("LEADS_API_KEY=from-the-file\n")
    monkeypatch.setenv("LEADS_API_PAGE_SIZE", "50")
    monkeypatch.setenv("page_size", "50")
    assert Settings() == Settings(page_size=100, api_key=SecretStr(""))


def test_lower_case_variables_are_no_settings(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("page_size", "50")
    monkeypatch.setenv("leads_api_page_size", "50")
    assert Settings.from_environment().page_size == 100


def test_key_and_address_show_in_no_text_of_the_settings() -> None:
    settings = Settings(api_key=SecretStr("canary-key"), base_url="https://canary.example.com/v2")
    assert "canary" not in f"{settings} {settings!r}"


OURS = {name: field for name, field in variables().items() if name.startswith("LEADS_")}
"""All but what an object store's own tools call so too."""


def _default(name: str) -> str:
    value = variables()[name].default
    return f"{value:g}" if isinstance(value, int | float) else str(value or "")


def test_the_readmes_table_is_the_class() -> None:
    lines = re.findall(r"^\| `(LEADS_[A-Z_]+)` \| (.*?) ?\| (.*) \|$", (ROOT / "README.md").read_text(), re.MULTILINE)
    told = [(name, default.strip("`"), meaning) for name, default, meaning in lines]
    assert told == [(name, _default(name), field.description) for name, field in OURS.items()]


def test_the_example_of_an_env_file_is_the_class() -> None:
    example = (ROOT / ".env.example").read_text()
    told = dict(re.findall(r"^(?:# )?(LEADS_[A-Z_]+)=(.*)$", example, re.MULTILINE))
    address = told.pop("LEADS_API_BASE_URL")
    assert address.startswith("https://")
    assert told == {name: _default(name) for name in OURS if name != "LEADS_API_BASE_URL"}
