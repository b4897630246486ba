"""The spool: folders of the dead are removed, those of the living are not, and rows are written as they come."""

import multiprocessing
import os
import signal
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import Raw

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.records.spool import LARGEST_RECORD, MOST_VALUES, PART, SpoolDir, SpoolWriter, reencoded

pytestmark = pytest.mark.process

PROCESSES = multiprocessing.get_context("forkserver")
PROCESSES.set_forkserver_preload(["leads_assets.engine.records.spool"])

STEPS = ENDPOINTS["steps"]


def raws(*records: Any) -> list[Raw]:
    """Records as they come out of a page."""
    return [Raw(record if isinstance(record, bytes) else msgspec.json.encode(record)) for record in records]


def lines(*paths: Path) -> list[Any]:
    """The objects in files."""
    return [msgspec.json.decode(line) for path in paths for line in path.read_bytes().splitlines()]


def hold(root: Path, said: Any) -> None:
    """In a process of its own: hold a folder until killed."""
    folder = SpoolDir(root)
    (folder.path / "rows.ndjson").write_text("{}")
    said.put(str(folder.path))
    signal.pause()


def test_a_folder_is_there_for_its_extract_and_gone_afterwards(tmp_path: Path) -> None:
    with SpoolDir(tmp_path / "a" / "spool") as folder:
        (folder.path / "file").write_text("x")
        assert folder.path.parent == tmp_path / "a" / "spool"
    assert not folder.path.exists()


def test_a_folder_is_removed_when_its_extract_fails(tmp_path: Path) -> None:
    with pytest.raises(KeyError), SpoolDir(tmp_path) as folder:
        raise KeyError
    assert not folder.path.exists()


def test_the_folders_of_dead_processes_are_removed_and_those_of_living_ones_kept(tmp_path: Path) -> None:
    said = PROCESSES.Queue()
    children = [PROCESSES.Process(target=hold, args=(tmp_path, said), daemon=True) for _ in range(3)]
    for child in children:
        child.start()
    folders = {Path(said.get(timeout=30)) for _ in children}
    with SpoolDir(tmp_path) as mine:
        assert {entry for entry in tmp_path.iterdir() if entry.is_dir()} == folders | {mine.path}
        assert children[0].pid
        os.kill(children[0].pid, signal.SIGKILL)
        children[0].join(30)
        with SpoolDir(tmp_path) as second:
            left = {entry for entry in tmp_path.iterdir() if entry.is_dir()}
            assert mine.path in left
            assert len(left & folders) == 2
            assert left - folders == {mine.path, second.path}
    for child in children:
        child.kill()
        child.join(30)
    with SpoolDir(tmp_path) as last:
        assert [entry for entry in tmp_path.iterdir() if entry.is_dir()] == [last.path]


def test_folders_of_one_process_do_not_remove_each_other(tmp_path: Path) -> None:
    with SpoolDir(tmp_path) as first, SpoolDir(tmp_path) as second:
        assert first.path.exists()
        assert second.path.exists()


def test_a_folder_without_a_lock_is_that_of_a_dead_process(tmp_path: Path) -> None:
    (tmp_path / "old").mkdir()
    (tmp_path / "old" / "rows.ndjson").write_text("{}")
    with SpoolDir(tmp_path):
        assert not (tmp_path / "old").exists()


def test_rows_are_written_as_the_server_sent_them(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, STEPS)
    writer.add(raws(b'{"id": 1, "name":"\\u00e9"}', b'{"id":2,"position":3}'), [1, 2])
    writer.add([], [])
    spooled = writer.close()
    assert spooled.rows[0].read_bytes() == b'{"id": 1, "name":"\\u00e9"}\n{"id":2,"position":3}\n'
    assert (spooled.count, spooled.rejected, spooled.bytes) == (2, 0, spooled.rows[0].stat().st_size)
    assert (spooled.fields, dict(spooled.misfits)) == ((), {})


def test_records_without_an_id_are_put_aside_with_their_reason(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, STEPS)
    writer.add(raws({"id": 1}, {"id": None}, b'"text"', {"id": 2}), [1, None, None, 2])
    spooled = writer.close()
    assert lines(*spooled.rows) == [{"id": 1}, {"id": 2}]
    assert [reject["record"] for reject in lines(spooled.rejects)] == ['{"id":null}', '"text"']
    assert {reject["reason"] for reject in lines(spooled.rejects)} == {
        "no usable id: it must be an integer of at most 64 bits"
    }
    assert (writer.count, spooled.count, spooled.rejected) == (2, 2, 2)


