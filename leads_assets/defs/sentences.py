"""How the engine's errors are told in Dagster: one sentence, with the user's variables in it."""

import dagster as dg

from leads_assets.account.settings import in_variables


def failure(sentence: object) -> dg.Failure:
    """The failure of a step. It asks for no retry: retries live in the HTTP client only."""
    return dg.Failure(in_variables(sentence), allow_retries=False)


def skipped(reason: object, cursor: str) -> dg.SensorResult:
    """A look of the sensor that asks for nothing, and why."""
    return dg.SensorResult(skip_reason=in_variables(reason), cursor=cursor)
