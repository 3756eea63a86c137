"""Starts the real binary and watches it from outside: its log, its incidents, its metrics, its memory, its exit."""

import json
import os
import pathlib
import re
import shutil
import signal
import socket
import subprocess
import tempfile
import threading
import time
import unittest

import client
import metrics
import upstream as upstreams
from configuration import configuration, yaml

ROOT = pathlib.Path(__file__).resolve().parents[3]
BINARY = os.environ.get("SENDONCE", str(ROOT / ".build/release/sendonce"))
PATIENCE = float(os.environ.get("E2E_PATIENCE", "10"))


def wait_for(condition, what, patience=PATIENCE):
    """Polls until the condition is true and returns its value; fails, saying what it waited for, when patience runs out."""
    give_up = time.monotonic() + patience
    while not (value := condition()):
        if time.monotonic() > give_up:
            raise AssertionError(f"waited {patience:g} s for {what() if callable(what) else what}")
        time.sleep(0.005)
    return value


def not_sanitized(because):
    """Marks a test that scripts/sanitize leaves out, and why."""
    def mark(test):
        test.not_sanitized = because
        return test
    return mark


def run_command(*arguments, patience=30.0, **options):
    """Runs the binary to its end: .returncode, .stdout, .stderr."""
    return subprocess.run([BINARY, *arguments], capture_output=True, text=True, timeout=patience, **options)


class Program:
    """The binary, running, with both of its outputs collected line by line."""

    def __init__(self, *arguments, cwd=None, binary=BINARY, environment={}):
        self.lines = []
        self.output = []
        self.process = subprocess.Popen(
            [binary, *arguments], cwd=cwd, env=os.environ | environment, stdin=subprocess.DEVNULL, stdout=subprocess.PIPE, stderr=subprocess.PIPE,
            text=True, errors="replace")
        self.readers = [
            threading.Thread(target=self._collect, args=(stream, lines), daemon=True)
            for stream, lines in ((self.process.stderr, self.lines), (self.process.stdout, self.output))]
        for reader in self.readers:
            reader.start()

    @staticmethod
    def _collect(stream, lines):
        for line in stream:
            lines.append(line.rstrip("\n"))

    @property
    def log(self):
        return "\n".join(self.lines)

    @property
    def pid(self):
        return self.process.pid

    def send_signal(self, number):
        self.process.send_signal(number)

    def wait(self, patience=PATIENCE):
        """The exit status, once both outputs have been read to their ends."""
        try:
            status = self.process.wait(patience)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()
            raise AssertionError(f"did not end within {patience:g} s; its log:\n{self.log[-3000:]}") from None
        for reader in self.readers:
            reader.join(patience)
        return status

    def stop(self, number=signal.SIGTERM, patience=PATIENCE):
        if self.process.poll() is None:
            self.send_signal(number)
        return self.wait(patience)

    def pids(self):
        """The process and its children, the oldest first."""
        found, waiting = [], [self.pid]
        while waiting:
            pid = waiting.pop(0)
            found.append(pid)
            try:
                for task in pathlib.Path(f"/proc/{pid}/task").iterdir():
                    waiting += map(int, (task / "children").read_text().split())
            except OSError:
                continue
        return found

    def resident_bytes(self):
        """Resident memory of the process and its children."""
        total = 0
        for pid in self.pids():
            try:
                status = pathlib.Path(f"/proc/{pid}/status").read_text()
                total += int(re.search(r"VmRSS:\s+(\d+) kB", status)[1]) * 1024
            except (OSError, TypeError):
                continue
        return total


