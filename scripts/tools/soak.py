#!/usr/bin/env python3
"""Hours of everything at once: innocents, guilty answers, faults, reloads, rotations, idle and hostile clients. Is each guilty answer recorded, and is memory flat?

    soak.py [--minutes N] [--lanes N] [--crowd N]

Four servers, half of them under the probe, answer innocents and, about one time in a hundred, twice: on the wire (`/late`), or in a way that Node
swallows (`/swallowed`), which only the probe sees. Two servers more are killed, stopped and started anew. SIGHUP and SIGUSR1 come all the time.

Held: no answer is wrong; where no server is killed, none is lost but to a stray that was found in its place; each planted double send is counted, once, and no other incident is;
records and those that the limit held back are as many as are counted; resident memory and descriptors of the last quarter are those of the
second. SENDONCE is the binary. Ends with 1 when anything of this is not so.
"""

import argparse
import collections
import json
import os
import resource
import shutil
import signal
import statistics
import sys
import tempfile
import threading
import time

import client
import configuration
import hostile
import probed
import upstream
from harness import SendOnce, wait_for
from innocents import Innocents

# What the last quarter may have more than the second: what an allocator, a ring that fills and a pool that follows the load may take.
GROWTH_BYTES, GROWTH_DESCRIPTORS = 6 << 20, 60
SAMPLE_SECONDS = 1.0
# A stray that met an answer's place is the same double send, told as what it could have become.
SORTS = {"second_response": "wire", "misdelivered_response": "wire", "application_double_send": "application"}
# What hostile clients do is theirs.
CLIENTS_OWN = {"malformed_message", "conflicting_framing"}


class Guilty:
    """Asks for double sends."""

    def __init__(self, address, wait):
        self.address, self.wait = address, wait
        self.asked = 0
        self.failed = collections.Counter()
        self.over = threading.Event()
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        number = 0
        while not self.over.is_set():
            self.asked = number = number + 1
            path = "/late" if number % 2 else "/swallowed"
            try:
                with client.Client(self.address, deadline=30) as one:
                    answer = one.get(path, host="app.test")
                if answer.status != 200 or answer.body != b"first":
                    self.failed[f"{answer.status} {answer.body[:50]!r}"] += 1
            except (OSError, AssertionError) as error:
                self.failed[str(error)] += 1
            self.over.wait(self.wait)

    def end(self):
        self.over.set()
        self.thread.join(40)


class Faults:
    """Does to the two servers that are there for it, and to the proxy, what a bad day does; a reload and new log files in between."""

    def __init__(self, proxy, nodes, addresses):
        self.proxy, self.nodes, self.addresses = proxy, nodes, addresses
        self.done = collections.Counter()
        self.over = threading.Event()
        self.error = None
        self.thread = threading.Thread(target=self._run, daemon=True)
        self.thread.start()

    def _run(self):
        turn = 0
        try:
            while not self.over.wait(2):
                turn += 1
                number = turn % 2
                if turn % 5 == 0:
                    self.nodes[number].process.kill()
                    self.nodes[number].process.wait()
                    self.over.wait(1)
                    self.nodes[number] = upstream.Node("plain.js", PORT=self.addresses[number].rsplit(":", 1)[1])
                    self.done["servers killed"] += 1
                elif turn % 5 == 1:
                    self.nodes[number].process.send_signal(signal.SIGSTOP)
                    self.over.wait(0.3)
                    self.nodes[number].process.send_signal(signal.SIGCONT)
                    self.done["servers stopped"] += 1
                elif turn % 5 == 2:
                    self.proxy.reload(self.proxy.config)
                    self.done["reloads"] += 1
                elif turn % 5 == 3:
                    self.proxy.send_signal(signal.SIGUSR1)
                    self.done["log files opened anew"] += 1
        except Exception as error:
            self.error = error

    def end(self):
        self.over.set()
        self.thread.join(60)
        if self.error:
            raise AssertionError(f"the faults broke off: {self.error}")


def descriptors(proxy):
    total = 0
    for pid in proxy.pids():
        try:
            total += len(os.listdir(f"/proc/{pid}/fd"))
        except OSError:
            continue
    return total


def flat(samples, growth, what):
    """The second quarter's median and the last's; AssertionError when the last is more by too much."""
    quarter = len(samples) // 4
    second, last = statistics.median(samples[quarter:2 * quarter]), statistics.median(samples[-quarter:])
    assert last <= second + growth, f"{what}: {second:.0f} in the second quarter, {last:.0f} in the last"
    return second, last


def start(directory):
    """The servers and the proxy: (proxy, servers of the app, spare servers)."""
    socket = f"{directory}/probe.sock"
    options = {"NODE_OPTIONS": f"--require {probed.PROBE}", "SENDONCE_PROBE_SOCKET": socket}
    app = [upstream.Node("soak.js", **(options if number % 2 else {})) for number in range(4)]
    spare = [upstream.Node("plain.js") for _ in range(2)]
    config = configuration.configuration(
        None, directory, workers=2, probe={"socket": socket}, access_log={"path": f"{directory}/access.jsonl", "rotate": {"size": "20MiB", "keep": 1}},
        upstreams={"app": {"servers": [node.address for node in app]},
                   "spare": {"servers": [node.address for node in spare], "eject": {"consecutive_failures": 2, "for": "500ms"},
                             "timeouts": {"response_header": "10s"}}},
        routes=[{"name": "spare", "host": "spare.test", "path_prefix": "/", "upstream": "spare"},
                {"name": "app", "path_prefix": "/", "upstream": "app"}])
    return SendOnce(directory, config), app, spare


