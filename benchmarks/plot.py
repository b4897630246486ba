"""Draw `scaling.py`'s figures: `plot.py TARGET.png`, with JSON on the standard input.

It runs in an environment of its own, the only one with matplotlib. The input is an object with `rows`, `wall` and `cpu`
(seconds) and `peak` (MB), lists of the same length.
"""

import json
import sys

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt
from matplotlib.ticker import FuncFormatter

WALL, CPU, MEMORY, GRID = "#1f6feb", "#8a8f98", "#b4542a", "#e4e6ea"


def main() -> None:
    """Two panels: seconds against rows, memory against rows."""
    figures = json.load(sys.stdin)
    rows = figures["rows"]
    picture, (left, right) = plt.subplots(1, 2, figsize=(8, 3), layout="constrained")
    left.plot(rows, figures["wall"], "o-", color=WALL, label="wall")
    left.plot(rows, figures["cpu"], "s--", color=CPU, label="CPU")
    left.set_title("seconds of a first sync")
    left.legend(frameon=False)
    right.plot(rows, figures["peak"], "o-", color=MEMORY)
    right.set_title("peak memory in MB")
    for panel in (left, right):
        panel.set_xlabel("leads")
        panel.set_xlim(0)
        panel.set_ylim(0, panel.get_ylim()[1] * 1.1)
        panel.xaxis.set_major_formatter(FuncFormatter(lambda value, _: f"{value / 1000:,.0f} k" if value else "0"))
        panel.grid(color=GRID)
        panel.spines[["top", "right"]].set_visible(False)
    picture.savefig(sys.argv[1], dpi=90)


if __name__ == "__main__":
    main()
