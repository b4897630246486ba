"""The code location, as Dagster sees it."""

import os
import subprocess
import sys
from collections.abc import Mapping

import dagster as dg
import pytest

from leads_assets.definitions import defs
from leads_assets.endpoints import ENDPOINTS

KEYS = [
    "activities",
    "categories",
    "clients_folders",
    "fields",
    "follow_ups",
    "leads",
    "pipelines",
    "predefined_tags",
    "prospecting_lists",
    "steps",
    "teams",
    "users",
    "webhook_events",
    "webhooks",
]
CONTRACT = {
    "steps": ("/steps", False),
    "pipelines": ("/pipelines", False),
    "clients_folders": ("/clients", False),
    "categories": ("/categories", False),
    "predefined_tags": ("/predefined_tags", False),
    "fields": ("/fields", False),
    "leads": ("/leads", True),
    "follow_ups": ("/follow_ups", False),
    "users": ("/users", False),
    "teams": ("/teams", False),
    "webhooks": ("/webhooks", False),
    "webhook_events": ("/webhook_events", False),
    "activities": ("/activities", False),
    "prospecting_lists": ("/spreadsheets", True),
}


def _python(code: str, settings: Mapping[str, str]) -> subprocess.CompletedProcess[str]:
    environment = {name: value for name, value in os.environ.items() if not name.startswith("LEADS_")} | dict(settings)
    return subprocess.run([sys.executable, "-c", code], env=environment, capture_output=True, text=True, check=False)


def test_there_are_exactly_these_fourteen_assets() -> None:
    assert sorted(key.to_user_string() for key in defs.resolve_all_asset_keys()) == KEYS


def test_paths_and_paging_are_those_of_the_contract() -> None:
    assert {name: (endpoint.path, endpoint.paged) for name, endpoint in ENDPOINTS.items()} == CONTRACT


def test_every_asset_says_what_it_is_where_it_is_and_whose_it_is() -> None:
    for spec in defs.resolve_all_asset_specs():
        assert spec.description
        assert spec.group_name == "crm"
        assert spec.owners == ["team:sales-operations"]
        assert spec.kinds == {"duckdb", "rest"}
        assert spec.code_version
        assert spec.metadata["dagster/table_name"] == f"main.{spec.key.to_user_string()}"
        assert str(spec.metadata["dagster/uri"]).endswith("leads.duckdb")


def test_the_definitions_are_complete() -> None:
    dg.Definitions.validate_loadable(defs)


def test_all_fourteen_run_in_one_process() -> None:
    assert defs.executor is dg.in_process_executor


def test_every_column_has_a_neutral_name_and_a_description() -> None:
    for endpoint in ENDPOINTS.values():
        names = [column.name for column in endpoint.columns]
        assert len(set(names)) == len(names)
        assert names[0] == "id"
        assert all(column.description.endswith(".") for column in endpoint.columns)
        assert all(column.references in (None, *ENDPOINTS) for column in endpoint.columns)
    leads = {column.name for column in ENDPOINTS["leads"].columns}
    assert {"customer_id", "customer_name", "weighted_amount"} <= leads
    assert not {"client_folder_id", "client_folder_name", "probalized_amount"} & leads


def test_the_location_loads_without_any_setting() -> None:
    assert _python("import leads_assets.definitions", {}).returncode == 0


@pytest.mark.parametrize("value", ["abc", "12s"])
def test_a_setting_that_is_no_number_is_named(value: str) -> None:
    done = _python("import leads_assets.definitions", {"LEADS_API_DAILY_REQUESTS": value})
    assert done.returncode == 1
    assert "LEADS_API_DAILY_REQUESTS must be a number" in done.stderr


def test_the_key_stands_nowhere_in_the_definitions() -> None:
    code = (
        "import leads_assets.definitions as d;"
        "from dagster._core.remote_representation.external_data import RepositorySnap;"
        "print(repr(d.defs), repr(d.api_resource()), d.api_resource(),"
        " RepositorySnap.from_def(d.defs.get_repository_def()))"
    )
    done = _python(code, {"LEADS_API_KEY": "canary-key", "LEADS_API_BASE_URL": "https://api.example.com/v2"})
    assert done.returncode == 0, done.stderr
    assert "canary-key" not in done.stdout
