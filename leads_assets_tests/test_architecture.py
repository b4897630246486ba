"""The arrows between the rooms: which room may import which. Paths run from the wiring down to the declarations."""

import ast
import re
import subprocess
import sys
from pathlib import Path

import pytest

import leads_assets

pytestmark = pytest.mark.process

_SPEED = r"^pytestmark = \[?pytest\.mark\.(?:unit|socket|process)(?:, pytest\.mark\.(?:marts|long))*\]?$"

ROOT = Path(leads_assets.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

FOUNDATION = {"engine.declare", "engine.instants", "engine.errors"}
RECORDS = FOUNDATION | {"engine.records"}
ACCOUNT = FOUNDATION | {"account", "engine.http"}
BELOW_DEFS = {"engine", "account", "refresh", "marts", "report"}
# Each room -> the rooms that it may import, besides itself. The longest name that fits a module is its room.
ARROWS: dict[str, set[str]] = {
    "engine": set(),
    "engine.declare": set(),
    "engine.instants": set(),
    "engine.errors": {"engine.instants"},
    "engine.http": FOUNDATION,
    "engine.records": FOUNDATION,
    "engine.read": RECORDS | {"engine.http"},
    "engine.warehouse": RECORDS,
    "engine.library": RECORDS | {"engine.http", "engine.read", "engine.warehouse"},
    "account": {"engine"},
    "refresh": {"engine"},
    "marts": {"engine"},
    "report": {"engine", "marts"},
    "notice": {"engine"},
    "defs": BELOW_DEFS | {"notice"},
    "definitions": {"account", "defs"},
    "doctor": {"engine", "account"},
    "demo": {"engine.declare", "account"},
    "torture": {"engine", "account", "defs", "demo"},
    "cli": BELOW_DEFS | {"defs", "definitions", "doctor", "demo", "torture"},
    "__main__": {"cli"},
    "__init__": {"engine", "account", "defs"},
}
FORBIDDEN: dict[str, set[str]] = {
    "engine": {"dagster", "os.environ", "pydantic_settings", "dotenv"},
    "engine.http": {"duckdb"},
    "engine.records": {"duckdb", "requests", "urllib3"},
    "engine.read": {"duckdb"},
    "engine.warehouse": {"requests", "urllib3"},
    "account": {"dagster", "duckdb"},
    "refresh": {"dagster", "duckdb", "requests"},
    "notice": {"dagster", "duckdb"},
    "doctor": {"dagster"},
    "demo": {"dagster", "duckdb", "requests"},
}


def _name(path: Path) -> str:
    parts = path.relative_to(ROOT).with_suffix("").parts
    return ".".join(part for part in parts if part != "__init__") or "__init__"


def _room(module: str) -> str:
    return max((room for room in ARROWS if _under(module, room)), key=len)


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            folder = ROOT.parent / node.module.replace(".", "/")
            modules = {alias.name for alias in node.names if (folder / f"{alias.name}.py").exists()}
            found |= {f"{node.module}.{module}" for module in modules} or {node.module}
    return found


def _ours(path: Path) -> set[str]:
    return {name.removeprefix("leads_assets.") for name in _imports(path) if name.startswith("leads_assets.")}


def _under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


def test_every_module_has_a_room() -> None:
    assert not [_name(path) for path in MODULES if not any(_under(_name(path), room) for room in ARROWS)]


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_room_imports_only_rooms_below_it(path: Path) -> None:
    room = _room(_name(path))
    allowed = ARROWS[room]
    assert not {m for m in _ours(path) if _room(m) != room and not any(_under(m, below) for below in allowed)}
    strangers = {third for layer, forbidden in FORBIDDEN.items() if _under(room, layer) for third in forbidden}
    assert not {m for m in _imports(path) if any(_under(m, stranger) for stranger in strangers)}


def test_no_arrow_points_back() -> None:
    order: list[str] = []
    left = {
        room: {below for other in ARROWS for below in allowed if _under(other, below)}
        for room, allowed in ARROWS.items()
    }
    while left:
        free = [room for room, below in left.items() if not (below & left.keys()) - {room}]
        assert free, f"a circle among {sorted(left)}"
        order += free
        left = {room: below for room, below in left.items() if room not in free}
    assert set(order) == set(ARROWS)


def test_only_the_settings_read_the_environment() -> None:
    # The command line and the demo's process pass the environment on to the processes that they start.
    passing_on = {"cli", "demo.process", "torture"}
    readers = {
        _name(path)
        for path in MODULES
        if "os.environ" in path.read_text() or "os.getenv" in path.read_text() or "EnvVar(" in path.read_text()
    }
    assert not {name for name in readers if not any(_under(name, room) for room in passing_on)}


def test_instants_are_read_and_written_in_one_place() -> None:
    # The demo's server and the judge of the torture have code of their own: they must not share its faults.
    apart = ("engine.instants", "demo", "torture.comparison")
    own_ways = ("datetime.now(", ".strftime(", "datetime.fromisoformat(", ":%Y")
    # A column of instants takes a text only if nothing of it is lost.
    exact = {"engine.records.values": {"datetime.fromisoformat("}}
    found = {
        name: used - exact.get(name, set())
        for name, text in ((_name(path), path.read_text()) for path in MODULES)
        if not any(_under(name, room) for room in apart) and (used := {way for way in own_ways if way in text})
    }
    assert not {name: used for name, used in found.items() if used}


def test_importing_the_definitions_loads_no_data_frame_library() -> None:
    code = "import sys, leads_assets.definitions; print([m for m in ('pandas', 'pyarrow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_of_the_package_is_a_drawer_for_odds_and_ends() -> None:
    assert not [path for path in MODULES if path.stem in ("utils", "helpers", "common", "misc")]


@pytest.mark.parametrize("path", sorted(Path(__file__).parent.rglob("test_*.py")), ids=lambda path: path.stem)
def test_every_test_file_says_how_fast_it_is(path: Path) -> None:
    assert len(re.findall(_SPEED, path.read_text(), re.MULTILINE)) == 1
