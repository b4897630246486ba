"""One case of the torture: an account, a clean sync, changes, a fault, a sync under it, and what to think of it."""

import shlex
import shutil
import tempfile
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import dagster as dg

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.account.account import Account
from leads_assets.demo.server.api import DemoApi
from leads_assets.demo.server.bodies import added_fields
from leads_assets.demo.server.faults import Fault, parse_fault
from leads_assets.demo.server.paging import hidden_ids
from leads_assets.torture.cases import UNPAGED, Case, Oddity, TrialResult, TrialVerdict
from leads_assets.torture.comparison import Copy, Record, Records, live, no_forms, served, undeclared
from leads_assets.torture.days import pass_a_day
from leads_assets.torture.setbacks import setback
from leads_assets.torture.sync import CommandResult, Sync, state_of

_LOG = "webhook_events"
_CLOCK = 1_751_500_000.0
"""The account's time stands still here, so that every case begins with the same account."""


def torture(cases: Sequence[Case], leads: int, place: str | None = None) -> Iterator[TrialResult]:
    """The outcomes of the cases on an account with that many leads; warehouses are made in `place` for the while."""
    with tempfile.TemporaryDirectory(dir=place) as folder, dg.DagsterInstance.ephemeral() as instance:
        bench = _Bench(Path(folder), leads, instance)
        for number, case in enumerate(cases):
            yield bench.outcome(case, Path(folder) / f"case_{number}.duckdb")


class _Bench:
    """Accounts and warehouses that all begin alike: the clean sync is the same for all cases, so it is made once."""

    def __init__(self, folder: Path, leads: int, instance: dg.DagsterInstance) -> None:
        self._leads = leads
        self._instance = instance
        self._clean = folder / "clean.duckdb"
        with DemoApi(self._account(UNPAGED)) as api:
            _sync(api, self._clean, tuple(ENDPOINTS), instance)

    def _account(self, names: Sequence[str]) -> Account:
        """The account, as far as the lists of these names show it: most cases ask for one of them."""
        over = {name: ENDPOINTS[name].fan_out for name in names}
        asked = {*names, *(fan_out.over.name for fan_out in over.values() if fan_out)}
        account = Account(leads=self._leads, clock=lambda: _CLOCK)
        # As long as the leads, so that a page can be less than all; the log last, because it tells of the others. All
        # or none of them: each takes its stamps after the one before.
        lists = UNPAGED if asked & set(UNPAGED) else ()
        for name in sorted(lists, key=_LOG.__eq__):
            account.insert(name, max(0, self._leads - account.total(name)))
            account.pad(name)
        return account

    def _sync_cleanly(self, account: Account, case: Case, warehouse: Path) -> None:
        if not case.oddities:
            shutil.copyfile(self._clean, warehouse)
            return
        with DemoApi(account) as api:
            _sync(api, warehouse, case.endpoints, self._instance)

    def outcome(self, case: Case, warehouse: Path) -> TrialResult:
        """Run one case in a warehouse of its own."""
        account = self._account(case.endpoints)
        for oddity in case.oddities:
            _ODDITIES[oddity](account)
        if not case.is_new:
            self._sync_cleanly(account, case, warehouse)
            for name in case.endpoints:
                _change(account, name, case)
            account.pad(_LOG)  # it tells of all those changes
        faults = [parse_fault(text) for text in shlex.split(case.faults)]
        with DemoApi(account, **case.server) as api:
            trial = _Trial(account, warehouse, case, faults, self._instance)
            api.set_faults(faults)
            with setback(case.setback, account, trial.coming(api.base_url, case.options), api.count):
                found = trial.sync(api.base_url, case.options)
            for _ in range(1, case.days):
                if found.verdict is not TrialVerdict.SAID_SO:
                    break
                pass_a_day(warehouse, state_of(warehouse))
                found = trial.sync(api.base_url, case.options)
            requests = api.count()
            api.set_faults([])
            after = None
            if found.is_doubtful or "drift" in case.faults:
                # On another day: neither the spent requests nor the server's quota hold any more.
                shutil.rmtree(state_of(warehouse), ignore_errors=True)
                after = trial.sync(api.base_url, case.healing, is_faulty=False).verdict
        return TrialResult(
            fault=case.name,
            switches=case.faults,
            happened=found.words,
            requests=requests,
            server_rows=found.server_rows,
            live_rows=found.live_rows,
            verdict=found.verdict,
            why=found.why,
            after=after,
        )


def _sync(api: DemoApi, warehouse: Path, endpoints: Sequence[str], instance: dg.DagsterInstance) -> None:
    """A sync without a fault. Raises RuntimeError where it does not end complete."""
    told = Sync(base_url=api.base_url, warehouse=warehouse, endpoints=endpoints).run(instance)
    if not all(word.claims_complete for word in told.values()):
        raise RuntimeError(f"the sync without a fault did not end complete: {told}")


