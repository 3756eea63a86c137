#!/usr/bin/env python3
"""What the probe costs a Node program: CPU a request against the same program without it, and memory over many requests.

    measure_probe.py [-p PROGRAM] [-w WAYS] [-s STARTS] [-n REQUESTS] [--node NODE] [--loaded]    CPU
    measure_probe.py --share SECONDS [-p PROGRAM]                                     the probe's own share of the CPU
    measure_probe.py --instructions REQUESTS [-p PROGRAM]                             instructions a request
    measure_probe.py --memory REQUESTS                                                memory
    measure_probe.py --heap REQUESTS [-p PROGRAM]                                     memory without a network, after collections

The program is started several times at once: without the probe, again without it as a control, and once each way with it. They are asked in turns of
80 requests (some milliseconds) on eight kept connections, in an order that changes each turn: whatever else the machine does meets all of them
alike. The figure is the CPU time of the process, all its threads, user and kernel, as the kernel's scheduler counts it, for a request. A start
gives one ratio for each way: of its slices' (400 requests) medians, to those of the two without the probe. Two processes of one program never cost quite
the same (memory lies elsewhere, the compiler decides otherwise), so all are started anew many times. Told are the median of the starts and its
interval of 95 % (bootstrap); the control's, which is none to none, shows what the method makes of nothing.

With --loaded each is asked for itself, one after the other, by h2load, as fast as it answers: so a request costs a third of what it does where the program
sleeps between two. All of one start have the same seeds of V8's.

The share is a matter of one process: V8's profiler looks where it is several thousand times a second, and told is how often that was the probe's
code. Other load of the machine meets all code alike, so it needs no quiet. What the probe makes dearer elsewhere (collected garbage, say) is not in it.

Instructions are counted by valgrind's callgrind, in the process alone: the program is asked REQUESTS times, and twice as often, over a connection
within it, and told is the difference, for a request. The compiler and the collector run in the one thread, with fixed seeds, and count too; the
kernel's work, of which the probe has none, is left out, so of the CPU the share is less than this. First stacks are off: how many are captured goes
by the clock, and valgrind is slow. It needs no quiet, only patience.

The heap is watched within the process too, where a busy machine lets no two million requests through a network: eight connections, each
replaced after a thousand requests, and V8's heap after a full collection, twenty times on the way.
"""

import argparse
import collections
import concurrent.futures
import json
import os
import pathlib
import random
import re
import socket
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd/support"))

import probed  # noqa: E402

PROGRAMS = {
    "raw": "const server = require('http').createServer((q, r) => { r.setHeader('Content-Type', 'text/plain'); r.end('Hello World'); });",
    "express": "const app = require('express')(); app.get('/', (q, r) => r.send('Hello World'));"
               " const server = require('http').createServer(app);",
}
LISTEN = "server.listen(0, '127.0.0.1', function () { console.log('LISTENING ' + this.address().port); });"
# A connection in the process itself, which gives one request a turn of the loop.
FEED = """
const { Duplex } = require('stream');
class Connection extends Duplex {
  _read() {}
  _write(chunk, encoding, done) { done(); }
  _writev(chunks, done) { done(); }
  setTimeout() { return this; }
}
const connection = new Connection(), request = Buffer.from(process.argv[2]);
let left = +process.argv[3];
server.emit('connection', connection);
(function next() {
  if (left-- === 0) process.exit();
  connection.push(request);
  setImmediate(next);
})();
"""
HEAP_FEED = FEED.split("const connection =")[0] + """
const request = Buffer.from(process.argv[2]), count = +process.argv[3], connections = [];
let done = 0;
(function next() {
  if (done % (count / 20) === 0) {
    gc();
    const { rss, heapUsed } = process.memoryUsage();
    console.log(done, (rss / 1048576).toFixed(1), (heapUsed / 1048576).toFixed(2));
  }
  if (done === count) process.exit();
  const place = done % 8;
  if (done % 8000 < 8) {
    if (connections[place]) connections[place].destroy();
    connections[place] = new Connection();
    server.emit('connection', connections[place]);
  }
  connections[place].push(request);
  done++;
  setImmediate(next);
})();
"""
WAYS = {"sampled": "sampled", "off": "off", "always": "always"}
REQUEST = b"GET / HTTP/1.1\r\nHost: shop.example\r\nSendOnce-Id: 4f1c-7\r\n\r\n"
CONNECTIONS = 8
TURN = 80
SLICE = 400


