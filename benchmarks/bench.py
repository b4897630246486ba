"""One account, programs that sync it, and the table of what they cost."""

import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from statistics import median

from programs import OURS, PROGRAMS, Cost, Failed, Sync
from tables import figure, table
from truth import Account, Truth, rows_written

from leads_assets.demo.process import demo_account

HEADER = ("program", "CPU s", "wall s", "peak MB", "requests (leads)", "file MB", "growth", "CPU to ours", "result")


@dataclass(slots=True)
class Sample:
    """One run of one program."""

    cost: Cost
    requests: Mapping[str, int]
    verdict: str
    size: float = 0.0
    growth: float | None = None


@dataclass(slots=True)
class Case:
    """The runs of one case: program -> one sample a round."""

    title: str
    samples: dict[str, list[Sample]] = field(default_factory=dict)

    def add(self, program: str, sample: Sample) -> None:
        """Keep a run."""
        self.samples.setdefault(program, []).append(sample)
        print(f"  {program}: {sample.cost.cpu:.1f} s CPU, {sample.verdict}", file=sys.stderr, flush=True)

    def table(self) -> str:
        """The case as a table."""
        return f"### {self.title}\n\n{table(HEADER, [self._row(program) for program in self.samples])}"

    def _row(self, program: str) -> list[str]:
        samples = self.samples[program]
        ours = self.samples.get(OURS, [])
        ratios = [s.cost.cpu / o.cost.cpu for s, o in zip(samples, ours, strict=False) if o.cost.cpu]
        verdicts = dict.fromkeys(sample.verdict for sample in samples)
        growths = [sample.growth for sample in samples if sample.growth is not None]
        requests = samples[-1].requests
        return [
            program,
            figure([sample.cost.cpu for sample in samples]),
            figure([sample.cost.wall for sample in samples]),
            figure([sample.cost.peak for sample in samples], 0),
            f"{sum(requests.values()):,} ({requests.get('leads', 0):,})",
            f"{samples[-1].size:,.1f}",
            ", ".join(f"{growth:+,.1f}" for growth in growths),
            f"{median(ratios):.1f}" if ratios else "",
            "; ".join(verdicts),
        ]


class Bench:
    """One demo account, and a folder for what the programs make of it."""

    def __init__(self, account: Account, folder: Path, leads: int) -> None:
        self.account, self.leads = account, leads
        self._folder = folder
        self.truth = Truth(account, folder)

    def new_folder(self) -> Path:
        """An empty folder that lasts as long as the account."""
        return Path(tempfile.mkdtemp(dir=self._folder))

    def run(self, program: str, path: Path, sync: Sync | None = None) -> Sample:
        """Run a program once and check what it made. A program that fails is a result too."""
        before = path.stat().st_size if path.exists() else None
        self.account.control.reset()
        try:
            cost = (sync or PROGRAMS[program])(self.account, path)
        except Failed as failed:
            print(failed, file=sys.stderr)
            return Sample(Cost(0, 0, 0), {}, "FAILED")
        requests = self.account.control.state()["requests"]
        verdict = self.truth.check(path, ours=program == OURS)
        if before is None:
            return Sample(cost, requests, verdict, _megabytes(path))
        if program == OURS:
            verdict += f"; {rows_written(path)} written"
        return Sample(cost, requests, verdict, _megabytes(path), _megabytes(path) - before / 1e6)

    def change(self, count: int) -> None:
        """Change leads, evenly spread over the list."""
        ids = [row["id"] for row in self.account.control.rows("leads")]
        self.account.control.mutate("leads", "update", ids=ids[:: max(1, len(ids) // count)][:count])
        self.truth = Truth(self.account, self._folder)


def _megabytes(path: Path) -> float:
    return path.stat().st_size / 1e6


@contextmanager
def bench(leads: int) -> Iterator[Bench]:
    """A demo account of that size in another process, its rows made and its lists sorted."""
    print(f"starting an account of {leads:,} leads ...", file=sys.stderr, flush=True)
    with demo_account(leads) as settings, tempfile.TemporaryDirectory() as folder:
        yield Bench(Account(settings.base_url, settings.api_key.get_secret_value()), Path(folder), leads)


def turns(programs: Sequence[str], number: int) -> list[str]:
    """The programs in the order of one round: another one begins each time."""
    shift = number % len(programs)
    return [*programs[shift:], *programs[:shift]]
