"""The names that others may build on."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import leads_assets

pytestmark = pytest.mark.process

ROOT = Path(leads_assets.__file__).parents[1]


def test_the_public_names_are_these() -> None:
    assert sorted(leads_assets.__all__) == [
        "ApiError",
        "Column",
        "ColumnType",
        "Dialect",
        "Endpoint",
        "Ordering",
        "Settings",
        "Warehouse",
        "WarehouseError",
        "build_definitions",
        "load",
        "open_warehouse",
        "read",
    ]


@pytest.mark.parametrize("name", leads_assets.__all__)
def test_each_public_name_is_there_and_says_what_it_is(name: str) -> None:
    found = getattr(leads_assets, name)
    assert found.__name__ == name
    assert found.__doc__


def test_another_name_is_none_and_the_public_ones_are_listed() -> None:
    with pytest.raises(AttributeError, match="'utils'"):
        _ = leads_assets.utils
    assert set(leads_assets.__all__) <= set(dir(leads_assets))


def test_importing_the_package_loads_none_of_its_rooms_and_no_library() -> None:
    code = "import sys; old = set(sys.modules); import leads_assets; print(sorted(set(sys.modules) - old))"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    new = set(eval(done.stdout))
    assert "leads_assets" in new
    assert not {name.split(".")[0] for name in new} & {"dagster", "duckdb", "pydantic", "requests", "pandas", "msgspec"}
    assert not {name for name in new if name.startswith("leads_assets.")}


def test_the_wheel_says_that_it_is_typed_and_holds_what_the_commands_need(tmp_path: Path) -> None:
    pip = [sys.executable, "-m", "pip", "wheel", "--quiet", "--no-deps", "--no-build-isolation"]
    subprocess.run([*pip, "--wheel-dir", str(tmp_path), str(ROOT)], check=True, capture_output=True)
    (wheel,) = tmp_path.glob("*.whl")
    with zipfile.ZipFile(wheel) as files:
        names = set(files.namelist())
    assert "leads_assets/py.typed" in names
    assert {"leads_assets/defs/dagster.yaml", "leads_assets/marts/leads.sql"} <= names
    assert not {name for name in names if name.startswith("leads_assets_tests")}
