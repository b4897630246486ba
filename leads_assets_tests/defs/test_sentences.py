"""What a user reads in Dagster and in the warehouse names the variables that the user has set."""

import ast
from pathlib import Path

import pytest

from leads_assets import defs
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.project import Project

pytestmark = pytest.mark.socket

MODULES = sorted(Path(defs.__file__).parent.glob("*.py"))


def test_the_reason_of_an_unproven_list_names_the_variable_in_the_warehouse_the_metadata_and_the_check(
    tmp_path: Path, open_api: OpenApi
) -> None:
    api = open_api("cut=20@users", leads=50)
    project = Project(tmp_path, api.base_url, key=api.key)
    result = project.materialize("users")
    ((reason,),) = project.query("SELECT reason FROM ops.sync_runs")
    (loaded,) = result.asset_materializations_for_node("users")
    checked = {check.check_name: check for check in result.get_asset_check_evaluations()}
    for told in (reason, loaded.metadata["why"].value, checked["complete"].description):
        assert "name it in LEADS_WHOLE_LISTS" in str(told)
        assert "setting `" not in str(told)


def test_a_file_that_is_held_is_told_with_the_variable_that_bounds_the_wait(tmp_path: Path, open_api: OpenApi) -> None:
    api = open_api(leads=50)
    project = Project(tmp_path, api.base_url, key=api.key, warehouse={"lock_seconds": 0.1})
    with FileWarehouse(project.path).write("a test"):
        result = project.materialize("steps")
    failure = result.failure_data_for_node("steps")
    assert failure is not None
    assert failure.user_failure_data is not None
    assert "set LEADS_WAREHOUSE_LOCK_SECONDS higher" in str(failure.user_failure_data.description)


@pytest.mark.parametrize("path", [path for path in MODULES if path.stem != "sentences"], ids=lambda path: path.stem)
def test_failures_and_skips_are_worded_in_one_place(path: Path) -> None:
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Call):
            assert not (isinstance(node.func, ast.Attribute) and node.func.attr == "Failure"), node.lineno
            assert "skip_reason" not in {keyword.arg for keyword in node.keywords}, node.lineno
