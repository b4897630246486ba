"""The read copy, and links in the settings, as the commands treat them."""

from pathlib import Path

import pytest

from leads_assets_tests.harness.commands import Command, OpenAccount

pytestmark = pytest.mark.process


def test_a_copy_that_cannot_be_written_fails_the_sync_and_is_told_until_it_can(
    command: Command, open_account: OpenAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account()
    target = tmp_path / "copies" / "read.duckdb"
    monkeypatch.setenv("LEADS_WAREHOUSE_SNAPSHOT", str(target))
    target.mkdir(parents=True)
    told = command("sync", "teams", "--json")
    assert told.status == 1
    assert f"the read copy {target} cannot be written" in told.json["read_copy"]
    assert told.json["failures"] == {}
    assert "the read copy" in command("status").out
    assert command("status", "--strict").status == 1
    target.rmdir()
    assert "is not there" in command("status", "--json").json["read_copy"]
    told = command("sync", "teams", "--json")  # nothing has changed since, and the copy is published all the same
    assert (told.status, told.json["read_copy"]) == (0, "")
    assert target.is_file()
    assert command("status", "--json").json["read_copy"] == ""


def test_sync_and_compact_leave_a_linked_warehouse_and_copy_links(
    command: Command, open_account: OpenAccount, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    open_account()
    disk = tmp_path / "other disk"
    disk.mkdir()
    links = {"LEADS_WAREHOUSE": tmp_path / "leads.duckdb", "LEADS_WAREHOUSE_SNAPSHOT": tmp_path / "read.duckdb"}
    for variable, link in links.items():
        link.symlink_to(disk / link.name)  # to a file that is still to be made
        monkeypatch.setenv(variable, str(link))
    for words in (("sync", "teams"), ("compact",), ("sync", "users")):
        told = command(*words)
        assert told.status == 0, told.err
        assert all(link.is_symlink() and link.resolve() == disk / link.name for link in links.values())
        assert all((disk / link.name).is_file() for link in links.values())
    assert sorted(entry.name for entry in tmp_path.iterdir() if entry.name.startswith("leads.duckdb")) == [
        "leads.duckdb"
    ]
