"""driver.py - a browser, driven by WebDriver: chromedriver is started on a port
of its own, with a Chromium that keeps nothing and asks nobody.  Only what the
tests of the page need; standard library alone."""
import base64
import http.client
import json
import os
import re
import shutil
import subprocess
import tempfile
import time

FLAGS = ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run",
         "--disable-background-networking", "--disable-component-update", "--disable-sync",
         "--disable-default-apps", "--disable-extensions", "--no-pings", "--disable-dev-shm-usage",
         "--disable-domain-reliability", "--disable-features=Translate,OptimizationHints,MediaRouter",
         "--force-color-profile=srgb", "--hide-scrollbars"]
KEYS = {"Enter": "\ue007", "Tab": "\ue004", "ArrowDown": "\ue015", "ArrowUp": "\ue013", "End": "\ue010",
        "Home": "\ue011", "PageDown": "\ue00f", "Escape": "\ue00c", "Shift": "\ue008", "Space": " "}
ELEMENT = "element-6066-11e4-a52e-4f735466cecf"
PATIENCE = float(os.environ.get("PAGE_PATIENCE", "60"))


def missing():
    """What a browser needs and is not here, or None."""
    for program in ("chromium", "chromedriver"):
        if shutil.which(program) is None:
            return "no " + program
    return None


class Browser:
    def __init__(self, width=1280, height=900, dark=False):
        self.room = tempfile.mkdtemp(prefix="spool-page.")
        self.proc = subprocess.Popen(
            ["chromedriver", "--port=0", "--log-path=" + self.room + "/driver.log"],
            stdout=subprocess.PIPE, stderr=subprocess.STDOUT, text=True,
            env=dict(os.environ, HOME=self.room, XDG_CONFIG_HOME=self.room, XDG_CACHE_HOME=self.room))
        self.port = None
        for line in self.proc.stdout:
            m = re.search(r"started successfully on port (\d+)", line)
            if m:
                self.port = int(m.group(1))
                break
        assert self.port, "chromedriver does not start"
        self.base = ""
        caps = {"browserName": "chrome", "acceptInsecureCerts": True,
                "goog:loggingPrefs": {"browser": "ALL", "performance": "ALL"},
                "goog:chromeOptions": {"binary": shutil.which("chromium"), "args": FLAGS + [
                    "--user-data-dir=" + self.room + "/profile", "--window-size=%d,%d" % (width, height)]}}
        said = self.call("POST", "/session", {"capabilities": {"alwaysMatch": caps}})
        self.base = "/session/" + said["sessionId"]
        self.call("POST", "/timeouts", {"script": 120000, "pageLoad": 120000})
        self.size(width, height)
        self.dark(dark)
        self.requests = []

    # ---- the protocol ----

    def call(self, method, path, body=None):
        conn = http.client.HTTPConnection("127.0.0.1", self.port, timeout=180)
        conn.request(method, self.base + path, None if body is None else json.dumps(body),
                     {"Content-Type": "application/json"})
        said = json.loads(conn.getresponse().read())["value"]
        conn.close()
        if isinstance(said, dict) and "error" in said:
            raise RuntimeError("%s: %s" % (said["error"], said["message"].split("\n")[0]))
        return said

    def cdp(self, cmd, **params):
        return self.call("POST", "/goog/cdp/execute", {"cmd": cmd, "params": params})

    def close(self):
        try:
            self.call("DELETE", "")
        except (OSError, RuntimeError):
            pass
        self.proc.terminate()
        self.proc.wait(20)
        self.proc.stdout.close()
        shutil.rmtree(self.room, ignore_errors=True)

    def __enter__(self):
        return self

    def __exit__(self, *why):
        self.close()

    # ---- what it looks like ----

    def size(self, width, height):
        self.cdp("Emulation.setDeviceMetricsOverride", width=width, height=height, deviceScaleFactor=1, mobile=False)

    def dark(self, is_dark):
        self.cdp("Emulation.setEmulatedMedia", features=[
            {"name": "prefers-color-scheme", "value": "dark" if is_dark else "light"}])

    def picture(self, path, whole=True):
        webp = {"format": "webp", "quality": 82} if path.endswith(".webp") else {"format": "png"}
        got = self.cdp("Page.captureScreenshot", captureBeyondViewport=whole, **webp)
        with open(path, "wb") as f:
            f.write(base64.b64decode(got["data"]))

    # ---- what is there ----

    def go(self, url):
        self.call("POST", "/url", {"url": url})

    def js(self, text, *args):
        """The value of an expression, or of statements with a return."""
        body = text if re.search(r"\breturn\b", text) else "return (%s);" % text
        return self.call("POST", "/execute/sync", {"script": body, "args": list(args)})

    def js_async(self, text, *args):
        return self.call("POST", "/execute/async", {"script": text, "args": list(args)})

    def find(self, css):
        return self.call("POST", "/element", {"using": "css selector", "value": css})[ELEMENT]

    def click(self, css):
        self.call("POST", "/element/%s/click" % self.find(css), {})

    def type(self, css, text, clear=True):
        e = self.find(css)
        if clear:
            self.call("POST", "/element/%s/clear" % e, {})
        self.call("POST", "/element/%s/value" % e, {"text": text})

    def key(self, *names):
        """Pressed together, on what has the focus."""
        codes = [KEYS.get(n, n) for n in names]
        actions = [{"type": "keyDown", "value": c} for c in codes] + \
            [{"type": "keyUp", "value": c} for c in reversed(codes)]
        self.call("POST", "/actions", {"actions": [{"type": "key", "id": "k", "actions": actions}]})

    def drag(self, x, y, to_x, to_y):
        move = [{"type": "pointerMove", "x": int(x), "y": int(y)}, {"type": "pointerDown", "button": 0},
                {"type": "pointerMove", "x": int((x + to_x) / 2), "y": int((y + to_y) / 2), "duration": 50},
                {"type": "pointerMove", "x": int(to_x), "y": int(to_y), "duration": 50},
                {"type": "pointerUp", "button": 0}]
        self.call("POST", "/actions", {"actions": [{
            "type": "pointer", "id": "m", "parameters": {"pointerType": "mouse"}, "actions": move}]})

    def soon(self, text, *args, seconds=None):
        """Wait until an expression is true; its value."""
        end = time.monotonic() + (seconds or PATIENCE)
        while True:
            try:
                value = self.js(text, *args)
            except RuntimeError:  # what it looks at is on its way
                value = None
            if value:
                return value
            if time.monotonic() > end:
                raise AssertionError("never came true: " + text)
            time.sleep(0.05)

    def console(self):
        """What the console has said since the last time: [(level, text)]."""
        return [(e["level"], e["message"]) for e in self.call("POST", "/se/log", {"type": "browser"})]

    def asked(self):
        """The URLs of all requests since the last time."""
        out = []
        for e in self.call("POST", "/se/log", {"type": "performance"}):
            m = json.loads(e["message"])["message"]
            if m["method"] == "Network.requestWillBeSent":
                out.append(m["params"]["request"]["url"])
        return out
