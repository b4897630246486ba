"""One run in this process, reported while it goes on, and stored where the UI finds it."""

import uuid
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path
from typing import Any, Protocol

import dagster as dg
from filelock import FileLock, Timeout

from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.resources import api_resource
from leads_assets.engine.read.read import Progress

_TAG = {"leads_assets/command": "yes"}
"""Runs of a command carry it: Dagster cannot tell whether their process still lives."""
_UNFINISHED = [dg.DagsterRunStatus.NOT_STARTED, dg.DagsterRunStatus.STARTING, dg.DagsterRunStatus.STARTED]
_QUIET = {"loggers": {"console": {"config": {"log_level": "CRITICAL"}}}}
_NUMBERS = {
    "live_rows": "rows_live",
    "rows_read": "rows_read",
    "inserted": "rows_inserted",
    "updated": "rows_updated",
    "deleted": "rows_deleted",
    "restored": "rows_restored",
    "requests": "requests",
}
"""Key of a result -> key of the materialization's metadata."""


class Ending(StrEnum):
    """What became of an asset in a run."""

    LOADED = "loaded"
    FAILED = "failed"
    NOT_READ = "not read"


@dataclass(frozen=True, slots=True, kw_only=True)
class AssetResult:
    """One asset of a run. `verdict` is that of the load, else the ending; `reason`: why it is not proven.

    `seconds`: of its step; `findings`: what its checks found wrong in the rows.
    """

    endpoint: str
    ending: Ending
    verdict: str
    reason: str = ""
    mode: str = ""
    numbers: Mapping[str, int] = field(default_factory=dict)
    seconds: float = 0.0
    findings: tuple[str, ...] = ()


@dataclass(frozen=True, slots=True, kw_only=True)
class RunResult:
    """A run that has ended. `error`: why it failed before or beside its assets."""

    run_id: str
    success: bool
    assets: tuple[AssetResult, ...]
    error: str = ""


class Watcher(Protocol):
    """Whoever wants to hear of a run while it goes on."""

    def began(self, endpoint: str) -> None:
        """An asset's turn has come."""

    def walked(self, endpoint: str, progress: Progress) -> None:
        """Pages of its list have come."""

    def ended(self, result: AssetResult) -> None:
        """Its turn is over."""


def execute(
    settings: Settings, home: Path, names: Sequence[str], options: Mapping[str, Any], watcher: Watcher
) -> RunResult:
    """Materialize the named assets; `options` are the launchpad's. Raises KeyboardInterrupt where a signal ended it."""
    definitions = build_definitions(settings, overrides={"leads_api": api_resource(settings, watch=watcher.walked)})
    run_id = str(uuid.uuid4())
    listener = _Listener(watcher)
    with _instance(home) as instance, _claimed(home, run_id):
        instance.add_event_listener(run_id, listener.take)
        result = definitions.resolve_implicit_global_asset_job_def().execute_in_process(
            run_id=run_id,
            run_config={**_QUIET, "resources": {"sync": {"config": dict(options)}}},
            asset_selection=[dg.AssetKey(name) for name in names],
            tags=_TAG,
            instance=instance,
            raise_on_error=False,
        )
    if listener.interrupted:
        raise KeyboardInterrupt
    return RunResult(run_id=run_id, success=result.success, assets=tuple(listener.results), error=listener.error)


@contextmanager
def _instance(home: Path) -> Iterator[dg.DagsterInstance]:
    """Dagster's storage. Runs of commands whose processes are gone are ended: the sensor would wait for them."""
    with dg.DagsterInstance.from_config(str(home)) as instance:
        for run in instance.get_runs(dg.RunsFilter(tags=_TAG, statuses=_UNFINISHED)):
            with suppress(Timeout), _claimed(home, run.run_id):
                instance.report_run_failed(run, "the process of the command was killed")
        yield instance


@contextmanager
def _claimed(home: Path, run_id: str) -> Iterator[None]:
    """Hold what tells other commands that the run's process lives. Raises Timeout where another process holds it."""
    path = home / "commands" / f"{run_id}.lock"
    path.parent.mkdir(exist_ok=True)
    with FileLock(path, timeout=0):
        yield
    path.unlink(missing_ok=True)


class _Listener:
    """Turns Dagster's events into results. `results` are complete when the run has ended."""

    def __init__(self, watcher: Watcher) -> None:
        self.results: list[AssetResult] = []
        self.error = ""
        self.interrupted = False
        self._watcher = watcher
        self._began = 0.0
        self._last_words = ""
        self._metadata: Mapping[str, Any] | None = None
        self._findings: list[str] = []

    def take(self, entry: dg.EventLogEntry) -> None:
        """One event, or one line of an asset's log."""
        event = entry.dagster_event
        if event is None:
            # Dagster's own lines do not begin with the name.
            if entry.user_message.startswith(f"{entry.step_key}: "):
                self._last_words = entry.user_message
        elif event.event_type is dg.DagsterEventType.STEP_START and event.step_key:
            self._began, self._last_words, self._metadata, self._findings = entry.timestamp, "", None, []
            self._watcher.began(event.step_key)
        elif event.event_type is dg.DagsterEventType.ASSET_MATERIALIZATION:
            self._metadata = event.step_materialization_data.materialization.metadata
        elif event.event_type is dg.DagsterEventType.ASSET_CHECK_EVALUATION:
            found = event.asset_check_evaluation_data
            if not found.passed and found.check_name == "valid":
                self._findings.append(f"{found.asset_key.to_user_string()}: {found.description}")
        elif event.event_type is dg.DagsterEventType.STEP_FAILURE and event.step_key:
            self._end(event.step_key, entry.timestamp, Ending.FAILED, _failure(event))
        elif event.event_type is dg.DagsterEventType.STEP_SUCCESS and event.step_key:
            ending = Ending.NOT_READ if self._metadata is None else Ending.LOADED
            self._end(event.step_key, entry.timestamp, ending, self._last_words if self._metadata is None else "")
        elif event.event_type is dg.DagsterEventType.RUN_CANCELED:
            self.interrupted = True
        elif event.event_type is dg.DagsterEventType.RUN_FAILURE:
            self._end_run(event)

    def _end(self, name: str, at: float, ending: Ending, reason: str) -> None:
        metadata = self._metadata if ending is Ending.LOADED and self._metadata is not None else {}
        values = {key: value.value for key, value in metadata.items()}
        result = AssetResult(
            endpoint=name,
            ending=ending,
            verdict=str(values.get("verdict", ending)),
            reason=reason or str(values.get("why", "")),
            mode=str(values.get("mode", "")),
            numbers={key: int(values[source]) for key, source in _NUMBERS.items() if source in values},
            seconds=round(at - self._began, 2),
            findings=tuple(self._findings),
        )
        self.results.append(result)
        self._watcher.ended(result)

    def _end_run(self, event: dg.DagsterEvent) -> None:
        data = event.job_failure_data
        failed = any(result.ending is Ending.FAILED for result in self.results)
        self.interrupted = data.failure_reason is not None and data.failure_reason.value == "UNEXPECTED_TERMINATION"
        if not failed:
            name = data.error.cls_name if data.error else ""
            self.error = f"the run failed outside of its assets ({name}); its log in Dagster holds the trace"


def _failure(event: dg.DagsterEvent) -> str:
    """The sentence of a Failure; of an unforeseen error nothing, because it may quote rows."""
    data = event.step_failure_data
    if data.user_failure_data is not None and data.user_failure_data.description:
        return str(data.user_failure_data.description)
    return f"{event.step_key}: an unforeseen error; the run's log in Dagster holds its trace"
