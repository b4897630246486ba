"""The drawing script is made once, and only a whole one of this user's is used again."""

from pathlib import Path

import pytest
import vl_convert

from leads_assets.report import drawing

pytestmark = pytest.mark.socket


@pytest.fixture
def made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """A cache folder of its own, and a note each time that the script is made."""
    notes: list[str] = []

    def bundle() -> str:
        notes.append("made")
        return "draw('</script>')"

    monkeypatch.setattr(vl_convert, "javascript_bundle", bundle)
    monkeypatch.setattr(drawing, "user_cache_path", lambda *_, **__: tmp_path / "cache")
    return notes


def test_it_is_made_once_and_ends_no_element_of_the_page(made: list[str], tmp_path: Path) -> None:
    assert drawing.drawing_script() == drawing.drawing_script() == "draw('<\\/script>')"
    assert made == ["made"]
    (kept,) = (tmp_path / "cache").iterdir()
    assert kept.stat().st_mode & 0o077 == 0


def _cut(kept: Path) -> None:
    kept.write_text(kept.read_text()[:-1])


def _changed(kept: Path) -> None:
    kept.write_text(kept.read_text().replace("draw", "send", 1))


def _linked(kept: Path) -> None:
    kept.symlink_to(kept.rename(kept.with_name("elsewhere")))


@pytest.mark.parametrize("harm", [_cut, _changed, _linked])
def test_one_that_was_harmed_is_made_anew(made: list[str], tmp_path: Path, harm: object) -> None:
    drawing.drawing_script()
    (kept,) = (tmp_path / "cache").iterdir()
    assert callable(harm)
    harm(kept)
    assert drawing.drawing_script() == "draw('<\\/script>')"
    assert made == ["made"] * 2


def test_without_a_folder_to_write_it_is_made_each_time(
    made: list[str], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    (tmp_path / "cache").write_text("a file in the folder's place")
    assert drawing.drawing_script() == drawing.drawing_script()
    assert made == ["made"] * 2


def test_without_the_extra_there_is_none(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(drawing, "_DISTRIBUTION", "no-such-distribution")
    assert drawing.drawing_script() is None
