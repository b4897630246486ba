"""The models of this account: the SQL files beside this module, and one model made from the account's custom fields."""

import re
import unicodedata
from collections.abc import Iterable, Mapping
from functools import cache
from importlib.resources import files

from leads_assets.engine.declare import Endpoint
from leads_assets.engine.warehouse import schema as tables
from leads_assets.engine.warehouse.models import Model, parse_model
from leads_assets.engine.warehouse.session import Session
from leads_assets.engine.warehouse.sql import quoted
from leads_assets.engine.warehouse.views import Definitions

FIRST_COLUMNS = (
    "id", "title", "name", "firstname", "lastname", "label", "event", "status", "step", "step_id", "pipeline",
    "pipeline_id", "position", "amount", "currency", "probability", "weighted_amount", "customer_name", "customer_id",
    "user_id", "team_name", "team_id", "lead_id", "email", "created_at", "updated_at", "closed_at", "next_action_at",
    "estimated_closing_date",
)  # fmt: skip
"""The columns that people look for first, of whatever endpoint."""
SHAPES_MARTS = "fields"
"""The list whose rows become columns of marts: loaded before others, the views of a first sync are made once."""
_NUMBERS = {"number", "decimal", "float", "double", "currency", "money", "amount", "percentage", "percent"}
_KINDS = {
    **dict.fromkeys(_NUMBERS, "DOUBLE"),
    **dict.fromkeys(("integer", "int"), "BIGINT"),
    **dict.fromkeys(("boolean", "bool", "checkbox"), "BOOLEAN"),
    "date": "DATE",
}


@cache
def file_models() -> tuple[Model, ...]:
    """The models of the SQL files. Raises ModelError for a file that is not as described."""
    folder = files("leads_assets.marts")
    found = [entry for place in (folder / "kept", folder) for entry in place.iterdir() if entry.name.endswith(".sql")]
    return tuple(
        parse_model(entry.name.removesuffix(".sql"), entry.read_text("utf-8"))
        for entry in sorted(found, key=lambda entry: entry.name)
    )


def kept_models() -> tuple[Model, ...]:
    """The models that are tables, in an order in which none reads a later one."""
    by_name = {model.name: model for model in file_models() if model.key}
    return tuple(by_name[name] for name in ("lead_events", "lead_history", "lead_steps", "lead_fields"))


def definitions(
    session: Session, endpoints: Mapping[str, Endpoint], zone: str, *, comments: bool = True
) -> Definitions:
    """What the views of this warehouse are made from; its custom fields as they are stored now."""
    return Definitions(
        endpoints=endpoints,
        models=(*file_models(), field_columns(_lead_fields(session))),
        zone=zone,
        first=FIRST_COLUMNS,
        comments=comments,
    )


def _lead_fields(session: Session) -> list[tuple[int, str, str]]:
    if not tables.exists(session, "fields"):
        return []
    return session.run(
        "reading the custom fields",
        "SELECT id, coalesce(name, ''), coalesce(type, '') FROM main.fields WHERE _deleted_at IS NULL"
        " AND (parent_type IS NULL OR lower(parent_type) LIKE 'lead%') ORDER BY id",
    )


def field_columns(fields: Iterable[tuple[int, str, str]]) -> Model:
    """The model with a typed column for each custom field of leads: `fields` are (id, label, type)."""
    columns = {"lead_id": "The lead."}
    parts = ["lead_id"]
    for field_id, label, kind in fields:
        name = field_column(field_id, label)
        value = f"max(value) FILTER (field_id = {field_id})"
        parts.append(f"TRY_CAST({value} AS {_KINDS.get(kind.lower(), 'VARCHAR')}) AS {quoted(name)}")
        columns[name] = f"Custom field {label!r} ({kind or 'no type'}); null where the value is of another type."
    return Model(
        name="lead_field_columns",
        sql=f"SELECT {', '.join(parts)}\nFROM marts.lead_fields GROUP BY lead_id",
        description="One row a lead with custom fields: a column for each field that the account has defined.",
        columns=columns,
        dated_by=("leads",),
    )


def field_column(field_id: int, label: str) -> str:
    """The column of a custom field: `field_`, its label as far as it can be a name, and its id."""
    plain = unicodedata.normalize("NFKD", label.casefold()).encode("ascii", "ignore").decode()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")
    return "_".join(part for part in ("field", slug, str(field_id)) if part)
