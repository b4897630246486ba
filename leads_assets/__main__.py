"""`python -m leads_assets`: the same as `leads-assets`."""

import sys

from leads_assets.cli import main

sys.exit(main())