def _grow_lead(account: Account) -> None:
    ids = [row["id"] for row in account.rows("leads")]
    account.change("leads", ids[len(ids) // 2 :][:1], description="x" * 70_000)


def _unlist_users(account: Account) -> None:
    account.delete("users", sorted({row["user_id"] for row in account.rows("follow_ups")} - {None})[:3])


def _take_users_off(account: Account) -> None:
    account.change("follow_ups", [row["id"] for row in account.rows("follow_ups")][:6], user_id=None)


def _add_leads(account: Account) -> None:
    account.insert("leads", 800)


def _date_ahead(account: Account) -> None:
    account.change("leads", [row["id"] for row in account.rows("leads")][:1], at=datetime(2099, 1, 1, tzinfo=UTC))


_ODDITIES: Mapping[Oddity, Callable[[Account], None]] = {
    Oddity.HUGE_LEAD: _grow_lead,
    Oddity.UNLISTED_USERS: _unlist_users,
    Oddity.WITHOUT_USER: _take_users_off,
    Oddity.EARLY_LEAD: _date_ahead,
    Oddity.MANY_LEADS: _add_leads,
}


def _change(account: Account, name: str, case: Case) -> None:
    ids = [int(row["id"]) for row in account.rows(name)]
    account.insert(name, case.inserted)
    account.update(name, ids[1 :: max(1, len(ids) // max(1, case.updated))][: case.updated])
    account.delete(name, ids[:: max(1, len(ids) // max(1, case.deleted))][: case.deleted])


@dataclass(frozen=True, slots=True)
class _Found:
    verdict: TrialVerdict
    why: str
    words: str
    is_doubtful: bool
    """Whether rows were loaded that nobody may rely on; a sync that failed has loaded none."""
    server_rows: int
    live_rows: int


@dataclass(frozen=True, slots=True)
class _Trial:
    account: Account
    warehouse: Path
    case: Case
    faults: Sequence[Fault]
    instance: dg.DagsterInstance

    def coming(self, base_url: str, options: Mapping[str, Any], *, is_faulty: bool = True) -> Sync:
        """The sync to come."""
        return Sync(
            base_url=base_url,
            warehouse=self.warehouse,
            endpoints=self.case.endpoints,
            settings=self.case.settings if is_faulty else {},
            limits=self.case.limits if is_faulty else {},
            options=options,
            by_sensor=self.case.by_sensor and is_faulty,
        )

    def sync(self, base_url: str, options: Mapping[str, Any], *, is_faulty: bool = True) -> _Found:
        """Sync once and judge each endpoint; the worst verdict counts."""
        names = self.case.endpoints
        faults = {fault.kind: fault for fault in self.faults} if is_faulty else {}
        table_before = self._each(lambda name: live(self.warehouse, name))
        server_before = self._each(lambda name: self._served(name, faults))
        told = self.coming(base_url, options, is_faulty=is_faulty).run(self.instance)
        copies = [
            Copy(
                name=name,
                server_before=server_before[name],
                server_after=self._served(name, faults),
                table_before=table_before[name],
                table_after=live(self.warehouse, name),
                instead="not a number" if "misfit" in faults else None,
                forms=self._forms if name == "leads" else no_forms,
                undeclared=undeclared(self.warehouse, name),
            )
            for name in names
        ]
        verdicts = [judge(told[copy.name], copy) for copy in copies]
        verdict, why = max(verdicts, key=lambda found: list(TrialVerdict).index(found[0]))
        return _Found(
            verdict,
            why,
            _sentence(told),
            verdict is TrialVerdict.SILENT_LOSS or any(word.ending == "unproven" for word in told.values()),
            sum(len(copy.server_after) for copy in copies),
            sum(len(copy.table_after) for copy in copies),
        )

    def _each(self, look: Callable[[str], Records]) -> dict[str, Records]:
        return {name: look(name) for name in self.case.endpoints}

    def _forms(self, row_id: int) -> Iterator[Record]:
        for version in self.account.history(row_id):
            if version.row is not None:
                yield from served("leads", [version.row]).values()

    def _served(self, name: str, faults: Mapping[str, Fault]) -> Records:
        added: dict[str, Any] = {faults["unknown_field"].text: {"added": True}} if "unknown_field" in faults else {}
        added |= added_fields(faults["fields"]) if "fields" in faults else {}
        hidden = hidden_ids(self.account, name, faults["hide"]) if "hide" in faults else frozenset()
        return served(name, ({**row, **added} for row in self.account.rows(name) if row["id"] not in hidden))


def judge(told: CommandResult, copy: Copy) -> tuple[TrialVerdict, str]:
    """The verdict on one endpoint, and its reason where the verdict is a loss."""
    broken = copy.harm(is_claimed=told.claims_complete) + (copy.gaps() if told.claims_complete else [])
    if broken:
        return TrialVerdict.SILENT_LOSS, f"{copy.name}: {', '.join(broken)}"
    return (TrialVerdict.COMPLETE if told.claims_complete else TrialVerdict.SAID_SO), ""


def _sentence(told: Mapping[str, CommandResult]) -> str:
    """What happened: the first endpoint of each ending, and how many more there are."""
    endings = Counter(word.ending for word in told.values())
    parts = []
    for ending, count in endings.items():
        words = next(word.words for word in told.values() if word.ending == ending)
        many = f"{count} " if len(told) > 1 else ""
        said = f": {words}" if words and ending != "success" else ""
        parts.append(f"{many}{ending}{said}")
    return "; ".join(parts)
