#!/usr/bin/env python3
"""The share of requests that get another request's answer, and how many of those are recorded.

    measure_strays.py [-n ROUNDS] [--lanes N] [--proxies LIST] [--classes LIST] [--rates LIST] [--runtimes LIST]

A real Node program (or the same under Bun or Deno: --runtimes) answers a request, and then writes a second answer to its connection: in the same tick, in the next, after
reading a file, by setTimeout 0, 5 and 25. The moment a client has the first answer, another client's request is sent, whose own
answer takes 20 ms. The classes run side by side, each with a program and an upstream of its own; the proxies one after the other:

    nginx      connections kept alive, else its defaults; so haproxy, caddy and traefik
    always     SendOnce with the guards off: reuse: always, no quarantine
    guards     SendOnce without quarantine: every round is a server's first offence
    defaults   SendOnce as it comes: the first proof quarantines the server

Then at ordinary rates: every second request is guilty, and the next follows up to 30 ms after the guilty one's answer, so that a
stray may meet it on its way, at so many requests a second in all.

Wanted: nobody gets a stray that is written no later than a file read (guards), and at ordinary rates none that is written up to 25 ms
after the answer; nobody any at all once the server is in quarantine (defaults); whoever got one (guards, defaults) is named in
a record. Ends with 1 when that is not so.

Of each that slipped there is one record, a proven second_response: its first candidate is to be the guilty request, and the victim is to
stand in it. A shift may go on over several exchanges, and others answer twice meanwhile, before the surplus shows: then each of those has a
record of its own. Of all records that say `certain` or `likely`, those that name somebody who has answered once are few.

SENDONCE is the binary.
"""

import argparse
import random
import re
import shutil
import subprocess
import sys
import tempfile
import threading
import time

import client
import configuration
import harness
import upstream
from peers import PEERS

CLASSES = ["same-tick", "next-tick", "file-read", "timeout-0", "timeout-5", "timeout-25"]
SOON = CLASSES[:3]
# Share of the strays that were delivered whose record is to have the guilty request as its first candidate.
GUILTY_FIRST = 0.95
# Share of the records that are sure of somebody who are right.
SURE_RIGHT = 0.95
RATE_CLASSES = ["file-read", "timeout-5", "timeout-10", "timeout-25"]
# How long pairs of requests come at a rate, and after a guilty one's answer its victim.
RATE_SECONDS, GAP_SECONDS = 20, 0.03
RATE_LANES = 16
PROXIES = ["nginx", "always", "guards", "defaults"]
# `--proxies all`: every peer that is installed by scripts/setup --test.
ALL = [*PEERS, "guards", "defaults"]
OPTIONS = {
    "always": ({"reuse": "always"}, "0s"),
    "guards": ({}, "0s"),
    "defaults": ({}, "60s"),
}


class Count:
    """What became of the victims of one class behind one proxy."""

    def __init__(self):
        self.rounds = self.failed = self.quarantined = 0
        # Strays that somebody was given, and those of them whose record has the guilty request first.
        self.strays = self.first = 0
        # Records of all that was found, those that are sure, and those of them that name somebody who answered twice.
        self.records = self.sure = self.right = 0
        # (path of the request whose answer it was, victim's path, whether the server was in quarantine when the round began)
        self.slipped = []
        self.named_in_part = []
        self.unrecorded = []


class Ours:
    def __init__(self, servers, connections, quarantine):
        self.directory = tempfile.mkdtemp(prefix="strays-")
        config = configuration.configuration(
            None, self.directory,
            upstreams={name: {"servers": [server], "connections": connections} for name, server in servers.items()},
            routes=[{"name": name, "host": f"{name}.test", "path_prefix": "/", "upstream": name} for name in servers],
            # Every record is wanted here.
            incidents={"quarantine": {"for": quarantine}, "limit": {"burst": 1_000_000, "per_second": 1_000_000}})
        self.proxy = harness.SendOnce(self.directory, config)
        self.address = self.proxy.address
        self.quarantined = set()

    def is_quarantined(self, name):
        if name not in self.quarantined and any(
                "server quarantined" in line and f"upstream={name}" in line for line in self.proxy.lines):
            self.quarantined.add(name)
        return name in self.quarantined

    def stop(self):
        time.sleep(0.3)  # what is listened to or collected when the last round has ended
        self.proxy.stop()
        incidents = self.proxy.incidents()
        shutil.rmtree(self.directory, ignore_errors=True)
        return incidents


def start(proxy, servers):
    return PEERS[proxy](servers) if proxy in PEERS else Ours(servers, *OPTIONS[proxy])


class Pace:
    """When the pairs of requests come, and how long a victim waits."""

    def __init__(self, rate):
        self.start = time.monotonic()
        self.rate = rate

    def wait_for(self, number):
        time.sleep(max(0, self.start + number * 2 / self.rate - time.monotonic()))

    def wait_between(self):
        time.sleep(random.uniform(0, GAP_SECONDS))


