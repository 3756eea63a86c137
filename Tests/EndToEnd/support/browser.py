"""Headless Chromium, driven over a pipe by its DevTools protocol: what a person would see and press."""

import base64
import json
import os
import shutil
import subprocess
import tempfile
import threading
import time

FLAGS = [
    "--headless", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run", "--disable-background-networking",
    "--disable-component-update", "--disable-sync", "--disable-extensions", "--hide-scrollbars", "--force-color-profile=srgb",
    # It finds nobody but us.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.0.0.1", "--remote-debugging-pipe",
]


def program():
    for name in ("chromium", "chromium-browser", "google-chrome"):
        if found := shutil.which(name):
            return found
    raise AssertionError("no chromium on PATH: scripts/setup --test installs it")


class Browser:
    """One browser with one page."""

    def __init__(self, patience=60.0, width=1280, height=900, scheme="light", scripts=True, mobile=False):
        self.patience = patience
        self.profile = tempfile.mkdtemp(prefix="sendonce-browser-")
        theirs_in, self.to = os.pipe()
        self.of, theirs_out = os.pipe()
        # It reads orders from descriptor 3 and tells what happens on 4.
        self.process = subprocess.Popen(
            ["bash", "-c", f'exec "$0" "$@" 3<&{theirs_in} 4>&{theirs_out}', program(), *FLAGS, f"--user-data-dir={self.profile}", "about:blank"],
            pass_fds=(theirs_in, theirs_out), stdin=subprocess.DEVNULL, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        os.close(theirs_in)
        os.close(theirs_out)
        self.session = None
        self.number = 0
        self.answers = {}
        self.events = []
        self.changed = threading.Condition()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()
        target = self._wait(lambda: next((one for one in self.call("Target.getTargets")["targetInfos"] if one["type"] == "page"), None), "a page")
        self.session = self.call("Target.attachToTarget", targetId=target["targetId"], flatten=True)["sessionId"]
        for domain in ("Page", "Runtime", "Network", "Log", "Security"):
            self.call(f"{domain}.enable")
        self.call("Emulation.setScriptExecutionDisabled", value=not scripts)
        self.look(width, height, scheme, mobile)

    def _read(self):
        buffered = b""
        while chunk := os.read(self.of, 1 << 16):
            *messages, buffered = (buffered + chunk).split(b"\0")
            with self.changed:
                for message in map(json.loads, messages):
                    if "id" in message:
                        self.answers[message["id"]] = message
                    else:
                        self.events.append(message)
                self.changed.notify_all()

    def call(self, method, **parameters):
        """One command, and what comes of it."""
        self.number += 1
        number = self.number
        order = {"id": number, "method": method, "params": parameters} | ({"sessionId": self.session} if self.session else {})
        os.write(self.to, json.dumps(order).encode() + b"\0")
        with self.changed:
            if not self.changed.wait_for(lambda: number in self.answers, self.patience):
                raise AssertionError(f"the browser did not answer {method} within {self.patience:g} s")
        answer = self.answers.pop(number)
        if "error" in answer:
            raise AssertionError(f"{method}: {answer['error']}")
        return answer["result"]

    def _wait(self, condition, what):
        give_up = time.monotonic() + self.patience
        while not (value := condition()):
            if time.monotonic() > give_up:
                raise AssertionError(f"waited {self.patience:g} s for {what() if callable(what) else what}")
            time.sleep(0.02)
        return value

    def look(self, width, height, scheme="light", mobile=False):
        """As on a screen of so many points, in dark or light."""
        self.call("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=2 if mobile else 1, mobile=mobile)
        self.call("Emulation.setEmulatedMedia", features=[{"name": "prefers-color-scheme", "value": scheme}])

    def open(self, url):
        with self.changed:
            self.events.clear()
        failed = self.call("Page.navigate", url=url).get("errorText")
        if failed:
            raise AssertionError(f"{url}: {failed}")
        self._wait(lambda: any(event["method"] == "Page.loadEventFired" for event in self.events), f"{url} to be loaded")

    def evaluate(self, expression):
        """The value of a JavaScript expression on the page."""
        result = self.call("Runtime.evaluate", expression=expression, returnByValue=True, awaitPromise=True)
        if "exceptionDetails" in result:
            raise AssertionError(f"{expression}: {result['exceptionDetails']}")
        return result["result"].get("value")

    def wait(self, expression):
        """Until an expression is true on the page; gives its value."""
        return self._wait(lambda: self.evaluate(expression), lambda: f"{expression} on the page, which shows:\n{self.text()}\n{self.complaints()}")

    def text(self):
        return self.evaluate("document.body.innerText")

    def press(self, key):
        codes = {"Escape": 27, "Enter": 13}
        text = {"Enter": "\r"}.get(key, key if len(key) == 1 else "")
        for kind in ("keyDown", "keyUp"):
            self.call("Input.dispatchKeyEvent", type=kind, key=key, windowsVirtualKeyCode=codes.get(key, ord(key.upper()) if len(key) == 1 else 0),
                      **({"text": text} if kind == "keyDown" and text else {}))

    def complaints(self):
        """What the browser had to say: exceptions, refused content, errors of the console."""
        found = []
        for event in list(self.events):
            if event["method"] == "Runtime.exceptionThrown":
                details = event["params"]["exceptionDetails"]
                found.append(details.get("exception", {}).get("description") or details["text"])
            elif event["method"] == "Log.entryAdded" and event["params"]["entry"]["level"] == "error":
                found.append(f"{event['params']['entry']['text']} {event['params']['entry'].get('url', '')}")
            elif event["method"] == "Runtime.consoleAPICalled" and event["params"]["type"] in ("error", "assert"):
                found.append(" ".join(str(one.get("value")) for one in event["params"]["args"]))
        return found

    def requests(self):
        """Every address that was asked for since the page was opened."""
        return [event["params"]["request"]["url"] for event in list(self.events) if event["method"] == "Network.requestWillBeSent"]

    def screenshot(self, path, whole=False):
        result = self.call("Page.captureScreenshot", format="png", captureBeyondViewport=whole)
        with open(path, "wb") as file:
            file.write(base64.b64decode(result["data"]))

    def close(self):
        self.process.kill()
        self.process.wait()
        self.reader.join(5)
        os.close(self.to)
        os.close(self.of)
        shutil.rmtree(self.profile, ignore_errors=True)
