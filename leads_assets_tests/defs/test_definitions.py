"""The code location, as Dagster sees it."""

import os
import subprocess
import sys
from collections.abc import Mapping

import dagster as dg
import pytest
from dagster._core.remote_representation.external_data import RepositorySnap
from dagster_shared.serdes import serialize_value
from pydantic import SecretStr

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.marts import mart_models

pytestmark = [pytest.mark.process, pytest.mark.marts]

defs = build_definitions(Settings())
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


def test_there_are_exactly_these_fourteen_assets_of_the_account_and_what_is_made_of_them() -> None:
    made = {*(f"live/{name}" for name in KEYS), *(f"marts/{model.name}" for model in mart_models())}
    expected = {"crm_api", *KEYS, *made, "report"}
    assert sorted(key.to_user_string() for key in defs.resolve_all_asset_keys()) == sorted(expected)


def test_paths_and_paging_are_those_of_the_contract() -> None:
    assert {name: (endpoint.path, endpoint.paged) for name, endpoint in ENDPOINTS.items()} == CONTRACT


def test_every_asset_says_what_it_is_where_it_is_and_whose_it_is() -> None:
    for spec in (spec for spec in defs.resolve_all_asset_specs() if spec.key.to_user_string() in ENDPOINTS):
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


def test_key_and_address_stand_nowhere_in_what_dagster_stores_and_shows() -> None:
    settings = Settings(api_key=SecretStr("canary-key"), base_url="https://canary-host.example.com/v2")
    definitions = build_definitions(settings)
    job = definitions.resolve_implicit_global_asset_job_def()
    repository = RepositorySnap.from_def(definitions.get_repository_def())
    shown = serialize_value(repository) + serialize_value(job.get_job_snapshot()) + repr(definitions)
    assert "leads_api" in shown
    assert "canary" not in shown
