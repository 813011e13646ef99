"""Headless Chromium, told what to do over its debugging pipe: enough to open a page, ask it and take its picture."""
import base64
import json
import os
import select
import signal
import subprocess
import time
from pathlib import Path
from typing import Any

ANSWER_SECONDS = 60
STEP_BYTES = 1 << 16


class Browser:
    """One browser with one page; gone when the block ends."""

    def __init__(self, space: str, folder: Path):
        (here, child_out), (child_in, there) = os.pipe(), os.pipe()
        self.read, self.write, self.rest, self.number, self.session = here, there, b"", 0, ""
        profile = folder / "browser"
        # the browser reads commands from 3 and writes answers to 4
        shell = f'exec 3<&{child_in} 4>&{child_out}; exec "$@"'
        log = (folder / "browser.err").open("ab")
        self.popen = subprocess.Popen(
            ["nsenter", f"--net=/run/netns/{space}", "bash", "-c", shell, "browser", "chromium", "--headless=new",
             "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-extensions",
             "--disable-background-networking", "--disable-component-update", "--no-proxy-server", "--hide-scrollbars",
             f"--user-data-dir={profile}", "--remote-debugging-pipe", "about:blank"],
            stdin=subprocess.DEVNULL, stdout=log, stderr=log, pass_fds=(child_in, child_out), start_new_session=True)
        os.close(child_in)
        os.close(child_out)
        log.close()
        target = self.call("Target.createTarget", {"url": "about:blank"})["targetId"]
        self.session = self.call("Target.attachToTarget", {"targetId": target, "flatten": True})["sessionId"]
        for domain in ("Page", "Runtime", "Log"):
            self.call(f"{domain}.enable")
        self.complaints: list[str] = []

    def __enter__(self) -> "Browser":
        return self

    def __exit__(self, *_: object) -> None:
        os.killpg(self.popen.pid, signal.SIGKILL)
        self.popen.wait()
        os.close(self.read)
        os.close(self.write)

    def call(self, method: str, params: dict[str, Any] | None = None) -> dict[str, Any]:
        """Sends a command and waits for its answer; what the page complains of meanwhile is kept."""
        self.number += 1
        message: dict[str, Any] = {"id": self.number, "method": method, "params": params or {}}
        if self.session:
            message["sessionId"] = self.session
        os.write(self.write, json.dumps(message).encode() + b"\0")
        deadline = time.monotonic() + ANSWER_SECONDS
        while True:
            answer = self._next(deadline)
            if answer.get("id") == self.number:
                if "error" in answer:
                    raise RuntimeError(f"{method}: {answer['error']}")
                return answer["result"]
            if answer.get("method") in ("Runtime.exceptionThrown", "Log.entryAdded"):
                self.complaints.append(json.dumps(answer["params"])[:500])

    def _next(self, deadline: float) -> dict[str, Any]:
        while b"\0" not in self.rest:
            if not select.select([self.read], [], [], max(0, deadline - time.monotonic()))[0]:
                raise RuntimeError("the browser does not answer")
            more = os.read(self.read, STEP_BYTES)
            if not more:
                raise RuntimeError("the browser is gone")
            self.rest += more
        line, self.rest = self.rest.split(b"\0", 1)
        return json.loads(line)

    def open(self, url: str) -> None:
        self.call("Page.navigate", {"url": url})

    def ask(self, script: str) -> Any:
        """What an expression of JavaScript gives."""
        answer = self.call("Runtime.evaluate", {"expression": script, "returnByValue": True, "awaitPromise": True})
        if "exceptionDetails" in answer:
            raise RuntimeError(f"{script}: {answer['exceptionDetails']}")
        return answer["result"].get("value")

    def size(self, width: int, height: int, *, dark: bool = False) -> None:
        self.call("Emulation.setDeviceMetricsOverride",
                  {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        scheme = "dark" if dark else "light"
        self.call("Emulation.setEmulatedMedia", {"features": [{"name": "prefers-color-scheme", "value": scheme}]})

    def picture(self, path: Path, *, whole: bool = True) -> None:
        """The page as PNG, the whole or what is in sight."""
        if whole:
            # what is far from sight is not drawn
            width, height = self.ask("[innerWidth, document.documentElement.scrollHeight]")
            self.call("Emulation.setDeviceMetricsOverride",
                      {"width": width, "height": height, "deviceScaleFactor": 1, "mobile": width < 600})
        shot = self.call("Page.captureScreenshot", {"format": "png", "captureBeyondViewport": whole})
        path.write_bytes(base64.b64decode(shot["data"]))

    def paper(self) -> bytes:
        """The page as it is printed, as PDF."""
        printed = self.call("Page.printToPDF", {"paperWidth": 8.27, "paperHeight": 11.69})
        return base64.b64decode(printed["data"])

    def press(self, key: str) -> None:
        for kind in ("keyDown", "keyUp"):
            text = {"text": key} if kind == "keyDown" and len(key) == 1 else {}
            self.call("Input.dispatchKeyEvent", {"type": kind, "key": key, **text})
