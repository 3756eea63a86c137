"""Pictures of the dashboards from real data: two instances before programs that answer twice and programs that do not, ordinary traffic for a
while, and each panel's own expressions asked of the Prometheus that has scraped them.

    draw_dashboards.py [--seconds N] [FOLDER]

The logs panel has the lines that its query makes of the incident log (there is no Loki here). Panels are drawn by panels.py in Chromium; Grafana draws the
same data its own way.
"""

import argparse
import json
import pathlib
import random
import re
import shutil
import tempfile
import threading
import time

import browser
import client
import configuration
import harness
import panels
import upstream
from prometheus import Prometheus

ROOT = pathlib.Path(__file__).resolve().parents[2]
STEP_SECONDS = 2
WIDTH, ROW_HEIGHT = 1440, 38

# Host of a route → program → its paths, each with its weight.
SHOP = {"/text": 30, "/chunked-text": 20, "/no-content": 5, "/processing": 5, "/not-modified": 10, "/trailers": 5}
ORDERS = {"/ok": 40, "/slow": 20, "/socket-second": 1, "/length-twice-same": 1, "/long-body": 1, "/crlf-after-end": 1}
ACCOUNT = {"/ok": 30, "/slow": 10, "/socket-second-late": 1, "/head-again-in-chunked": 1, "/length-twice-different": 1, "/missing": 2}
# No route leads there.
NOWHERE = {"/": 1}


def start(folder, name, apps):
    directory = folder / name
    directory.mkdir()
    config = configuration.configuration(
        None, str(directory), upstreams={app: {"servers": [address]} for app, address in apps.items()},
        routes=[{"name": app, "host": f"{app}.test", "path_prefix": "/", "upstream": app} for app in apps])
    return harness.SendOnce(str(directory), config)


def ask(instance, host, paths, ends, pause):
    """One client's requests until the end; it comes and goes in waves, as people do."""
    one, began = None, time.monotonic()
    while (now := time.monotonic()) < ends:
        path = random.choices(list(paths), list(paths.values()))[0]
        one = client.ask(one, instance.address, path, host=f"{host}.test")
        time.sleep(random.expovariate(1) * pause * (1.3 + (-1) ** int((now - began) // 40)))


def data(prometheus, dashboard, begin, end):
    """Title of a panel → [(name of the series, [(time, value)])]."""
    found = {}
    for panel in dashboard["panels"]:
        if panel["type"] in ("row", "logs"):
            continue
        found[panel["title"]] = []
        for target in panel["targets"]:
            expression = re.sub(r'"\$(job|instance|route)"', '".+"', target["expr"])
            expression = expression.replace("$__rate_interval", "15s").replace("$__range", f"{int(end - begin)}s")
            if target.get("instant"):
                samples = prometheus.ask("query", query=expression, time=end)["result"]
                found[panel["title"]] += [(sample["metric"], [(end, float(sample["value"][1]))]) for sample in samples]
                continue
            for series in prometheus.ask("query_range", query=expression, start=begin, end=end, step=STEP_SECONDS)["result"]:
                name = re.sub(r"\{\{(\w+)\}\}", lambda match: series["metric"].get(match[1], ""), target.get("legendFormat") or "")
                found[panel["title"]].append((name, [(moment, float(value)) for moment, value in series["values"]]))
    return found


def lines(fleet):
    """What the logs panel's query makes of the incident logs."""
    records = sorted((record for one in fleet for record in one.incidents()), key=lambda record: record["time"], reverse=True)
    return [(record["time"][:23].replace("T", " "), record["severity"], f"{record['kind']} {record['route']} {record['message']}") for record in records]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--seconds", type=int, default=240)
    parser.add_argument("folder", nargs="?", type=pathlib.Path, default=ROOT / "docs/images")
    arguments = parser.parse_args()
    folder, programs, fleet, prometheus = pathlib.Path(tempfile.mkdtemp(prefix="dashboards-")), {}, [], None
    try:
        for host, program in (("shop", "innocents.js"), ("orders", "double_sends.js"), ("account", "double_sends.js")):
            programs[host] = upstream.Node(program)
        addresses = {host: program.address for host, program in programs.items()}
        fleet = [start(folder, name, addresses) for name in ("one", "two")]
        prometheus = Prometheus(folder, {"sendonce": [one.admin for one in fleet]})
        harness.wait_for(lambda: len(prometheus.query("sendonce_build_info")) == len(fleet), "all to be scraped", 60)
        begin = time.time()
        ends = time.monotonic() + arguments.seconds
        players = [threading.Thread(target=ask, args=(instance, host, paths, ends, pause)) for instance in fleet
                   for host, paths, pause in (("shop", SHOP, 0.05), ("shop", SHOP, 0.05), ("orders", ORDERS, 0.1), ("account", ACCOUNT, 0.2), ("nowhere", NOWHERE, 2))]
        for player in players:
            player.start()
        for player in players:
            player.join()
        end = time.time()
        for name in ("incidents", "proxy"):
            dashboard = json.loads((ROOT / f"config/grafana/{name}.json").read_text())
            page = folder / f"{name}.html"
            page.write_text(panels.page(dashboard, data(prometheus, dashboard, begin, end), lines(fleet), (begin, end), WIDTH, ROW_HEIGHT))
            height = panels.height(dashboard, ROW_HEIGHT)
            screen = browser.Browser(width=WIDTH, height=height)
            try:
                screen.open(page.as_uri())
                screen.screenshot(arguments.folder / f"dashboard-{name}.png")
            finally:
                screen.close()
            print(arguments.folder / f"dashboard-{name}.png")
    finally:
        if prometheus:
            prometheus.stop()
        for one in fleet:
            one.stop()
        for program in programs.values():
            program.stop()
        shutil.rmtree(folder, ignore_errors=True)


if __name__ == "__main__":
    main()
