"""The code location."""

from leads_assets.account.settings import Settings
from leads_assets.defs.build import build_definitions

defs = build_definitions(Settings.from_environment())
