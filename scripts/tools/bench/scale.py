"""Behind scripts/measure-scale, which says what the arguments are.

One quantity grows, everything else stays as it is: what a request costs then, in microseconds of the proxy's run time, kernel included.
Placed and counted as in bench.py. Points of a row are taken in a random order, each with a fresh process; the median of the rounds stands.
"""

import argparse
import json
import os
import pathlib
import random
import statistics
import subprocess
import tempfile
import threading
import time
import urllib.error
import urllib.request

import bench
import loads
import proxies

IMAGE = bench.ROOT / "docs/images/scale.svg"
MARKS = ("<!-- scale: begin -->\n", "<!-- scale: end -->\n")
ROWS = {
    "connections": ("clients' connections", [1, 10, 100, 1000, 10000]),
    "routes": ("routes, the last of them asked for", [1, 10, 100, 1000]),
    "servers": ("servers of one upstream", [1, 10, 100, 1000]),
    "header": ("KiB of the request's header block", [1, 4, 16, 48]),
    "workers": ("workers", [1, 2]),
    "incidents": ("incidents a second, beside the load", [0, 10, 100]),
}


class Origin:
    """nginx on every loopback address, for as many servers as there are addresses; and Node, which answers /twice twice."""

    def __init__(self, folder):
        folder = pathlib.Path(folder)
        self.port, program = proxies.free_port(), proxies.free_port()
        (folder / "nginx.conf").write_text(f"""
daemon off; master_process off; pid {folder}/pid; error_log {folder}/error.log crit; worker_rlimit_nofile 65000;
events {{ worker_connections 30000; }}
http {{
  access_log off; keepalive_requests 1000000000; keepalive_timeout 300s; large_client_header_buffers 8 128k;
  client_body_temp_path {folder}; proxy_temp_path {folder};
  server {{ listen {self.port} backlog=4096; default_type text/html; return 200 {"x" * 100}; }}
}}
""")
        self.processes = [
            subprocess.Popen([*loads.CPU, "nginx", "-p", str(folder), "-c", str(folder / "nginx.conf")], stderr=subprocess.DEVNULL),
            subprocess.Popen([*loads.CPU, "node", str(loads.HERE / "node.js"), "serve", str(program)], stdout=subprocess.PIPE)]
        self.processes[1].stdout.readline()
        self.guilty = f"127.0.0.1:{program}"

    def servers(self, count):
        return [f"127.0.{1 + number // 250}.{1 + number % 250}:{self.port}" for number in range(count)]

    def stop(self):
        for process in self.processes:
            process.terminate()
            process.wait()


def proxy_of(origin, row, value):
    class Scaled(proxies.SendOnce):
        def configure(self, _):
            routes = value if row == "routes" else 1
            rules = "\n".join(f"  - {{name: r{number}, path_prefix: /r{number}/, upstream: origin}}" for number in range(routes))
            servers = json.dumps(origin.servers(value if row == "servers" else 1))
            (self.folder / "sendonce.yaml").write_text(f"""
listeners: [{{address: "127.0.0.1:{self.plain}"}}]
admin: {{address: "127.0.0.1:{proxies.free_port()}"}}
workers: {value if row == "workers" else 1}
limits: {{header_bytes: 128KiB, client_connections: 20000}}
upstreams:
  origin: {{servers: {servers}, wait_queue: {{max: 20000}}}}
  guilty: {{servers: ["{origin.guilty}"]}}
routes:
{rules}
  - {{name: twice, path_prefix: /twice, upstream: guilty}}
  - {{name: all, path_prefix: /, upstream: origin}}
incidents: {{path: "{self.folder}/incidents.jsonl"}}
""")
            return [self.program, "run", "--config", "sendonce.yaml"]

        def recorded(self):
            return (self.folder / "incidents.jsonl").read_text().count("\n")
    return Scaled(None, (None, None), proxies.CPU if row != "workers" or value == 1 else ["taskset", "-c", "0,1"])


class Offences:
    """So many requests a second that are answered twice."""

    def __init__(self, port, rate):
        self.stopped, self.asked = threading.Event(), 0
        self.thread = threading.Thread(target=self.ask, args=(port, rate)) if rate else None
        if self.thread:
            self.thread.start()

    def ask(self, port, rate):
        began = time.perf_counter()
        while not self.stopped.is_set():
            due = began + self.asked / rate
            if (wait := due - time.perf_counter()) > 0:
                self.stopped.wait(wait)
            try:
                urllib.request.urlopen(f"http://127.0.0.1:{port}/twice", timeout=5).read()
            except urllib.error.URLError:
                pass
            self.asked += 1

    def stop(self):
        self.stopped.set()
        if self.thread:
            self.thread.join()


