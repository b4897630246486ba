"""A server whose answers never end keeps neither a run nor the sensor: both end in bounded time, and say why."""

import threading
import time
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import dagster as dg
import pytest

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.defs.sensors import NAME
from leads_assets.refresh.observe import PROBE_LIMITS
from leads_assets_tests.harness.project import Project
from leads_assets_tests.harness.trickling import Trickle, trickling
from leads_assets_tests.harness.watched import reason

pytestmark = pytest.mark.socket

GOOD_THEN_TRAILERS = b'HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nb\r\n{"data":[]}\r\n0\r\n'
ANSWERS = {
    "header": Trickle(b"HTTP/1.1 200 OK\r\nX-Slow: ", b"a"),
    "trailers, flood": Trickle(GOOD_THEN_TRAILERS, b"X: y\r\n", pause=0),
}
DEADLINE = 0.3


@pytest.fixture(autouse=True)
def _no_request_thread_stays() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    new = set(threading.enumerate()) - before
    assert not [thread.name for thread in new if thread.is_alive()]


@pytest.mark.parametrize("part", ANSWERS)
def test_a_run_ends_when_no_answer_does(tmp_path: Path, part: str) -> None:
    with trickling(ANSWERS[part]) as server:
        project = Project(tmp_path, server.origin, api={"deadline": DEADLINE})
        began = time.monotonic()
        result = project.materialize()
        assert time.monotonic() - began < 30
        failed = {event.step_key for event in result.all_events if event.is_step_failure}
        assert failed == set(ENDPOINTS)
        assert server.requests == len(ENDPOINTS)


@pytest.mark.parametrize("part", ANSWERS)
def test_a_tick_of_the_sensor_ends_when_no_answer_does(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, part: str
) -> None:
    monkeypatch.setattr("leads_assets.defs.sensors.PROBE_LIMITS", replace(PROBE_LIMITS, deadline=DEADLINE))
    with trickling(ANSWERS[part]) as server:
        definitions = Project(tmp_path, server.origin).definitions
        known = definitions.resources or {}
        resources = {name: known[name] for name in ("leads_api", "warehouse")}
        began = time.monotonic()
        with dg.DagsterInstance.ephemeral() as instance, dg.build_sensor_context(instance, resources=resources) as of:
            result = definitions.resolve_sensor_def(NAME)(of)
        assert time.monotonic() - began < 20
    assert isinstance(result, dg.SensorResult)
    assert "no answer in time" in reason(result) or "did not end before the deadline" in reason(result)
