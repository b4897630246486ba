"""The arrows: which module may import which. Paths run from the wiring down to the declarations, never back."""

import ast
import subprocess
import sys
from pathlib import Path

import pytest

import leads_assets

ROOT = Path(leads_assets.__file__).parent
MODULES = sorted(ROOT.rglob("*.py"))

CORE = {f"leads_assets.{name}" for name in ("endpoints", "extract", "fit", "screen", "spool")}
# Each package or module -> the prefixes of this project that it may import, and the third parties it must not.
ALLOWED = {
    "leads_assets.account.endpoints": set(),
    "leads_assets.engine.records.extract": {"leads_assets.account.endpoints"},
    "leads_assets.engine.records.values": {"leads_assets.account.endpoints"},
    "leads_assets.engine.records.encoder": {"leads_assets.account.endpoints", "leads_assets.engine.records.values"},
    "leads_assets.engine.records.spool": CORE,
    "leads_assets.api": CORE | {"leads_assets.api"},
    "leads_assets.warehouse": CORE | {"leads_assets.warehouse"},
    "leads_assets.demo": {"leads_assets.account.endpoints", "leads_assets.demo"},
    "leads_assets.engine.read.plan": {"leads_assets.account.endpoints", "leads_assets.engine.warehouse.runs"},
    "leads_assets.account": CORE | {"leads_assets.account", "leads_assets.api", "leads_assets.warehouse"},
    "leads_assets.defs.checks": {
        "leads_assets.account.endpoints",
        "leads_assets.engine.records.extract",
        "leads_assets.engine.warehouse.result",
    },
}
FORBIDDEN = {
    "leads_assets.account.endpoints": {"dagster", "duckdb", "requests"},
    "leads_assets.api": {"dagster", "duckdb"},
    "leads_assets.warehouse": {"dagster", "requests"},
    "leads_assets.demo": {"dagster", "duckdb", "requests"},
    "leads_assets.account": {"dagster"},
}
STRANGERS = ({"assets", "checks"}, {"sensors", "sensing", "sensor_memory", "pacing", "looking", "schedules"})


def _name(path: Path) -> str:
    parts = ("leads_assets", *path.relative_to(ROOT).with_suffix("").parts)
    return ".".join(part for part in parts if part != "__init__")


def _imports(path: Path) -> set[str]:
    found: set[str] = set()
    for node in ast.walk(ast.parse(path.read_text())):
        if isinstance(node, ast.Import):
            found |= {alias.name for alias in node.names}
        elif isinstance(node, ast.ImportFrom) and node.module:
            found |= {f"{node.module}.{alias.name}" for alias in node.names} | {node.module}
    return found


def _under(name: str, prefix: str) -> bool:
    return name == prefix or name.startswith(prefix + ".")


@pytest.mark.parametrize("path", MODULES, ids=_name)
def test_a_module_imports_only_what_lies_below_it(path: Path) -> None:
    name, imports = _name(path), _imports(path)
    own = {module for module in imports if _under(module, "leads_assets") and module != "leads_assets"}
    for layer, allowed in ALLOWED.items():
        if _under(name, layer):
            assert not {m for m in own if not any(_under(m, prefix) for prefix in allowed)}
    for layer, strangers in FORBIDDEN.items():
        if _under(name, layer):
            assert not {m for m in imports if any(_under(m, stranger) for stranger in strangers)}


@pytest.mark.parametrize("group", STRANGERS, ids=lambda group: "+".join(sorted(group)))
def test_assets_and_sensors_do_not_import_each_other(group: set[str]) -> None:
    others = {f"leads_assets.{name}" for strangers in STRANGERS if strangers != group for name in strangers}
    for name in group:
        path = ROOT / f"{name}.py"
        if path.exists():
            assert not {module for module in _imports(path) if any(_under(module, other) for other in others)}


def test_only_the_settings_read_the_environment() -> None:
    ways = ("os.environ", "os.getenv", "EnvVar(", "dotenv_values", "BaseSettings")
    readers = {_name(path) for path in MODULES if any(way in path.read_text() for way in ways)}
    # The command line passes the environment on to the processes that it starts.
    assert {name for name in readers if not _under(name, "leads_assets.cli")} == {"leads_assets.account.settings"}


def test_only_the_code_location_and_the_commands_wire_the_project() -> None:
    users = {_name(path) for path in MODULES if any(_under(name, "leads_assets.defs") for name in _imports(path))}
    above = {name for name in users if not _under(name, "leads_assets.cli") and not _under(name, "leads_assets.defs")}
    assert above == {"leads_assets.definitions"}


def test_importing_the_definitions_loads_no_data_frame_library() -> None:
    code = "import sys, leads_assets.definitions; print([m for m in ('pandas', 'pyarrow') if m in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout.strip() == "[]"


def test_no_file_of_the_package_is_a_drawer_for_odds_and_ends() -> None:
    assert not [path for path in MODULES if path.stem in ("utils", "helpers", "common", "misc")]
