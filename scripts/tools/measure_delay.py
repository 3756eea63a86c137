#!/usr/bin/env python3
"""The acknowledgement test over real TCP with a delay: which strays it keeps from clients, and that it accuses nobody.

    measure_delay.py [--delay MS] [-n ROUNDS] [--requests N] [--lanes N] [--loss SHARE] [--jitter MS]

SendOnce and its upstream are in two network namespaces, and this process carries the packets between them, each MS later
(delayed_network.py). Needs root and /dev/net/tun.

Strays: an upstream answers, and writes a second answer so many milliseconds later; the moment a client has the first answer,
another request is sent on that connection, whose own answer takes two delays. The packets themselves tell what became of it:

    looked   it had arrived before the request was sent: the request is sent on another connection
    crossed  it left before the request arrived, which its segment's acknowledgement says
    behind   it left after that: nothing tells it from an answer

Wanted: nobody gets one of the first two kinds, and each that crossed is recorded as proven; none of the third is ever called so,
but whoever gets one is named in a record.
A victim that gets 502 instead was one too many for the upstream's retries.

Innocents: requests with and without bodies, small and larger than a window, answered at once (the acknowledgement comes with the
answer), later (it comes before), in pieces, and before their bodies were read; from `--lanes` clients, over that network, then over
one that loses, delays and reorders packets. Wanted: each gets its own answer, and nothing is recorded.

Ends with 1 when what is wanted is not so. SENDONCE is the binary.
"""

import argparse
import collections
import hashlib
import json
import shutil
import sys
import tempfile
import threading
import time

import client
import configuration
import delayed_network
import harness
import upstream

# Shares of the delay, after the first answer. The request leaves one delay after it, and arrives one later.
WHEN = [0.0, 0.5, 1.0, 1.5, 2.5]
KINDS = ["looked", "crossed", "behind"]


def near_configuration(network, directory, server, connections, **options):
    """A proxy's on the near side. Its clients come over Unix-domain sockets."""
    return configuration.configuration(
        None, directory, upstreams={"app": {"servers": [server], "connections": connections}},
        listener=f"unix:{directory}/proxy.sock", admin={"address": f"unix:{directory}/admin.sock"}, **options)


class Behind:
    """A proxy on the near side, and its folder."""

    def __init__(self, network, server, connections):
        self.directory = tempfile.mkdtemp(prefix="delay-")
        config = near_configuration(
            network, self.directory, server, connections,
            # Each stray is a first offence, and every record is wanted.
            incidents={"path": f"{self.directory}/incidents.jsonl", "quarantine": {"for": "0s"},
                       "limit": {"burst": 1_000_000, "per_second": 1_000_000}})
        self.proxy = network.near.run(lambda: harness.SendOnce(self.directory, config))
        self.address = self.proxy.address

    def stop(self):
        """Everything that was recorded."""
        self.proxy.stop()
        incidents = self.proxy.incidents()
        shutil.rmtree(self.directory, ignore_errors=True)
        return incidents


def fresh(one, behind):
    """The client, or a new one where its connection has ended, or will after the last answer."""
    if one is None or one.ended or b"Connection: close\r\n" in one.seen:
        if one:
            one.close()
        return client.Client(behind.address, deadline=60)
    # A client keeps every byte that it has seen.
    one.seen.clear()
    one.position = 0
    return one


# MARK: Strays

class Witness:
    """Reads off the packets what became of each stray."""

    def __init__(self):
        # By number: (ports, sequence) of the victim's request when it was sent; the acknowledgement in the stray's segment.
        self.requests = {}
        self.strays = {}
        self.arrived = set()
        self.looked = set()

    def intercept(self, packet):
        if packet.goes_far and (number := self.number(packet, b"GET /victim/")) is not None and number not in self.requests:
            self.requests[number] = (packet.ports, packet.sequence)
            if number in self.arrived:
                self.looked.add(number)
        elif not packet.goes_far and (number := self.number(packet, b"X-Stray: ")) is not None:
            self.strays.setdefault(number, (packet.ports[::-1], packet.acknowledged))
        return False

    def delivered(self, packet):
        if not packet.goes_far and (number := self.number(packet, b"X-Stray: ")) is not None:
            self.arrived.add(number)

    @staticmethod
    def number(packet, mark):
        at = packet.payload.find(mark)
        return None if at < 0 else int(packet.payload[at + len(mark):].split(b" ")[0].split(b"\r")[0])

    def kind(self, number):
        ports, acknowledged = self.strays[number]
        request_ports, sequence = self.requests[number]
        if ports != request_ports:
            return "looked"
        # Sequence numbers wrap.
        return "behind" if 0 < (acknowledged - sequence) % 2**32 < 2**31 else "crossed"


