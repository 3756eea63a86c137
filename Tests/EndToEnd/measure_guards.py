#!/usr/bin/env python3
"""What the guards between two exchanges cost: CPU time, system calls and user instructions of a small request.

    measure_guards.py [-n REQUESTS] [--rounds N] [--no-callgrind]

The same proxy (one worker, one process) with `reuse: guarded`, the default, and with `reuse: always`, which neither lets a
connection rest, nor looks at it, nor asks what has been acknowledged; nginx answers behind both, ab asks with 16 connections.

    CPU           user and system time of the process, in turns; the median of the rounds
    system calls  counted by strace -c
    instructions  of user code, by callgrind: the slope between a short run and a longer one

SENDONCE is the binary.
"""

import argparse
import os
import pathlib
import re
import shutil
import signal
import statistics
import subprocess
import tempfile
import time

import configuration
import harness
import upstream

WAYS = ["guarded", "always"]


def small_upstream(directory):
    """nginx that answers `ok` and keeps every connection."""
    kept, address = upstream.refusing_address()
    kept.close()
    path = pathlib.Path(directory, "nginx.conf")
    path.write_text(
        f"daemon off; worker_processes 1; pid {directory}/pid; error_log {directory}/error.log crit;\nevents {{}}\n"
        f"http {{ access_log off; keepalive_requests 1000000000; server {{ listen {address}; location / {{ return 200 ok; }} }} }}\n")
    process = subprocess.Popen(["nginx", "-p", directory, "-c", str(path)], stderr=subprocess.DEVNULL)
    return process, address


class Proxy:
    def __init__(self, way, server, wrapper=(), binary=harness.BINARY):
        self.directory = tempfile.mkdtemp(prefix="guards-")
        config = configuration.configuration(server, self.directory, connections={"reuse": way})
        path = pathlib.Path(self.directory, "sendonce.yaml")
        path.write_text(configuration.yaml(config))
        self.process = subprocess.Popen(
            [*wrapper, binary, "run", "--config", str(path)], env=os.environ | {"SENDONCE_SUPERVISE": "off"},
            stderr=subprocess.PIPE, text=True)
        for line in self.process.stderr:
            if match := re.search(r"listening address=(\S+) role=proxy", line):
                self.address = match[1]
                break
        else:
            raise RuntimeError("the proxy does not listen")

    def ask(self, count):
        out = subprocess.run(
            ["ab", "-q", "-k", "-c", "16", "-n", str(count), f"http://{self.address}/"], capture_output=True, text=True, check=True).stdout
        if int(re.search(r"Failed requests:\s+(\d+)", out)[1]) or "Non-2xx" in out:
            raise RuntimeError(out)

    def cpu_seconds(self):
        tasks = pathlib.Path(f"/proc/{self.process.pid}/task").iterdir()
        return sum(int((task / "schedstat").read_text().split()[0]) for task in tasks) / 1e9

    def stop(self):
        self.process.send_signal(signal.SIGTERM)
        self.process.stderr.read()
        self.process.wait()
        shutil.rmtree(self.directory, ignore_errors=True)


def cpu(server, count, rounds):
    """Microseconds of CPU a request, by way of reuse."""
    proxies = {way: Proxy(way, server) for way in WAYS}
    times = {way: [] for way in WAYS}
    for proxy in proxies.values():
        proxy.ask(2000)
    for number in range(rounds):
        for way in WAYS if number % 2 else reversed(WAYS):
            before = proxies[way].cpu_seconds()
            proxies[way].ask(count)
            times[way].append((proxies[way].cpu_seconds() - before) * 1e6 / count)
    for proxy in proxies.values():
        proxy.stop()
    return {way: statistics.median(values) for way, values in times.items()}


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
            subprocess.run(["strip", "-o", binary, harness.BINARY], check=True)
            proxy = Proxy(way, server, binary=binary, wrapper=(
                "valgrind", "-q", "--tool=callgrind", f"--callgrind-out-file={directory}/out"))
            proxy.ask(requests)
            proxy.stop()
            time.sleep(0.1)
            return int(re.search(r"^(?:summary|totals): (\d+)", pathlib.Path(directory, "out").read_text(), re.M)[1])
    short = count // 5
    return {way: (total(way, count + short) - total(way, short)) / count for way in WAYS}


def tell(what, values, unit):
    guarded, always = values["guarded"], values["always"]
    print(f"{what:<14}{guarded:10.2f}{always:10.2f}  {unit:<14}{(guarded / always - 1) * 100:+.1f} %", flush=True)


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=30_000, dest="requests")
    parser.add_argument("--rounds", type=int, default=7)
    parser.add_argument("--no-callgrind", action="store_true")
    arguments = parser.parse_args()
    directory = tempfile.mkdtemp(prefix="guards-")
    nginx, server = small_upstream(directory)
    try:
        time.sleep(0.3)
        print(f"{'a request':<14}{'guarded':>10}{'always':>10}")
        tell("CPU", cpu(server, arguments.requests, arguments.rounds), "us")
        counted = calls(server, arguments.requests)
        tell("system calls", {way: sum(names.values()) for way, names in counted.items()}, "")
        for name in sorted(set().union(*counted.values())):
            print(f"  {name:<12}" + "".join(f"{counted[way].get(name, 0):10.2f}" for way in WAYS))
        if not arguments.no_callgrind:
            tell("instructions", instructions(server, max(2000, arguments.requests // 10)), "user code")
    finally:
        nginx.send_signal(signal.SIGTERM)
        nginx.wait()
        shutil.rmtree(directory, ignore_errors=True)


if __name__ == "__main__":
    main()
