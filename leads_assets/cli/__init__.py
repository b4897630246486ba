"""The command `leads-assets`: one module a subcommand, registered in `main`."""

from leads_assets.cli.main import main

__all__ = ["main"]
