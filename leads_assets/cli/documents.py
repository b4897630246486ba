"""The pages that are made from the declarations: `docs/schema.md` and `docs/sources.yml`.

`python -m leads_assets.cli.documents docs` writes them; a test holds them against the declarations.
"""

import json
import sys
from collections.abc import Iterable, Iterator, Mapping
from pathlib import Path

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.engine.declare import PRIMARY_KEY, Column, Endpoint
from leads_assets.engine.warehouse.models import Model
from leads_assets.marts.catalogue import file_models

_TITLE = """# The schema

Made from the declarations by `python -m leads_assets.cli.documents docs`: change those, not this page.

- `live.<list>`: the rows as the server has them now, declared columns and whatever else it sends. Ask these.
- `every.<list>`: the same with the rows that are gone, `is_deleted` and the bookkeeping; `main.<list>` are the tables.
- `marts.<model>`: the questions answered; each row carries `as_of` and `verdict`. Times are instants, days are counted
  in the report's time zone, days of duration have 24 hours, amounts are exact and never added up over currencies.
- `kept.<model>`: what the load keeps for the marts. `ops`: the ledger of the loads, and the history of tracked
  columns (◷).
"""
_HEAD = "| column | type | meaning |\n|---|---|---|"


def schema_page(endpoints: Mapping[str, Endpoint], models: Iterable[Model]) -> str:
    """The page about tables and marts, in Markdown, with the diagram of the lists."""
    parts = [_TITLE, "## The lists\n", _diagram(endpoints.values())]
    parts += [_endpoint(endpoint) for endpoint in endpoints.values()]
    parts.append("## The marts\n")
    parts += [_model(model) for model in models if not model.key]
    return "\n".join(parts)


def _diagram(endpoints: Iterable[Endpoint]) -> str:
    """An entity-relationship diagram: keys and references, which are never enforced."""
    endpoints = list(endpoints)
    lines = ["```mermaid", "erDiagram"]
    for endpoint in endpoints:
        lines += [f"    {endpoint.name} {{", *_keys(endpoint), "    }"]
    for endpoint in endpoints:
        lines += [f"    {endpoint.name} }}o--o| {column.references} : {column.name}" for column in endpoint.references]
    return "\n".join([*lines, "```", ""])


def _keys(endpoint: Endpoint) -> Iterator[str]:
    for column in endpoint.columns:
        if column.name == PRIMARY_KEY:
            yield f"        {column.type.value} {column.name} PK"
        elif column.references:
            yield f"        {column.type.value} {column.name} FK"
        elif column.name in ("name", "title", "label", "event", "status"):
            yield f"        {column.type.value} {column.name}"


def _endpoint(endpoint: Endpoint) -> str:
    rows = [f"| `{column.name}` | {column.type.value} | {_meaning(column)} |" for column in endpoint.columns]
    return "\n".join([f"### live.{endpoint.name}\n", f"{endpoint.description}\n", _HEAD, *rows, ""])


def _meaning(column: Column) -> str:
    target = f" → `{column.references}`" if column.references else ""
    return f"{_cell(column.description)}{target}{' ◷' if column.tracked else ''}"


def _cell(text: str) -> str:
    return text.replace("|", "\\|")


def _model(model: Model) -> str:
    rows = [f"| `{name}` | {_cell(meaning)} |" for name, meaning in model.columns.items()]
    head = "| column | meaning |\n|---|---|"
    return "\n".join([f"### marts.{model.name}\n", f"{model.description}\n", head, *rows, ""])


def sources(endpoints: Mapping[str, Endpoint], models: Iterable[Model]) -> str:
    """The sources for people who build on `live` and `marts` with dbt, in YAML."""
    lines = [
        "# Made from the declarations by `python -m leads_assets.cli.documents docs`.",
        "# For dbt-duckdb: `path` of the profile is the read copy; then {{ source('marts', 'leads') }}.",
        "version: 2",
        "sources:",
        *_source("live", "The lists as the server has them now."),
    ]
    for endpoint in endpoints.values():
        lines += _table(endpoint.name, endpoint.description)
        for column in endpoint.columns:
            lines += _column(column.name, column.description)
            lines.append(f"            data_type: {json.dumps(column.type.value)}")
            if column.name == PRIMARY_KEY:
                lines.append("            data_tests: [unique, not_null]")
    lines += _source("marts", "The questions answered; each row carries as_of and verdict.")
    for model in models:
        if not model.key:
            lines += _table(model.name, model.description)
            for name, meaning in model.columns.items():
                lines += _column(name, meaning)
    return "\n".join([*lines, ""])


def _source(name: str, description: str) -> list[str]:
    return [f"  - name: {name}", f"    schema: {name}", f"    description: {_text(description)}", "    tables:"]


def _table(name: str, description: str) -> list[str]:
    return [f"      - name: {name}", f"        description: {_text(description)}", "        columns:"]


def _column(name: str, description: str) -> list[str]:
    return [f"          - name: {name}", f"            description: {_text(description)}"]


def _text(text: str) -> str:
    """A text as YAML has it in quotes: JSON's form is one of them."""
    return json.dumps(text, ensure_ascii=False)


def pages() -> dict[str, str]:
    """File name -> its text, from this account's declarations."""
    return {
        "schema.md": schema_page(ENDPOINTS, file_models()),
        "sources.yml": sources(ENDPOINTS, file_models()),
    }


def main(folder: str) -> None:
    """Write the pages into the folder."""
    for name, text in pages().items():
        Path(folder, name).write_text(text, encoding="utf-8")


if __name__ == "__main__":
    main(sys.argv[1])
