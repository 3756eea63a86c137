"""SIGUSR1 under load: log files are moved away again and again, and no line is lost, doubled or torn."""

import json
import pathlib
import signal
import subprocess
import threading

import upstream
from harness import EndToEndTest, wait_for


class MovedUnderLoad(EndToEndTest):
    alone = True

    def rotate(self, proxy, path, times):
        """Moves the file away and lets the proxy open it anew; the moved files."""
        moved = []
        for number in range(times):
            moved.append(path.rename(path.with_suffix(f".{number}")))
            proxy.send_signal(signal.SIGUSR1)
            wait_for(path.exists, "the log to be opened anew")
            wait_for(lambda: path.stat().st_size > 0, "a line in the new file")
        return moved

    def lines(self, files):
        """Every line, each a whole record."""
        return [json.loads(line) for file in files for line in file.read_text().splitlines()]

    def test_access_log(self):
        app = self.node("plain.js")
        path = pathlib.Path(self.directory, "access.jsonl")
        proxy = self.proxy(app.address, workers=2, access_log={"path": str(path)})
        load = subprocess.Popen(["wrk", "-t1", "-c16", "-d120s", f"http://{proxy.address}/ok"], stdout=subprocess.DEVNULL)
        self.addCleanup(load.kill)
        wait_for(lambda: path.exists() and path.stat().st_size > 0, "the load to begin")
        moved = self.rotate(proxy, path, 20)
        load.send_signal(signal.SIGINT)
        load.wait(60)
        proxy.wait_metric(0, "sendonce_client_connections")
        count = proxy.metrics().sum("sendonce_requests_total")
        self.assertEqual(proxy.metrics().sum("sendonce_access_log_dropped_total"), 0)
        self.end(proxy)
        lines = self.lines([*moved, path])
        self.assertEqual(len(lines), count)
        self.assertEqual(len({line["request"]["id"] for line in lines}), count)

    def test_incident_log(self):
        origin = self.scripted(upstream.by_target({"/": b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstsecond"}))
        proxy = self.proxy(origin.address, incidents={"limit": {"burst": 1_000_000, "per_second": 1_000_000}})
        ended = threading.Event()

        def offend():
            while not ended.is_set():
                proxy.get("/")
        offenders = [threading.Thread(target=offend) for _ in range(4)]
        for offender in offenders:
            offender.start()
        self.addCleanup(ended.set)
        wait_for(proxy.incidents, "the first incident")
        moved = self.rotate(proxy, proxy.incidents_path, 20)
        ended.set()
        for offender in offenders:
            offender.join()
        self.end(proxy)
        self.assertNotIn("cannot", proxy.log)
        lines = self.lines([*moved, proxy.incidents_path])
        self.assertEqual(len({line["id"] for line in lines}), len(lines))
        # As many as were asked for: each answer came with a surplus.
        self.assertEqual(len(lines), len(origin.conversations))
