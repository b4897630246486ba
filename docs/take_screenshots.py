"""Takes the README's screenshots: a demo account, two syncs with changes between them, and the pages of `dagster dev`.

    .venv/bin/python docs/take_screenshots.py [NAME ...]

Needs a Chromium on the PATH; Playwright and Pillow are installed into an environment of their own.
"""

import os
import shutil
import signal
import socket
import subprocess
import sys
import tempfile
import time
import urllib.error
import urllib.request
import venv
from collections.abc import Iterator
from contextlib import contextmanager
from itertools import islice
from pathlib import Path

from leads_assets.cli.home import PACKAGE
from leads_assets.demo.process import demo_account, demo_environment
from leads_assets.demo.server.client import DemoControl

DOCS = Path(__file__).parent
TOOLS = DOCS / ".venv"
DAGSTER = str(Path(sys.executable).with_name("dagster"))
READY_SECONDS = 120
PAGES = {
    "assets": "/locations/leads_assets/asset-groups/crm/list",
    "leads": "/assets/leads?view=overview",
    "checks": "/assets/leads?view=checks&checkDetail=valid",
    "graph": "/assets/marts/stuck_leads?view=lineage&lineageScope=upstream&lineageDepth=6",
    "mart": "/assets/marts/funnel?view=overview",
}
"""Name of a picture -> what it shows."""
SHOOT = '''
import sys
from io import BytesIO
from pathlib import Path
from PIL import Image
from playwright.sync_api import sync_playwright

# A picture shows the file's name, and not where on this machine it happened to lie.
HIDE = """home => {
    const texts = document.createTreeWalker(document.body, NodeFilter.SHOW_TEXT);
    while (texts.nextNode()) texts.currentNode.data = texts.currentNode.data.replaceAll(home, "data");
}"""

chromium, folder, home, *pages = sys.argv[1:]
with sync_playwright() as play:
    browser = play.chromium.launch(executable_path=chromium, args=["--no-sandbox", "--disable-background-networking"])
    page = browser.new_page(viewport={"width": 1280, "height": 800})
    for target in pages:
        name, url = target.split("=", 1)
        width, height = (1700, 1000) if name == "graph" else (1280, 800)
        page.set_viewport_size({"width": width, "height": height})
        page.goto(url)
        page.wait_for_timeout(25000 if name == "graph" else 9000)
        for label in ("Skip", "Dismiss"):
            if page.get_by_text(label, exact=True).count():
                page.get_by_text(label, exact=True).first.click()
                page.wait_for_timeout(1000)
        page.evaluate(HIDE, home)
        picture = Image.open(BytesIO(page.screenshot()))
        picture.quantize(64).save(Path(folder) / f"{name}.png", optimize=True)
    browser.close()
'''


def _tools() -> str:
    python = TOOLS / "bin" / "python"
    if not python.exists():
        venv.create(TOOLS, with_pip=True)
        install = [
            str(python),
            "-m",
            "pip",
            "install",
            "--quiet",
            "--disable-pip-version-check",
            "playwright",
            "pillow",
        ]
        subprocess.run(install, check=True)
    return str(python)


@contextmanager
def _dagster_dev(environment: dict[str, str], folder: str) -> Iterator[str]:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    command = [DAGSTER, "dev", "-w", str(PACKAGE / "workspace.yaml"), "--port", str(port)]
    process = subprocess.Popen(command, cwd=folder, env=environment, start_new_session=True)
    url = f"http://127.0.0.1:{port}"
    try:
        ends = time.monotonic() + READY_SECONDS
        while time.monotonic() < ends:
            try:
                urllib.request.urlopen(f"{url}/server_info", timeout=5).close()
                break
            except (urllib.error.URLError, ConnectionError):
                time.sleep(0.5)
        yield url
    finally:
        os.killpg(process.pid, signal.SIGTERM)
        process.wait(30)


def _sync(environment: dict[str, str], folder: str) -> None:
    command = [DAGSTER, "asset", "materialize", "-m", "leads_assets.definitions", "--select", "*"]
    subprocess.run(command, cwd=folder, env=environment, check=True, capture_output=True)


def main() -> None:
    """Take the pictures."""
    chromium = shutil.which("chromium") or shutil.which("google-chrome")
    if chromium is None:
        sys.exit("no Chromium on the PATH")
    tools = _tools()
    with tempfile.TemporaryDirectory() as home, demo_account(2_500, Path(home, "leads.duckdb")) as settings:
        environment = demo_environment(settings) | {
            "DAGSTER_HOME": home,
            "DAGSTER_DISABLE_TELEMETRY": "1",
            "LEADS_SENSOR_SECONDS": "86400",
        }
        shutil.copyfile(DOCS.parent / "dagster.yaml", Path(home) / "dagster.yaml")
        control = DemoControl(settings.base_url, settings.api_key.get_secret_value())
        for changes in (0, 40, 15):
            if changes:
                control.mutate("leads", "update", ids=[row["id"] for row in islice(control.rows("leads"), changes)])
                control.mutate("leads", "insert", count=changes // 3)
            _sync(environment, home)
        with _dagster_dev(environment, home) as url:
            targets = [f"{name}={url}{path}" for name, path in PAGES.items() if name in (sys.argv[1:] or PAGES)]
            subprocess.run([tools, "-c", SHOOT, chromium, str(DOCS), home, *targets], check=True)


if __name__ == "__main__":
    main()