def play(proxy, name, rounds, count, pace=None):
    """Round by round: a guilty request, and a victim's as soon as the guilty one has its answer."""
    guilty = victim = None
    for number in rounds:
        if pace:
            pace.wait_for(number)
        was_quarantined = proxy.is_quarantined(name)
        count.rounds += 1
        count.quarantined += was_quarantined
        paths = f"/guilty/{name}/{number}", f"/victim/{name}-{number}"
        try:
            guilty = fresh(proxy, guilty)
            victim = fresh(proxy, victim)
            first = guilty.get(paths[0], host=f"{name}.test")
            if pace:
                pace.wait_between()
            answer = victim.get(paths[1], host=f"{name}.test")
        except (OSError, AssertionError):
            count.failed += 1
            guilty = victim = None
            continue
        # Who is guilty may be a victim as well: of the round before, whose victim's answer is still to come.
        if first.complete and re.match(rb"(STRAY|FIRST|OWN)-", first.body) and first.body != f"FIRST-{number}".encode():
            count.slipped.append((owner(first.body.decode(), name), paths[0], was_quarantined))
        if answer.complete and answer.body == f"OWN-{name}-{number}".encode():
            continue
        if not answer.complete or not re.match(rb"(STRAY|FIRST|OWN)-", answer.body):
            count.failed += 1
        else:
            count.slipped.append((owner(answer.body.decode(), name), paths[1], was_quarantined))
        if not answer.complete or not first.complete:
            guilty = victim = None
    for one in (guilty, victim):
        if one:
            one.close()


def owner(body, name):
    """The path of the request whose answer this is."""
    what, _, number = body.rpartition("-")
    return f"/victim/{name}-{number}" if what.startswith("OWN") else f"/guilty/{name}/{number}"


def fresh(proxy, one):
    if one is None or one.ended:
        return client.Client(proxy.address, deadline=30)
    # A client keeps every byte that it has seen.
    one.seen.clear()
    one.position = 0
    return one


def check_records(counts, incidents):
    """Of those that slipped: how many records have the guilty request first, and which are in no record at all."""
    for name, count in counts.items():
        own = [incident for incident in incidents if incident["route"] == name and incident["kind"] in ("second_response", "misdelivered_response")]
        first, named = set(), set()
        count.records = len(own)
        for incident in own:
            if incident["attribution"] != "open":
                count.sure += 1
                count.right += incident["request"]["path"].startswith("/guilty/") and incident["request"]["path"] not in first
            first.add(incident["request"]["path"])
            named.add(incident["request"]["path"])
            named |= {one["path"] for one in incident.get("candidates", [])}
            if "victim" in incident:
                named.add(incident["victim"]["path"])
        got = {owner_path: victim for owner_path, victim, _ in count.slipped}
        for owner_path, victim, _ in count.slipped:
            if not owner_path.startswith("/guilty/"):
                continue  # a later one of the same shift
            count.strays += 1
            if owner_path in first:
                count.first += 1
                continue
            # The shift went on, to whoever got this victim's answer: it is recorded where it ended.
            shifted = [owner_path, victim]
            while (then := got.get(shifted[-1])) and then not in shifted:
                shifted.append(then)
            (count.named_in_part if named & set(shifted) else count.unrecorded).append((owner_path, victim))


def measure(proxy_name, classes, rounds, servers, lanes, pace=None, remarks=None):
    """Name of class → Count; what a peer said of it in its log is put into `remarks`."""
    proxy = start(proxy_name, servers)
    counts = {name: Count() for name in classes}
    players = [threading.Thread(target=play, args=(proxy, name, range(lane, rounds, lanes), counts[name], pace and pace()))
               for name in classes for lane in range(lanes)]
    for player in players:
        player.start()
    for player in players:
        player.join()
    incidents = proxy.stop()
    if incidents is not None:
        check_records(counts, incidents)
    elif remarks is not None:
        remarks[proxy_name] = proxy.remarks
    return counts


def judge(proxy, name, count):
    """Complaints: what was promised and is not so."""
    complaints = []
    if proxy in ("guards", "defaults"):
        if name in SOON and count.slipped:
            complaints.append(f"{proxy}, {name}: {len(count.slipped)} victims")
        if count.unrecorded:
            complaints.append(f"{proxy}, {name}: {len(count.unrecorded)} victims in no record, as {count.unrecorded[0]}")
        if count.failed:
            complaints.append(f"{proxy}, {name}: {count.failed} requests failed")
    if proxy not in PEERS:
        if count.strays >= 20 and count.first < GUILTY_FIRST * count.strays:
            complaints.append(f"{proxy}, {name}: the guilty request is first in {count.first} of {count.strays} records")
        if count.sure >= 20 and count.right < SURE_RIGHT * count.sure:
            complaints.append(f"{proxy}, {name}: {count.sure - count.right} of {count.sure} records are sure of the wrong one")
    if proxy == "defaults" and (late := [slip for slip in count.slipped if slip[2]]):
        complaints.append(f"{proxy}, {name}: {len(late)} victims in quarantine")
    if proxy == "defaults" and not count.quarantined:
        complaints.append(f"{proxy}, {name}: never in quarantine")
    return complaints


