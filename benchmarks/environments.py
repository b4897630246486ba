"""Environments made on demand, one per program, from the versions that a constraints file pins."""

import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

HERE = Path(__file__).parent
CONSTRAINTS: Mapping[str, Path] = {
    "dlt": HERE / "rivals" / "constraints-dlt.txt",
    "naive": HERE / "rivals" / "constraints-naive.txt",
    "plot": HERE / "constraints-plot.txt",
}


def environment(name: str) -> str:
    """The interpreter of an environment that holds what its constraints file lists; made where it is not there yet."""
    folder, wanted = HERE / ".venvs" / name, CONSTRAINTS[name].read_text()
    python, stamp = str(folder / "bin" / "python"), folder / "installed.txt"
    if not stamp.exists() or stamp.read_text() != wanted:
        print(f"making the environment {name} ...", file=sys.stderr, flush=True)
        subprocess.run([sys.executable, "-m", "venv", "--clear", str(folder)], check=True)
        install = [python, "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "-r"]
        subprocess.run([*install, str(CONSTRAINTS[name])], check=True)
        stamp.write_text(wanted)
    return python


def pinned(name: str, *packages: str) -> str:
    """`package version, ...` as the constraints file has them."""
    lines = dict(line.split("==") for line in CONSTRAINTS[name].read_text().splitlines() if "==" in line)
    return ", ".join(f"{package} {lines[package]}" for package in packages)
