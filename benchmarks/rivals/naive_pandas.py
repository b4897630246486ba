"""The rival an ordinary analyst writes in an afternoon: requests, pandas, `INSERT ... ON CONFLICT`.

One GET a page, one after the other, over one kept-alive session; all rows of an endpoint in one list; a DataFrame; a
table with a primary key in DuckDB; an upsert of every row. No retries, no threads, types as pandas guesses them.
Leads without an owner are asked for too, so that all programs read the same rows.

It is fair because it does no more than it must: nothing is verified or journalled, no timestamp is parsed, and of the
values only nested ones are touched (written as JSON text, because the keys inside differ from row to row). DuckDB scans
the DataFrame in place, the fastest way from pandas into a table.
"""

import argparse
import json
from typing import Any

import duckdb
import pandas as pd
import requests

LIMIT = 100

# name -> (path, paged)
ENDPOINTS: dict[str, tuple[str, bool]] = {
    "steps": ("steps", False),
    "pipelines": ("pipelines", False),
    "clients_folders": ("clients", False),
    "categories": ("categories", False),
    "predefined_tags": ("predefined_tags", False),
    "fields": ("fields", False),
    "leads": ("leads", True),
    "follow_ups": ("follow_ups", False),
    "users": ("users", False),
    "teams": ("teams", False),
    "webhooks": ("webhooks", False),
    "webhook_events": ("webhook_events", False),
    "activities": ("activities", False),
    "prospecting_lists": ("spreadsheets", True),
}


def fetch(session: requests.Session, url: str, paged: bool) -> list[dict[str, Any]]:
    """All records of one endpoint; a paged one ends on an empty page."""
    rows: list[dict[str, Any]] = []
    while True:
        params = {"limit": LIMIT, "offset": len(rows), "include_unassigned": "true"} if paged else None
        response = session.get(url, params=params, timeout=60)
        response.raise_for_status()
        page = response.json()["data"]
        rows.extend(page)
        if not paged or not page:
            return rows


def upsert(connection: duckdb.DuckDBPyConnection, table: str, rows: list[dict[str, Any]]) -> None:
    """Create the table when it is new, then insert or update every row."""
    frame = pd.DataFrame(rows)
    for column in frame.columns:
        if frame[column].map(lambda value: isinstance(value, dict | list)).any():
            frame[column] = frame[column].map(json.dumps, na_action="ignore")
    columns = [f'"{column}"' for column in frame.columns]
    exists = connection.execute("SELECT count(*) FROM duckdb_tables() WHERE table_name = ?", [table]).fetchone()
    if exists == (0,):
        described = connection.execute("DESCRIBE SELECT * FROM frame").fetchall()
        declared = ", ".join(f'"{name}" {kind}{" PRIMARY KEY" if name == "id" else ""}' for name, kind, *_ in described)
        connection.execute(f'CREATE TABLE "{table}" ({declared})')
    updates = ", ".join(f"{column} = excluded.{column}" for column in columns if column != '"id"')
    connection.execute(
        f'INSERT INTO "{table}" ({", ".join(columns)}) SELECT * FROM frame ON CONFLICT (id) DO UPDATE SET {updates}'
    )


def main() -> None:
    """Sync the endpoints, or the one named by `--only`."""
    parser = argparse.ArgumentParser(description="Sync the API into DuckDB with requests and pandas.")
    parser.add_argument("--base-url", required=True, help="such as http://127.0.0.1:8000/v2")
    parser.add_argument("--key", required=True, help="sent in the header X-API-KEY")
    parser.add_argument("--db", required=True, help="the DuckDB file to write")
    parser.add_argument("--only", choices=ENDPOINTS, help="sync this endpoint alone")
    arguments = parser.parse_args()

    session = requests.Session()
    session.headers["X-API-KEY"] = arguments.key
    with duckdb.connect(arguments.db) as connection:
        for name in [arguments.only] if arguments.only else ENDPOINTS:
            path, paged = ENDPOINTS[name]
            rows = fetch(session, f"{arguments.base_url.rstrip('/')}/{path}", paged)
            if rows:
                upsert(connection, name, rows)


if __name__ == "__main__":
    main()