def show(count, proxy):
    cell = f"{len(count.slipped)}"
    if proxy not in PEERS and count.slipped:
        cell += f" ({count.first} of {count.strays})"
    if count.failed:
        cell += f" [{count.failed}]"
    return cell


def measure_rates(rates, proxies, servers):
    """The table of ordinary rates; complaints."""
    complaints = []
    heads = [f"{proxy}, {rate}/s" for rate in rates for proxy in proxies]
    pairs = {rate: max(10, rate * RATE_SECONDS // 2) for rate in rates}
    print("\nvictims at so many requests a second, of " + ", ".join(f"{pairs[rate]} ({rate}/s)" for rate in rates) + " guilty ones\n")
    print("stray written".ljust(16) + "".join(head.rjust(16) for head in heads), flush=True)
    table = {}
    for rate in rates:
        # The classes side by side, as long as this machine can keep to the rate.
        groups = [RATE_CLASSES] if rate * len(RATE_CLASSES) <= 500 else [[name] for name in RATE_CLASSES]
        for proxy in proxies:
            for names in groups:
                counts = measure(proxy, names, pairs[rate], {name: servers[name] for name in names},
                                 min(RATE_LANES, max(1, rate // 4)), lambda: Pace(rate))
                for name in names:
                    table[rate, proxy, name] = counts[name]
    for name in RATE_CLASSES:
        print(name.ljust(16) + "".join(show(table[rate, proxy, name], proxy).rjust(16) for rate in rates for proxy in proxies))
        for rate in rates:
            for proxy in set(proxies) & {"guards", "defaults"}:
                if table[rate, proxy, name].slipped:
                    complaints.append(f"{proxy}, {name}, {rate}/s: {len(table[rate, proxy, name].slipped)} victims")
                if table[rate, proxy, name].failed:
                    complaints.append(f"{proxy}, {name}, {rate}/s: {table[rate, proxy, name].failed} requests failed")
    return complaints


def measure_classes(runtime, classes, proxies, rounds, lanes):
    """The table of what is written when, under one runtime; complaints."""
    complaints, remarks, programs = [], {}, {}
    try:
        for name in classes:
            programs[name] = upstream.Node("strays.js", runtime=runtime)
        servers = {name: program.address for name, program in programs.items()}
        version = subprocess.run([runtime, "--version"], capture_output=True, text=True, check=True).stdout.split("\n")[0]
        print(f"\n{runtime} {version.split(' ')[1] if ' ' in version else version}: victims of {rounds} rounds"
              " (of the strays: the guilty request is first) [requests failed]\n")
        print("stray written".ljust(16) + "".join(proxy.rjust(20) for proxy in proxies), flush=True)
        table = {proxy: measure(proxy, classes, rounds, servers, lanes, remarks=remarks) for proxy in proxies}
    finally:
        for program in programs.values():
            program.stop()
    for name in classes:
        print(name.ljust(16) + "".join(show(table[proxy][name], proxy).rjust(20) for proxy in proxies))
        for proxy in proxies:
            complaints += judge(proxy, name, table[proxy][name])
    if ours := [proxy for proxy in proxies if proxy not in PEERS]:
        print("\nrecords, of them sure (certain or likely), of those right\n\n" + "".ljust(16) + "".join(one.rjust(20) for one in ours))
        for name in classes:
            counts = [table[proxy][name] for proxy in ours]
            print(name.ljust(16) + "".join(f"{count.records}, {count.sure}, {count.right}".rjust(20) for count in counts))
    for proxy, count in remarks.items():
        print(f"{proxy} has {count} lines about it in its log")
    return [f"{runtime}, {complaint}" for complaint in complaints]


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("-n", type=int, default=1000, dest="rounds")
    parser.add_argument("--lanes", type=int, default=1, help="rounds of each class that go on at the same time (1)")
    parser.add_argument("--proxies", default=",".join(PROXIES))
    parser.add_argument("--classes", default=",".join(CLASSES))
    parser.add_argument("--rates", default="1,50,500", help="requests a second of the second table; '' for none of it")
    parser.add_argument("--runtimes", default="node", help="node, bun, deno: a first table for each")
    arguments = parser.parse_args()
    classes, proxies = arguments.classes.split(","), ALL if arguments.proxies == "all" else arguments.proxies.split(",")
    names = [PEERS[proxy].name() for proxy in proxies if proxy in PEERS]
    print(", ".join([*names, subprocess.run([harness.BINARY, "--version"], capture_output=True, text=True, check=True).stdout.strip()]))
    complaints = []
    for runtime in arguments.runtimes.split(","):
        complaints += measure_classes(runtime, classes, proxies, arguments.rounds, arguments.lanes)
    if arguments.rates:
        rates = [int(rate) for rate in arguments.rates.split(",")]
        nodes = {name: upstream.Node("strays.js") for name in RATE_CLASSES}
        try:
            complaints += measure_rates(rates, [proxy for proxy in proxies if proxy in PEERS or proxy == "guards"],
                                        {name: node.address for name, node in nodes.items()})
        finally:
            for node in nodes.values():
                node.stop()
    for complaint in complaints:
        print(f"WRONG   {complaint}")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
