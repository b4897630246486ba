"""The body of a list reply: records, envelope and total, and how faults spoil them."""

import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from typing import Any

from leads_assets.demo.account.messages import Reply
from leads_assets.demo.server.faults import Fault
from leads_assets.engine.declare import PRIMARY_KEY, ColumnType, Endpoint

TOTAL_HEADER = "X-TOTAL-COUNT"
_NUMBERS = (ColumnType.DOUBLE, ColumnType.MONEY, ColumnType.BIGINT)


def _number_key(endpoint: Endpoint) -> str:
    """The key of a number column, of a time column where there is no other than the id."""
    columns = [column for column in endpoint.columns if column.name != PRIMARY_KEY]
    numbers = [column for column in columns if column.type in _NUMBERS]
    times = [column for column in columns if column.type is ColumnType.TIMESTAMP]
    return (numbers or times)[0].json_key


def _edit(row: bytes, change: Callable[[dict[str, Any]], object]) -> bytes:
    record = json.loads(row)
    change(record)
    return json.dumps(record, ensure_ascii=False, separators=(",", ":")).encode()


def spoil(rows: list[bytes], endpoint: Endpoint, faults: Mapping[str, Fault]) -> list[bytes]:
    """The records as the faults leave them."""
    if "empty_page" in faults or not rows:
        return []
    first = rows[0]
    if "nan" in faults:
        first = _edit(first, lambda record: record.update({_number_key(endpoint): float("nan")}))
    if "misfit" in faults:
        first = _edit(first, lambda record: record.update({_number_key(endpoint): "not a number"}))
    if "record_without_id" in faults:
        first = _edit(first, lambda record: record.pop(PRIMARY_KEY))
    if "non_object_record" in faults:
        first = b'"not a record"'
    if "deep" in faults:
        depth = faults["deep"].whole
        first = first.removesuffix(b"}") + b',"deep":' + b"[" * depth + b"]" * depth + b"}"
    rows = [first, *rows[1:]]
    if "duplicate_row" in faults:
        rows.insert(0, first)
    if "text_id" in faults:
        rows = [_edit(row, lambda record: record.update({PRIMARY_KEY: str(record[PRIMARY_KEY])})) for row in rows]
    if "unknown_field" in faults:
        name = faults["unknown_field"].text
        rows = [_edit(row, lambda record: record.update({name: {"added": True}})) for row in rows]
    if "fields" in faults:
        more = added_fields(faults["fields"])
        rows = [_edit(row, lambda record: record.update(more)) for row in rows]
    return rows


def added_fields(fault: Fault) -> dict[str, int]:
    """The fields that the fault `fields` adds to each record."""
    return {f"field_{number}": number for number in range(fault.whole)}


@dataclass(frozen=True, slots=True)
class Form:
    """How a deployment answers a list: in an envelope or bare, with or without a total."""

    is_bare: bool
    has_total: bool

    def under(self, faults: Mapping[str, Fault]) -> "Form":
        """The form that the faults make of this one."""
        form = self
        if faults.keys() & {"body_total", "text_total", "wrong_total", "page_total", "most_total"}:
            form = replace(form, has_total=True)
        if "no_total" in faults:
            form = replace(form, has_total=False)
        if "bare" in faults:
            form = replace(form, is_bare=True)
        if faults.keys() & {"envelope", "no_selector", "body_total", "text_total"}:
            form = replace(form, is_bare=False)
        return form


def _join(rows: list[bytes], form: Form, faults: Mapping[str, Fault], total: int | None) -> bytes:
    if "data_null" in faults:
        return b'{"data":null}'
    if "data_object" in faults:
        return b'{"data":{}}'
    array = b"[" + b",".join(rows) + b"]"
    if form.is_bare:
        return array
    stated = b""
    if total is not None and "body_total" in faults:
        stated = b',"total":%d' % total
    elif total is not None and "text_total" in faults:
        stated = b',"total":"%d"' % total
    return b'{"' + (b"items" if "no_selector" in faults else b"data") + b'":' + array + stated + b"}"


def _stated(rows: list[bytes], total: int, faults: Mapping[str, Fault]) -> int:
    """The total that is stated of a list of `total` rows."""
    if "page_total" in faults:
        return len(rows)
    if "most_total" in faults:
        return min(total, faults["most_total"].whole)
    return total + (faults["wrong_total"].whole if "wrong_total" in faults else 0)


def list_reply(rows: list[bytes], total: int, form: Form, faults: Mapping[str, Fault]) -> Reply:
    """The reply with these records, as the faults leave it."""
    form = form.under(faults)
    stated = _stated(rows, total, faults) if form.has_total else None
    body = _join(rows, form, faults, stated)
    if "cut_json" in faults:
        body = body[: len(body) // 2]
    in_header = stated is not None and not faults.keys() & {"body_total", "text_total"}
    return Reply(
        body=body,
        headers={TOTAL_HEADER: str(stated)} if in_header else {},
        padding=faults["oversized"].whole if "oversized" in faults else 0,
    )
