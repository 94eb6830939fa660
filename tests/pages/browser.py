"""A browser, as tests of pages see it."""

from __future__ import annotations

import json
import pathlib
from typing import Any, Callable

from selenium import webdriver
from selenium.webdriver.chrome.options import Options
from selenium.webdriver.chrome.service import Service
from selenium.webdriver.common.action_chains import ActionChains
from selenium.webdriver.support.wait import WebDriverWait

AXE = pathlib.Path(__file__).with_name("axe") / "axe.min.js"
# As root Chromium has no sandbox.
SWITCHES = ("--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage",
            "--force-device-scale-factor=1")  # fmt: skip


class Browser:
    def __init__(self) -> None:
        options = Options()
        for switch in SWITCHES:
            options.add_argument(switch)
        options.set_capability("goog:loggingPrefs", {"browser": "ALL"})
        self.driver = webdriver.Chrome(service=Service("/usr/bin/chromedriver"), options=options)

    def quit(self) -> None:
        self.driver.quit()

    def open(self, page: pathlib.Path, width: int = 1600, dark: bool = False) -> None:
        theme = {"name": "prefers-color-scheme", "value": "dark" if dark else "light"}
        self.command("Emulation.setEmulatedMedia", features=[theme])
        self.command("Emulation.setDeviceMetricsOverride",
                     width=width, height=1000, deviceScaleFactor=1, mobile=False)  # fmt: skip
        self.console()
        self.driver.get(page.as_uri())

    def command(self, name: str, **arguments: Any) -> Any:
        return self.driver.execute_cdp_cmd(name, arguments)

    def script(self, text: str, *arguments: Any) -> Any:
        return self.driver.execute_script(text, *arguments)

    def console(self) -> list[dict[str, Any]]:
        """What the console says since it was last asked."""
        return self.driver.get_log("browser")

    def choose(self, control: str, value: str) -> None:
        """Sets a select or an input, as a user does."""
        self.script(
            "const c = document.querySelector(arguments[0]); c.value = arguments[1];"
            "for (const kind of ['input', 'change']) c.dispatchEvent(new Event(kind, {bubbles: true}));",
            control, value)  # fmt: skip

    def wait(self, condition: Callable[[], bool]) -> None:
        """Until it holds; a fault after 10 s."""
        WebDriverWait(self.driver, 10).until(lambda _: condition())

    def press(self, key: str) -> None:
        ActionChains(self.driver).send_keys(key).perform()

    def faults_of_access(self) -> list[str]:
        """What axe-core finds, with all details open."""
        self.script("document.querySelectorAll('details').forEach((one) => { one.open = true; })")
        # Not as a script of the page, which its policy would refuse.
        self.command("Runtime.evaluate", expression=AXE.read_text())
        found = self.driver.execute_async_script(
            "const done = arguments[arguments.length - 1];"
            "axe.run(document).then((result) => done(JSON.stringify(result.violations)));")  # fmt: skip
        return [f"{one['id']}: {one['nodes'][0]['html'][:200]}" for one in json.loads(found)]
