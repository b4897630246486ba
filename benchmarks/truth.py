"""Is the copy right? The server's rows beside a program's tables, compared by DuckDB."""

import shutil
import subprocess
from collections.abc import Mapping
from pathlib import Path
from typing import Any
from urllib.parse import urlencode, urlsplit
from urllib.request import ProxyHandler, Request, build_opener

import duckdb
from environments import environment

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.demo.server.client import DemoControl
from leads_assets.demo.server.control import PREFIX

LEADS = ENDPOINTS["leads"]
# JSON keys of leads whose values are compared, besides the ids.
COMPARED = (
    *("title", "description", "status", "step_id", "user_id", "amount", "probability"),
    *("created_at", "updated_at", "closed_at", "estimated_closing_date", "client_folder_id"),
)
_COLUMNS = {column.json_key: column for column in LEADS.columns if column.json_key in ("id", *COMPARED)}


class Account:
    """The demo account as the benchmarks use it: its address, its counters, and its rows."""

    def __init__(self, base_url: str, key: str) -> None:
        self.base_url, self.key = base_url, key
        self.control = DemoControl(base_url, key)
        self._opener = build_opener(ProxyHandler({}))

    def warm_up(self) -> None:
        """Ask for one row in each order that a program asks for: the server sorts its lists when first asked."""
        for params in ({}, dict(LEADS.params)):
            query = urlencode({**params, "limit": 1, "offset": 0})
            self._copy(f"{self.base_url}{LEADS.path}?{query}", Path("/dev/null"))

    def save_leads(self, target: Path) -> None:
        """Write all leads, a line of JSON each. The server makes each row at its first reading, and keeps 100,000."""
        parts = urlsplit(self.base_url)
        self._copy(f"{parts.scheme}://{parts.netloc}{PREFIX}rows/{LEADS.name}", target)

    def _copy(self, url: str, target: Path) -> None:
        request = Request(url, headers={"X-API-KEY": self.key})
        with self._opener.open(request) as reply, target.open("wb") as file:
            shutil.copyfileobj(reply, file, 1 << 20)


class Truth:
    """What the server holds at the time this object is made."""

    def __init__(self, account: Account, folder: Path) -> None:
        lines = folder / "truth.ndjson"
        account.save_leads(lines)
        account.warm_up()
        self._totals: Mapping[str, int] = account.control.state()["totals"]
        self._database = duckdb.connect()
        self._database.execute("SET TimeZone = 'UTC'")
        types = ", ".join(f"'{key}': '{column.type.value}'" for key, column in _COLUMNS.items())
        self._database.execute(
            f"CREATE TABLE truth AS SELECT * FROM read_json('{lines}', format = 'newline_delimited',"
            f" columns = {{{types}}})"
        )
        lines.unlink()

    def check(self, path: Path, *, ours: bool) -> str:
        """`rows ok (N leads)`, or what is wrong with the DuckDB file of a program."""
        if not ours:
            path = _in_our_format(path)
        self._database.execute(f"ATTACH '{path}' AS copy (READ_ONLY)")
        try:
            wrong = self._differences(ours) + self._wrong_counts(ours)
            rows = self._one("SELECT count(*) FROM truth")[0]
        except duckdb.Error as error:
            return f"WRONG: {type(error).__name__}: {str(error).splitlines()[0]}"
        finally:
            self._database.execute("DETACH copy")
        return f"WRONG: {'; '.join(wrong)}" if wrong else f"rows ok ({rows:,} leads)"

    def check_small(self, path: Path) -> str:
        """The same of a warehouse of ours without leads: the number of rows of each list."""
        self._database.execute(f"ATTACH '{path}' AS copy (READ_ONLY)")
        wrong = self._wrong_counts(ours=True)
        self._database.execute("DETACH copy")
        return f"WRONG: {'; '.join(wrong)}" if wrong else "rows ok"

    def _differences(self, ours: bool) -> list[str]:
        """Leads that are missing, too many or different, column by column."""
        columns = {
            key: f"TRY_CAST({column.name if ours else key} AS {column.type.value}) AS {key}"
            for key, column in _COLUMNS.items()
        }
        counts = [
            "count(*) FILTER (c.id IS NULL)",
            "count(*) FILTER (t.id IS NULL)",
            "count(c.id) - count(DISTINCT c.id)",
        ]
        counts += [f"count(*) FILTER (t.id = c.id AND t.{key} IS DISTINCT FROM c.{key})" for key in COMPARED]
        found = self._one(
            f"SELECT {', '.join(counts)} FROM truth t FULL JOIN"
            f" (SELECT {', '.join(columns.values())} FROM copy.main.leads WHERE {_live(ours)}) c ON c.id = t.id"
        )
        labels = ["missing", "that are not on the server", "twice", *(f"with another {key}" for key in COMPARED)]
        return [f"{count:,} leads {label}" for count, label in zip(found, labels, strict=True) if count]

    def _wrong_counts(self, ours: bool) -> list[str]:
        wrong = []
        for name, total in self._totals.items():
            if name == LEADS.name:
                continue
            count = self._one(f"SELECT count(*) FROM copy.main.{name} WHERE {_live(ours)}")[0]
            # A log that the server shortens may be longer in a copy.
            if count < total or (count > total and ENDPOINTS[name].marks_deleted):
                wrong.append(f"{count:,} {name} instead of {total:,}")
        return wrong

    def _one(self, sql: str) -> tuple[Any, ...]:
        row = self._database.execute(sql).fetchone()
        assert row is not None
        return row


def _in_our_format(path: Path) -> Path:
    """A copy of a file that a newer DuckDB has written, in the format that ours reads; made by the newer one."""
    target = path.with_suffix(".copy.duckdb")
    target.unlink(missing_ok=True)
    code = (
        f"import duckdb; duckdb.execute(\"ATTACH '{path}' AS made (READ_ONLY);"
        f" ATTACH '{target}' AS copied (STORAGE_VERSION 'v1.5.0'); COPY FROM DATABASE made TO copied\")"
    )
    subprocess.run([environment("naive"), "-c", code], check=True)
    return target


def _live(ours: bool) -> str:
    return "_deleted_at IS NULL" if ours else "true"


def rows_written(path: Path) -> str:
    """How many rows the newest run of ours has written, by the warehouse's own columns: `300 leads, 4 other rows`."""
    with duckdb.connect(path, read_only=True) as connection:
        run = "(SELECT arg_max(run_id, loaded_at) FROM ops.sync_runs)"
        counts = [
            connection.execute(f"SELECT count(*) FROM main.{name} WHERE _run_id = {run}").fetchall()[0][0]
            for name in (LEADS.name, *(name for name in ENDPOINTS if name != LEADS.name))
        ]
    return f"{counts[0]:,} leads, {sum(counts[1:]):,} other rows"
