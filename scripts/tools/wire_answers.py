"""Answers: what Node's client reads of the same bytes behind SendOnce, nginx, HAProxy and nobody."""

import upstream
import wire_readers
from wire_programs import PEERS, Ours, Views


def method_of(name):
    family = name.split("/")[0]
    return family if family.isupper() else "GET"


def relation(ours, theirs):
    """Each (status, body, whole): nothing, a proxy's own 502 and an answer that is cut off are all no answer."""
    have, has = (one[2] and one[0] != 502 for one in (ours, theirs))
    if have and has:
        return "same" if ours == theirs else "differs"
    return "same" if have == has else "stricter" if have else "laxer"


class Answers:
    def __init__(self, cases, mutations):
        self.faults = []
        self.differences = []
        self.every = list((cases | mutations).items())
        self.origin = upstream.Scripted(self.script)
        proxy = Ours(self.origin.address)
        peers = {name: peer(self.origin.address) for name, peer in PEERS.items()}
        addresses = {"ours": proxy.address, "node": self.origin.address} | {name: peer.address for name, peer in peers.items()}
        seen = {name: self.ask(address, len(self.every) if name == "ours" else len(cases)) for name, address in addresses.items()}
        lines = proxy.stop()
        for peer in peers.values():
            peer.stop()
        self.origin.stop()

        self.hold(seen["ours"], lines)
        ours = {number: self.facts(view) for number, view in seen["ours"].items()}
        for program in ("node", *PEERS):
            for number in range(len(cases)):
                theirs = self.facts(seen[program][number])
                if (how := relation(ours[number], theirs)) != "same":
                    self.differences.append(("answer", program, self.every[number][0], how, f"SendOnce {brief(ours[number])}, {program} {brief(theirs)}"))
        self.summary = f"{sum(1 for status, _, complete in ours.values() if complete and status != 502)} delivered whole"

    def script(self, conversation):
        while (request := conversation.read_head()) is not None:
            number = request.target.strip("/")
            if not number.isdigit():
                return conversation.send(upstream.ok())
            conversation.send(self.every[int(number)][1])
            # The answer's end is the connection's: nobody waits for what does not come.
            return

    def ask(self, address, count):
        views = Views("answers")
        port = address.rsplit(":", 1)[1]
        for number in range(count):
            views.process.stdin.write(f"{port} {method_of(self.every[number][0])} /{number} {number}\n")
        views.process.stdin.close()
        views.reader.join(300)
        if views.reader.is_alive():
            views.process.kill()
            raise AssertionError(f"views.js does not end: {len(views.told)} of {count}")
        views.process.wait()
        return {int(view["tag"]): view for view in views.told}

    @staticmethod
    def facts(view):
        return view["status"], view["body"] or b"", bool(view["complete"])

    def hold(self, views, lines):
        log = {int(line["request"]["path"].strip("/")): line for line in lines}
        for number, (name, data) in enumerate(self.every):
            view, line = views[number], log.get(number)
            status, body, complete = self.facts(view)
            if view["error"] == "TIMEOUT":
                self.faults.append(f"{name}: the client waits for ever")
                continue
            try:
                strict = wire_readers.answer(view["raw"], method_of(name))
            except wire_readers.Unreadable as fault:
                self.faults.append(f"{name}: {fault} in {view['raw'][:300]!r}")
                continue
            if strict[3]:
                self.faults.append(f"{name}: bytes after the end reach the client: {strict[3][:100]!r}")
            if strict[2] != complete or (complete and strict[:2] != (status, body)):
                self.faults.append(f"{name}: Node reads {brief((status, body, complete))}, one strict reading {brief(strict[:3])}")
            if line is None:
                self.faults.append(f"{name}: not in the access log")
            elif complete and (line["response"]["status"], line["response"].get("body_bytes", 0)) != (status, len(body)):
                self.faults.append(f"{name}: the access log has {line['response']}, Node {brief((status, body, complete))}")
            elif complete != (line["outcome"] in ("answered", "own")):
                self.faults.append(f"{name}: the access log says {line['outcome']}, Node's client {'has all' if complete else 'lacks some'}")


def brief(answer):
    return answer[0], answer[1][:60], answer[2]
