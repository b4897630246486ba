"""The log of a Dagster run, line by line: which steps began and ended, how far a walk is, why a step failed."""

import re
from dataclasses import dataclass, field

_LINE = re.compile(
    r"\S+ \S+ \S+ - dagster - (?P<level>[A-Z]+) - \S+ - (?P<run>[0-9a-f-]{36}) - (?:\d+ - )?(?P<rest>.*)"
)
_EVENT = re.compile(r"(?P<step>\w+) - (?P<event>STEP_[A-Z_]+) - .*")
_MESSAGE = re.compile(r"(?P<step>\w+) - (?P<message>.+)")
_PROGRESS = re.compile(r"\w+: (?P<rows>[\d,]+)(?: of (?P<total>[\d,]+))? rows, .*")
_FAILURE = "dagster._core.definitions.events.Failure: "


@dataclass(frozen=True, slots=True)
class Walked:
    """How far the walk of the present step is; `line` says it to people."""

    rows: int
    total: int | None
    line: str


@dataclass(slots=True)
class RunLog:
    """What the lines so far have told. `failures` and `warnings`: step -> sentence; `last`: the last line with text."""

    run_id: str = ""
    running: str = ""
    walked: Walked | None = None
    done: list[str] = field(default_factory=list)
    failures: dict[str, str] = field(default_factory=dict)
    warnings: dict[str, str] = field(default_factory=dict)
    last: str = ""
    _explains: str = ""

    def take(self, line: str) -> str:
        """Read one line; returns what is worth telling people, mostly nothing."""
        line = line.rstrip("\n")
        self.last = line.strip() or self.last
        found = _LINE.fullmatch(line)
        if found is None:
            return self._explanation(line.strip())
        self.run_id = found["run"]
        if event := _EVENT.fullmatch(found["rest"]):
            return self._event(event["step"], event["event"])
        if found["level"] in ("INFO", "WARNING") and (message := _MESSAGE.fullmatch(found["rest"])):
            return self._message(message["step"], message["message"], warns=found["level"] == "WARNING")
        return ""

    def _event(self, step: str, event: str) -> str:
        if event == "STEP_START":
            self.running, self.walked = step, None
        elif event == "STEP_SUCCESS":
            self.done.append(step)
            return f"{step}: done"
        elif event == "STEP_FAILURE":
            self._explains = step
            self.failures[step] = f"{step}: failed"
        return ""

    def _message(self, step: str, message: str, *, warns: bool) -> str:
        if warns:
            self.warnings[step] = message
            return message
        progress = _PROGRESS.fullmatch(message)
        if progress is None:
            return ""
        total = progress["total"]
        self.walked = Walked(_whole(progress["rows"]), _whole(total) if total else None, message)
        return message

    def _explanation(self, line: str) -> str:
        """The first text after a failed step's line says why; what follows is a stack trace."""
        if not line or not self._explains:
            return ""
        step, self._explains = self._explains, ""
        if line.startswith(_FAILURE):
            self.failures[step] = line.removeprefix(_FAILURE)
        else:
            self.failures[step] = f"{step}: an error that nobody foresaw; the run's log in Dagster holds its trace"
        return self.failures[step]


def _whole(text: str) -> int:
    return int(text.replace(",", ""))
