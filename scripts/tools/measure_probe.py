#!/usr/bin/env python3
"""What the probe costs a Node program: CPU a request with and without it, in turns, and memory over many requests.

    measure_probe.py [-n REQUESTS] [-r ROUNDS] [--memory REQUESTS]

Each round starts the program twice, without and with the probe, in alternating order, warms it up and loads it with `wrk` on eight
connections that are kept; the CPU time is the process's own (user and system, all threads). The figure is the median of the rounds' ratios.
"""

import argparse
import os
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd/support"))

import probed  # noqa: E402

PROGRAMS = {
    "raw http": "const http = require('http'); http.createServer((q, r) => { r.setHeader('Content-Type', 'text/plain');"
                " r.end('Hello World'); })",
    "Express": "const app = require('express')(); app.get('/', (q, r) => r.send('Hello World')); require('http').createServer(app)",
}
LISTEN = ".listen(0, '127.0.0.1', function () { console.log('LISTENING ' + this.address().port); });"


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def resident(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1])


def load(address, seconds):
    """How many requests were answered."""
    fields = ["-H", "SendOnce-Id: 0123456789abcdef0123456789abcdef"]
    output = subprocess.run(["wrk", "-t1", "-c8", f"-d{seconds}s", *fields, f"http://{address}/"],
                            capture_output=True, text=True, check=True).stdout
    return int(re.search(r"(\d+) requests in", output)[1])


def microseconds(program, directory, arguments, seconds, **environment):
    app = probed.Probed(program, directory, arguments=arguments, apps=directory, **environment)
    try:
        load(app.address, 2)
        before = cpu_seconds(app.process.pid)
        count = load(app.address, seconds)
        return (cpu_seconds(app.process.pid) - before) / count * 1e6
    finally:
        app.stop()


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("-s", type=int, default=5, help="seconds a measurement")
    parser.add_argument("-r", type=int, default=5, help="rounds")
    parser.add_argument("--memory", type=int, default=0, help="requests over which memory is watched")
    options = parser.parse_args()
    with tempfile.TemporaryDirectory(prefix="sendonce-") as directory:
        for name, text in PROGRAMS.items():
            (pathlib.Path(directory) / "app.js").write_text(text + LISTEN)
            ways = {"none": [], "sampled": probed.preload("node"), "always": probed.preload("node")}
            figures = {way: [] for way in ways}
            for number in range(options.r):
                order = list(ways) if number % 2 == 0 else list(reversed(ways))
                for way in order:
                    environment = {"SENDONCE_PROBE_STACKS": way} if way != "none" else {}
                    figures[way].append(microseconds("app.js", directory, ways[way], options.s, **environment))
            base = statistics.median(figures["none"])
            for way in ways:
                ratios = [one / none for one, none in zip(figures[way], figures["none"])]
                print(f"{name:9} {way:8} {statistics.median(figures[way]):7.2f} us a request"
                      f"   x {statistics.median(ratios):.3f} (median of {options.r} rounds; base {base:.2f})", flush=True)
            if options.memory:
                watch_memory(directory, options.memory)


def watch_memory(directory, requests):
    app = probed.Probed("app.js", directory, apps=directory)
    try:
        done, seen = 0, []
        while done < requests:
            done += load(app.address, 10)
            seen.append(resident(app.process.pid))
        print(f"          resident memory after each tenth of {done} requests, in MB:",
              " ".join(f"{kilobytes / 1024:.0f}" for kilobytes in seen[:: max(1, len(seen) // 10)]), flush=True)
    finally:
        app.stop()


main()
