"""The supervisor: what happens to the proxy's process, and to the supervisor, and what clients notice of it."""

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
from harness import BINARY, PATIENCE, EndToEndTest, not_sanitized, wait_for


class Supervision(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.asked, self.answer = threading.Event(), threading.Event()
        self.addCleanup(self.answer.set)
        self.origin = self.scripted(upstream.by_target({"/": upstream.ok(), "/slow": self.slow}))

    def slow(self, conversation, _):
        conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nsl")
        self.asked.set()
        self.answer.wait(20)
        conversation.send(b"ow")

    def proxy(self, *arguments, environment={}, **options):
        # Where the runtime can show a backtrace, it does so before a crash, and a signal from outside is over then.
        return super().proxy(*arguments, environment={"SWIFT_BACKTRACE": "enable=no"} | environment, **options)

    def worker(self, proxy):
        pids = proxy.pids()
        self.assertEqual(len(pids), 2, "a supervisor and one worker process")
        return pids[1]

    def crash(self, proxy, number):
        before = self.worker(proxy)
        os.kill(before, number)
        wait_for(lambda: len(pids := proxy.pids()) == 2 and pids[1] != before, "another worker process")

    def end(self, proxy):
        # A crash is what these tests are about: only the end is looked at.
        self.assertEqual(proxy.stop(), 0, proxy.log)

    def test_a_crash_is_survived(self):
        proxy = self.proxy(self.origin.address)
        address, admin = proxy.address, proxy.admin
        for crashes, number in enumerate((signal.SIGSEGV, signal.SIGABRT, signal.SIGKILL), 1):
            with self.subTest(number=number):
                self.assertEqual(proxy.get("/").body, b"OK")
                self.crash(proxy, number)
                # Nobody is refused, not even while there is no process: the sockets are the supervisor's too.
                self.assertEqual(proxy.get("/").body, b"OK")
                proxy.wait_metric(crashes, "sendonce_worker_process_restarts_total")
        self.assertEqual((proxy.address, proxy.admin), (address, admin))
        # The first at once, the others later and later.
        wait_for(lambda: re.findall(r"after_ms=(\d+)", proxy.log) == ["0", "100", "200"], lambda: f"three starts: {proxy.log}")
        self.assertEqual(proxy.log.count("the worker process ended by itself"), 3)

    def start_of(self, pid):
        """Where the kernel put what it gives a program at exec (AT_RANDOM): equal in two processes only without an exec between."""
        words = pathlib.Path(f"/proc/{pid}/auxv").read_bytes()
        numbers = [int.from_bytes(words[i:i + 8], "little") for i in range(0, len(words), 8)]
        return dict(zip(numbers[::2], numbers[1::2]))[25]

    def test_each_process_executes_the_program(self):
        proxy = self.proxy(self.origin.address)
        seen = set()
        for _ in range(2):
            pids = proxy.pids()
            seen |= {self.start_of(pid) for pid in pids}
            for pid in pids:
                self.assertEqual(pathlib.Path(f"/proc/{pid}/comm").read_text().strip(), pathlib.Path(BINARY).name)
                self.assertNotIn(b"SENDONCE_WORKER", pathlib.Path(f"/proc/{pid}/cmdline").read_bytes())
            self.crash(proxy, signal.SIGKILL)
            self.assertEqual(proxy.get("/").body, b"OK")
        self.assertEqual(len(seen), 3)

    def test_starts_and_reloads_while_it_is_scraped(self):
        for _ in range(10):
            proxy = self.proxy(self.origin.address, workers=2)
            stop = threading.Event()
            scraping = [threading.Thread(target=self.scrape, args=(proxy, stop)) for _ in range(3)]
            for thread in scraping:
                thread.start()
            try:
                for _ in range(3):
                    proxy.reload(proxy.config)
                self.assertEqual(proxy.get("/").body, b"OK")
            finally:
                stop.set()
                for thread in scraping:
                    thread.join()
            self.end(proxy)

    def scrape(self, proxy, stop):
        while not stop.is_set():
            for path in ("/metrics", "/upstreams", "/config"):
                proxy.ask_admin(path)

    def test_a_file_that_is_being_edited_does_not_make_a_crash_worse(self):
        proxy = self.proxy(self.origin.address)
        good = proxy.config_path.read_text()
        proxy.config_path.write_text(good + "worke")
        self.crash(proxy, signal.SIGKILL)
        self.assertEqual(proxy.get("/").body, b"OK")
        wait_for(lambda: "the one that was in force before the crash is" in proxy.log, lambda: proxy.log)
        proxy.wait_metric(0, "sendonce_config_last_reload_successful")
        # What a reload has brought into force is what counts.
        proxy.reload(good.replace("main", "other"))
        proxy.config_path.write_text("nonsense")
        self.crash(proxy, signal.SIGKILL)
        self.assertEqual(proxy.get("/").body, b"OK")
        proxy.wait_metric(1, "sendonce_requests_total", route="other", code="200")

    def test_connections_wait_while_there_is_no_process(self):
        proxy = self.proxy(self.origin.address)
        self.crash(proxy, signal.SIGKILL)
        os.kill(self.worker(proxy), signal.SIGKILL)
        waiting = [proxy.connect() for _ in range(20)]
        for one in waiting:
            self.addCleanup(one.close)
            one.request("/")
        for one in waiting:
            self.assertEqual(one.read_response().body, b"OK")

    def test_without_its_supervisor_the_worker_ends(self):
        proxy = self.proxy(self.origin.address)
        worker = self.worker(proxy)
        with proxy.connect() as one:
            one.request("/slow")
            self.assertTrue(self.asked.wait(10))
            proxy.process.kill()
            proxy.process.wait()
            # As by a drain: who is being served is served.
            self.answer.set()
            self.assertEqual(one.read_response().body, b"slow")
        wait_for(lambda: not pathlib.Path(f"/proc/{worker}").exists(), "the worker process to end")
        self.end = lambda _: None

    def test_a_signal_to_the_whole_group_drains_once(self):
        # As a terminal's Ctrl-C and service managers do it.
        proxy = self.proxy(self.origin.address)
        with proxy.connect() as one:
            one.request("/slow")
            self.assertTrue(self.asked.wait(10))
            for pid in reversed(proxy.pids()):
                os.kill(pid, signal.SIGTERM)
            wait_for(lambda: self.refuses(proxy), "the listener to close")
            self.answer.set()
            self.assertEqual(one.read_response().body, b"slow")
        self.assertEqual(proxy.wait(), 0)

    def refuses(self, proxy):
        try:
            proxy.connect().close()
        except ConnectionRefusedError:
            return True
        return False

    def test_a_start_that_fails_ends_the_supervisor_with_its_code(self):
        taken = socket.create_server(("127.0.0.1", 0))
        self.addCleanup(taken.close)
        address = "127.0.0.1:%d" % taken.getsockname()[1]
        for arguments, code in ((["--listen", address], 1), (["--listen", "nonsense"], 2)):
            program = self.program("run", "--upstream", self.origin.address, "--admin", "off", "--incidents",
                                   f"{self.directory}/i.jsonl", *arguments)
            self.assertEqual(program.wait(), code, program.log)

    @not_sanitized("it measures memory")
    def test_it_is_small(self):
        proxy = self.proxy(self.origin.address)
        proxy.get("/")

        texts = [pathlib.Path(f"/proc/{pid}/smaps_rollup").read_text() for pid in proxy.pids()]
        for name, limit in (("Anonymous", 6), ("Pss", 16)):
            with self.subTest(name=name):
                shares = [int(re.search(rf"^{name}:\s+(\d+) kB", text, re.M)[1]) for text in texts]
                self.assertLess(sum(shares), limit * 1024, shares)

    def test_no_descriptor_is_left_behind(self):
        proxy = self.proxy(self.origin.address)

        def open_in(pid):
            return len(list(pathlib.Path(f"/proc/{pid}/fd").iterdir()))

        def keeps_all():
            """The supervisor has heard what the worker leaves with it: both listening sockets and the configuration."""
            try:
                kept, own = ({os.readlink(path) for path in pathlib.Path(f"/proc/{pid}/fd").iterdir()} for pid in proxy.pids())
            except FileNotFoundError:
                # One was closed in between.
                return False
            return len({name for name in kept & own if name.startswith("socket:")}) == 2 and any("memfd:" in name for name in kept)
        wait_for(keeps_all, "the supervisor to keep what the worker has opened")
        supervisor, worker = map(open_in, proxy.pids())
        for _ in range(3):
            proxy.reload(proxy.config)
        # What the worker has opened, and what it leaves, reaches the supervisor in messages.
        wait_for(lambda: open_in(proxy.pid) == supervisor, lambda: f"{supervisor} descriptors, not {open_in(proxy.pid)}")
        wait_for(lambda: open_in(self.worker(proxy)) == worker, lambda: f"{worker} descriptors, not {open_in(proxy.pids()[1])}")
        self.crash(proxy, signal.SIGKILL)
        proxy.get("/")
        wait_for(lambda: open_in(proxy.pid) == supervisor, "the supervisor's descriptors to be as many as before")

    def test_it_can_be_done_without(self):
        proxy = self.proxy(self.origin.address, environment={"SENDONCE_SUPERVISE": "off"})
        self.assertEqual(proxy.pids(), [proxy.pid])
        self.assertEqual(proxy.get("/").body, b"OK")


class ServiceManager(EndToEndTest):
    """What systemd gives and wants to be told, played by hand."""

    def setUp(self):
        super().setUp()
        self.origin = self.scripted(upstream.by_target({"/": upstream.ok()}))
        self.path = f"{self.directory}/notify"
        self.manager = socket.socket(socket.AF_UNIX, socket.SOCK_DGRAM)
        self.addCleanup(self.manager.close)
        self.manager.settimeout(PATIENCE)
        self.manager.bind(self.path)

    def told(self):
        return dict(line.split("=", 1) for line in self.manager.recv(4096).decode().splitlines())

    def test_it_is_told_of_start_reload_and_end(self):
        proxy = self.proxy(self.origin.address, environment={"NOTIFY_SOCKET": self.path})
        self.assertEqual(self.told()["READY"], "1")
        before = time.monotonic_ns() // 1000
        proxy.reload(proxy.config)
        reloading = self.told()
        self.assertEqual(reloading["RELOADING"], "1")
        self.assertLessEqual(before, int(reloading["MONOTONIC_USEC"]))
        self.assertEqual(self.told()["READY"], "1")
        proxy.reload("workers: none\n", refused=True)
        self.assertEqual(self.told()["RELOADING"], "1")
        self.assertIn("refused", self.told()["STATUS"])
        proxy.send_signal(signal.SIGTERM)
        self.assertEqual(self.told(), {"STOPPING": "1"})
        self.assertEqual(proxy.wait(), 0)

    def activated(self, *sockets):
        """`run` with sockets as LISTEN_FDS has them."""
        log = pathlib.Path(self.directory, "log")
        listen = [f"--listen={'127.0.0.1:%d' % one.getsockname()[1]}" for one in sockets]

        def inherit():
            # Above the numbers that they are to have, then down to these.
            copies = [os.dup2(one.fileno(), 100 + place) for place, one in enumerate(sockets)]
            for place, copy in enumerate(copies):
                os.dup2(copy, 3 + place)
        environment = os.environ | {"NOTIFY_SOCKET": self.path, "LISTEN_FDS": str(len(sockets)),
                                    "LISTEN_FDNAMES": ":".join("ab"[:len(sockets)])}
        # The variable must name the process itself, which only that process knows.
        command = ["sh", "-c", 'LISTEN_PID=$$ exec "$0" "$@"', BINARY, "run", *listen, "--upstream", self.origin.address,
                   "--admin", "off", "--workers", "2", "--incidents", f"{self.directory}/i.jsonl"]
        process = subprocess.Popen(command, stderr=log.open("w"), env=environment, close_fds=False, preexec_fn=inherit)
        self.addCleanup(process.wait)
        self.addCleanup(process.terminate)
        return process, log

    def test_sockets_of_the_manager_are_used(self):
        listeners = [socket.create_server(("127.0.0.1", 0)) for _ in range(2)]
        for one in listeners:
            self.addCleanup(one.close)
        addresses = ["127.0.0.1:%d" % one.getsockname()[1] for one in listeners]
        # Who comes before there is a process waits.
        early = client.Client(addresses[0])
        self.addCleanup(early.close)
        early.request("/")
        process, log = self.activated(*listeners)
        self.assertEqual(early.read_response().body, b"OK")
        self.assertEqual(self.told()["READY"], "1")
        for address in addresses:
            with client.Client(address) as one:
                self.assertEqual(one.get("/").body, b"OK")
        self.assertNotIn("fits no listener", log.read_text())
        process.terminate()
        self.assertEqual(process.wait(PATIENCE), 0)
        # The manager has them still.
        client.connect(addresses[0]).close()
