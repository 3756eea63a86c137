#!/usr/bin/env python3
"""What the detector and the guards between two exchanges cost a small request: CPU time, system calls and user instructions.

    measure_guards.py [-n REQUESTS] [--rounds N] [--no-callgrind] [--capture]

    guarded   the proxy as it is (one worker, one process), with `reuse: guarded`, the default
    always    with `reuse: always`: no connection rests, none is looked at, nothing is asked of acknowledgements
    off       `reuse: always`, and a binary built without the detector

With --capture it is what `incidents.capture` costs: `captured` beside `guarded`, which everything is then compared with.

nginx answers behind each. The proxy has a CPU to itself, nginx and the load share another, in a network of their own.

    CPU           user and system time of the process. A round asks each of them in a random order; its ratio is taken
                  to `off` in the same round. Median of the rounds, and between which ratios it lies with 95 % confidence
    system calls  counted by strace -c
    instructions  of user code, by callgrind: the slope between a short run and a longer one

SENDONCE is the binary, SENDONCE_OFF the one without the detector.
"""

import argparse
import os
import pathlib
import random
import re
import shutil
import signal
import statistics
import subprocess
import sys
import tempfile
import time

import configuration
import harness
import upstream

# How connections are reused, by which program, whether connections are captured.
WAYS = {"guarded": ("guarded", harness.BINARY, False), "always": ("always", harness.BINARY, False),
        "off": ("always", os.environ.get("SENDONCE_OFF", ""), False)}
CAPTURE_WAYS = {"captured": ("guarded", harness.BINARY, True), "guarded": ("guarded", harness.BINARY, False)}
OURS, THEIRS = ["taskset", "-c", "0"], ["taskset", "-c", "1"]
# As fast as it goes, and at a pace that a Node process keeps up with.
LOADS = {
    "16 connections": ["ab", "-q", "-k", "-c", "16"],
    "64 connections": ["ab", "-q", "-k", "-c", "64"],
    "5,000 a second": ["h2load", "--h1", "-c", "50", "--rps", "100"],
}


def small_upstream(directory):
    """nginx that answers `ok` and keeps every connection."""
    kept, address = upstream.refusing_address()
    kept.close()
    path = pathlib.Path(directory, "nginx.conf")
    path.write_text(
        f"daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log crit;\nevents {{}}\n"
        f"http {{ access_log off; keepalive_requests 1000000000; server {{ listen {address}; location / {{ return 200 ok; }} }} }}\n")
    process = subprocess.Popen([*THEIRS, "nginx", "-p", directory, "-c", str(path)], stderr=subprocess.DEVNULL)
    return process, address


