"""An upstream that closes idle connections after 50 ms and does not say so: no client may notice."""

import os
import pathlib
import random
import signal
import subprocess
import threading
import time

import client
import upstream
from harness import EndToEndTest, wait_for
from judges import judge

IDLE_MS = 50
EVENTS_AT_A_TIME = 256


GOOD = upstream.ok(b"good")


class Stopped:
    """Holds the proxy's processes still, so that what happens meanwhile is seen all at once."""

    def __init__(self, proxy):
        self.pids = [proxy.pid]
        for pid in self.pids:
            for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                self.pids += map(int, (task / "children").read_text().split())

    def __enter__(self):
        for pid in self.pids:
            os.kill(pid, signal.SIGSTOP)
            wait_for(lambda: ") T " in pathlib.Path(f"/proc/{pid}/stat").read_text(), f"{pid} to stop")

    def __exit__(self, *_):
        for pid in reversed(self.pids):
            os.kill(pid, signal.SIGCONT)


class Crossing(EndToEndTest):
    """The upstream's close crosses the next request on its way."""

    def crossing(self, send, *, how="close", **options):
        """An exchange on a pooled connection that the upstream ends just before the request: what the client got, and what
        the upstream's other connections."""
        close = threading.Event()
        later = []

        def script(conversation):
            while (request := conversation.read_request()) is not None:
                if conversation.number > 1:
                    later.append(request)
                conversation.send(GOOD)
                if conversation.number == 1:
                    close.wait(10)
                    return conversation.reset() if how == "reset" else None
        origin = self.scripted(script, **options.pop("origin", {}))
        # Without a look at the connection before its use, so that the crossing is certain.
        proxy = self.proxy(origin.address, connections={"reuse": "always"}, **options)
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"good")
            wait_for(lambda: proxy.metrics().sum("sendonce_upstream_connections", state="idle") == 1, "a pooled connection")
            # The proxy sees to upstreams first, in the order of what it is told at a time: enough others come between.
            others = [proxy.connect() for _ in range(EVENTS_AT_A_TIME)]
            wait_for(lambda: proxy.metrics().sum("sendonce_client_connections") == 1 + len(others), "all clients")
            with Stopped(proxy):
                send(one)
                for other in others:
                    other.send(b"G")
                close.set()
                origin.conversations[0].ended.wait(10)
            response = one.read_response()
            for other in others:
                other.close()
        return proxy, response, later

    def assertServedOnce(self, crossed, **expected):
        proxy, response, later = crossed
        self.assertEqual((response.status, response.body), (200, b"good"))
        self.assertEqual(len(later), 1)
        for name, value in expected.items():
            self.assertEqual(getattr(later[0], name), value)
        proxy.wait_metric(1, "sendonce_upstream_retries_total", upstream="app")
        self.assertNoIncidents(proxy)

    def test_get(self):
        self.assertServedOnce(self.crossing(lambda one: one.request("/x")), method="GET")

    def test_post(self):
        self.assertServedOnce(
            self.crossing(lambda one: one.request("/x", method="POST", body=b"order" * 100)), method="POST", body=b"order" * 100)

    def test_chunked_post(self):
        def send(one):
            one.request("/x", method="POST", fields=["Transfer-Encoding: chunked"], body=b"5\r\norder\r\n0\r\n\r\n")
        self.assertServedOnce(self.crossing(send), method="POST", body=b"order")

    def test_post_without_retries(self):
        # It never got there: that is no second attempt.
        self.assertServedOnce(
            self.crossing(lambda one: one.request("/x", method="POST", body=b"order"), retry={"attempts": 0}), body=b"order")

    def test_post_on_a_unix_socket(self):
        self.assertServedOnce(
            self.crossing(lambda one: one.request("/x", method="POST", body=b"order"),
                          origin={"unix_path": f"{self.directory}/app.sock"}), body=b"order")

    def test_get_after_a_reset(self):
        self.assertServedOnce(self.crossing(lambda one: one.request("/x"), how="reset"), method="GET")

    def test_a_large_post(self):
        # More than is kept: it goes out in pieces, and the client sees that it failed.
        proxy, response, later = self.crossing(lambda one: one.request("/x", method="POST", body=b"x" * 60_000))
        self.assertEqual(response.status, 502)
        self.assertEqual(later, [])


class Races(EndToEndTest):
    alone = True

    def setUp(self):
        super().setUp()
        self.app = self.node("short_idle.js", IDLE_MS=str(IDLE_MS))

    def assertNobodyNoticed(self, proxy, count):
        proxy.wait_metric(count, "sendonce_requests_total", least=True, code="200")
        metrics = proxy.metrics()
        self.assertEqual(metrics.sum("sendonce_requests_total"), metrics.sum("sendonce_requests_total", code="200"))
        self.assertEqual([i for i in self.end(proxy) if i["certainty"] == "proven"], [])

    def run_tool(self, *arguments):
        done = subprocess.run([judge(arguments[0]), *arguments[1:]], capture_output=True, text=True, timeout=300)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return done.stdout

    def test_100_000_requests(self):
        proxy = self.proxy(self.app.address, workers=2)
        out = self.run_tool("ab", "-q", "-k", "-n", "100000", "-c", "64", f"http://{proxy.address}/ok")
        self.assertRegex(out, r"Complete requests:\s+100000\n")
        self.assertRegex(out, r"Failed requests:\s+0\n")
        self.assertNotIn("Non-2xx", out)
        self.assertNobodyNoticed(proxy, 100_000)

    def volleys(self, method, seconds, **options):
        """Clients that all ask at once, again and again, each time about when their upstream connections are being closed."""
        proxy = self.proxy(self.app.address, **options)
        clients = [client.Client(proxy.address) for _ in range(40)]
        body = b"x" * 100 if method == "POST" else b""
        path = "/post" if method == "POST" else "/ok"
        sent, until = 0, time.monotonic() + seconds
        try:
            while time.monotonic() < until:
                for one in clients:
                    one.request(path, method=method, body=body)
                for one in clients:
                    response = one.read_response()
                    self.assertEqual(response.status, 200, f"after {sent} requests: {response}")
                    sent += 1
                # Not a wait for anything: the moment is what the test is about.
                time.sleep(random.uniform(IDLE_MS - 6, IDLE_MS + 3) / 1000)
        finally:
            for one in clients:
                one.close()
        if method == "POST":
            # Each was served once, whatever it took.
            self.assertEqual(int(proxy.get("/count").body), sent)
        self.assertNobodyNoticed(proxy, sent)
        return proxy

    def test_volleys_of_get(self):
        self.volleys("GET", 6)

    def test_volleys_of_post(self):
        self.volleys("POST", 6)

    def test_volleys_of_post_with_a_busy_look(self):
        # Every connection is used at once: the pool is always as old as the volley.
        self.volleys("POST", 4, connections={"hold": "1ms"})
