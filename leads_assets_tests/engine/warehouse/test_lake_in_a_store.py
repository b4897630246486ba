"""A lake whose rows are in an object store."""

from collections.abc import Iterator
from pathlib import Path
from typing import cast

import pytest
import requests
from moto.server import ThreadedMotoServer

from leads_assets.engine.warehouse.address import open_warehouse
from leads_assets.engine.warehouse.errors import LoadFailed
from leads_assets.engine.warehouse.file import FileWarehouse
from leads_assets_tests.harness.desk import WarehouseHarness, things

pytestmark = pytest.mark.socket

SECRET = "canary-of-the-store"


@pytest.fixture
def store(monkeypatch: pytest.MonkeyPatch) -> Iterator[str]:
    """The URL of an empty store with one bucket, and credentials as its own tools find them."""
    monkeypatch.setenv("AWS_ACCESS_KEY_ID", "leads")
    monkeypatch.setenv("AWS_SECRET_ACCESS_KEY", SECRET)
    monkeypatch.setenv("AWS_REGION", "us-east-1")
    monkeypatch.setenv("AWS_EC2_METADATA_DISABLED", "true")
    server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
    server.start()
    try:
        host, port = server.get_host_and_port()
        url = f"http://{host}:{port}"
        assert requests.put(f"{url}/leads", timeout=10).ok
        yield url
    finally:
        server.stop()


def test_rows_go_to_the_store_and_come_back_and_no_error_shows_its_secret(tmp_path: Path, store: str) -> None:
    desk = WarehouseHarness(tmp_path, address=f"ducklake:{tmp_path}/leads.ducklake")
    desk.warehouse = cast(
        FileWarehouse, open_warehouse(desk.warehouse.label, data="s3://leads/rows/", endpoint=store, scratch=tmp_path)
    )
    desk.load(things(1, 2, 3))
    desk.load([{"id": 1, "whole": 9}, *things(2)])
    assert desk.rows("SELECT id, whole, _deleted_at IS NULL FROM things ORDER BY id") == [
        (1, 9, True),
        (2, 2, True),
        (3, 3, False),
    ]
    listed = requests.get(f"{store}/leads", params={"list-type": "2"}, timeout=10).text
    assert "rows/main/things/" in listed
    assert not list(tmp_path.rglob("*.parquet.*"))
    requests.delete(f"{store}/leads", timeout=10)
    requests.post(f"{store}/moto-api/reset", timeout=10)
    with pytest.raises(LoadFailed, match="the object store") as told:
        desk.load(things(1, 2, 3, 4))
    assert SECRET not in str(told.value)
