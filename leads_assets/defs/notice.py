"""The sensor that tells somebody: once of each cause, and once when it is well again."""

from collections.abc import Callable
from contextlib import closing
from datetime import datetime

import dagster as dg
import msgspec

from leads_assets.account.connect import LeadsApi
from leads_assets.defs.resources import WarehouseResource
from leads_assets.defs.sentences import skipped
from leads_assets.engine.errors import ApiError
from leads_assets.engine.instants import utc_now
from leads_assets.engine.warehouse.errors import WarehouseError
from leads_assets.engine.warehouse.failures import last_failures
from leads_assets.engine.warehouse.runs import freshness
from leads_assets.notice.causes import Seen, causes
from leads_assets.notice.message import Message
from leads_assets.notice.webhook import NotDelivered, deliver

NAME = "notice_sensor"
_LOCK_SECONDS = 5.0
_ENDED = [dg.DagsterRunStatus.SUCCESS, dg.DagsterRunStatus.FAILURE]


def notice_sensor(url: str, *, now: Callable[[], datetime] = utc_now) -> dg.SensorDefinition:
    """Sends a message to `url` when something is not as it should be, and when it is again; on from the start.

    The cursor holds what was told of. It moves only with a message that has arrived.
    """

    @dg.sensor(
        name=NAME,
        minimum_interval_seconds=60,
        default_status=dg.DefaultSensorStatus.RUNNING,
        description="Tells of failed reads, unproven and old tables, and of requests that are nearly spent.",
    )
    def _sensor(
        context: dg.SensorEvaluationContext, leads_api: dg.ResourceParam[LeadsApi], warehouse: WarehouseResource
    ) -> dg.SensorResult:
        told = _parse(context.cursor)
        place = warehouse.warehouse(_LOCK_SECONDS)
        try:
            seen = Seen(
                tables=freshness(place),
                failures={name: why for name, (why, _) in last_failures(place).items()},
                left=_left(leads_api),
                daily=leads_api.settings.daily_requests,
                failed_run=_failed_run(context.instance),
            )
        except (ApiError, WarehouseError) as error:
            return skipped(error, context.cursor or "")
        found = causes(seen, now())
        message = Message(
            place.label,
            new={name: says for name, says in found.items() if name not in told},
            over={name: says for name, says in told.items() if name not in found},
        )
        if not message.new and not message.over:
            return skipped(f"nothing new: {len(found):,} causes told", context.cursor or "")
        try:
            deliver(url, message.encoded())
        except NotDelivered as failure:
            return skipped(failure, context.cursor or "")
        # Each in the words in which it was told first.
        still = {name: told.get(name, says) for name, says in found.items()}
        return skipped(message.text, msgspec.json.encode(still).decode())

    return _sensor


def _left(api: LeadsApi) -> int | None:
    """Requests left today; None without a limit, or without an account."""
    if not api.settings.has_account or not api.settings.daily_requests:
        return None
    mine = LeadsApi(api.settings, busy_seconds=_LOCK_SECONDS)
    with closing(mine):
        return mine.client().budget.left()


def _failed_run(instance: dg.DagsterInstance) -> str | None:
    """The first letters of the newest run's id that has ended, where it failed."""
    newest = instance.get_runs(dg.RunsFilter(statuses=_ENDED), limit=1)
    failed = [run.run_id[:8] for run in newest if run.status is dg.DagsterRunStatus.FAILURE]
    return failed[0] if failed else None


def _parse(cursor: str | None) -> dict[str, str]:
    try:
        return msgspec.json.decode(cursor or "{}", type=dict[str, str])
    except msgspec.MsgspecError:
        return {}
