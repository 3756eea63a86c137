"""What makes each series of the metrics move, and by how much."""

import os
import pathlib
import re
import resource
import socket
import threading
import time

import frames
import upstream
from harness import EndToEndTest, wait_for

CLOSED = "sendonce_upstream_connections_closed_total"
REJECTED = "sendonce_client_rejected_total"


class Counting(EndToEndTest):
    def test_bytes_of_both_sides(self):
        origin = self.scripted(upstream.by_target({"/": upstream.ok(b"x" * 5000)}))
        proxy = self.proxy(origin.address)
        sent = 0
        with proxy.connect() as one:
            for _ in range(3):
                one.get("/", method="POST", body=b"y" * 3000)
                sent += len(b"POST / HTTP/1.1\r\nHost: app.test\r\nContent-Length: 3000\r\n\r\n") + 3000
            proxy.wait_metric(sent, "sendonce_received_bytes_total", side="client")
            proxy.wait_metric(len(one.seen), "sendonce_sent_bytes_total", side="client")
        proxy.wait_metric(sum(len(talk.received) for talk in origin.conversations), "sendonce_sent_bytes_total", side="upstream")
        proxy.wait_metric(3 * len(upstream.ok(b"x" * 5000)), "sendonce_received_bytes_total", side="upstream")

    def test_times(self):
        """An answer takes as long as its server: the histograms say no less."""
        def slow(conversation, _):
            release.wait(0.2)
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n")
            release.wait(0.2)
            conversation.send(b"OK")
        release = threading.Event()
        proxy = self.proxy(self.scripted(upstream.by_target({"/": slow})).address)
        started = time.monotonic()
        self.assertEqual(proxy.get("/").body, b"OK")
        proxy.wait_metric(1, "sendonce_request_duration_seconds_count", route="main", upstream="app")
        took = time.monotonic() - started
        metrics = proxy.metrics()
        whole = metrics.sum("sendonce_request_duration_seconds_sum", route="main", upstream="app")
        head = metrics.sum("sendonce_upstream_response_header_seconds_sum", upstream="app")
        self.assertTrue(0.19 < head < took and 0.39 < whole < took, (head, whole, took))
        self.assertEqual(metrics.sum("sendonce_request_duration_seconds_bucket", route="main", le="0.1"), 0)

    def test_the_loop_watches_its_own_lag(self):
        proxy = self.proxy(self.scripted(upstream.by_target({"/": upstream.ok()})).address)

        def observed():
            proxy.get("/")
            return proxy.metrics().sum("sendonce_event_loop_lag_seconds_count") > 0
        wait_for(observed, "a timer to be observed")

    def test_the_process(self):
        before = time.time()
        proxy = self.proxy("127.0.0.1:1", environment={"SENDONCE_SUPERVISE": "off"})
        metrics = proxy.metrics()
        status = pathlib.Path(f"/proc/{proxy.pid}/status").read_text()
        resident, virtual = (int(re.search(rf"{name}:\s+(\d+) kB", status)[1]) * 1024 for name in ("VmRSS", "VmSize"))
        self.assertLess(abs(metrics.sum("process_resident_memory_bytes") - resident), 4 << 20)
        self.assertLess(abs(metrics.sum("process_virtual_memory_bytes") - virtual), 256 << 20)
        self.assertLess(abs(metrics.sum("process_open_fds") - len(os.listdir(f"/proc/{proxy.pid}/fd"))), 4)
        self.assertEqual(metrics.sum("process_max_fds"), resource.prlimit(proxy.pid, resource.RLIMIT_NOFILE)[0])
        # The kernel counts in hundredths of a second, from a boot whose second is rounded.
        self.assertLess(abs(metrics.sum("process_start_time_seconds") - before), 60)
        ticks = os.sysconf("SC_CLK_TCK")
        used = sum(map(int, pathlib.Path(f"/proc/{proxy.pid}/stat").read_text().rsplit(")", 1)[1].split()[11:13])) / ticks
        self.assertTrue(0 < metrics.sum("process_cpu_seconds_total") <= used + 2 / ticks)

    def test_records_that_no_disk_takes(self):
        twice = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstsecond"
        proxy = self.proxy(self.scripted(upstream.by_target({"/": twice})).address, incidents={"path": "/dev/full"})
        for _ in range(3):
            self.assertEqual(proxy.get("/").body, b"first")
        proxy.wait_metric(3, "sendonce_incidents_dropped_total", sink="log")
        proxy.wait_metric(3, "sendonce_incidents_total")
        proxy.stop()
        self.assertEqual(len(re.findall("cannot write incident log /dev/full: No space left on device", proxy.log)), 1)
        # There is no log to be read.
        proxy.incidents = lambda: []


