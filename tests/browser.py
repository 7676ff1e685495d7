"""Chromium, headless, as the tests drive it: pages are loaded, sorted, filtered and looked at as a reader does."""

import json
import shutil
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

PATIENCE = 180
"""Seconds that a page may take on a busy machine."""
_SWITCHES = (
    *("--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run"),
    *("--disable-background-networking", "--disable-component-update", "--disable-sync", "--window-size=1400,1000"),
)
_OWN = ("chrome:", "data:", "blob:", "devtools:")
"""Addresses that Chromium opens itself, and those of what a page holds."""


class Browser:
    """A browser with one page."""

    def __init__(self, driver: Any) -> None:
        self.driver = driver
        driver.execute_cdp_cmd(
            "Page.addScriptToEvaluateOnNewDocument", {"source": "window.alerts = []; alert = (x) => alerts.push(x)"}
        )

    def open(self, url: str) -> float:
        """Loads a page of erfsweep; the milliseconds until it is ready."""
        self.driver.get("about:blank")  # so that another fragment of one page is loaded anew
        for log in ("performance", "browser"):  # what the page before had to say
            self.driver.get_log(log)
        self.driver.get(url)
        return float(self.until("return document.documentElement.dataset.ready"))

    def until(self, script: str, *arguments: Any) -> Any:
        """What a script returns as soon as that is true."""
        end = time.monotonic() + PATIENCE
        while not (found := self.run(script, *arguments)):
            assert time.monotonic() < end, (script, self.run("return document.body.innerText.slice(0, 2000)"))
        return found

    def run(self, script: str, *arguments: Any) -> Any:
        return self.driver.execute_script(script, *arguments)

    def text(self, name: str) -> str:
        return str(self.run("return document.getElementById(arguments[0]).innerText", name))

    def write(self, name: str, text: str) -> float:
        """Writes into a field of a condition or a text; the milliseconds until the table has answered."""
        self.run(
            """const field = document.getElementById(arguments[0]);
            document.documentElement.dataset.answered = "";
            document.getElementById("problem").textContent = "";
            field.value = arguments[1]; field.dispatchEvent(new Event("input"));""",
            name,
            text,
        )
        return float(
            self.until(
                """return document.documentElement.dataset.answered ||
                  (document.getElementById("problem").textContent && "-1")"""
            )
        )

    def column(self, name: str) -> list[str]:
        """The cells of a column of the table."""
        found: list[str] = self.run(
            """const heads = [...document.querySelectorAll("#heads th")];
            const at = heads.findIndex((each) => each.querySelector(`[data-name="${arguments[0]}"]`));
            return [...document.getElementById("rows").children].map((row) => row.children[at].textContent);""",
            name,
        )
        return found

    def alerts(self) -> list[str]:
        found: list[str] = self.run("return window.alerts")
        return found

    def problems(self) -> list[str]:
        """What the console was told that is worse than a note."""
        return [each["message"] for each in self.driver.get_log("browser") if each["level"] not in ("INFO", "DEBUG")]

    def requests(self) -> list[str]:
        """Everything that was asked of the network or of files since the page was opened."""
        found = []
        for entry in self.driver.get_log("performance"):
            message = json.loads(entry["message"])["message"]
            if message["method"] == "Network.requestWillBeSent":
                found.append(message["params"]["request"]["url"])
            if message["method"] == "Network.webSocketCreated":
                found.append(message["params"]["url"])
        return [url for url in found if not url.startswith(_OWN) and url != "about:blank"]


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    """A browser with a profile of its own; skips the test where there is none."""
    if shutil.which("chromium") is None or shutil.which("chromedriver") is None:
        pytest.skip("Chromium or its driver is not installed: apt-get install chromium chromium-driver")
    webdriver = pytest.importorskip("selenium.webdriver", reason="selenium, which drives Chromium, is not installed")
    from selenium.webdriver.chrome.service import Service

    options = webdriver.ChromeOptions()
    options.binary_location = shutil.which("chromium")
    for switch in (*_SWITCHES, f"--user-data-dir={profile}"):
        options.add_argument(switch)
    options.set_capability("goog:loggingPrefs", {"browser": "ALL", "performance": "ALL"})
    driver = webdriver.Chrome(options=options, service=Service(shutil.which("chromedriver")))
    driver.set_script_timeout(PATIENCE)
    try:
        yield Browser(driver)
    finally:
        driver.quit()
