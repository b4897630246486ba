"""The script that draws the charts in the reader's browser: made once a version, kept in the user's cache folder."""

import hashlib
import os
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, version
from pathlib import Path

from platformdirs import user_cache_path

from leads_assets.engine.warehouse.new_files import write_private

_APP = "leads-assets"
_DISTRIBUTION = "vl-convert-python"
_SUM = 64
"""Characters of the hash that ends the file: one that was cut, or changed by another hand, is made anew."""


def drawing_script() -> str | None:
    """Vega, Vega-Lite and Vega-Embed as one script; None where the extra `report` is not installed.

    To make it takes two seconds of CPU, more than the rest of the page.
    """
    try:
        kept = _place(version(_DISTRIBUTION))
    except PackageNotFoundError:
        return None
    if kept is not None and (script := _read(kept)):
        return script
    import vl_convert  # noqa: PLC0415  84 MB

    made: str = vl_convert.javascript_bundle()
    script = made.replace("</script", "<\\/script")
    if kept is not None:
        with suppress(OSError):  # a cache: without it the next page takes longer
            kept.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
            write_private(kept, script + _sum(script))
    return script


def _place(of: str) -> Path | None:
    """The file for one version; None where the user has no home."""
    try:
        return user_cache_path(_APP, appauthor=False) / f"drawing-{of}.js"
    except RuntimeError:
        return None


def _read(kept: Path) -> str:
    """What was kept; empty where there is nothing whole that is this user's own."""
    try:
        if kept.is_symlink() or kept.stat().st_uid != os.getuid():
            return ""
        text = kept.read_text("utf-8")
    except (OSError, UnicodeError):
        return ""
    script, told = text[:-_SUM], text[-_SUM:]
    return script if _sum(script) == told else ""


def _sum(script: str) -> str:
    return hashlib.sha256(script.encode()).hexdigest()
