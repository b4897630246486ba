"""The rival most projects start from: dlt's own `rest_api` source with its DuckDB destination.

It is the seed's configuration: `primary_key` id and `write_disposition` merge for every resource, records under
`data`, the key in a header, offset paging by 100 on the two paged resources, one plain request for the others.
`total_path` is None because the body carries no total: with dlt's default (`total`) the first page would be an error.
So the walk ends on an empty page. One thing is added: leads without an owner are asked for, so that all programs read
the same rows.

`--loader default` leaves the file format to dlt (`insert_values` for DuckDB): what a user gets who sets nothing.
`--loader parquet` is the fastest of the formats dlt has for DuckDB with these declarations, so it is the one to beat.

Nothing else is tuned, and nothing is made slower: the versions are those that an installer chooses when it is asked for
dlt with DuckDB and Parquet, so DuckDB is 2.0.0. (With 1.5.5, which ours pins, the default loader takes half of the CPU
and a quarter of the memory; the parquet loader takes the same.) Telemetry is off, and warnings about columns that are
always null are not printed. dlt's state lies beside the database file and not in the home directory, so a second run
with the same `--db` is a second sync, and runs share nothing.
"""

import argparse
import os
from pathlib import Path

os.environ["RUNTIME__DLTHUB_TELEMETRY"] = "false"
os.environ["RUNTIME__LOG_LEVEL"] = "ERROR"

import dlt
from dlt.sources.rest_api import rest_api_source
from dlt.sources.rest_api.typing import EndpointResource, OffsetPaginatorConfig, RESTAPIConfig

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

BY_OFFSET: OffsetPaginatorConfig = {
    "type": "offset",
    "limit": LIMIT,
    "offset": 0,
    "offset_param": "offset",
    "limit_param": "limit",
    "total_path": None,
}


def resource(name: str) -> EndpointResource:
    """The declaration of one resource."""
    path, paged = ENDPOINTS[name]
    if paged:
        return {
            "name": name,
            "endpoint": {
                "path": path,
                "params": {"limit": LIMIT, "include_unassigned": "true"},
                "paginator": BY_OFFSET,
            },
        }
    return {"name": name, "endpoint": {"path": path, "paginator": "single_page"}}


def configuration(base_url: str, key: str, names: list[str]) -> RESTAPIConfig:
    """What the `rest_api` source is told."""
    return {
        "client": {
            "base_url": base_url,
            "auth": {"type": "api_key", "name": "X-API-KEY", "api_key": key, "location": "header"},
        },
        "resource_defaults": {
            "primary_key": "id",
            "write_disposition": "merge",
            "endpoint": {"data_selector": "data"},
        },
        "resources": [resource(name) for name in names],
    }


def main() -> None:
    """Sync the endpoints, or the one named by `--only`."""
    parser = argparse.ArgumentParser(description="Sync the API into DuckDB with dlt.")
    parser.add_argument("--base-url", required=True, help="such as http://127.0.0.1:8000/v2")
    parser.add_argument("--key", required=True, help="sent in the header X-API-KEY")
    parser.add_argument("--db", required=True, type=Path, help="the DuckDB file to write")
    parser.add_argument("--only", choices=ENDPOINTS, help="sync this endpoint alone")
    parser.add_argument("--loader", choices=["default", "parquet"], default="default", help="the loader's file format")
    arguments = parser.parse_args()

    names = [arguments.only] if arguments.only else list(ENDPOINTS)
    database: Path = arguments.db.resolve()
    state = database.with_suffix(".dlt")
    os.environ["DLT_DATA_DIR"] = str(state)
    pipeline = dlt.pipeline(
        pipeline_name="rival",
        pipelines_dir=str(state / "pipelines"),
        destination=dlt.destinations.duckdb(str(database)),
        dataset_name="main",
    )
    source = rest_api_source(configuration(arguments.base_url, arguments.key, names))
    if arguments.loader == "parquet":
        pipeline.run(source, loader_file_format="parquet")
    else:
        pipeline.run(source)


if __name__ == "__main__":
    main()
