"""What `leads-assets sync` is asked to sync: names of endpoints, or anything that Dagster selects by."""

import re
import warnings
from collections.abc import Sequence
from collections.abc import Set as AbstractSet
from contextlib import suppress

import dagster as dg

from leads_assets.account.endpoints import ENDPOINTS
from leads_assets.cli.arguments import UsageError, checked_names

_NAME = re.compile(r"\w+")


def selected(arguments: Sequence[str], definitions: dg.Definitions) -> list[str]:
    """The names of the assets. Raises UsageError for a part that selects none."""
    parts = [part.strip() for argument in arguments for part in argument.split(",")] or ["*"]
    plain = [part for part in parts if _NAME.fullmatch(part)]
    found = set(checked_names(plain, ENDPOINTS) if plain else [])
    for part in parts:
        if part not in plain:
            found |= _resolved(part, definitions)
    return [name for name in ENDPOINTS if name in found]


def _resolved(part: str, definitions: dg.Definitions) -> set[str]:
    graph = definitions.get_repository_def().asset_graph
    keys: AbstractSet[dg.AssetKey] = set()
    with warnings.catch_warnings(), suppress(dg.DagsterError):
        warnings.simplefilter("ignore", dg.BetaWarning)  # of Dagster's own calls
        keys = dg.AssetSelection.from_string(part).resolve(graph)
    if not keys:
        raise UsageError(
            f"`{part}` selects no asset; name endpoints ({', '.join(ENDPOINTS)}), or select as Dagster does, such as"
            " group:crm or key:l*"
        )
    return {key.to_user_string() for key in keys}