def answers_twice(delays, victim_takes):
    """A script: /guilty/N is answered twice, the second time `delays[N]` later; /victim/N once."""
    def script(conversation):
        while (request := conversation.read_request()) is not None:
            _, what, number = request.target.split("/")
            if what == "victim":
                time.sleep(victim_takes)
            conversation.send(upstream.ok(f"{what}-{number}".encode()))
            if what == "guilty":
                stray = upstream.ok(f"stray-{number}".encode(), f"X-Stray: {number}")
                timer = threading.Timer(delays[int(number)], send, (conversation, stray))
                timer.daemon = True
                timer.start()
    return script


def send(conversation, data):
    try:
        conversation.send(data)
    except OSError:
        pass  # the connection has ended before


class Strays:
    """Rounds of a guilty request and a victim's; how many of each kind there were, were delivered, were proven."""

    def __init__(self, delay, rounds):
        self.total, self.delivered, self.proven = (collections.Counter() for _ in range(3))
        self.failed = self.refused = 0
        delays = {number: WHEN[number % len(WHEN)] * delay for number in range(rounds)}
        network = delayed_network.DelayedNetwork(delay)
        witness = Witness()
        network.intercept, network.delivered = witness.intercept, witness.delivered
        origin = upstream.Scripted(answers_twice(delays, 2 * delay), listener=network.far.listen())
        # The request is to go on the guilty connection, however soon it comes.
        behind = Behind(network, origin.address, {"hold": "0ms"})
        bodies = {}
        one = None
        for number in range(rounds):
            one = fresh(one, behind)
            if one.get(f"/guilty/{number}").body != f"guilty-{number}".encode():
                self.failed += 1
                continue
            answer = one.get(f"/victim/{number}")
            bodies[number] = answer.body.decode()
            self.refused += answer.status == 502
            self.failed += not answer.body.startswith((b"stray", b"victim-%d" % number)) and answer.status != 502
            # What is still to come belongs to this round: the stray, and the true answer of who got it.
            harness.wait_for(lambda: number in witness.arrived, f"stray {number}")
            time.sleep(4 * delay)
        one.close()
        incidents = behind.stop()
        network.stop()
        origin.stop()
        proven = {incident["victim"]["path"] for incident in incidents
                  if incident["kind"] == "misdelivered_response" and incident["certainty"] == "proven"}
        # A victim of the third kind is named afterwards, as one that was perhaps given another's answer or was answered twice.
        told = {incident["victim"]["path"] for incident in incidents if incident["kind"] == "misdelivered_response"}
        told |= {incident["request"]["path"] for incident in incidents if incident["kind"] == "second_response"}
        self.unrecorded = [number for number, body in bodies.items() if body.startswith("stray") and f"/victim/{number}" not in told]
        for number, body in bodies.items():
            kind = witness.kind(number)
            self.total[number % len(WHEN), kind] += 1
            self.delivered[number % len(WHEN), kind] += body.startswith("stray")
            self.proven[number % len(WHEN), kind] += f"/victim/{number}" in proven

    def sum(self, counter, kind):
        return sum(counter[when, kind] for when in range(len(WHEN)))

    def complaints(self):
        found = [f"{self.failed} requests failed"] if self.failed else []
        if self.unrecorded:
            found.append(f"{len(self.unrecorded)} victims are in no record")
        if not self.sum(self.total, "crossed"):
            found.append("no stray crossed a request")
        for kind in ("looked", "crossed"):
            if delivered := self.sum(self.delivered, kind):
                found.append(f"{kind}: {delivered} strays were delivered")
        if (proven := self.sum(self.proven, "crossed")) != self.sum(self.total, "crossed"):
            found.append(f"crossed: only {proven} of {self.sum(self.total, 'crossed')} are recorded as proven")
        for kind in ("looked", "behind"):
            if proven := self.sum(self.proven, kind):
                found.append(f"{kind}: {proven} are called proven")
        return found


# MARK: Innocents

SIZES = [0, 1, 700, 5_000, 60_000, 400_000]


def early(conversation):
    """Answers as soon as the header block is there, and reads the body afterwards; some in pieces."""
    while (request := conversation.read_head()) is not None:
        number = request.target.rpartition("/")[2]
        answer = upstream.ok(f"early-{number}".encode())
        if int(number) % 3 == 0:
            conversation.send(answer[:20])
            time.sleep(0.001)
            conversation.send(answer[20:])
        else:
            conversation.send(answer)
        conversation.read_exactly(int(request.field("content-length") or 0))


