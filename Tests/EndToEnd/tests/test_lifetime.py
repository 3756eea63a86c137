"""Signals and ends: draining, reopening, rotating, and what the limiter holds back."""

import json
import pathlib
import signal
import threading
import time

import upstream
from harness import EndToEndTest, wait_for

TWICE = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstsecond"


class Drain(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.asked, self.answer = threading.Event(), threading.Event()

        def script(conversation):
            while conversation.read_request() is not None:
                self.asked.set()
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfi")
                self.answer.wait(20)
                conversation.send(b"rst")
        self.origin = self.scripted(script)
        self.addCleanup(self.answer.set)

    def busy(self, **options):
        proxy = self.proxy(self.origin.address, **options)
        one = proxy.connect()
        self.addCleanup(one.close)
        one.request("/")
        self.assertTrue(self.asked.wait(10))
        return proxy, one

    def refuses(self, proxy):
        try:
            with proxy.connect():
                return False
        except ConnectionRefusedError:
            return True

    def test_an_answer_on_its_way_is_finished(self):
        proxy, one = self.busy()
        idle = proxy.connect()
        self.addCleanup(idle.close)
        proxy.send_signal(signal.SIGTERM)
        wait_for(lambda: self.refuses(proxy), "the listener to close")
        self.assertEqual((idle.rest(), idle.ended), (b"", "eof"))
        self.assertIsNone(proxy.process.poll(), "ended with an answer on its way")
        self.answer.set()
        response = one.read_response()
        self.assertEqual((response.status, response.body), (200, b"first"))
        self.assertEqual(one.rest(), b"")
        self.assertEqual(proxy.wait(), 0)
        self.assertEqual(proxy.incidents(), [])

    def test_not_ready_while_draining(self):
        proxy, _ = self.busy()
        self.assertEqual(proxy.ask_admin("/readyz").status, 200)
        proxy.send_signal(signal.SIGTERM)
        wait_for(lambda: proxy.ask_admin("/readyz").status == 503, "not to be ready")
        self.assertEqual(proxy.ask_admin("/healthz").status, 200)
        self.answer.set()
        self.assertEqual(proxy.wait(), 0)

    def test_the_drain_has_an_end(self):
        proxy, one = self.busy(timeouts_={"drain": "300ms"})
        started = time.monotonic()
        self.assertEqual(proxy.stop(), 0)
        self.assertGreater(time.monotonic() - started, 0.25)
        self.assertFalse(one.read_response().complete)

    def test_a_second_signal_ends_it_now(self):
        proxy, _ = self.busy()
        proxy.send_signal(signal.SIGTERM)
        wait_for(lambda: self.refuses(proxy), "the listener to close")
        started = time.monotonic()
        proxy.send_signal(signal.SIGTERM)
        proxy.wait()
        self.assertLess(time.monotonic() - started, 10)
        # Any status is right for an end that was forced: keep the clean-up from asking for 0.
        self.end = lambda _: None

    def test_interrupt_is_like_terminate(self):
        proxy = self.proxy(self.origin.address)
        self.assertEqual(proxy.stop(signal.SIGINT), 0)


class IncidentLog(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.origin = self.scripted(upstream.by_target({"/": TWICE, "/ok": upstream.ok()}))

    def offend(self, proxy, times=1):
        for _ in range(times):
            self.assertEqual(proxy.get("/").body, b"first")

    def test_reopened_after_it_was_renamed(self):
        proxy = self.proxy(self.origin.address)
        self.offend(proxy)
        before = proxy.wait_incidents(1)
        renamed = proxy.incidents_path.rename(pathlib.Path(self.directory, "old.jsonl"))
        proxy.send_signal(signal.SIGUSR1)
        wait_for(proxy.incidents_path.exists, "the log to be opened anew")
        self.offend(proxy)
        after = proxy.wait_incidents(1)
        self.assertEqual(len(after), 1)
        self.assertNotEqual(after[0]["id"], before[0]["id"])
        self.assertEqual(len(renamed.read_text().splitlines()), 1)

    def test_appends_to_what_is_there(self):
        path = pathlib.Path(self.directory, "incidents.jsonl")
        path.write_text('{"id":"before"}\n')
        proxy = self.proxy(self.origin.address)
        self.offend(proxy)
        self.assertEqual(proxy.wait_incidents(2)[0]["id"], "before")

    def test_rotated_by_size(self):
        path = pathlib.Path(self.directory, "incidents.jsonl")
        size = 64 * 1024
        proxy = self.proxy(self.origin.address, incidents={
            "rotate": {"size": "64KiB", "keep": 2}, "limit": {"burst": 100_000, "per_second": 100_000}})

        def files():
            return sorted(path.parent.glob("incidents*jsonl*"))

        def rotated_twice():
            self.offend(proxy, 20)
            return len(files()) == 3
        wait_for(rotated_twice, lambda: f"two rotated files: {files()}", 60)
        # Enough for a third rotation: the oldest file has to go.
        self.offend(proxy, 2 * size // len(files()[-1].read_text().split("\n")[0]))
        self.end(proxy)
        self.assertEqual(len(files()), 3, files())
        for file in files():
            text = file.read_text()
            self.assertLessEqual(len(text), size + 4096)
            for line in text.splitlines():
                json.loads(line)

    def test_ids_are_unique_and_in_order(self):
        # Without an access log, that is: with one an id is given as soon as the offending bytes begin.
        proxy = self.proxy(self.origin.address, incidents={"limit": {"burst": 1000, "per_second": 1000}})
        self.offend(proxy, 30)
        ids = [incident["id"] for incident in proxy.wait_incidents(30)]
        self.assertEqual(ids, sorted(set(ids)))

    def test_what_the_limit_holds_back_is_told(self):
        proxy = self.proxy(self.origin.address, incidents={"limit": {"burst": 2, "per_second": 1}})
        self.offend(proxy, 10)
        proxy.wait_metric(10, "sendonce_incidents_total")
        total = 10

        def told():
            nonlocal total
            self.offend(proxy)
            total += 1
            return [incident for incident in proxy.incidents() if incident["suppressed"] > 0]
        wait_for(told, "a record that tells what was held back")
        # The counter is exact, whatever was held back.
        proxy.wait_metric(total, "sendonce_incidents_total", kind="body_after_end", certainty="proven", route="main")
        held_back = proxy.metrics().sum("sendonce_incidents_suppressed_total", kind="body_after_end")
        wait_for(lambda: len(proxy.incidents()) + held_back == total, lambda: f"{len(proxy.incidents())} + {held_back} = {total}")
        self.assertGreater(held_back, 0)
        self.assertLessEqual(sum(incident["suppressed"] for incident in proxy.incidents()), held_back)
