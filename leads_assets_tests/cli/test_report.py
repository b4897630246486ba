"""`leads-assets report` and the asset `report`: where the page goes, and what they say about it."""

import stat
from pathlib import Path

import dagster as dg
import pytest

from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.report import NAME, SENSOR
from leads_assets.report import page as pages
from leads_assets_tests.harness.commands import Command, OpenAccount, command, open_account

__all__ = ["command", "open_account"]
pytestmark = [pytest.mark.socket, pytest.mark.marts]


@pytest.fixture(autouse=True)
def _without_the_large_script(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(pages, "drawing_script", lambda: "/* drawing */")


def test_the_page_goes_beside_the_warehouse_and_is_opened_where_that_was_asked_for(
    command: Command, open_account: OpenAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[str] = []
    monkeypatch.setattr("webbrowser.open", opened.append)
    open_account(leads=40)
    before = command("report", "--json")
    assert (before.status, before.json["verdict"]) == (0, "never")
    assert command("sync", "leads", "steps", "pipelines", "users").status == 0
    told = command("report", "--open")
    page = tmp_path / "leads.html"
    assert (told.status, told.err) == (0, "")
    assert told.out.startswith(f"{page}: ")
    assert opened == [page.as_uri()]
    assert stat.S_IMODE(page.stat().st_mode) == 0o600
    figures = command("report", "--json").json["figures"]
    assert figures["open leads"] > 0


def test_the_asset_writes_the_page_and_tells_dagster_numbers_and_neither_titles_nor_names(
    command: Command, open_account: OpenAccount, tmp_path: Path
) -> None:
    api = open_account(leads=40)
    settings = Settings.from_environment()
    definitions = build_definitions(settings)
    with dg.DagsterInstance.ephemeral() as instance:
        job = definitions.resolve_implicit_global_asset_job_def()
        result = job.execute_in_process(instance=instance, raise_on_error=False)
        assert result.success
        (materialization,) = result.asset_materializations_for_node(NAME)
    metadata = materialization.metadata
    assert Path(str(metadata["page"].value)) == tmp_path / "leads.html"
    assert float(str(metadata["open leads"].value)) > 0
    written = repr(metadata)
    for row in api.account.rows("leads"):
        assert row["title"] not in written
    for row in api.account.rows("users"):
        assert row["lastname"] not in written


def test_what_was_loaded_makes_a_new_page_once_an_hour() -> None:
    definitions = build_definitions(Settings())
    spec = definitions.resolve_asset_graph().get(dg.AssetKey(NAME))
    assert spec.automation_condition is not None
    assert "0 * * * *" in repr(spec.automation_condition)
    sensor = definitions.resolve_sensor_def(SENSOR)
    assert sensor.default_status is dg.DefaultSensorStatus.RUNNING
