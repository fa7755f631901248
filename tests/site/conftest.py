"""A real browser, and the built site served to it in each way that a reader may have it."""

import contextlib
import functools
import shutil
import threading
from collections.abc import Iterator
from http.server import SimpleHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

import pytest
from built import SITE

FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]
NAMES = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

# Fonts are there, and no colour is on its way to another.
AT_REST = """() => Promise.allSettled([
    document.fonts.ready,
    ...document.getAnimations()
        .filter(animation => animation.effect.getTiming().iterations < Infinity)
        .map(animation => animation.finished)
]).then(() => null)"""


class Quiet(SimpleHTTPRequestHandler):
    """Serve files without a line for each."""

    def log_message(self, format, *args):
        pass


@contextlib.contextmanager
def serve(folder: Path) -> Iterator[str]:
    """Serve a folder on a free port; give its address."""
    handler = functools.partial(Quiet, directory=str(folder))
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as server:
        threading.Thread(target=server.serve_forever, daemon=True).start()
        yield f"http://127.0.0.1:{server.server_port}"
        server.shutdown()


def launch(chromium):
    """Start the first browser that there is: the system's, Google's, or Playwright's own."""
    from playwright.sync_api import Error

    paths = [path for path in map(shutil.which, NAMES) if path]
    reasons = []
    for choice in [*({"executable_path": path} for path in paths), {"channel": "chrome"}, {}]:
        try:
            return chromium.launch(args=FLAGS, **choice)
        except Error as error:
            reasons.append(str(error).splitlines()[0])
    pytest.skip(f"no Chromium or Chrome starts (Debian: apt install chromium): {reasons[0]}")


@pytest.fixture(scope="session")
def browser():
    api = pytest.importorskip("playwright.sync_api", reason="needs pip install playwright")
    with api.sync_playwright() as playwright:
        browser = launch(playwright.chromium)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def addresses(tmp_path_factory) -> Iterator[dict[str, str]]:
    """The site's address by the way of reading it: from a server, below a path, from a disk."""
    folder = tmp_path_factory.mktemp("host")
    (folder / "a" / "sub-path").parent.mkdir()
    (folder / "a" / "sub-path").symlink_to(SITE)
    with serve(SITE) as server, serve(folder) as host:
        yield {"server": server, "sub-path": f"{host}/a/sub-path", "disk": SITE.as_uri()}


@pytest.fixture
def open_page(browser):
    """Open pages in windows of a given width and colour scheme, closed after the test."""
    with contextlib.ExitStack() as stack:

        def open_page(address: str | None = None, width: int = 360, scheme: str = "light"):
            viewport = {"width": width, "height": 800}
            context = browser.new_context(
                viewport=viewport, color_scheme=scheme, reduced_motion="reduce"
            )
            stack.callback(context.close)
            page = context.new_page()
            if address:
                page.goto(address)
                page.evaluate(AT_REST)
            return page

        yield open_page