class Innocents:
    """Requests that are answered once, in every way in which an acknowledgement can come."""

    def __init__(self, network, requests, lanes):
        self.wrong = []
        self.sent = 0
        environment = {"HOST": network.far.address}
        node = network.far.run(lambda: upstream.Node("plain.js", **environment))
        scripted = upstream.Scripted(early, listener=network.far.listen())
        try:
            for address, ask in ((node.address, self.ask_node), (scripted.address, self.ask_early)):
                behind = Behind(network, address, {"hold": "0ms", "max": max(1, lanes // 2)})
                self.work(behind, requests // 2, lanes, ask)
                self.wrong += [json.dumps(incident) for incident in behind.stop()]
        finally:
            node.stop()
            network.stop()
            scripted.stop()
        self.counts = network.counts

    def work(self, behind, requests, lanes, ask):
        numbers = iter(range(requests))
        lock = threading.Lock()

        def lane():
            one = None
            while True:
                with lock:
                    if (number := next(numbers, None)) is None:
                        break
                    self.sent += 1
                try:
                    one = fresh(one, behind)
                    if problem := ask(one, number):
                        self.wrong.append(f"request {number}: {problem}")
                except (OSError, AssertionError, client.Ended) as error:
                    self.wrong.append(f"request {number}: {error!r}")
                    one = None
        threads = [threading.Thread(target=lane) for _ in range(lanes)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()

    @staticmethod
    def ask_node(one, number):
        size = SIZES[number // 4 % len(SIZES)]
        body = (b"%09d" % number) * (size // 9 + 1) if size else b""
        match number % 4:
            case 0: answer, wanted = one.get("/ok"), b"OK"
            case 1: answer, wanted = one.get("/slow"), b"SLOW"
            case 2: answer, wanted = one.get("/echo", method="POST", body=body), body
            case _:
                answer = one.get("/inspect", method="POST", body=body)
                seen = json.loads(answer.body) if answer.complete and answer.status == 200 else {}
                return None if seen.get("sha256") == hashlib.sha256(body).hexdigest() else f"/inspect: {answer}"
        return None if answer.complete and answer.body == wanted else f"{answer}"

    @staticmethod
    def ask_early(one, number):
        body = b"x" * SIZES[number % len(SIZES)]
        answer = one.get(f"/early/{number}", method="POST" if body else "GET", body=body)
        return None if answer.complete and answer.body == f"early-{number}".encode() else f"{answer}"


def main():
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--delay", type=float, default=20, help="milliseconds, one way (20)")
    parser.add_argument("-n", type=int, default=200, dest="rounds", help="strays (200)")
    parser.add_argument("--requests", type=int, default=10_000, help="innocent ones over each network (10000)")
    parser.add_argument("--lanes", type=int, default=32, help="clients at the same time (32)")
    parser.add_argument("--loss", type=float, default=0.005, help="share of packets that the second network loses (0.005)")
    parser.add_argument("--jitter", type=float, default=3, help="milliseconds by which it delays some more (3)")
    arguments = parser.parse_args()
    if why := delayed_network.missing():
        sys.exit(why)
    delay, complaints = arguments.delay / 1000, []

    strays = Strays(delay, arguments.rounds)
    print(f"strays over a network of {arguments.delay:g} ms each way: delivered / all (proven)\n")
    print("written after".ljust(16) + "".join(kind.rjust(18) for kind in KINDS))
    for when, share in enumerate(WHEN):
        cells = [f"{strays.delivered[when, kind]} / {strays.total[when, kind]} ({strays.proven[when, kind]})" for kind in KINDS]
        print(f"{share * arguments.delay:g} ms".ljust(16) + "".join(cell.rjust(18) for cell in cells))
    print(f"\n{strays.refused} of the victims got 502")
    complaints += [f"strays: {complaint}" for complaint in strays.complaints()]

    print("\ninnocent requests: sent, wrong or accused, packets (lost)\n", flush=True)
    for name, loss, jitter in (("delay", 0, 0), ("delay and loss", arguments.loss, arguments.jitter / 1000)):
        network = delayed_network.DelayedNetwork(delay, loss=loss, jitter=jitter)
        innocents = Innocents(network, arguments.requests, arguments.lanes)
        counts = innocents.counts
        print(f"{name:16}{innocents.sent:10}{len(innocents.wrong):10}{counts['packets']:12} ({counts['lost']})", flush=True)
        complaints += [f"{name}: {problem}" for problem in innocents.wrong[:5]]
    for complaint in complaints:
        print(f"WRONG   {complaint}")
    sys.exit(1 if complaints else 0)


if __name__ == "__main__":
    main()