def cell(origin, row, value, seconds):
    proxy = proxy_of(origin, row, value)
    try:
        path = f"/r{value - 1}/small" if row == "routes" else "/small"
        options = ["-H", "x-large: " + "v" * (value * 1024 - 200)] if row == "header" else []
        seconds = max(seconds, value / 1500) if row == "connections" else seconds
        command = loads.wrk(path, value if row == "connections" else 64, *options)(proxy, seconds)
        subprocess.run([*loads.CPU, *loads.wrk(path, 64, *options)(proxy, 1)], capture_output=True, timeout=60)
        offences = Offences(proxy.plain, value if row == "incidents" else 0)
        before = bench.run_time(proxy.pids())
        done = subprocess.run([*loads.CPU, *command], capture_output=True, text=True, timeout=seconds + 60)
        ours = bench.run_time(proxy.pids()) - before
        offences.stop()
        found = loads.read(command, done.stdout + done.stderr)
        if found["failed"] or not found["done"]:
            raise RuntimeError(f"{row} {value}: {found['failed']} of {found['done']} failed: {done.stdout[-300:]}")
        # The log's own limit keeps the rest out of it; each is counted.
        if row == "incidents" and value and not proxy.recorded():
            raise RuntimeError(f"no record of {offences.asked} offences")
        return ours / 1e3 / found["done"]
    finally:
        proxy.stop()


def measure(names, rounds, seconds):
    found = {row: {value: [] for value in ROWS[row][1]} for row in names}
    with tempfile.TemporaryDirectory() as folder:
        os.chmod(folder, 0o755)
        origin = Origin(folder)
        try:
            for _ in range(rounds):
                for row in names:
                    for value in random.sample(ROWS[row][1], len(ROWS[row][1])):
                        found[row][value].append(cell(origin, row, value, seconds))
                        print(f"{row:12} {value:6} {found[row][value][-1]:8.2f}", flush=True)
        finally:
            origin.stop()
    return found


def table(found):
    lines = ["| what grows | CPU microseconds a request |", "| --- | --- |"]
    for row, values in found.items():
        points = " · ".join(f"{value:,}: {bench.spread(costs)}" for value, costs in values.items())
        lines.append(f"| {ROWS[row][0]} | {points} |")
    return lines


def draw(found):
    """One panel a row: the quantity on a logarithmic axis, the cost from zero."""
    width, height, left, bottom = 300, 190, 40, 36
    out = [f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {3 * width} {2 * height}" font-family="sans-serif" font-size="11">',
           f'<rect width="{3 * width}" height="{2 * height}" fill="#fff"/>']
    for place, (row, values) in enumerate(found.items()):
        x0, y0 = place % 3 * width, place // 3 * height
        costs = [statistics.median(one) for one in values.values()]
        top = max(costs) * 1.25

        def at(number, cost):
            step = (width - left - 30) / max(1, len(costs) - 1)
            return x0 + left + number * step, y0 + 24 + (1 - cost / top) * (height - bottom - 24)
        base = at(0, 0)[1]
        out.append(f'<text x="{x0 + left}" y="{y0 + 15}" fill="#222">{ROWS[row][0]}</text>')
        out.append(f'<line x1="{x0 + left}" y1="{base:.1f}" x2="{x0 + width - 20}" y2="{base:.1f}" stroke="#888"/>')
        line = " ".join("{:.1f},{:.1f}".format(*at(number, cost)) for number, cost in enumerate(costs))
        out.append(f'<polyline points="{line}" fill="none" stroke="#1f6feb" stroke-width="2"/>')
        for number, (value, cost) in enumerate(zip(values, costs)):
            x, y = at(number, cost)
            out.append(f'<circle cx="{x:.1f}" cy="{y:.1f}" r="3" fill="#1f6feb"/>')
            out.append(f'<text x="{x:.1f}" y="{y - 7:.1f}" text-anchor="middle" fill="#222">{cost:.0f}</text>')
            out.append(f'<text x="{x:.1f}" y="{base + 14:.1f}" text-anchor="middle" fill="#555">{value:,}</text>')
    IMAGE.write_text("\n".join(out) + "\n</svg>\n")


def write(found, arguments):
    text = [f"Measured on {time.strftime('%Y-%m-%d')} by `scripts/measure-scale --rounds {arguments.rounds} --seconds {arguments.seconds:g}`, the middle of the rounds "
            "and from the least to the most. 100 bytes are answered on 64 connections unless the row says otherwise.", "", *table(found), "",
            "![CPU time a request, as each quantity grows](images/scale.svg)"]
    page = bench.PAGE.read_text()
    head, rest = page.split(MARKS[0], 1)
    bench.PAGE.write_text(head + MARKS[0] + "\n" + "\n".join(text) + "\n\n" + MARKS[1] + rest.split(MARKS[1], 1)[1])
    draw(found)


def main():
    parser = argparse.ArgumentParser()
    parser.add_argument("--rounds", type=int, default=3)
    parser.add_argument("--seconds", type=float, default=2)
    parser.add_argument("--rows", default=",".join(ROWS))
    parser.add_argument("--write", action="store_true")
    arguments = parser.parse_args()
    bench.enter_network()
    bench.prepare()
    found = measure(arguments.rows.split(","), arguments.rounds, arguments.seconds)
    if arguments.write:
        write(found, arguments)
    print("\n".join(table(found)))


if __name__ == "__main__":
    main()
