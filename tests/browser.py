"""A Chromium without a window, driven by the DevTools protocol through a pipe: for pages that people open.

https://chromedevtools.github.io/devtools-protocol/; messages are JSON with a NUL at their end.
"""

import base64
import json
import os
import select
import shutil
import signal
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from pathlib import Path
from typing import Any

CHROMIUM = next(filter(None, map(shutil.which, ("chromium", "chromium-browser", "google-chrome"))), None)
MISSING = "there is no Chromium on this machine (apt-get install chromium)"
#: Seconds for one answer.
PATIENCE = 60.0
MODIFIERS = {"Alt": 1, "Ctrl": 2, "Shift": 8}


class Navigated(Exception):
    """The page went elsewhere while it was asked."""


class Browser:
    """`profile` is the folder in which it keeps what pages keep."""

    def __init__(self, profile: Path, *arguments: str) -> None:
        assert CHROMIUM is not None, MISSING
        (child_in, self._out), (self._in, child_out) = os.pipe(), os.pipe()

        def wire() -> None:
            os.dup2(child_in, 3)
            os.dup2(child_out, 4)

        # numbers that the wiring does not overwrite
        child_in, child_out = (os.dup(os.dup(os.dup(end))) for end in (child_in, child_out))
        command = [
            CHROMIUM, "--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run",
            "--disable-extensions", "--disable-background-networking", "--disable-component-update",
            f"--user-data-dir={profile}", "--remote-debugging-pipe", *arguments, "about:blank",
        ]  # fmt: skip
        self.process = subprocess.Popen(
            command, preexec_fn=wire, pass_fds=(3, 4), stderr=subprocess.DEVNULL, stdout=subprocess.DEVNULL,
            start_new_session=True,
        )  # fmt: skip
        os.close(child_in)
        os.close(child_out)
        self._number, self._rest, self.events = 0, b"", list[dict[str, Any]]()

    def call(self, method: str, session: str = "", **values: Any) -> dict[str, Any]:
        self._number += 1
        message = {"id": self._number, "method": method, "params": values} | ({"sessionId": session} if session else {})
        os.write(self._out, json.dumps(message).encode() + b"\0")
        until = time.monotonic() + PATIENCE
        while True:
            found = self._next(until)
            if found.get("id") == self._number:
                if "navigated" in str(found.get("error")):
                    raise Navigated(method)
                assert "error" not in found, f"{method}: {found['error']}"
                return found["result"]
            self.events.append(found)

    def _next(self, until: float) -> dict[str, Any]:
        while b"\0" not in self._rest:
            assert select.select([self._in], [], [], max(0, until - time.monotonic()))[0], "the browser does not answer"
            part = os.read(self._in, 1 << 20)
            assert part, "the browser ended"
            self._rest += part
        line, _, self._rest = self._rest.partition(b"\0")
        return json.loads(line)

    def open(self, path: Path, width: int = 1280, height: int = 800, *, touch: bool = False, dark: bool = False,
             before: str = "", fresh: bool = False) -> "Tab":  # fmt: skip
        """A tab with a file in it; `before` runs before any script of its own. A `fresh` one knows of no other."""
        apart = {"browserContextId": self.call("Target.createBrowserContext")["browserContextId"]} if fresh else {}
        target = self.call("Target.createTarget", url="about:blank", **apart)["targetId"]
        session = self.call("Target.attachToTarget", targetId=target, flatten=True)["sessionId"]
        tab = Tab(self, session, apart)
        for domain in ("Page", "Runtime", "Log", "Network"):
            tab.call(f"{domain}.enable")
        tab.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=touch)
        tab.call("Emulation.setTouchEmulationEnabled", enabled=touch)
        scheme = [{"name": "prefers-color-scheme", "value": "dark" if dark else "light"}]
        tab.call("Emulation.setEmulatedMedia", features=scheme)
        if before:
            tab.call("Page.addScriptToEvaluateOnNewDocument", source=before)
        tab.go(path)
        return tab

    def kill(self) -> None:
        """With all its processes, as a power cut would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()
        os.close(self._in)
        os.close(self._out)


class Tab:
    def __init__(self, browser: Browser, session: str, context: dict[str, str]) -> None:
        self.browser, self.session, self.context = browser, session, context

    def call(self, method: str, **values: Any) -> dict[str, Any]:
        return self.browser.call(method, self.session, **values)

    def go(self, path: Path) -> None:
        self.call("Page.navigate", url=path.resolve().as_uri())
        self.wait("document.readyState === 'complete' && document.body?.dataset.page !== 'loading'")

    def reload(self) -> None:
        self.call("Runtime.evaluate", expression="window.before = true")
        self.call("Page.reload")
        self.wait("!window.before && document.readyState === 'complete' && document.body?.dataset.page !== 'loading'")

    def run(self, script: str) -> Any:
        found = self.call("Runtime.evaluate", expression=script, returnByValue=True, awaitPromise=True)
        assert "exceptionDetails" not in found, found["exceptionDetails"]
        return found["result"].get("value")

    def wait(self, condition: str, patience: float = 20.0) -> None:
        until = time.monotonic() + patience
        while True:
            with suppress(Navigated):
                if self.run(f"Boolean({condition})"):
                    return
            if time.monotonic() > until:
                self.picture(Path(tempfile.gettempdir()) / "never.png")
                raise AssertionError(f"never: {condition} ({tempfile.gettempdir()}/never.png)")
            time.sleep(0.02)

    def text(self, selector: str) -> str:
        return self.run(f"document.querySelector({json.dumps(selector)}).innerText")

    def texts(self, selector: str) -> list[str]:
        return self.run(f"[...document.querySelectorAll({json.dumps(selector)})].map((found) => found.innerText)")

    def key(self, name: str) -> None:
        """`a`, `Shift+B`, `Enter`, `Ctrl+z`."""
        *held, key = name.split("+") if name != "+" else ["+"]
        code = f"Key{key.upper()}" if len(key) == 1 and key.isalpha() else key
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 and "Ctrl" not in held else "")
        typed = {"key": key.upper() if "Shift" in held and len(key) == 1 else key, "code": code, "text": text}
        modifiers = sum(MODIFIERS[each] for each in held)
        kind = "keyDown" if text else "rawKeyDown"
        self.call("Input.dispatchKeyEvent", type=kind, modifiers=modifiers, **typed)
        self.call("Input.dispatchKeyEvent", type="keyUp", modifiers=modifiers, key=typed["key"], code=code)

    def keys(self, names: str) -> None:
        for name in names.split():
            self.key(name)

    def type(self, text: str) -> None:
        self.call("Input.insertText", text=text)

    def middle(self, selector: str) -> tuple[float, float]:
        place = f"document.querySelector({json.dumps(selector)})"
        self.run(f"{place}.scrollIntoView({{block: 'nearest'}})")
        found = self.run(f"{place}.getBoundingClientRect().toJSON()")
        return found["x"] + found["width"] / 2, found["y"] + found["height"] / 2

    def click(self, selector: str) -> None:
        x, y = self.middle(selector)
        for kind in ("mousePressed", "mouseReleased"):
            self.call("Input.dispatchMouseEvent", type=kind, x=x, y=y, button="left", clickCount=1)

    def tap(self, selector: str) -> None:
        time.sleep(0.4)  # sooner after another touch it may be part of that one
        x, y = self.middle(selector)
        self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
        self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])

    def drag(self, start: str, end: str, *, touch: bool = False) -> None:
        """From the middle of one element to the middle of another."""
        (x, y), (to_x, to_y) = self.middle(start), self.middle(end)
        steps = [(x + (to_x - x) * step / 8, y + (to_y - y) * step / 8) for step in range(9)]
        if touch:
            self.call("Input.dispatchTouchEvent", type="touchStart", touchPoints=[{"x": x, "y": y}])
            for x, y in steps:
                self.call("Input.dispatchTouchEvent", type="touchMove", touchPoints=[{"x": x, "y": y}])
            self.call("Input.dispatchTouchEvent", type="touchEnd", touchPoints=[])
            return
        self.call("Input.dispatchMouseEvent", type="mousePressed", x=x, y=y, button="left", clickCount=1)
        for x, y in steps:
            self.call("Input.dispatchMouseEvent", type="mouseMoved", x=x, y=y, button="left", buttons=1)
        self.call("Input.dispatchMouseEvent", type="mouseReleased", x=to_x, y=to_y, button="left", clickCount=1)

    def choose(self, selector: str, path: Path) -> None:
        """A file for a field that asks for one."""
        found = self.call("Runtime.evaluate", expression=f"document.querySelector({json.dumps(selector)})")
        self.call("DOM.setFileInputFiles", files=[str(path)], objectId=found["result"]["objectId"])

    def picture(self, path: Path) -> None:
        path.write_bytes(base64.b64decode(self.call("Page.captureScreenshot", format="png")["data"]))

    def complaints(self) -> list[str]:
        """What the page logged as an error, exceptions, and whatever it asked of a network."""
        self.run("1")
        found = []
        for event in self.browser.events:
            values = event.get("params", {})
            if event.get("method") == "Log.entryAdded" and values["entry"]["level"] in ("error", "warning"):
                found.append(values["entry"]["text"])
            elif event.get("method") == "Runtime.exceptionThrown":
                found.append(str(values["exceptionDetails"]))
            elif event.get("method") == "Network.requestWillBeSent":
                url = values["request"]["url"]
                found += [] if url.startswith(("file:", "about:", "blob:")) else [url]
        return found

    def answers(self, folder: Path) -> Path:
        """Press the button that downloads, and wait for the file, in a new folder within `folder`."""
        place = Path(tempfile.mkdtemp(dir=folder))
        self.browser.call("Browser.setDownloadBehavior", behavior="allow", downloadPath=str(place), **self.context)
        self.click("#download")
        until = time.monotonic() + 20
        while not (found := list(place.glob("*.json"))):
            assert time.monotonic() < until, "nothing was downloaded"
            time.sleep(0.05)
        return found[0]


@contextmanager
def browser(profile: Path) -> Iterator[Browser]:
    found = Browser(profile)
    try:
        yield found
    finally:
        if found.process.poll() is None:
            found.kill()
