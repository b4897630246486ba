"""Somebody is told once of what is wrong, and once when it is well again: a real receiver, the demo API, real runs."""

import json
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from datetime import timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any

import dagster as dg
import pytest
from pydantic import SecretStr

from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions
from leads_assets.defs.notice import NAME
from leads_assets.demo.server.faults import parse_fault
from leads_assets.engine.errors import ConfigurationError
from leads_assets_tests.conftest import OpenApi
from leads_assets_tests.harness.watched import SensorHarness

pytestmark = pytest.mark.socket


@dataclass
class Receiver:
    """What has arrived, and the status that the next message gets."""

    url: str
    status: int = 200
    messages: list[dict[str, Any]] = field(default_factory=list)


@contextmanager
def _receiving() -> Iterator[Receiver]:
    class Handler(BaseHTTPRequestHandler):
        def do_POST(self) -> None:
            body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
            if told.status == 200:
                told.messages.append(body)
            self.send_response(told.status)
            self.send_header("Content-Length", "0")
            self.end_headers()

        def log_message(self, *_: object) -> None:
            """Nothing."""

    with ThreadingHTTPServer(("127.0.0.1", 0), Handler) as server:
        told = Receiver(f"http://127.0.0.1:{server.server_port}/hook")
        thread = threading.Thread(target=server.serve_forever, args=(0.05,))
        thread.start()
        try:
            yield told
        finally:
            server.shutdown()
            thread.join()


@pytest.fixture
def receiver() -> Iterator[Receiver]:
    """A plain receiver."""
    with _receiving() as found:
        yield found


class Told:
    """A project that tells a receiver."""

    def __init__(self, project: SensorHarness, receiver: Receiver) -> None:
        settings = project.settings.model_copy(update={"notify_url": SecretStr(receiver.url)})
        self._definitions = build_definitions(settings, now=project.now)
        self._project = project
        self.cursor: str | None = None

    def tick(self) -> str:
        """One evaluation; returns what the UI shows of it."""
        known = self._definitions.resources or {}
        resources = {name: known[name] for name in ("leads_api", "warehouse")}
        with dg.build_sensor_context(self._project.instance, self.cursor, resources=resources) as context:
            result = self._definitions.resolve_sensor_def(NAME)(context)
        assert isinstance(result, dg.SensorResult)
        self.cursor = result.cursor
        return str(result.skip_reason.skip_message) if result.skip_reason else ""


def test_a_failed_list_is_told_once_and_once_when_it_is_read_again(
    tmp_path: Path, open_api: OpenApi, receiver: Receiver
) -> None:
    project = SensorHarness(open_api(leads=20), tmp_path)
    told = Told(project, receiver)
    assert project.materialize("users", "teams").success
    told.tick()
    assert receiver.messages == []
    project.api.set_faults([parse_fault("status=400@users")])
    assert not project.materialize("users").success
    told.tick()
    told.tick()
    (message,) = receiver.messages
    assert [cause["cause"] for cause in message["new"]] == ["failed users"]
    project.api.set_faults([])
    assert project.materialize("users").success
    told.tick()
    told.tick()
    assert [cause["cause"] for cause in receiver.messages[-1]["over"]] == ["failed users"]
    assert len(receiver.messages) == 2


def test_a_message_that_did_not_arrive_is_sent_again(tmp_path: Path, open_api: OpenApi, receiver: Receiver) -> None:
    project = SensorHarness(open_api(leads=20), tmp_path, ahead=timedelta(hours=30))
    told = Told(project, receiver)
    assert project.materialize("users").success
    receiver.status = 404
    assert "HTTP 404" in told.tick()
    assert receiver.url.rpartition("/")[2] not in told.tick()
    receiver.status = 200
    told.tick()
    (message,) = receiver.messages
    assert [cause["cause"] for cause in message["new"]] == ["old users"]


def test_without_an_address_there_is_no_such_sensor(tmp_path: Path) -> None:
    definitions = build_definitions(Settings(warehouse=tmp_path / "leads.duckdb"))
    assert NAME not in {sensor.name for sensor in definitions.sensors or ()}


@pytest.mark.parametrize("url", ["chat.example.com/hook", "http://chat.example.com/hook", "https://a:b@c.example.com/"])
def test_an_address_that_would_show_the_message_to_others_is_refused(url: str) -> None:
    with pytest.raises(ConfigurationError, match="LEADS_NOTIFY_URL must be an address"):
        Settings(notify_url=SecretStr(url))
