"""`leads-assets report` and the asset `report`: where the page goes, and what they say about it."""

import stat
from datetime import UTC, datetime, timedelta
from pathlib import Path

import dagster as dg
import pytest

from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.marts import mart_key, mart_models
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


class Watched:
    """The sensor of the page beside a demo account, with a clock that a test can move."""

    def __init__(self) -> None:
        self.now = datetime(2026, 11, 24, 8, tzinfo=UTC)
        self.definitions = build_definitions(Settings.from_environment(), now=lambda: self.now)
        self.cursor: str | None = None

    def asked(self, instance: dg.DagsterInstance) -> set[str] | str:
        """The assets of the run that a tick asks for, or why it asks for none."""
        resources = {"warehouse": (self.definitions.resources or {})["warehouse"]}
        with dg.build_sensor_context(instance, self.cursor, resources=resources) as context:
            result = self.definitions.resolve_sensor_def(SENSOR)(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        keys = {key.to_user_string() for request in result.run_requests or () for key in request.asset_selection or ()}
        return keys or str(result.skip_reason.skip_message if result.skip_reason else "")


def test_what_was_loaded_asks_for_the_marts_and_the_page_once_an_hour(
    command: Command, open_account: OpenAccount
) -> None:
    open_account(leads=40)
    watched = Watched()
    with dg.DagsterInstance.ephemeral() as instance:
        assert watched.asked(instance) == "nothing was loaded since the last page"
        assert command("sync", "teams").status == 0
        assert watched.asked(instance) == {NAME, *(mart_key(model.name).to_user_string() for model in mart_models())}
        assert command("sync", "teams").status == 0
        watched.now += timedelta(minutes=59)
        assert watched.asked(instance) == "the last page was asked for within the hour"
        watched.now += timedelta(minutes=2)
        assert NAME in watched.asked(instance)
        watched.now += timedelta(hours=2)
        assert watched.asked(instance) == "nothing was loaded since the last page"
        assert command("sync", "teams").status == 0
        watched.cursor = "no memory"
        instance.create_run_for_job(
            watched.definitions.resolve_implicit_global_asset_job_def(), status=dg.DagsterRunStatus.STARTED
        )
        assert watched.asked(instance) == "a run is queued or going"
    assert watched.definitions.resolve_sensor_def(SENSOR).default_status is dg.DefaultSensorStatus.RUNNING
