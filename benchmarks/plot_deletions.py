"""Draw `deletions.py`'s figures: `plot_deletions.py TARGET.png`, with JSON on the standard input.

It runs in an environment of its own, the only one with matplotlib. The input is an object with `deleted` (numbers of
rows), `total sent` and `no total` (requests, lists of the same length), and `full` (requests of a full read).
"""

import json
import sys

import matplotlib as mpl

mpl.use("Agg")
from matplotlib import pyplot as plt

TOTAL, NONE, FULL, GRID = "#1f6feb", "#8a8f98", "#b4542a", "#e4e6ea"


def main() -> None:
    """One panel: requests against rows that are gone."""
    figures = json.load(sys.stdin)
    picture, panel = plt.subplots(figsize=(8, 2.6), layout="constrained")
    panel.axhline(figures["full"], color=FULL, linestyle=":", label="a full read, which is what others need")
    panel.plot(figures["deleted"], figures["no total"], "s--", color=NONE, label="ours, no total sent")
    panel.plot(figures["deleted"], figures["total sent"], "o-", color=TOTAL, label="ours, total sent")
    panel.set_xscale("symlog", linthresh=1)
    panel.set_yscale("log")
    panel.set_xticks(figures["deleted"], [f"{count}" for count in figures["deleted"]])
    panel.set_xlabel("deleted leads, scattered among 145,719")
    panel.set_ylabel("requests")
    panel.legend(frameon=False, loc="lower right", fontsize=8)
    panel.grid(color=GRID)
    panel.spines[["top", "right"]].set_visible(False)
    picture.savefig(sys.argv[1], dpi=90)


if __name__ == "__main__":
    main()
