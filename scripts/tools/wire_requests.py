"""Requests: what SendOnce, and Node, nginx and HAProxy, read in the same bytes."""

import collections
import subprocess

import wire_readers
from wire_programs import PEERS, Ours, Views, path_of, play

# Node's own words for a connection that ended in the middle of a request: SendOnce gave it up.
ABANDONED = {"ECONNRESET", "HPE_INVALID_EOF_STATE", None}


def field(request, name):
    """The one value of a field that Node has read; None unless it stands exactly once."""
    pairs = zip(request["fields"][::2], request["fields"][1::2])
    values = [value for key, value in pairs if key.lower() == name]
    return values[0] if len(values) == 1 else None


def whole(views):
    """The requests that were read to their ends, in the order of their arrival."""
    return sorted((one for view in views for one in view["requests"] if one["body"] is not None), key=lambda one: one["arrival"])


def facts(request):
    return request["method"], path_of(request["url"]), request["body"]


def relation(ours, theirs):
    """How another's view stands to ours: it took as much (`same`), less (`stricter`), more (`laxer`), or something else (`differs`)."""
    if ours == theirs:
        return "same"
    if theirs == ours[:len(theirs)]:
        return "stricter"
    return "laxer" if ours == theirs[:len(ours)] else "differs"


class Requests:
    def __init__(self, cases, mutations):
        self.faults = []
        self.differences = []
        self.views = {name: Views("requests") for name in ("ours", "node", "lenient", *PEERS)}
        peers = {name: peer(f"127.0.0.1:{self.views[name].ports[0]}") for name, peer in PEERS.items()}
        proxy = Ours(f"127.0.0.1:{self.views['ours'].ports[0]}")
        ours = play(proxy.address, cases | mutations, 1)
        others = {name: play(peer.address, cases, 1) for name, peer in peers.items()}
        others["node"] = play(f"127.0.0.1:{self.views['node'].ports[0]}", cases, 1)
        lines = proxy.stop()
        streams = self.views["ours"].end()
        sent = {str(number): view["raw"] for number, view in enumerate(streams)}
        # What SendOnce wrote, to everybody else: none of them may read anything else in it.
        again = {name: play(peer.address, sent, 2) for name, peer in peers.items()}
        again["lenient"] = play(f"127.0.0.1:{self.views['lenient'].ports[1]}", sent, 2)
        for peer in peers.values():
            peer.stop()
        told = {name: views.end() for name, views in self.views.items() if name != "ours"}

        self.hold_log(lines, streams, ours)
        readings = self.hold_streams(streams)
        for name, seen in again.items():
            self.hold_again(name, told[name], seen, readings)
        self.compare(cases, ours, lines, streams, others, told)
        self.summary = f"{len(lines)} requests in the access log, {len(whole(streams))} read whole by Node on {len(streams)} connections"

    def hold_log(self, lines, streams, ours):
        """The access log is what SendOnce has read: Node has read the same."""
        names = {address: name for name, (address, _) in ours.items()}
        for name, (_, got) in ours.items():
            if got is None:
                self.faults.append(f"{name}: the client waits for ever")
        log = {line["request"]["id"]: line for line in lines}
        self.log_names = {key: names[line["client"]["address"].rsplit(":", 1)[0]] for key, line in log.items()}
        read = collections.Counter()
        for view in streams:
            if view["error"] not in ABANDONED | {"HPE_INVALID_METHOD"}:
                self.faults.append(f"Node refuses what SendOnce has written: {view['error']} in {view['raw'][-300:]!r}")
            for request in view["requests"]:
                line = log.get(field(request, "x-request-id"))
                if line is None:
                    self.faults.append(f"Node reads a request that SendOnce did not: {request['method']} {request['url']} in {view['raw'][:300]!r}")
                    continue
                name = self.log_names[line["request"]["id"]]
                if line["request"].get("host", "") != (field(request, "host") or ""):
                    self.faults.append(f"{name}: SendOnce read the host {line['request'].get('host')}, Node {field(request, 'host')}")
                written = line["request"]["method"], path_of(line["request"].get("path", ""))
                # The log has the first 2000 bytes.
                if written[0] != request["method"] or written[1][:2000] != path_of(request["url"])[:2000]:
                    self.faults.append(f"{name}: SendOnce read {written}, Node {request['method']} {request['url']}")
                if request["body"] is None:
                    continue
                read[line["request"]["id"]] += 1
                if len(request["body"]) != line["request"].get("body_bytes", 0):
                    self.faults.append(f"{name}: a body of {line['request'].get('body_bytes', 0)} bytes, Node read {len(request['body'])}")
        for key, line in log.items():
            if line["outcome"] == "answered" and line["response"]["status"] == 200 and read[key] != 1:
                self.faults.append(f"{self.log_names[key]}: answered, and read {read[key]} times by Node")
            if read[key] > line.get("upstream", {}).get("attempts", 0):
                self.faults.append(f"{self.log_names[key]}: read {read[key]} times by Node")

    def hold_streams(self, streams):
        """One strict reading of what was written upstream: the same requests as Node's."""
        readings = []
        methods = subprocess.run(["node", "-p", "http.METHODS.join()"], capture_output=True, text=True, check=True).stdout.strip().split(",")
        for view in streams:
            found, fault = wire_readers.requests(view["raw"])
            if fault not in (None, "short"):
                self.faults.append(f"SendOnce wrote what is not HTTP: {fault} in {view['raw'][:300]!r}")
            strict = [(method, path_of(target), body) for method, target, _, body in found]
            node = [facts(one) for one in whole([view])]
            if strict != node:
                # Node knows a list of methods, and ends where it meets another.
                is_unknown = relation(strict, node) == "stricter" and strict[len(node)][0] not in methods
                if not is_unknown or view["error"] != "HPE_INVALID_METHOD":
                    self.faults.append(f"Node reads {node}, one strict reading {strict} in {view['raw'][:300]!r}")
            readings.append(strict)
        return readings

    def hold_again(self, name, told, seen, readings):
        numbers = {address: int(number) for number, (address, _) in seen.items()}
        by_stream = collections.defaultdict(list)
        for view in told:
            for request in view["requests"]:
                if request["body"] is not None:
                    address = view["address"] if name == "lenient" else field(request, "x-client")
                    if address in numbers:
                        by_stream[numbers[address]].append(request)
        for number, strict in enumerate(readings):
            theirs = [facts(one) for one in sorted(by_stream[number], key=lambda one: one["arrival"])]
            if relation(strict, theirs) not in ("same", "stricter"):
                self.faults.append(f"{name} reads {theirs}, one strict reading {strict}")

    def compare(self, cases, ours, lines, streams, others, told):
        """What others make of a case's bytes without SendOnce, beside what Node got from SendOnce."""
        read = {field(one, "x-request-id"): one for one in whole(streams)}
        by_address = collections.defaultdict(list)
        for line in lines:
            if one := read.get(line["request"]["id"]):
                by_address[line["client"]["address"].rsplit(":", 1)[0]].append(facts(one))
        for program, seen in others.items():
            names = {address: name for name, (address, _) in seen.items()}
            theirs = collections.defaultdict(list)
            for view in told[program]:
                for request in view["requests"]:
                    address = view["address"] if program == "node" else field(request, "x-client")
                    if request["body"] is not None and address in names:
                        theirs[names[address]].append(request)
            for name in cases:
                mine = by_address[ours[name][0]]
                other = [facts(one) for one in sorted(theirs[name], key=lambda one: one["arrival"])]
                how = relation(mine, other)
                # Our side has ended: HAProxy may close before it reads the next request.
                if how != "same" and not (program == "haproxy" and how == "stricter" and other):
                    self.differences.append(("request", program, name, how, f"SendOnce {brief(mine)}, {program} {brief(other)}"))


def brief(requests):
    return [(method, path[:40], body[:40]) for method, path, body in requests]
