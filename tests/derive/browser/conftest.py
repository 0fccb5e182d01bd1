"""A real browser for the explorer's page: the system's Chromium, driven by Playwright. None is downloaded."""

import shutil
from types import SimpleNamespace

import pytest

from chainrule.derive.page import write

from . import networks

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
FLAGS = ["--no-sandbox", "--disable-gpu", "--disable-background-networking"]


def pytest_collection_modifyitems(items):
    here = [item for item in items if "/derive/browser/" in item.path.as_posix()]
    for item in here:
        item.add_marker(pytest.mark.slow)


@pytest.fixture(scope="session")
def chromium():
    if CHROMIUM is None:
        pytest.skip("no Chromium on this machine; on Debian: apt-get install chromium")
    sync_api = pytest.importorskip("playwright.sync_api", reason="Playwright comes with pip install .[test]")
    with sync_api.sync_playwright() as playwright:
        browser = playwright.chromium.launch(executable_path=CHROMIUM, args=FLAGS)
        yield browser
        browser.close()


@pytest.fixture(scope="session")
def written(tmp_path_factory):
    """Return a function from a name in `networks` to its derivation and its page's path, made once each."""
    folder, made = tmp_path_factory.mktemp("pages"), {}

    def make(name):
        if name not in made:
            derivation = getattr(networks, name)()
            made[name] = SimpleNamespace(
                derivation=derivation, path=write(derivation, folder / f"{name}.html")
            )
        return made[name]

    return make


@pytest.fixture
def opened(chromium, written):
    """Return a function that opens a page; at the end nothing may have been complained of or fetched."""
    contexts, noise = [], []

    def open_page(name, address="", **settings):
        settings = {"viewport": {"width": 1280, "height": 900}, "reduced_motion": "reduce"} | settings
        context = chromium.new_context(**settings)
        contexts.append(context)
        page = context.new_page()
        page.set_default_timeout(120_000)  # a busy machine fails nothing
        page.on("console", lambda message: noise.append(f"{message.type}: {message.text}"))
        page.on("pageerror", lambda error: noise.append(f"error: {error}"))
        page.on(
            "request",
            lambda request: request.url.startswith("file:") or noise.append(f"fetched {request.url}"),
        )
        page.goto(f"{written(name).path.as_uri()}{address}")
        page.locator("body:not([aria-busy])").wait_for()  # data are unpacked after loading
        return page

    yield open_page
    for context in contexts:
        context.close()
    assert not noise