class SendOnce(Program):
    """`sendonce run`, listening."""

    def __init__(self, directory, config, *arguments, **options):
        self.directory = pathlib.Path(directory)
        self.incidents_path = pathlib.Path(config["incidents"]["path"])
        self.config = config
        self.config_path = self.directory / "sendonce.yaml"
        self.config_path.write_text(yaml(config))
        super().__init__("run", "--config", str(self.config_path), *arguments, cwd=directory, **options)
        try:
            self.address = self._addresses("proxy", len(config["listeners"]))[0]
            self.admin = self._addresses("admin", 1)[0]
        except AssertionError:
            self.process.kill()
            self.wait()
            raise

    def _addresses(self, role, count):
        def found():
            if self.process.poll() is not None:
                raise AssertionError(f"ended with {self.wait()} instead of listening:\n{self.log}")
            return re.findall(rf"listening address=(\S+) role={role}\b", self.log)
        wait_for(lambda: len(found()) >= count, lambda: f"{count} '{role}' addresses in the log:\n{self.log}")
        return found()

    def log_grows(self, text, action, patience=PATIENCE):
        """Does something, and waits until the log has told of it once more."""
        seen = self.log.count(text)
        action()
        wait_for(lambda: self.log.count(text) > seen, lambda: f"'{text}' in the log:\n{self.log[-2000:]}", patience)

    def reload(self, config=None, refused=False):
        """Lets the proxy read its configuration again, perhaps another one, until it has said what it thinks of it."""
        if config is not None:
            self.config_path.write_text(config if isinstance(config, str) else yaml(config))
        self.log_grows("reload refused" if refused else "configuration reloaded", lambda: self.send_signal(signal.SIGHUP))

    def connect(self, **options):
        return client.Client(self.address, **options)

    def get(self, path, **options):
        """One request on a connection of its own."""
        with self.connect() as one:
            return one.get(path, **options)

    def ask_admin(self, path):
        with client.Client(self.admin) as one:
            return one.get(path, close=True, host="localhost")

    def metrics(self):
        response = self.ask_admin("/metrics")
        if response.status != 200:
            raise AssertionError(f"/metrics: {response}")
        return metrics.Metrics(response.body.decode())

    def wait_metric(self, expected, name, least=False, **labels):
        """`least`: or to be more. A worker counts what it has just sent: whoever has got it may ask before that."""
        seen = []

        def reached():
            seen[:] = [self.metrics().sum(name, **labels)]
            return seen[0] >= expected if least else seen[0] == expected
        wait_for(reached, lambda: f"{name}{labels} to be {'at least ' if least else ''}{expected}, last seen {seen}")

    def incidents(self):
        """The records written so far; a line without its end is not a record yet."""
        try:
            text = self.incidents_path.read_text()
        except FileNotFoundError:
            return []
        return [json.loads(line) for line in text.split("\n")[:-1]]

    def wait_incidents(self, count, patience=PATIENCE):
        wait_for(lambda: len(self.incidents()) >= count,
                 lambda: f"{count} incidents, recorded: {self.incidents()}\n{self.log[-2000:]}", patience)
        return self.incidents()


class EndToEndTest(unittest.TestCase):
    """A test with a folder of its own; whatever it starts is stopped after it, and a proxy must end well."""

    # True for a test that measures memory or speed: nothing else runs beside it.
    alone = False
    maxDiff = None

    def setUp(self):
        self.programs = []
        # The sockets of `dial`, by proxy.
        self.dialled = {}
        # A short path: a Unix socket's has room for about 100 bytes.
        self.directory = tempfile.mkdtemp(prefix="sendonce-")
        self.addCleanup(shutil.rmtree, self.directory, ignore_errors=True)

    def proxy(self, upstream, *arguments, binary=BINARY, environment={}, **options):
        proxy = SendOnce(self.directory, configuration(upstream, self.directory, **options), *arguments,
                         binary=binary, environment=environment)
        self.programs.append(proxy)
        self.addCleanup(lambda: self.end(proxy))
        return proxy

    def dial(self, proxy):
        """A connection of bytes. It closes before the proxy ends, which would wait for a client that stays after GOAWAY."""
        host, port = proxy.address.rsplit(":", 1)
        one = socket.create_connection((host, int(port)), timeout=10)
        self.addCleanup(one.close)
        self.dialled.setdefault(proxy, []).append(one)
        return one

    def end(self, proxy):
        """Stops the proxy, if that was not done, and holds it to its promises about ending."""
        for one in self.dialled.pop(proxy, []):
            one.close()
        status = proxy.stop()
        self.assertEqual(status, 0, f"exit status; the log:\n{proxy.log[-3000:]}")
        self.assertNotRegex(proxy.log, r"(?i)fatal error|crashed|segmentation|stack dump")
        return proxy.incidents()

    def program(self, *arguments, **options):
        program = Program(*arguments, **options)
        self.programs.append(program)
        self.addCleanup(program.stop, signal.SIGKILL)
        return program

    def node(self, program, **options):
        node = upstreams.Node(program, **options)
        self.addCleanup(node.stop)
        return node

    def scripted(self, script, **options):
        scripted = upstreams.Scripted(script, **options)
        self.addCleanup(scripted.stop)
        return scripted

    def diagnosis(self):
        """What a person wants to see when the test has failed."""
        return "\n".join(f"--- log of pid {program.pid}\n{program.log[-2000:]}" for program in self.programs)

    def assertIncident(self, incident, **expected):
        """Compares by dotted name, with `__` for the dot: evidence__phase="idle". A set means any of its members."""
        for name, value in expected.items():
            found = incident
            for key in name.split("__"):
                found = found.get(key) if isinstance(found, dict) else None
            if isinstance(value, (set, frozenset)):
                self.assertIn(found, value, f"{name} of {incident}")
            else:
                self.assertEqual(found, value, f"{name} of {incident}")

    def assertNoIncidents(self, proxy):
        """Nothing was counted, and after its end nothing is in the log either."""
        self.assertEqual(proxy.metrics().sum("sendonce_incidents_total"), 0, proxy.incidents())
        self.assertEqual(self.end(proxy), [])
