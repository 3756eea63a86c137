"""What a fleet costs Prometheus: so many instances of SendOnce, scraped by a real one, with the rules that we ship.

    measure_fleet.py [-n INSTANCES] [--routes N] [--interval SECONDS] [--seconds N]

Prints the size of a scrape (bytes, series), what it costs an instance (CPU) and how long it takes, what Prometheus keeps for all of them, and how
long after an incident on one instance its alert fires, with scrapes and evaluations a second (`--interval`) apart.

SENDONCE is the binary.
"""

import argparse
import os
import pathlib
import shutil
import statistics
import tempfile
import time

import configuration
import harness
import upstream
from prometheus import Prometheus


def cpu_seconds(pid):
    fields = pathlib.Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


def start(folder, number, app, routes):
    directory = folder / str(number)
    directory.mkdir()
    named = [{"name": f"route-{i}", "path_prefix": f"/{i}", "upstream": "app"} for i in range(routes - 1)]
    config = configuration.configuration(app, str(directory), routes=[*named, {"name": "main", "path_prefix": "/", "upstream": "app"}])
    return harness.SendOnce(str(directory), config, environment={"SENDONCE_SUPERVISE": "off"})


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=50, dest="instances")
    parser.add_argument("--routes", type=int, default=10)
    parser.add_argument("--interval", type=int, default=1, help="seconds between scrapes of an instance (1)")
    parser.add_argument("--seconds", type=int, default=20)
    arguments = parser.parse_args()
    folder = pathlib.Path(tempfile.mkdtemp(prefix="fleet-"))
    app, fleet, prometheus = upstream.Node("double_sends.js"), [], None
    try:
        fleet = [start(folder, number, app.address, arguments.routes) for number in range(arguments.instances)]
        for one in fleet:
            one.get("/remember")
        text = fleet[0].ask_admin("/metrics").body
        series = sum(1 for line in text.decode().splitlines() if not line.startswith("#"))
        print(f"a scrape: {len(text)} bytes, {series} series, with {arguments.routes} routes to one upstream")
        prometheus = Prometheus(folder, {"sendonce": [one.admin for one in fleet]}, interval_seconds=arguments.interval)
        harness.wait_for(lambda: len(prometheus.query("sendonce_build_info")) == arguments.instances, "all to be scraped", 60)
        before = [cpu_seconds(one.pid) for one in fleet]
        began = time.monotonic()
        time.sleep(arguments.seconds)
        spent = time.monotonic() - began
        each = [cpu_seconds(one.pid) - then for one, then in zip(fleet, before)]
        print(f"CPU of an instance for a scrape: {statistics.mean(each) / spent * arguments.interval * 1000:.2f} ms")
        durations = [value for _, value in prometheus.query('scrape_duration_seconds{job="sendonce"}')]
        print(f"duration of a scrape: median {statistics.median(durations) * 1000:.1f} ms, longest {max(durations) * 1000:.1f} ms")
        head = prometheus.ask("status/tsdb")["headStats"]
        print(f"Prometheus: {head['numSeries']} series for {arguments.instances} instances")
        memory = pathlib.Path(f"/proc/{prometheus.process.pid}/status").read_text().split("VmRSS:")[1].split()[0]
        print(f"Prometheus: {int(memory) // 1024} MiB resident")
        began = time.monotonic()
        fleet[-1].get("/long-body")
        harness.wait_for(lambda: any(name == "SendOnceDoubleSend" and instance == fleet[-1].admin
                                     for name, instance, _ in prometheus.firing()), "the alert", 60 + 4 * arguments.interval)
        print(f"from the first incident of one instance to its alert: {time.monotonic() - began:.1f} s")
    finally:
        if prometheus:
            prometheus.stop()
        for one in fleet:
            one.stop()
        app.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