class ClosedUpstreamConnections(EndToEndTest):
    """Each reason for which a connection to an upstream ends, and no other with it. `idle_timeout`, `max_idle` and `aged` are told
    where idle connections and names are."""

    def closing(self, reason, answer, **options):
        """One exchange, after which the connection ends for that reason alone."""
        origin = self.scripted(upstream.by_target({"/": answer, "/ok": upstream.ok()}))
        proxy = self.proxy(origin.address, **options)
        return proxy, origin, lambda: (proxy.wait_metric(1, CLOSED, reason=reason), proxy.wait_metric(1, CLOSED))

    def test_by_the_upstream_in_good_order(self):
        leave = threading.Event()

        def answer(conversation, _):
            conversation.send(upstream.ok())
            leave.wait(10)
            conversation.socket.shutdown(socket.SHUT_RDWR)
        proxy, _, told = self.closing("upstream_closed", answer)
        self.assertEqual(proxy.get("/").status, 200)
        leave.set()
        told()

    def test_not_reusable(self):
        proxy, _, told = self.closing("not_reusable", upstream.ok(b"OK", "Connection: close"))
        self.assertEqual(proxy.get("/").status, 200)
        told()

    def test_an_incident_and_a_quarantine(self):
        proxy, _, told = self.closing("incident", upstream.ok(b"first") + upstream.ok(b"second"))
        self.assertEqual(proxy.get("/").body, b"first")
        told()
        self.assertEqual(proxy.get("/ok").body, b"OK")
        proxy.wait_metric(1, CLOSED, reason="quarantine")
        proxy.wait_metric(2, CLOSED)

    def test_an_error(self):
        def answer(conversation, _):
            conversation.reset()
            raise ConnectionError
        proxy, _, told = self.closing("error", answer, retry={"attempts": 0})
        self.assertEqual(proxy.get("/").status, 502)
        told()

    def test_an_answer_that_breaks_off(self):
        def answer(conversation, _):
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
            conversation.socket.shutdown(socket.SHUT_RDWR)
        proxy, _, told = self.closing("error", answer)
        self.assertFalse(proxy.get("/").complete)
        told()

    def test_a_client_that_has_gone(self):
        def answer(conversation, _):
            asked.set()
            conversation.wait_for_end()
        asked = threading.Event()
        proxy, _, told = self.closing("client_gone", answer)
        one = proxy.connect()
        one.request("/")
        self.assertTrue(asked.wait(10))
        one.reset()
        told()

    def test_a_reload_that_takes_its_server_away(self):
        proxy, _, told = self.closing("drain", upstream.ok())
        self.assertEqual(proxy.get("/").status, 200)
        proxy.wait_metric(1, "sendonce_upstream_connections", state="idle")
        other = self.scripted(upstream.by_target({"/": upstream.ok()}))
        proxy.reload(proxy.config | {"upstreams": {"app": {"servers": [other.address]}}})
        told()


class Rejections(EndToEndTest):
    """Reasons for which the proxy turns somebody away that are not told where the limits are."""

    def setUp(self):
        super().setUp()
        self.origin = self.scripted(upstream.by_target({"/": upstream.ok()}))

    def test_too_many_connections(self):
        proxy = self.proxy(self.origin.address, limits={"client_connections": 1})
        with proxy.connect() as one:
            self.assertEqual(one.get("/").status, 200)
            with proxy.connect() as other:
                other.rest()
            proxy.wait_metric(1, REJECTED, reason="connection_limit")

    def test_requests_that_lead_nowhere_or_are_not_served(self):
        proxy = self.proxy(self.origin.address, routes=[{"name": "main", "host": "app.test", "methods": ["GET"]}])
        self.assertEqual(proxy.get("/", host="elsewhere.test").status, 404)
        proxy.wait_metric(1, REJECTED, reason="no_route")
        self.assertEqual(proxy.get("/", method="POST").status, 405)
        proxy.wait_metric(1, REJECTED, reason="unsupported")
        with proxy.connect() as one:
            one.send(b"GET / HTTP/1.1\r\n\r\n")
            self.assertEqual(one.read_response().status, 400)
        proxy.wait_metric(1, REJECTED, reason="malformed_request")

    def test_http2_connections_that_only_cost(self):
        """Each floods a connection of its own with more than any limit lets through, however slow the proxy is."""
        stream = iter(range(1, 1 << 30, 2))

        def resets():
            number = next(stream)
            return frames.request(number, "/") + frames.frame(frames.RST_STREAM, 0, number, bytes(4))
        opened = frames.request(1, "/", "POST", False)
        floods = {
            "rapid_reset": (b"", resets),
            "continuation_flood": (frames.frame(frames.HEADERS, 0, 1), lambda: frames.frame(frames.CONTINUATION, 0, 1)),
            "settings_flood": (b"", lambda: frames.frame(frames.SETTINGS, 0, 0)),
            "ping_flood": (b"", lambda: frames.frame(frames.PING, 0, 0, bytes(8))),
            "empty_data_flood": (opened, lambda: frames.data(1)),
            "priority_flood": (b"", lambda: frames.frame(frames.PRIORITY, 0, 1, bytes(4) + b"\x01")),
            "window_update_flood": (b"", lambda: frames.frame(frames.WINDOW_UPDATE, 0, 0, b"\x00\x00\x00\x01")),
            "malformed_frames": (b"", lambda: frames.frame(frames.PING, 0, 0, b"seven b")),
        }
        proxy = self.proxy(self.origin.address)
        for reason, (start, flood) in floods.items():
            with self.subTest(reason), proxy.connect() as one:
                try:
                    one.send(frames.PREFACE + frames.frame(frames.SETTINGS, 0, 0) + start + b"".join(flood() for _ in range(5000)))
                    one.rest()
                except ConnectionError:
                    # It has hung up before all of it was sent.
                    pass
                proxy.wait_metric(1, REJECTED, reason=reason)
        proxy.wait_metric(len(floods), REJECTED)
