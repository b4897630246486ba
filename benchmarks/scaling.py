"""How time and memory of ours grow with the number of leads: a table, and a small plot."""

import argparse
import json
import subprocess
import sys
from itertools import pairwise
from pathlib import Path

import machine
from bench import Sample, bench
from environments import HERE, environment
from programs import OURS
from tables import table

SIZES = (10_000, 100_000, 300_000, 1_000_000)
NOTE = (
    "The server runs on the same cores. It keeps 100,000 rows and makes all others anew at each reading, so beyond that"
    " size the wall time is also the server's."
)
HEADER = (
    "leads",
    "CPU s",
    "wall s",
    "wall ms per 1,000",
    "CPU ms per 1,000",
    "peak MB",
    "requests",
    "file MB",
    "result",
)


def first_sync(leads: int) -> Sample:
    """One first sync of an account of that size."""
    with bench(leads) as it:
        return it.run(OURS, it.new_folder() / f"{OURS}.duckdb")


def row(leads: int, sample: Sample) -> list[str]:
    """The line of one size."""
    cost = sample.cost
    return [
        f"{leads:,}",
        f"{cost.cpu:,.1f}",
        f"{cost.wall:,.1f}",
        f"{cost.wall / leads * 1e6:,.0f}",
        f"{cost.cpu / leads * 1e6:,.0f}",
        f"{cost.peak:,.0f}",
        f"{sum(sample.requests.values()):,}",
        f"{sample.size:,.1f}",
        sample.verdict,
    ]


def slopes(samples: dict[int, Sample]) -> str:
    """What 1,000 more leads cost between one size and the next: without the cost of starting a run."""
    sizes = list(samples)
    steps = [
        f"{(samples[large].cost.wall - samples[small].cost.wall) / (large - small) * 1e6:,.0f} ms wall,"
        f" {(samples[large].cost.cpu - samples[small].cost.cpu) / (large - small) * 1e6:,.0f} ms CPU"
        f" ({small:,} to {large:,})"
        for small, large in pairwise(sizes)
    ]
    return f"Each 1,000 leads more: {'; '.join(steps)}." if steps else ""


def draw(samples: dict[int, Sample], target: Path) -> None:
    """Draw the plot."""
    costs = [sample.cost for sample in samples.values()]
    figures = {
        "rows": list(samples),
        "wall": [cost.wall for cost in costs],
        "cpu": [cost.cpu for cost in costs],
        "peak": [cost.peak for cost in costs],
    }
    command = [environment("plot"), str(HERE / "plot.py"), str(target)]
    subprocess.run(command, input=json.dumps(figures), text=True, check=True)


def main() -> int:
    """Measure each size; the exit status is 1 where a run failed or a result was wrong."""
    parser = argparse.ArgumentParser(description="Measure first syncs of ours at several sizes, against the demo API.")
    parser.add_argument("--most", type=int, default=SIZES[-1], help="no more leads than this (default 1,000,000)")
    parser.add_argument("--plot", type=Path, default=HERE / "scaling.png", help="where to draw")
    parser.add_argument("--markdown", type=Path, metavar="FILE", help="also write the table to this file")
    arguments = parser.parse_args()
    before = machine.load()
    samples = {leads: first_sync(leads) for leads in SIZES if leads <= arguments.most}
    lines = [table(HEADER, [row(leads, sample) for leads, sample in samples.items()]), slopes(samples), NOTE]
    lines.append(f"- {machine.facts()[0]}\n- load average (1, 5, 15 minutes) before: {before}; after: {machine.load()}")
    text = "\n\n".join(line for line in lines if line)
    print(text)
    if arguments.markdown:
        arguments.markdown.write_text(f"{text}\n")
    good = bool(samples) and all(sample.verdict.startswith("rows ok") for sample in samples.values())
    if good:
        draw(samples, arguments.plot)
    return int(not good)


if __name__ == "__main__":
    sys.exit(main())
