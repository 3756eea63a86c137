#!/usr/bin/env python3
"""What the id echo keeps from clients, and that it never takes an answer for another's.

    measure_echo.py [--victims N] [--requests N] [--lanes N]

Victims: a Node program under the probe answers, and 0, 5 or 25 ms later writes a second answer to its connection; the moment a client has
the first one, another request follows, whose own answer takes 20 ms. Every class has its own program, and the proxy does not rest a
connection (`hold: 0ms`) nor put a server in quarantine: each round is a first offence. Wanted: no victim gets another's answer.

Requests: pipelining clients ask a program under the probe for answers of every form: lengths, chunks, late ones, 1xx, HEAD, 204, 304,
100-continue, bodies, upgrades; in between come requests that Node itself answers with 400, 431 or 408. Wanted: each client gets its own answers,
in order, and there is no misdelivered_response. SENDONCE is the binary. Ends with 1 where it is not so.
"""

import argparse
import collections
import pathlib
import random
import sys
import tempfile
import threading

ROOT = pathlib.Path(__file__).resolve().parents[2]
sys.path.insert(0, str(ROOT / "Tests/EndToEnd/support"))

import client  # noqa: E402
import configuration  # noqa: E402
import harness  # noqa: E402
import probed  # noqa: E402
import upstream  # noqa: E402

CLASSES = ["timeout-0", "timeout-5", "timeout-25"]
FORMS = ["length", "chunked", "late", "interim", "unchanged", "empty", "plain"]
DEPTH = 16


class Trial:
    """A program under the probe, behind the proxy."""

    def __init__(self, program, directory, **options):
        socket = f"{directory}/probe.socket"
        self.node = upstream.Node(program, NODE_OPTIONS=f"--require {probed.PROBE}", SENDONCE_PROBE_SOCKET=socket)
        settings = configuration.configuration(
            self.node.address, directory, probe={"socket": socket, "echo": "auto"}, **options)
        self.proxy = harness.SendOnce(directory, settings)

    def stop(self):
        self.proxy.stop()
        self.node.stop()

    def misdelivered(self):
        found = [one for one in self.proxy.incidents() if one["kind"] == "misdelivered_response"]
        return collections.Counter(one["certainty"] for one in found), found


def lanes(count, work):
    failures = []

    def run(number):
        try:
            work(number)
        except Exception as error:
            failures.append(f"lane {number}: {type(error).__name__}: {error}")

    threads = [threading.Thread(target=run, args=(number,)) for number in range(count)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    return failures


def victims(name, count, options):
    """How many victims got something else than their own answer."""
    wrong = []
    with tempfile.TemporaryDirectory(prefix="sendonce-") as directory:
        trial = Trial("strays.js", directory, connections={"hold": "0ms"},
                      incidents={"quarantine": {"for": "0s"}, "limit": {"burst": 1_000_000, "per_second": 1_000_000}})

        def work(number):
            with client.Client(trial.proxy.address) as one:
                for turn in range(number, count, options.lanes):
                    one.get(f"/guilty/{name}/{turn}")
                    answer = one.get(f"/victim/{turn}")
                    if (answer.status, answer.body) != (200, f"OWN-{turn}".encode()):
                        wrong.append(f"{answer.status} {answer.body[:40]!r}")
        try:
            failures = lanes(options.lanes, work)
            found, _ = trial.misdelivered()
        finally:
            trial.stop()
    print(f"{name:11} {count} victims, {len(wrong)} got another's answer or none; misdelivered_response: {dict(found)}", flush=True)
    for line in (wrong + failures)[:5]:
        print("   ", line)
    return len(wrong) + len(failures)


def batch(one, number, chance):
    """Pipelined requests, and a look at what each got. How many there were."""
    asked = []
    for turn in range(DEPTH):
        form, own = chance.choice(FORMS), f"{number}-{turn}-{chance.randrange(10**9)}"
        method = chance.choice(["GET", "GET", "GET", "HEAD"])
        asked.append((form, own, method))
        one.request(f"/{form}/{own}", method=method)
    for form, own, method in asked:
        answer = one.read_response(method=method)
        if answer.field("X-For") != own:
            raise AssertionError(f"{method} /{form}/{own}: {answer}")
        if method == "GET" and form not in ("unchanged", "empty") and answer.body != f"FOR-{own}".encode():
            raise AssertionError(f"{method} /{form}/{own}: {answer}")
    return DEPTH


def odd(address, chance):
    """One request of a kind that a connection does not outlive, or that is answered by Node itself."""
    with client.Client(address) as one:
        kind = chance.choices(["upgrade", "continue", "long", "method", "slow"], [8, 8, 8, 8, 1])[0]
        if kind == "upgrade":
            one.request("/upgrade", fields=["Connection: Upgrade", "Upgrade: crowd"])
        elif kind == "continue":
            one.request("/echo/1", method="POST", body=b"x" * chance.randrange(1, 5000), fields=["Expect: 100-continue"])
        elif kind == "long":
            one.request("/plain/1", fields=["X-Long: " + "x" * 6_000])
        elif kind == "method":
            one.request("/plain/1", method="FROBNICATE")
        else:
            one.request("/echo/1", method="POST", fields=["Content-Length: 10"])
        status = one.read_response().status
        if status != {"upgrade": 101, "continue": 200, "long": 431, "method": 400, "slow": 408}[kind]:
            raise AssertionError(f"{kind}: {status}")
    return 1


def requests(count, options):
    done, lock = [0], threading.Lock()
    with tempfile.TemporaryDirectory(prefix="sendonce-") as directory:
        trial = Trial("crowd.js", directory, connections={"hold": "0ms"})

        def work(number):
            chance = random.Random(number)
            with client.Client(trial.proxy.address, deadline=30.0) as one:
                while done[0] < count:
                    made = batch(one, number, chance)
                    if chance.random() < 0.2:
                        made += odd(trial.proxy.address, chance)
                    with lock:
                        done[0] += made
        try:
            failures = lanes(options.lanes, work)
            found, records = trial.misdelivered()
        finally:
            trial.stop()
    print(f"{done[0]} innocent requests, {len(failures)} lanes with a wrong answer; misdelivered_response: {dict(found)}", flush=True)
    for line in (failures + records)[:5]:
        print("   ", str(line)[:600])
    return len(failures) + sum(found.values())


def main():
    parser = argparse.ArgumentParser(usage=__doc__)
    parser.add_argument("--victims", type=int, default=2000, help="in all, shared among the classes")
    parser.add_argument("--requests", type=int, default=200_000)
    parser.add_argument("--lanes", type=int, default=8)
    options = parser.parse_args()
    wrong = sum(victims(name, options.victims // len(CLASSES) + 1, options) for name in CLASSES) if options.victims else 0
    wrong += requests(options.requests, options) if options.requests else 0
    sys.exit(1 if wrong else 0)


main()