def test_a_record_that_cannot_be_taken_apart_is_put_aside_and_the_others_stay(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, STEPS)
    writer.add(raws({"id": 1}, rb'{"id":2,"name":"\ud800"}', {"id": 3}), [1, 2, 3])
    spooled = writer.close()
    assert lines(*spooled.rows) == [{"id": 1}, {"id": 3}]
    assert lines(spooled.rejects) == [
        {"reason": "a text in it is broken, or it is nested too deeply", "record": r'{"id":2,"name":"\ud800"}'}
    ]


def test_bytes_that_are_no_text_are_put_aside_readably(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, STEPS)
    writer.add(raws(b'{"id":"\xff"}'), [None])
    assert lines(writer.close().rejects)[0]["record"] == '{"id":"\\xff"}'


def test_unknown_fields_and_misfits_are_told(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, STEPS)
    writer.add(raws({"id": 1, "new": 1, "position": "many"}, {"id": 2, "newer": None}), [1, 2])
    spooled = writer.close()
    assert spooled.fields == ("new", "newer")
    assert dict(spooled.misfits) == {"position": 1}
    assert lines(*spooled.rows) == [{"id": 1, "new": 1, "_extra": '{"position":"many"}'}, {"id": 2, "newer": None}]


def test_a_spool_is_reencoded_value_by_value_and_keeps_what_is_known(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, STEPS)
    writer.add(raws({"id": 1, "new": 1, "position": "many"}, {"id": 2, "name": "x"}), [1, 2])
    spooled = writer.close()
    with spooled.rows[0].open("ab") as file:
        file.write(b'{"id":3,"position":2.5,"name":"y","_extra":"{\\"a\\":1}"}\n')
    again = reencoded(spooled, STEPS)
    assert lines(*again.rows) == [
        {"id": 1, "new": 1, "_extra": '{"position":"many"}'},
        {"id": 2, "name": "x"},
        {"id": 3, "name": "y", "_extra": '{"a":1,"position":2.5}'},
    ]
    assert dict(again.misfits) == {"position": 2}
    assert (again.count, again.fields) == (2, ("new",))


@pytest.mark.parametrize(
    "spoiled",
    [
        pytest.param(b'{"id":2,"name":"' + b"x" * LARGEST_RECORD + b'"}', id="a long text"),
        pytest.param(b'{"id":2,"name":["' + b"\\t" * (LARGEST_RECORD // 3) + b'"]}', id="a long line after encoding"),
        pytest.param(b'{"id":2,"new":[' + b"{}," * MOST_VALUES + b"1]}", id="many values"),
        pytest.param(b'{"id":2,"name":[' + b"1," * (LARGEST_RECORD // 2) + b"1]}", id="many values in a text column"),
    ],
)
def test_a_record_too_large_for_the_database_is_put_aside_in_a_file_of_its_own(tmp_path: Path, spoiled: bytes) -> None:
    writer = SpoolWriter(tmp_path, STEPS)
    writer.add(raws({"id": 1}, spoiled, {"id": 3}), [1, 2, 3])
    spooled = writer.close()
    assert lines(*spooled.rows) == [{"id": 1}, {"id": 3}]
    assert (spooled.rejected, lines(spooled.rejects)) == (1, [])
    ((file, reason),) = spooled.large_rejects.items()
    assert reason == "too large: a row may have 22 MB and 500,000 values"
    assert file.read_bytes() == spoiled


def test_a_large_text_is_a_row_however_much_it_looks_like_json(tmp_path: Path) -> None:
    record = {"id": 1, "name": "[{,:" * (2 << 20)}
    writer = SpoolWriter(tmp_path, STEPS)
    writer.add(raws(record), [1])
    spooled = writer.close()
    assert (spooled.count, spooled.rejected) == (1, 0)
    assert lines(*spooled.rows) == [record]


def test_rows_are_in_files_of_two_megabytes_and_in_their_order(tmp_path: Path) -> None:
    writer = SpoolWriter(tmp_path, STEPS)
    records = [{"id": n, "name": "x" * (PART + 1 if n == 25 else 50_000)} for n in range(50)]
    for start in range(0, 50, 10):
        writer.add(raws(*records[start : start + 10]), list(range(start, start + 10)))
    spooled = writer.close()
    assert lines(*spooled.rows) == records
    sizes = [path.stat().st_size for path in spooled.rows]
    assert (spooled.bytes, spooled.row_bytes) == (sum(sizes), max(sizes))
    assert sum(size > PART for size in sizes) == 1
    assert len(sizes) <= 5