def cpu_nanoseconds(pid):
    return sum(int(task.joinpath("schedstat").read_text().split()[0]) for task in pathlib.Path(f"/proc/{pid}/task").iterdir())


def resident_megabytes(pid):
    return int(re.search(r"VmRSS:\s+(\d+)", pathlib.Path(f"/proc/{pid}/status").read_text())[1]) / 1024


def load(address, seconds):
    """How many requests were answered."""
    fields = ["-H", "SendOnce-Id: 0123456789abcdef0123456789abcdef"]
    output = subprocess.run(["wrk", "-t1", "-c8", f"-d{seconds}s", *fields, f"http://{address}/"],
                            capture_output=True, text=True, check=True).stdout
    return int(re.search(r"(\d+) requests in", output)[1])


def start(directory, way, node, flags=()):
    """Reports go where a program has them go in earnest: with a place for them all hooks are at work."""
    arguments = [*flags] if way is None else [*flags, *probed.preload("node")]
    environment = {} if way is None else {"SENDONCE_PROBE_STACKS": way}
    return probed.Probed("app.js", directory, runtime=node, arguments=arguments, apps=directory, **environment)


class Asked:
    """A program that is asked a turn at a time."""

    def __init__(self, directory, way, node):
        self.app = start(directory, way, node)
        self.connections, self.size = [], 0

    def connect(self):
        host, port = self.app.address.split(":")
        self.connections = [socket.create_connection((host, int(port))) for _ in range(CONNECTIONS)]
        for one in self.connections:
            one.sendall(REQUEST)
            answer = b""
            while not answer.endswith(b"Hello World"):
                answer += self.received(one)
            self.size = len(answer)

    @staticmethod
    def received(one):
        return one.recv(65536) or sys.exit("the program has hung up")

    def turn(self):
        for _ in range(TURN // CONNECTIONS):
            for one in self.connections:
                one.send(REQUEST)
            for one in self.connections:
                count = 0
                while count < self.size:
                    count += len(self.received(one))

    def spent(self):
        return cpu_nanoseconds(self.app.process.pid)

    def close(self):
        for one in self.connections:
            one.close()


def slice_of(programs):
    """What each has spent on a request of this slice, in microseconds."""
    order = list(programs)
    for one in order:
        one.connect()
    before = {one: one.spent() for one in order}
    for _ in range(SLICE // TURN):
        random.shuffle(order)
        for one in order:
            one.turn()
    figures = [(one.spent() - before[one]) / SLICE / 1000 for one in programs]
    for one in order:
        one.close()
    return figures


def measured(directory, names, options):
    """One start: what each has spent on a request, the median of its slices."""
    order = random.sample(names, len(names))
    programs = [Asked(directory, WAYS.get(name), options.node) for name in order]
    try:
        for _ in range(options.n // SLICE):
            slice_of(programs)
        slices = [slice_of(programs) for _ in range(options.n // SLICE)]
        return dict(zip(order, map(statistics.median, zip(*slices))))
    finally:
        for one in programs:
            one.app.stop()


def interval(values):
    medians = sorted(statistics.median(random.choices(values, k=len(values))) for _ in range(2000))
    return medians[50], medians[1949]


def compare(directory, program, ways, options):
    names = ["none", "control", *ways]
    ratios, figures = {way: [] for way in names[1:]}, {name: [] for name in names}
    for number in range(options.s):
        found = (loaded_in_turn if options.loaded else measured)(directory, names, options)
        for name, value in found.items():
            figures[name].append(value)
        ratios["control"].append(found["control"] / found["none"])
        for way in ways:
            ratios[way].append(2 * found[way] / (found["none"] + found["control"]))
        print(f"{program:8} start {number + 1}: " + ", ".join(f"{way} {(ratios[way][-1] - 1) * 100:+.1f} %" for way in names[1:]), flush=True)
    print(f"{program:8} {'none':8} {statistics.median(figures['none']):6.1f} us a request", flush=True)
    for way in names[1:]:
        low, high = interval(ratios[way])
        print(f"{program:8} {way:8} {statistics.median(figures[way]):6.1f} us a request   {(statistics.median(ratios[way]) - 1) * 100:+5.2f} %"
              f"   (95 %: {(low - 1) * 100:+.2f} to {(high - 1) * 100:+.2f}; {options.s} starts)", flush=True)


def asked_by_h2load(address, requests):
    """As fast as the program answers."""
    output = subprocess.run(["h2load", "--h1", "-t1", f"-c{CONNECTIONS}", "-n", str(requests), "-H", "SendOnce-Id: 0123456789abcdef0123456789abcdef",
                             f"http://{address}/"], capture_output=True, text=True, check=True).stdout
    if f"{requests} succeeded" not in output:
        sys.exit(output)


def loaded(directory, name, seed, options):
    """What one process has spent on a request once it is warm, in microseconds. Who is compared has the same seeds."""
    seeds = [f"--hash-seed={seed}", f"--random-seed={seed}"]
    app = start(directory, WAYS.get(name), options.node, seeds)
    try:
        asked_by_h2load(app.address, options.n)
        before = cpu_nanoseconds(app.process.pid)
        asked_by_h2load(app.address, options.n)
        return (cpu_nanoseconds(app.process.pid) - before) / options.n / 1000
    finally:
        app.stop()


def loaded_in_turn(directory, names, options):
    """One start: each for itself, one after the other."""
    seed = random.randrange(1, 1 << 31)
    return {name: loaded(directory, name, seed, options) for name in random.sample(names, len(names))}


def is_probes(frame, nodes_own):
    """The probe's file and its stamps; its hooks stand in scripts that have the name of Node's, and another number."""
    url = frame["url"]
    return url.endswith("sendonce-probe.cjs") or url == "sendonce-stamp" or frame["scriptId"] != nodes_own.get(url, frame["scriptId"])


def tell_share(directory, program, seconds, node):
    pathlib.Path(directory, "end.js").write_text("process.on('SIGTERM', () => process.exit());")
    arguments = ["--cpu-prof", "--cpu-prof-interval=300", f"--cpu-prof-dir={directory}", "--require", f"{directory}/end.js", *probed.preload("node")]
    app = probed.Probed("app.js", directory, runtime=node, arguments=arguments, apps=directory)
    try:
        count = load(app.address, seconds)
        app.process.terminate()
        app.process.wait(60)
    finally:
        app.stop()
    profile = json.loads(next(pathlib.Path(directory).glob("*.cpuprofile")).read_text())
    frames = {node["id"]: node["callFrame"] for node in profile["nodes"]}
    # Node's own scripts come first.
    nodes_own = {}
    for frame in sorted(frames.values(), key=lambda frame: -int(frame["scriptId"])):
        if frame["url"].startswith(("node:", "_http")):
            nodes_own[frame["url"]] = frame["scriptId"]
    found = collections.Counter()
    for sample, microseconds in zip(profile["samples"], profile["timeDeltas"]):
        if frames[sample]["functionName"] not in ("(idle)", "(program)"):
            found[is_probes(frames[sample], nodes_own)] += microseconds
    print(f"{program:8} the probe's share {found[True] / found.total() * 100:.1f} % of {found.total() / 1e6:.0f} s ({count} requests)", flush=True)


def instructions(directory, requests, arguments):
    """Of a whole run."""
    command = ["valgrind", "--tool=callgrind", "--callgrind-out-file=/dev/null", "--smc-check=all-non-file", "node", "--single-threaded",
               "--hash-seed=1", "--random-seed=1", *arguments, f"{directory}/app.js", REQUEST.decode(), str(requests)]
    environment = os.environ | {"NODE_PATH": "/usr/share/nodejs", "SENDONCE_PROBE_STACKS": "off", "SENDONCE_PROBE_FILE": f"{directory}/reports.jsonl"}
    output = subprocess.run(command, env=environment, capture_output=True, text=True, check=True).stderr
    return int(re.search(r"Collected : (\d+)", output)[1])


def count_instructions(directory, program, requests):
    """Two runs at a time: each has a processor of its own, and needs no more."""
    ways = {"none": [], "probe": probed.preload("node")}
    with concurrent.futures.ThreadPoolExecutor(2) as runs:
        counts = {way: [runs.submit(instructions, directory, number * requests, ways[way]) for number in (1, 2)] for way in ways}
    figures = {way: (twice.result() - once.result()) / requests for way, (once, twice) in counts.items()}
    print(f"{program:8} none {figures['none']:.0f}, probe {figures['probe']:.0f} instructions a request: "
          f"{(figures['probe'] / figures['none'] - 1) * 100:+.2f} %", flush=True)


def watch_memory(directory, program, requests):
    app = start(directory, "sampled", "node")
    try:
        done, seen = 0, []
        while done < requests:
            done += load(app.address, 10)
            seen.append((done, resident_megabytes(app.process.pid)))
            print(f"{program:8} {done:9} requests: {seen[-1][1]:.0f} MB", flush=True)
    finally:
        app.stop()
    # The first quarter is the heap on its way to its size.
    settled = [megabytes for count, megabytes in seen if count >= requests / 4]
    half = len(settled) // 2
    print(f"{program:8} median of the first half after the start {statistics.median(settled[:half]):.0f} MB, of the second "
          f"{statistics.median(settled[half:]):.0f} MB", flush=True)


def watch_heap(directory, program, requests):
    command = ["node", "--expose-gc", *probed.preload("node"), f"{directory}/app.js", REQUEST.decode(), str(requests - requests % 20)]
    environment = os.environ | {"NODE_PATH": "/usr/share/nodejs", "SENDONCE_PROBE_FILE": f"{directory}/reports.jsonl"}
    with subprocess.Popen(command, env=environment, stdout=subprocess.PIPE, text=True) as running:
        for line in running.stdout:
            done, resident, heap = line.split()
            print(f"{program:8} {done:>9} requests: {resident} MB resident, {heap} MB of heap", flush=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("-p", default=",".join(PROGRAMS), help="programs, of raw and express")
    parser.add_argument("-w", default="sampled", help="ways, of " + ", ".join(WAYS))
    parser.add_argument("-s", type=int, default=40, help="starts")
    parser.add_argument("-n", type=int, default=12000, help="requests to each that are measured, and before that to warm it")
    parser.add_argument("--loaded", action="store_true", help="each for itself, asked as fast as it answers")
    parser.add_argument("--node", default="node", help="a version of Node")
    parser.add_argument("--share", type=int, default=0, help="seconds under the profiler")
    parser.add_argument("--instructions", type=int, default=0, help="requests whose instructions are counted")
    parser.add_argument("--memory", type=int, default=0, help="requests over which memory is watched")
    parser.add_argument("--heap", type=int, default=0, help="requests over which the heap is watched")
    options = parser.parse_args()
    options.n = max(options.n, SLICE)
    for program in options.p.split(","):
        with tempfile.TemporaryDirectory(prefix="sendonce-") as directory:
            rest = FEED if options.instructions else HEAP_FEED if options.heap else LISTEN
            (pathlib.Path(directory) / "app.js").write_text(PROGRAMS[program] + rest)
            if options.instructions:
                count_instructions(directory, program, options.instructions)
            elif options.share:
                tell_share(directory, program, options.share, options.node)
            elif options.heap:
                watch_heap(directory, program, options.heap)
            elif options.memory:
                watch_memory(directory, program, options.memory)
            else:
                compare(directory, program, options.w.split(","), options)


main()
