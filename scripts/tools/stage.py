"""What the faults are done to: SendOnce before two Node servers, and lanes of clients that do nothing wrong."""

import pathlib
import shutil
import signal
import subprocess
import tempfile

import configuration
import upstream
from harness import BINARY, SendOnce, wait_for
from innocents import Innocents


class Stage:
    """SendOnce before two servers, and the lanes; `fault` is a function of it."""

    def __init__(self, scale=2000, environment={}, logs_bytes=0, group=None, **options):
        self.scale = scale
        self.directory = tempfile.mkdtemp(prefix="faults-")
        self.nodes = [upstream.Node("plain.js") for _ in "ab"]
        self.servers = [node.address for node in self.nodes]
        self.stopped = []
        options = {
            "timeouts": {"response_header": "1s", "connect": "500ms"}, "eject": {"consecutive_failures": 2, "for": "500ms"},
            "access_log": {"path": f"{self.directory}/logs/access.jsonl"},
            "incidents": {"path": f"{self.directory}/logs/incidents.jsonl"}} | options
        self.logs = pathlib.Path(self.directory, "logs")
        self.logs.mkdir()
        self.mounted = 0
        if logs_bytes:
            self.mount(f"size={logs_bytes}")
        self.binary = f"{self.directory}/sendonce"
        shutil.copy(BINARY, self.binary)
        self.group = group
        program = group.launcher(pathlib.Path(self.directory, "launcher"), self.binary) if group else self.binary
        self.proxy = SendOnce(
            self.directory, configuration.configuration(self.servers, self.directory, **options), binary=program,
            environment={"SWIFT_BACKTRACE": "enable=no"} | environment)
        self.load = Innocents(self.proxy.address)
        self.keeps_counting = True
        self.is_gone = False

    def restart(self, number):
        """The server once more, at its address."""
        port = self.servers[number].rsplit(":", 1)[1]
        self.nodes[number] = upstream.Node("plain.js", PORT=port)

    def served(self, number):
        return self.proxy.metrics().sum("sendonce_upstream_server_up", server=self.servers[number])

    @property
    def worker(self):
        return self.proxy.pids()[1]

    def mount(self, options):
        """Another file system in the place of the logs' folder, until `unmount`."""
        subprocess.run(["mount", "-t", "tmpfs", "-o", options, "sendonce-faults", str(self.logs)], check=True)
        self.mounted += 1

    def unmount(self):
        subprocess.run(["umount", "-l", str(self.logs)], check=True)
        self.mounted -= 1

    def run_for(self, count):
        """Until so many more answers are exact."""
        exact = self.load.exact
        wait_for(lambda: self.load.exact >= exact + count, f"{count} exact answers: {dict(self.load.losses)}", 60)

    def end(self):
        self.load.end()
        for node in self.nodes:
            node.process.send_signal(signal.SIGCONT)
            node.stop()
        if not self.is_gone:
            self.proxy.stop()
        while self.mounted:
            self.unmount()
        shutil.rmtree(self.directory, ignore_errors=True)