def check(proxy, app):
    """Each planted double send is counted, and each that is counted is recorded or told as held back; the facts in words."""
    planted = collections.Counter()
    for number, node in enumerate(app):
        with client.Client(node.address) as one:
            told = json.loads(one.get("/planted").body)
        planted["wire"] += told["late"]
        # Nothing of it reaches the wire: where there is no probe, nobody can know.
        planted["application"] += told["swallowed"] * (number % 2)

    def counted():
        found = collections.Counter()
        for (name, labels), value in proxy.metrics().series.items():
            # A server that is killed or stopped, as the faults do it, may leave an answer short.
            if name == "sendonce_incidents_total" and value and dict(labels)["upstream"] == "app" and dict(labels)["kind"] not in CLIENTS_OWN:
                # By the connection alone the probe cannot tell whose timer has written past an answer: then it names nobody for certain.
                is_guess = dict(labels)["kind"] == "application_double_send" and dict(labels)["certainty"] == "suspected"
                if not is_guess:
                    found[SORTS.get(dict(labels)["kind"], dict(labels)["kind"])] += int(value)
        return found
    wait_for(lambda: counted() == planted, lambda: f"{dict(planted)} planted, {dict(counted())} counted", 30)
    metrics = proxy.metrics()
    total, suppressed = metrics.sum("sendonce_incidents_total"), metrics.sum("sendonce_incidents_suppressed_total")
    dropped = metrics.sum("sendonce_incidents_dropped_total")
    assert dropped == 0, f"{dropped:.0f} records dropped"
    wait_for(lambda: len(proxy.incidents()) + suppressed == total, lambda: f"{total:.0f} counted, {len(proxy.incidents())} recorded, {suppressed:.0f} held back")
    return f"{dict(planted)} planted and counted, {len(proxy.incidents())} recorded and {suppressed:.0f} held back (hostile clients' included)"


def run(seconds, lanes=6, crowd=200, tell=print):
    """Everything for so long; what was seen, in words. AssertionError: a promise was broken."""
    directory = tempfile.mkdtemp(prefix="soak-")
    proxy, app, spare = start(directory)
    parts = []
    try:
        innocents = Innocents(proxy.address, lanes, wait=0.005)
        beside = Innocents(proxy.address, 2, wait=0.02, host="spare.test")
        guilty = Guilty(proxy.address, wait=0.2)
        addresses = [node.address for node in spare]
        faults = Faults(proxy, spare, addresses)
        idle, enemies = hostile.Idle(proxy.address, crowd), hostile.Hostile(proxy.address, crowd, host="spare.test")
        parts = [innocents, beside, guilty, faults, idle, enemies]
        memory, open_files = [], []
        began, told = time.monotonic(), time.monotonic()
        while time.monotonic() - began < seconds:
            time.sleep(SAMPLE_SECONDS)
            memory.append(proxy.resident_bytes())
            open_files.append(descriptors(proxy))
            assert not innocents.wrong and not beside.wrong, innocents.wrong + beside.wrong
            if time.monotonic() - told > 60:
                told = time.monotonic()
                tell(f"{(told - began) / 60:4.0f} min: {innocents.exact + beside.exact} exact, {guilty.asked} guilty, "
                     f"{memory[-1] / 2**20:.1f} MiB, {open_files[-1]} descriptors")
        for part in reversed(parts):
            part.end()
        parts = []
        # A POST is not sent again when a stray was found in the place of its answer, before the server's quarantine: that is a 502 with a record.
        met = proxy.metrics().sum("sendonce_incidents_total", kind="misdelivered_response")
        assert set(innocents.losses) <= {"502"} and innocents.lost <= met, f"lost where no server is killed: {dict(innocents.losses)}, {met:.0f} met a stray"
        assert not guilty.failed, f"guilty requests that were not answered: {dict(guilty.failed)}"
        killed = faults.done["servers killed"] + faults.done["servers stopped"]
        assert beside.lost <= 4 * max(1, killed), f"{dict(beside.losses)} lost by {killed} faults"
        facts = check(proxy, app)
        facts = (f"{innocents.exact + beside.exact} exact, 0 wrong, lost to strays: {innocents.lost}, lost beside killed servers: {dict(beside.losses) or 'none'}; "
                 f"{', '.join(f'{count} {what}' for what, count in faults.done.items())}; {facts}")
        # A short run is still growing into its load.
        if len(memory) >= 60:
            second, last = flat(memory, GROWTH_BYTES, "resident bytes")
            files = flat(open_files, GROWTH_DESCRIPTORS, "descriptors")
            facts += f"; memory {second / 2**20:.1f} → {last / 2**20:.1f} MiB, descriptors {files[0]:.0f} → {files[1]:.0f}"
        status = proxy.stop()
        assert status == 0, f"ended with {status}"
        return facts
    finally:
        for part in reversed(parts):
            part.end()
        proxy.stop(signal.SIGKILL)
        for node in app + spare:
            node.process.send_signal(signal.SIGCONT)
            node.stop()
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--minutes", type=float, default=60, help="how long (60)")
    parser.add_argument("--lanes", type=int, default=6, help="innocent clients that never rest (6)")
    parser.add_argument("--crowd", type=int, default=200, help="idle clients, and hostile ones (200)")
    arguments = parser.parse_args()
    resource.setrlimit(resource.RLIMIT_NOFILE, (resource.getrlimit(resource.RLIMIT_NOFILE)[1],) * 2)
    try:
        print(run(arguments.minutes * 60, arguments.lanes, arguments.crowd, lambda text: print(text, flush=True)))
    except AssertionError as error:
        sys.exit(f"FAILED: {error}")


if __name__ == "__main__":
    main()
