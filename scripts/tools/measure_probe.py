#!/usr/bin/env python3
"""What the probe costs a Node program: CPU a request against the same program without it, and memory over many requests.

    measure_probe.py [-p PROGRAM] [-w WAYS] [-s STARTS] [-r ROUNDS] [-t SECONDS] [--node NODE]    CPU
    measure_probe.py --share SECONDS [-p PROGRAM]                                               the probe's own share of the CPU
    measure_probe.py --memory REQUESTS                                                          memory

The program is started several times at once: twice without the probe, the second time as a control, and once each way with it. Once
warm, each is loaded in turn for a second by `wrk` on eight kept connections, round after round, in an order that is turned each time; so what the
machine does besides meets all of them alike. The figure is the CPU time of the process, all its threads, as the kernel's scheduler counts
it, for a request. A ratio is taken within a round; told are the median of all rounds and the quartiles. Two processes of one program never cost
quite the same, however long they run: so all are started anew several times, and the control says how much of a ratio is chance.

The share is a matter of one process: V8's profiler looks where it is several thousand times a second, and told is how often that was the probe's
code. Other load of the machine meets all code alike, so it needs no quiet. What the probe makes dearer elsewhere (collected garbage, say) is not in it.
"""

import argparse
import collections
import json
import pathlib
import re
import statistics
import subprocess
import sys
import tempfile

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd/support"))

import probed  # noqa: E402

LISTEN = ".listen(0, '127.0.0.1', function () { console.log('LISTENING ' + this.address().port); });"
PROGRAMS = {
    "raw": "const http = require('http'); http.createServer((q, r) => { r.setHeader('Content-Type', 'text/plain');"
           " r.end('Hello World'); })" + LISTEN,
    "express": "const app = require('express')(); app.get('/', (q, r) => r.send('Hello World'));"
               " require('http').createServer(app)" + LISTEN,
}
WAYS = {"control": None, "sampled": "sampled", "off": "off", "always": "always"}
WARM_SECONDS = 3


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


def start(directory, way, node):
    """Reports go where a program has them go in earnest: with a place for them all hooks are at work."""
    arguments = [] if way is None else probed.preload("node")
    environment = {} if way is None else {"SENDONCE_PROBE_STACKS": way}
    return probed.Probed("app.js", directory, runtime=node, arguments=arguments, apps=directory, **environment)


def microseconds(app, seconds):
    before = cpu_nanoseconds(app.process.pid)
    count = load(app.address, seconds)
    return (cpu_nanoseconds(app.process.pid) - before) / count / 1000


def measured(directory, ways, options):
    """Of one set of processes: each way's figures, round by round."""
    names = ["none", *ways]
    apps = {name: start(directory, WAYS.get(name), options.node) for name in names}
    try:
        for app in apps.values():
            load(app.address, WARM_SECONDS)
        figures = {name: [] for name in names}
        for number in range(options.r):
            turn = number % len(names)
            for name in names[turn:] + names[:turn]:
                figures[name].append(microseconds(apps[name], options.t))
        return figures
    finally:
        for app in apps.values():
            app.stop()


def compare(directory, program, ways, options):
    ratios, figures, starts = {way: [] for way in ways}, {}, {way: [] for way in ways}
    for _ in range(options.s):
        found = measured(directory, ways, options)
        for name, values in found.items():
            figures.setdefault(name, []).extend(values)
        for way in ways:
            these = [one / none for one, none in zip(found[way], found["none"])]
            ratios[way] += these
            starts[way].append(statistics.median(these))
    print(f"{program:8} {'none':8} {statistics.median(figures['none']):7.2f} us a request", flush=True)
    for way in ways:
        low, middle, high = statistics.quantiles(ratios[way], n=4)
        print(f"{program:8} {way:8} {statistics.median(figures[way]):7.2f} us a request   {(middle - 1) * 100:+5.1f} %"
              f"   (quartiles {(low - 1) * 100:+.1f} to {(high - 1) * 100:+.1f}; starts"
              f" {' '.join(f'{(one - 1) * 100:+.1f}' for one in starts[way])})", flush=True)


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


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("-p", default=",".join(PROGRAMS), help="programs, of raw and express")
    parser.add_argument("-w", default="control,sampled", help="ways, of " + ", ".join(WAYS))
    parser.add_argument("-s", type=int, default=5, help="starts")
    parser.add_argument("-r", type=int, default=12, help="rounds a start")
    parser.add_argument("-t", type=int, default=1, help="seconds a measurement")
    parser.add_argument("--node", default="node", help="a version of Node")
    parser.add_argument("--share", type=int, default=0, help="seconds under the profiler")
    parser.add_argument("--memory", type=int, default=0, help="requests over which memory is watched")
    options = parser.parse_args()
    for program in options.p.split(","):
        with tempfile.TemporaryDirectory(prefix="sendonce-") as directory:
            (pathlib.Path(directory) / "app.js").write_text(PROGRAMS[program])
            if options.share:
                tell_share(directory, program, options.share, options.node)
            elif options.memory:
                watch_memory(directory, program, options.memory)
            else:
                compare(directory, program, options.w.split(","), options)


main()
