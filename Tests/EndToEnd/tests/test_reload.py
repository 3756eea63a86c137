"""SIGHUP: a new configuration while requests are being served. Nobody notices but those whom it is about."""

import copy
import os
import pathlib
import re
import signal
import socket
import subprocess
import threading
import time

import client
import upstream
from harness import EndToEndTest, wait_for

TWICE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstsecond"


class Reload(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.first = self.scripted(upstream.by_target({"/": upstream.ok(b"first"), "/twice": TWICE, "/slow": self.slow}))
        self.second = self.scripted(upstream.by_target({"/": upstream.ok(b"second")}))
        self.begun, self.answer = threading.Event(), threading.Event()
        self.addCleanup(self.answer.set)

    def slow(self, conversation, _):
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nsl")
        self.begun.set()
        self.answer.wait(20)
        conversation.send(b"owly")

    def changed(self, proxy, **sections):
        return copy.deepcopy(proxy.config) | sections

    def to_second(self, proxy):
        return self.changed(proxy, upstreams={"app": {"servers": [self.second.address]}})

    def test_requests_go_where_the_new_configuration_says(self):
        proxy = self.proxy(self.first.address)
        self.assertEqual(proxy.get("/").body, b"first")
        proxy.reload(self.to_second(proxy))
        self.assertEqual(proxy.get("/").body, b"second")
        self.assertNoIncidents(proxy)

    def test_a_connection_that_is_kept_alive_goes_on(self):
        proxy = self.proxy(self.first.address)
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"first")
            proxy.reload(self.to_second(proxy))
            for _ in range(3):
                response = one.get("/")
                self.assertEqual((response.body, response.field("connection")), (b"second", None))
            self.assertEqual(proxy.metrics().sum("sendonce_client_connections"), 1)

    def test_an_answer_on_its_way_is_finished_and_its_connection_goes_on(self):
        proxy = self.proxy(self.first.address)
        with proxy.connect() as one:
            one.request("/slow")
            self.assertTrue(self.begun.wait(10))
            proxy.reload(self.to_second(proxy))
            # A request that is in the pipeline before the answer has ended must not be lost either.
            one.request("/")
            self.answer.set()
            self.assertEqual(one.read_response().body, b"slowly")
            # Whoever reads the second request, it is answered; and so is the third, by the new configuration.
            self.assertIn(one.read_response().body, (b"first", b"second"))
            self.assertEqual(one.get("/").body, b"second")
        self.assertNoIncidents(proxy)

    def test_a_request_that_has_come_in_part_is_served(self):
        proxy = self.proxy(self.first.address)
        with proxy.connect() as one:
            one.get("/")
            one.send(b"GET / HTTP/1.1\r\nHo")
            wait_for(lambda: proxy.metrics().sum("sendonce_received_bytes_total", side="client") > 40, "the part to be read")
            proxy.reload(self.to_second(proxy))
            one.send(b"st: app.test\r\n\r\n")
            self.assertIn(one.read_response().body, (b"first", b"second"))
            self.assertEqual(one.get("/").body, b"second")

    def test_a_bad_configuration_is_refused_and_the_old_one_goes_on(self):
        proxy = self.proxy(self.first.address)
        good = proxy.config_path.read_text()
        before = proxy.metrics().sum("sendonce_config_last_reload_success_timestamp_seconds")
        proxy.reload(good + "workrs: 2\n", refused=True)
        self.assertRegex(proxy.log, r"problem at=\S*sendonce\.yaml:\d+:1: unknown key 'workrs'|workrs")
        self.assertEqual(proxy.get("/").body, b"first")
        self.assertEqual(proxy.metrics().sum("sendonce_config_last_reload_successful"), 0)
        self.assertEqual(proxy.metrics().sum("sendonce_config_last_reload_success_timestamp_seconds"), before)
        proxy.reload(good)
        self.assertEqual(proxy.metrics().sum("sendonce_config_last_reload_successful"), 1)
        self.assertGreater(proxy.metrics().sum("sendonce_config_last_reload_success_timestamp_seconds"), before)

    def test_what_cannot_be_had_refuses_the_reload(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        proxy = self.proxy(self.first.address)
        for config in (self.changed(proxy, listeners=proxy.config["listeners"] + [{"address": address}]),
                       self.changed(proxy, admin={"address": address}),
                       self.changed(proxy, incidents={"path": f"{self.directory}/nowhere/incidents.jsonl"}),
                       self.changed(proxy, access_log={"path": f"{self.directory}/nowhere/access.jsonl"}),
                       self.changed(proxy, upstreams={"app": {"servers": ["no-such-host.invalid:1"]}})):
            proxy.reload(config, refused=True)
            # In a sentence.
            self.assertRegex(proxy.lines[-1], r'reload refused, .* reason="cannot (listen on|start the admin endpoint|open|resolve) [^"]*: [A-Z]')
            self.assertEqual(proxy.get("/").body, b"first")
            self.assertEqual(proxy.ask_admin("/readyz").status, 200)
        # Nothing of the refused ones is left behind.
        taken.close()
        with self.assertRaises(ConnectionRefusedError):
            client.connect(address)

    def test_a_fifo_keeps_no_reload_waiting(self):
        fifo = f"{self.directory}/fifo"
        os.mkfifo(fifo)
        proxy = self.proxy(self.first.address)
        tls = {"address": "127.0.0.1:0", "tls": {"certificate": fifo, "key": fifo}}
        for config in (self.changed(proxy, error_pages={"502": fifo}),
                       self.changed(proxy, listeners=proxy.config["listeners"] + [tls])):
            proxy.reload(config, refused=True)
            self.assertIn(f"{fifo}: is not a regular file", "\n".join(proxy.lines))
        proxy.reload(self.to_second(proxy))
        self.assertEqual(proxy.get("/").body, b"second")

    def test_counters_and_incidents_survive(self):
        proxy = self.proxy(self.first.address)
        for _ in range(3):
            proxy.get("/twice")
        proxy.wait_metric(3, "sendonce_incidents_total", kind="body_after_end")
        proxy.reload(self.changed(proxy, routes=[
            {"name": "main", "path_prefix": "/", "upstream": "app"}, {"name": "other", "path_prefix": "/other", "upstream": "app"}]))
        proxy.get("/")
        proxy.wait_metric(4, "sendonce_requests_total", route="main", code="200")
        metrics = proxy.metrics()
        self.assertEqual(metrics.sum("sendonce_incidents_total", kind="body_after_end", route="main"), 3)
        self.assertEqual(metrics.find("sendonce_incidents_total", kind="second_response", certainty="proven", route="other"), [0])
        self.assertEqual(metrics.sum("sendonce_request_duration_seconds_count", route="main"), 4)
        self.assertEqual(proxy.ask_admin("/incidents").body.count(b'"body_after_end"'), 3)

    def test_a_quarantine_survives(self):
        proxy = self.proxy(self.first.address)
        proxy.get("/twice")
        proxy.wait_metric(1, "sendonce_upstream_server_quarantined")
        proxy.reload(proxy.config)
        self.assertEqual(proxy.metrics().sum("sendonce_upstream_server_quarantined"), 1)
        before = len(self.first.conversations)
        with proxy.connect() as one:
            for _ in range(3):
                one.get("/")
        self.assertEqual(len(self.first.conversations), before + 3, "each connection serves one exchange")

    def test_a_quarantine_ends_after_a_reload(self):
        proxy = self.proxy(self.first.address, incidents={"quarantine": {"for": "2s"}})
        proxy.get("/twice")
        proxy.wait_metric(1, "sendonce_upstream_server_quarantined")
        proxy.reload(proxy.config)
        proxy.wait_metric(0, "sendonce_upstream_server_quarantined")

    def test_a_stray_behind_the_reload_is_told(self):
        late = threading.Event()
        self.addCleanup(late.set)

        def script(conversation):
            conversation.read_request()
            conversation.send(upstream.ok(b"first"))
            late.wait(10)
            conversation.send(b"HTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n")
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        proxy.get("/")
        proxy.send_signal(signal.SIGHUP)
        late.set()
        self.assertEqual(proxy.wait_incidents(1)[0]["kind"], "second_response")

    def test_listeners_come_and_go(self):
        proxy = self.proxy(self.first.address)
        path = f"{self.directory}/http.sock"
        old = proxy.connect()
        self.addCleanup(old.close)
        old.get("/")
        proxy.log_grows("listening address=unix:", lambda: proxy.reload(
            self.changed(proxy, listeners=proxy.config["listeners"] + [{"address": f"unix:{path}"}])))
        with client.Client(f"unix:{path}") as one:
            self.assertEqual(one.get("/").body, b"first")
        proxy.reload(self.changed(proxy, listeners=[{"address": f"unix:{path}"}]))
        wait_for(lambda: refuses(proxy.address), "the earlier address to be left")
        # Whoever was there is not cut off; idle, it is closed in good order.
        self.assertEqual((old.rest(), old.ended), (b"", "eof"))
        with client.Client(f"unix:{path}") as one:
            self.assertEqual(one.get("/").body, b"first")
        proxy.reload(self.changed(proxy, listeners=proxy.config["listeners"]))
        self.assertFalse(pathlib.Path(path).exists())

    def test_workers_admin_and_incident_log_change(self):
        proxy = self.proxy(self.first.address)
        proxy.get("/twice")
        proxy.wait_incidents(1)
        other = pathlib.Path(self.directory, "other.jsonl")
        seen = len(re.findall("role=admin", proxy.log))
        proxy.reload(self.changed(
            proxy, workers=2, admin={"address": f"unix:{self.directory}/admin.sock"}, incidents={"path": str(other)}))
        wait_for(lambda: len(re.findall("role=admin", proxy.log)) > seen, "the new admin address")
        wait_for(lambda: refuses(proxy.admin), "the earlier admin address to be left")
        proxy.admin = f"unix:{self.directory}/admin.sock"
        proxy.get("/twice")
        proxy.wait_metric(2, "sendonce_incidents_total")
        wait_for(lambda: other.exists() and other.read_text().endswith("\n"), "a record in the new log")
        self.assertEqual(len(proxy.incidents()), 1)
        for _ in range(20):
            self.assertEqual(proxy.get("/").status, 200)
        proxy.reload(self.changed(proxy, workers=1, admin={"address": f"unix:{self.directory}/admin.sock"}))
        for _ in range(20):
            self.assertEqual(proxy.get("/").status, 200)

    def test_a_tunnel_lives_on(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
            while data := conversation.socket.recv(4096):
                conversation.send(data.upper())
        proxy = self.proxy(self.scripted(script).address, timeouts_={"drain": "200ms"})
        with proxy.connect() as one:
            one.send(b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            one.read_until(b"\r\n\r\n")
            for round in range(3):
                one.send(b"before")
                self.assertEqual(one.read_exactly(6), b"BEFORE")
                proxy.reload(self.to_second(proxy))
                # Beyond the drain's deadline, which is not meant for those who are replaced.
                deadline = time.monotonic() + 0.4
                while time.monotonic() < deadline:
                    self.assertEqual(proxy.get("/").body, b"second")
                one.send(b"after!")
                self.assertEqual(one.read_exactly(6), b"AFTER!")
        self.assertNoIncidents(proxy)

    def test_the_time_of_a_drain_is_that_in_force(self):
        # For whom an earlier configuration's workers serve, too.
        for before, after in ("0ms", "20s"), ("20s", "0ms"):
            with self.subTest(before=before, after=after):
                self.begun.clear()
                self.answer.clear()
                proxy = self.proxy(self.first.address, timeouts_={"drain": before})
                with proxy.connect() as one:
                    one.request("/slow")
                    self.assertTrue(self.begun.wait(10))
                    proxy.reload(self.changed(proxy, timeouts={"drain": after}))
                    proxy.log_grows("draining", lambda: proxy.send_signal(signal.SIGTERM))
                    if after == "0ms":
                        self.assertFalse(one.read_response().complete)
                    else:
                        self.assertEqual(one.read_until(b"sl")[-2:], b"sl")
                        self.answer.set()
                        self.assertEqual(one.rest(), b"owly")
                    self.assertEqual(proxy.wait(), 0)

    def test_earlier_workers_end(self):
        proxy = self.proxy(self.first.address)
        proxy.get("/")
        threads = threads_of(proxy)
        for _ in range(5):
            proxy.reload(proxy.config)
        wait_for(lambda: threads_of(proxy) == threads, lambda: f"{threads} threads, there are {threads_of(proxy)}")


def refuses(address):
    """Nobody listens there. The supervisor closes its duplicate of a socket when it has been told that the worker's is closed."""
    try:
        client.connect(address).close()
        return False
    except ConnectionRefusedError:
        return True


def threads_of(proxy):
    return [len(list(pathlib.Path(f"/proc/{pid}/task").iterdir())) for pid in proxy.pids()]


class ReloadUnderLoad(EndToEndTest):
    alone = True

    def test_three_hundred_reloads(self):
        app = self.node("plain.js")
        for workers in (1, 2):
            with self.subTest(workers=workers):
                proxy = self.proxy(app.address, workers=workers)
                load = subprocess.Popen(
                    ["wrk", "-t1", "-c32", "-d120s", "--timeout", "30s", f"http://{proxy.address}/ok"],
                    stdout=subprocess.PIPE, text=True)
                self.addCleanup(load.kill)
                wait_for(lambda: proxy.metrics().sum("sendonce_requests_total") > 100, "the load to begin")
                before = proxy.resident_bytes()
                for _ in range(300):
                    proxy.reload(proxy.config)
                self.assertIsNone(load.poll(), "the load has ended before the reloads")
                load.send_signal(signal.SIGINT)
                out = load.communicate(timeout=60)[0]
                self.assertNotRegex(out, r"Socket errors|Non-2xx")
                self.assertGreater(int(re.search(r"(\d+) requests in", out)[1]), 100)
                # What threads that have ended leave in the allocator is some 10 to 55 MiB, after 100 reloads as after 600.
                self.assertLess(proxy.resident_bytes(), before + 80 * 2**20)
                self.assertNoIncidents(proxy)
