"""SIGUSR2: another version of the program takes over. The supervisor keeps its process, clients notice nothing."""

import os
import pathlib
import re
import shutil
import signal
import subprocess
import threading

import upstream
from harness import BINARY, EndToEndTest, wait_for


class Upgrade(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.begun, self.answer = threading.Event(), threading.Event()
        self.addCleanup(self.answer.set)
        self.origin = self.scripted(upstream.by_target({"/": upstream.ok(), "/slow": self.slow, "/tunnel": self.tunnel}))
        # A program of its own, which can be replaced.
        self.binary = pathlib.Path(self.directory, "sendonce")
        shutil.copy(BINARY, self.binary)

    def slow(self, conversation, _):
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl")
        self.begun.set()
        self.answer.wait(20)
        conversation.send(b"ow")

    @staticmethod
    def tunnel(conversation, _):
        conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n")
        while data := conversation.socket.recv(4096):
            conversation.send(data.upper())

    def proxy(self, *arguments, **options):
        return super().proxy(*arguments, binary=str(self.binary), **options)

    def replace(self, program=None):
        """Puts another file in the program's place, as a package manager does."""
        fresh = pathlib.Path(self.directory, "fresh")
        if program is None:
            shutil.copy(self.binary, fresh)
        else:
            fresh.write_text(program)
            fresh.chmod(0o755)
        fresh.rename(self.binary)

    def upgrade(self, proxy):
        proxy.log_grows(" upgraded", lambda: proxy.send_signal(signal.SIGUSR2))

    def test_the_supervisor_stays_and_becomes_the_new_version(self):
        proxy = self.proxy(self.origin.address)
        old = proxy.pids()
        with proxy.connect() as kept:
            self.assertEqual(kept.get("/").body, b"OK")
            self.replace()
            self.upgrade(proxy)
            self.assertEqual(proxy.get("/").body, b"OK")
            # Whoever was there is served once more, and told to come anew.
            wait_for(lambda: self.is_last(kept.get("/")), "an answer that is said to be the last")
            self.assertEqual((kept.rest(), kept.ended), (b"", "eof"))
        wait_for(lambda: len(proxy.pids()) == 2, "the earlier worker process to end")
        self.assertEqual(proxy.pids()[0], old[0])
        self.assertNotEqual(proxy.pids()[1], old[1])
        for pid in proxy.pids():
            self.assertEqual(os.readlink(f"/proc/{pid}/exe"), str(self.binary))
        self.assertEqual(proxy.ask_admin("/readyz").status, 200)
        proxy.reload(proxy.config)
        self.assertNoIncidents(proxy)

    def is_last(self, response):
        self.assertEqual(response.body, b"OK")
        return response.field("connection") == "close"

    def test_answers_and_tunnels_live_on_beyond_the_drain(self):
        proxy = self.proxy(self.origin.address, timeouts_={"drain": "100ms"})
        with proxy.connect() as long, proxy.connect() as tunnel:
            long.request("/slow")
            self.assertTrue(self.begun.wait(10))
            tunnel.send(b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            tunnel.read_until(b"\r\n\r\n")
            for _ in range(2):
                self.upgrade(proxy)
                for _ in range(50):
                    self.assertEqual(proxy.get("/").body, b"OK")
                tunnel.send(b"still")
                self.assertEqual(tunnel.read_exactly(5), b"STILL")
            self.answer.set()
            self.assertEqual(long.read_response().body, b"slow")
        wait_for(lambda: len(proxy.pids()) == 2, "the earlier worker processes to end")

    def test_the_end_is_everybodys(self):
        proxy = self.proxy(self.origin.address, timeouts_={"drain": "200ms"})
        with proxy.connect() as tunnel:
            tunnel.send(b"GET /tunnel HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: echo\r\n\r\n")
            tunnel.read_until(b"\r\n\r\n")
            self.upgrade(proxy)
            pids = proxy.pids()
            self.assertEqual(len(pids), 3)
            self.assertEqual(proxy.stop(), 0)
            for pid in pids:
                self.assertFalse(pathlib.Path(f"/proc/{pid}").exists())

    def test_a_version_that_does_not_start_changes_nothing(self):
        proxy = self.proxy(self.origin.address)
        pids = proxy.pids()
        for program in ("#!/bin/sh\nexit 3\n", "#!/bin/sh\nkill -SEGV $$\n", "no program at all"):
            with self.subTest(program=program):
                self.replace(program)
                proxy.log_grows("upgrade failed", lambda: proxy.send_signal(signal.SIGUSR2))
                self.assertEqual(proxy.get("/").body, b"OK")
                self.assertEqual(proxy.pids(), pids)
        # The log tells of a crash that was not the proxy's.
        self.end = lambda proxy: self.assertEqual(proxy.stop(), 0)

    def test_a_bad_configuration_changes_nothing(self):
        proxy = self.proxy(self.origin.address)
        pids = proxy.pids()
        good = proxy.config_path.read_text()
        proxy.config_path.write_text("nonsense")
        proxy.log_grows("upgrade failed", lambda: proxy.send_signal(signal.SIGUSR2))
        self.assertEqual(proxy.get("/").body, b"OK")
        self.assertEqual(proxy.pids(), pids)
        proxy.config_path.write_text(good)
        self.upgrade(proxy)
        self.assertEqual(proxy.get("/").body, b"OK")

    def test_crashes_are_counted_on(self):
        proxy = self.proxy(self.origin.address)
        os.kill(proxy.pids()[1], signal.SIGKILL)
        proxy.wait_metric(1, "sendonce_worker_process_restarts_total")
        self.upgrade(proxy)
        proxy.wait_metric(1, "sendonce_worker_process_restarts_total")
        wait_for(lambda: len(proxy.pids()) == 2, "the earlier worker process to end")
        os.kill(proxy.pids()[1], signal.SIGKILL)
        proxy.wait_metric(2, "sendonce_worker_process_restarts_total")
        self.end = lambda proxy: self.assertEqual(proxy.stop(), 0)

    def test_after_a_crash_it_is_the_version_that_ran(self):
        proxy = self.proxy(self.origin.address)
        self.replace("#!/bin/sh\nexit 3\n")
        worker = proxy.pids()[1]
        os.kill(worker, signal.SIGKILL)
        wait_for(lambda: len(pids := proxy.pids()) == 2 and pids[1] != worker, "another worker process")
        self.assertEqual(proxy.get("/").body, b"OK")
        for pid in proxy.pids():
            self.assertEqual(os.readlink(f"/proc/{pid}/exe"), f"{self.binary} (deleted)")
        self.end = lambda proxy: self.assertEqual(proxy.stop(), 0)

    def test_a_unix_listener_keeps_its_file(self):
        path = f"{self.directory}/http.sock"
        proxy = self.proxy(self.origin.address, listener=f"unix:{path}")
        self.upgrade(proxy)
        wait_for(lambda: len(proxy.pids()) == 2, "the earlier worker process to end")
        self.assertEqual(proxy.get("/").body, b"OK")
        self.assertEqual(proxy.stop(), 0)
        self.assertFalse(pathlib.Path(path).exists())


class UpgradeUnderLoad(EndToEndTest):
    alone = True

    def test_ten_upgrades(self):
        app = self.node("plain.js")
        for arguments in ([], ["-H", "Connection: close"]):
            with self.subTest(arguments=arguments):
                proxy = self.proxy(app.address, workers=2)
                load = subprocess.Popen(
                    ["wrk", "-t1", "-c32", "-d120s", "--timeout", "30s", *arguments, f"http://{proxy.address}/ok"],
                    stdout=subprocess.PIPE, text=True)
                self.addCleanup(load.kill)
                wait_for(lambda: proxy.metrics().sum("sendonce_requests_total") > 100, "the load to begin")
                pid = proxy.pid
                for _ in range(10):
                    proxy.log_grows(" upgraded", lambda: proxy.send_signal(signal.SIGUSR2))
                self.assertIsNone(load.poll(), "the load has ended before the upgrades")
                load.send_signal(signal.SIGINT)
                out = load.communicate(timeout=60)[0]
                self.assertNotRegex(out, r"Socket errors|Non-2xx")
                self.assertGreater(int(re.search(r"(\d+) requests in", out)[1]), 100)
                self.assertEqual(proxy.pid, pid)
                self.assertNoIncidents(proxy)