class Proxy:
    def __init__(self, way, server, wrapper=(), binary=None):
        reuse, built, captures = WAYS[way]
        self.directory = tempfile.mkdtemp(prefix="guards-")
        config = configuration.configuration(server, self.directory, connections={"reuse": reuse},
                                             incidents={"capture": {"path": self.directory}} if captures else {})
        path = pathlib.Path(self.directory, "sendonce.yaml")
        path.write_text(configuration.yaml(config))
        self.process = subprocess.Popen(
            [*OURS, *wrapper, binary or built, "run", "--config", str(path)], env=os.environ | {"SENDONCE_SUPERVISE": "off"},
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if match := re.search(r"listening address=(\S+) role=proxy", line):
                self.address = match[1]
                break
        else:
            raise RuntimeError("the proxy does not listen")

    def ask(self, count, load="16 connections"):
        out = subprocess.run(
            [*THEIRS, *LOADS[load], "-n", str(count), f"http://{self.address}/"], capture_output=True, text=True, check=True).stdout
        served = re.search(r"Complete requests:\s+(\d+)", out) or re.search(r"(\d+) succeeded", out)
        if int(served[1]) != count or "Non-2xx" in out:
            raise RuntimeError(out)

    def cpu_seconds(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.read()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def cpu(server, load, count, rounds):
    """Microseconds of CPU a request, by way: one for each round."""
    proxies = {way: Proxy(way, server) for way in WAYS}
    times = {way: [] for way in WAYS}
    for _ in range(rounds):
        for way in random.sample(list(WAYS), len(WAYS)):
            # Its connections may have been closed while the others were asked.
            proxies[way].ask(count // 10, load)
            before = proxies[way].cpu_seconds()
            proxies[way].ask(count, load)
            times[way].append((proxies[way].cpu_seconds() - before) * 1e6 / count)
    for proxy in proxies.values():
        proxy.stop()
    return times


def interval(ratios):
    """Between which of the ratios their median lies with 95 % confidence, by their order alone."""
    ordered = sorted(ratios)
    reach = 0.98 * len(ordered) ** 0.5
    low, high = round(len(ordered) / 2 - reach), round(len(ordered) / 2 + reach) - 1
    return ordered[max(low, 0)], ordered[min(high, len(ordered) - 1)]


def calls(server, count):
    """System calls a request, by way of reuse and by name."""
    found = {}
    for way in WAYS:
        proxy = Proxy(way, server)
        proxy.ask(2000)
        with tempfile.NamedTemporaryFile() as table:
            tracer = subprocess.Popen(
                ["strace", "-f", "-c", "-o", table.name, "-p", str(proxy.process.pid)], stderr=subprocess.PIPE, text=True)
            tracer.stderr.readline()
            proxy.ask(count)
            tracer.send_signal(signal.SIGINT)
            tracer.wait()
            rows = re.findall(r"^ *[\d.]+ +[\d.]+ +\d+ +(\d+) +(?:\d+ +)?(\w+)$", pathlib.Path(table.name).read_text(), re.M)
        found[way] = {name: int(number) / count for number, name in rows if name != "total" and int(number) > count / 100}
        proxy.stop()
    return found


def instructions(server, count):
    """User instructions a request, by way of reuse."""
    def total(way, requests):
        with tempfile.TemporaryDirectory() as directory:
            # Its debug information is more than valgrind can read.
            binary = f"{directory}/sendonce"
            subprocess.run(["strip", "-o", binary, WAYS[way][1]], check=True)
            proxy = Proxy(way, server, binary=binary, wrapper=(
                "valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={directory}/out"))
            proxy.ask(requests)
            proxy.stop()
            return int(re.search(r"^(?:summary|totals): (\d+)", pathlib.Path(directory, "out").read_text(), re.M)[1])
    short = count // 5
    return {way: (total(way, count + short) - total(way, short)) / count for way in WAYS}


def base():
    """The way that the others are compared with: the last one."""
    return list(WAYS)[-1]


def tell(what, values, unit):
    print(f"{what:<16}" + "".join(f"{values[way]:10.2f}" for way in WAYS) + f"  {unit:<12}"
          + "".join(f"{(values[way] / values[base()] - 1) * 100:+.1f} % " for way in WAYS if way != base()), flush=True)


def tell_times(what, times):
    print(f"{what:<16}" + "".join(f"{statistics.median(times[way]):10.2f}" for way in WAYS) + "  us CPU      ", end="")
    for way in WAYS:
        if way != base():
            ratios = [ours / others for ours, others in zip(times[way], times[base()])]
            low, high = interval(ratios)
            print(f"{(statistics.median(ratios) - 1) * 100:+.1f} % ({(low - 1) * 100:+.1f} to {(high - 1) * 100:+.1f}) ", end="")
    print(flush=True)


def own_network():
    """Starts this program again in a network of its own, with the plainest congestion control: others pace by timers."""
    if os.environ.get("GUARDS_NETWORK") is None:
        inside = "ip link set lo up && sysctl -qw net.ipv4.tcp_congestion_control=reno && exec \"$@\""
        os.execvpe("unshare", ["unshare", "-n", "sh", "-c", inside, "sh", sys.executable, *sys.argv], os.environ | {"GUARDS_NETWORK": "own"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=50_000, dest="requests")
    parser.add_argument("--rounds", type=int, default=15)
    parser.add_argument("--no-callgrind", action="store_true")
    parser.add_argument("--capture", action="store_true")
    arguments = parser.parse_args()
    if arguments.capture:
        WAYS.clear()
        WAYS.update(CAPTURE_WAYS)
    own_network()
    directory = tempfile.mkdtemp(prefix="guards-")
    nginx, server = small_upstream(directory)
    try:
        time.sleep(0.3)
        print(f"{'a request':<16}" + "".join(f"{way:>10}" for way in WAYS))
        for load in LOADS:
            paced = "--rps" in LOADS[load]
            tell_times(load, cpu(server, load, arguments.requests // 5 if paced else arguments.requests, arguments.rounds))
        count = arguments.requests // 2
        counted = calls(server, count)
        tell("system calls", {way: sum(names.values()) for way, names in counted.items()}, "")
        for name in sorted(set().union(*counted.values())):
            print(f"  {name:<14}" + "".join(f"{counted[way].get(name, 0):10.2f}" for way in WAYS))
        if not arguments.no_callgrind:
            tell("instructions", instructions(server, max(2000, arguments.requests // 10)), "user code")
    finally:
        nginx.send_signal(signal.SIGTERM)
        nginx.wait()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
