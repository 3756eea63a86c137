#!/usr/bin/env python3
"""Clients and servers on slow links: curl, SendOnce and Node, and on one side of SendOnce a link with a rate, a queue, a delay and losses.

    slow_links.py [--link NAME] [--kind NAME] [--rounds N] [--seed SEED]

SendOnce and whoever is behind the link are in two network namespaces, and this process carries the packets between them (delayed_network.py).
Needs root and /dev/net/tun. A round is one curl with up to five transfers at once, down and up. Over the link goes HTTP/1.1, that in TLS, or
HTTP/2 in TLS, of a client; or HTTP/1.1 or HTTP/2, of a server. A client may be idle for a second: what the kernel still holds of its answer is
longer on its way than that. A server's answer may be silent for five.

Wanted: each body arrives to the byte, either way, nobody is refused or given up, and nothing is recorded. Ends with 1 when that is
not so. SENDONCE is the binary.
"""

import argparse
import hashlib
import json
import pathlib
import random
import shutil
import subprocess
import sys
import tempfile
import time

import certificates
import configuration
import delayed_network
import harness
import upstream

# Bytes a second down and up, and what else the link does.
LINKS = {
    "narrow": {"rates": (12e3, 12e3), "queue": 2.0, "delay": 0.05},
    "mobile": {"rates": (60e3, 30e3), "queue": 1.0, "delay": 0.1, "loss": 0.02},
    "uplink": {"rates": (200e3, 20e3), "queue": 1.0, "delay": 0.03},
}
CLIENTS = {"HTTP/1.1": ["--http1.1"], "HTTP/1.1 in TLS": ["--http1.1"], "HTTP/2 in TLS": ["--http2"]}
# Of servers, what Node has to know.
SERVERS = {"HTTP/1.1 server": {}, "HTTP/2 server": {"HTTP2": "1"}}
KINDS = [*CLIENTS, *SERVERS]
# A round takes so long, more or less.
SECONDS = 30
BLOCK = bytes(index % 251 for index in range(65521))


class Round:
    """One curl with its transfers, of which each has about the same share of the link."""

    def __init__(self, directory, address, kind, rates, chance, seconds):
        """`rates`: up to the server, and down from it."""
        self.directory = pathlib.Path(directory)
        scheme = "https" if kind.endswith("TLS") else "http"
        options = ["-sk", "-m", "600", *CLIENTS.get(kind, ["--http1.1"])]
        self.transfers, self.arguments = [], ["curl"]
        ways = [chance.choice(["down", "up"]) for _ in range(chance.randint(1, 5))]
        if len(ways) > 1:
            self.arguments.append("--parallel")
        for number, way in enumerate(ways):
            size = int(rates[way == "down"] * seconds / ways.count(way) * chance.uniform(0.5, 1))
            file = self.directory / f"{number}.answer"
            self.transfers.append((way, size, file))
            self.arguments += ["--next"] * (number > 0) + options + ["-o", str(file), "-w", "%{exitcode} %{http_code} %{errormsg}\\n"]
            file.unlink(missing_ok=True)
            if way == "down":
                self.arguments.append(f"{scheme}://{address}/bytes?bytes={size}")
            else:
                body = file.with_suffix(".body")
                body.write_bytes(chance.randbytes(size))
                self.arguments += ["--data-binary", f"@{body}", f"{scheme}://{address}/inspect"]

    def run(self, namespace):
        """What is wrong, a line each."""
        done = namespace.run(lambda: subprocess.Popen(self.arguments, stdout=subprocess.PIPE, stderr=subprocess.DEVNULL, text=True))
        wrong = [f"curl: {line}" for line in done.communicate()[0].split("\n") if line and not line.startswith("0 200")]
        return wrong + [f"{way} {size} bytes: {fault}" for way, size, file in self.transfers if (fault := self.fault(way, size, file))]

    @staticmethod
    def fault(way, size, file):
        got = file.read_bytes() if file.exists() else b""
        if way == "down":
            return None if got == (BLOCK * (size // len(BLOCK) + 1))[:size] else f"{len(got)} came"
        try:
            seen = json.loads(got)
        except ValueError:
            return f"answered with {got[:80]}"
        sent = hashlib.sha256(file.with_suffix(".body").read_bytes()).hexdigest()
        return None if (seen["bytes"], seen["sha256"]) == (size, sent) else f"{seen['bytes']} arrived"


def start_node(network, kind, directory):
    if kind in CLIENTS:
        return upstream.Node("plain.js", unix_path=f"{directory}/node.sock")
    return network.far.run(lambda: upstream.Node("plain.js", HOST=network.far.address, **SERVERS[kind]))


def configured(network, kind, directory, node):
    options = {"listener": f"{network.near.address}:0", "admin": {"address": f"unix:{directory}/admin.sock"},
               "timeouts_": {"client_body": "20s", "client_idle": "1s"}}
    if kind in SERVERS:
        app = {"servers": [node.address], "timeouts": {"body_idle": "5s"}, "protocol": "http2" if SERVERS[kind] else "http1"}
        return configuration.configuration(None, directory, upstreams={"app": app}, **options)
    config = configuration.configuration(node.address, directory, **options)
    if kind.endswith("TLS"):
        config["listeners"][0]["tls"] = certificates.pair("shop")
    return config


def measure(name, kind, rounds, seed, seconds=SECONDS):
    """What is wrong over that link, a line each."""
    link = LINKS[name]
    network = delayed_network.DelayedNetwork(seed=seed, **link)
    directory = tempfile.mkdtemp(prefix="slow-links-")
    node = None
    try:
        node = start_node(network, kind, directory)
        config = configured(network, kind, directory, node)
        # What goes to `far` goes down to a client, and up to a server.
        rates, curls = (link["rates"], network.near) if kind in SERVERS else (link["rates"][::-1], network.far)
        proxy = network.near.run(lambda: harness.SendOnce(directory, config))
        try:
            chance, wrong = random.Random(f"{seed} {name} {kind}"), []
            for _ in range(rounds):
                wrong += Round(directory, proxy.address, kind, rates, chance, seconds).run(curls)
            if refused := proxy.metrics().sum("sendonce_client_rejected_total"):
                wrong.append(f"{refused:.0f} clients were refused or given up")
        finally:
            proxy.stop()
        return wrong + [f"recorded: {incident['kind']}" for incident in proxy.incidents()]
    finally:
        if node:
            node.stop()
        network.stop()
        shutil.rmtree(directory, ignore_errors=True)


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--link", choices=LINKS, help="this one only")
    parser.add_argument("--kind", choices=KINDS, help="this one only")
    parser.add_argument("--rounds", type=int, default=3, help="of each link and version of HTTP")
    parser.add_argument("--seed", type=int, default=1)
    options = parser.parse_args()
    if missing := delayed_network.missing():
        sys.exit(missing)
    count = 0
    for name in [options.link] if options.link else LINKS:
        for kind in [options.kind] if options.kind else KINDS:
            began = time.monotonic()
            wrong = measure(name, kind, options.rounds, options.seed)
            count += len(wrong)
            print(f"{name:8} {kind:16} {options.rounds} rounds, {time.monotonic() - began:4.0f} s: {len(wrong)} wrong", flush=True)
            for line in wrong:
                print(f"    {line}", flush=True)
    sys.exit(count > 0)


if __name__ == "__main__":
    main()
