"""A headless Chromium for tests of pages: the one that is installed, driven by Playwright."""

import os
import re
import shutil
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest

_NAMES = ("chromium", "chromium-browser", "google-chrome", "chrome")
WIDE, NARROW = {"width": 1400, "height": 900}, {"width": 400, "height": 850}


# For one file at a time: while Playwright runs, its event loop counts as running in this thread, and `asyncio.run` fails.
@pytest.fixture(scope="module")
def chromium() -> Iterator[Any]:
    """The browser; tests are skipped where there is none. EXECVERIFY_CHROMIUM names one that is elsewhere."""
    api = pytest.importorskip("playwright.sync_api", reason="the package playwright is not installed")
    found = os.environ.get("EXECVERIFY_CHROMIUM") or next(filter(None, map(shutil.which, _NAMES)), None)
    if found is None:
        pytest.skip("no Chromium is installed (Debian: apt-get install chromium)")
    with api.sync_playwright() as driver:
        browser = driver.chromium.launch(executable_path=found, args=["--no-sandbox"])  # a container's root has no sandbox
        yield browser
        browser.close()


PATIENCE = 30_000
"""Milliseconds. The page draws in animation frames, which come late on a busy machine: a test waits for what it expects."""


def shows(place: Any, text: str | re.Pattern[str]) -> None:
    """Asserts the text of a place, or a pattern in it, once the page has drawn it."""
    from playwright.sync_api import expect

    expect(place).to_have_text(text, timeout=PATIENCE, use_inner_text=True)


def starts(place: Any, text: str) -> None:
    """Asserts how the text of a place begins, once the page has drawn it."""
    shows(place, re.compile(r"^\s*" + re.escape(text)))


def has(place: Any, name: str, value: str | re.Pattern[str]) -> None:
    """Asserts an attribute of a place, once the page has drawn it."""
    from playwright.sync_api import expect

    expect(place).to_have_attribute(name, value, timeout=PATIENCE)


def is_true(page: Any, expression: str) -> None:
    """Asserts that an expression of JavaScript becomes true in the page."""
    until = time.monotonic() + PATIENCE / 1000
    while not page.evaluate(expression):  # `wait_for_function` evaluates in the page, which the page's own policy forbids
        assert time.monotonic() < until, expression
        time.sleep(0.05)


class OpenPage:
    """A page in the browser, and what it reported.

    Attributes:
        page: Playwright's.
        errors: messages of its console, and errors of its script.
        requests: addresses that it asked for, besides its own.
    """

    def __init__(self, browser: Any, file: Path, address: str = "", **context: Any) -> None:
        self.context = browser.new_context(**{"viewport": WIDE, **context})
        self.page = self.context.new_page()
        self.errors: list[str] = []
        self.requests: list[str] = []
        self.page.on("console", lambda message: self.errors.append(message.text))
        self.page.on("pageerror", lambda error: self.errors.append(str(error)))
        self.page.on("request", lambda request: self.requests.append(request.url))
        self.page.goto(file.as_uri() + address)
        self.page.wait_for_selector("body[data-ready]")
        self.requests = [url for url in self.requests if not url.startswith(file.as_uri())]

    def __enter__(self) -> Any:
        return self.page

    def __exit__(self, *_: object) -> None:
        self.context.close()
        assert not self.errors, self.errors
        assert not self.requests, self.requests
