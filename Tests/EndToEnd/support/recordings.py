"""Recorded conversations (`Tests/Traces`) through the real proxy: plays one as an upstream, asks as its client asked, and
compares the incidents, and what the client got, with what the recording says they must be."""

import json
import pathlib
import re
import socket
import threading
import time

import client

ROOT = pathlib.Path(__file__).resolve().parents[3]
TRACES = ROOT / "Tests/Traces/http1"
_LINE = re.compile(r"([<>]) \+([\d.]+)ms (.*)")
_STRING = re.compile(r'"((?:[^"\\]|\\.)*)"(?: \* (\d+))?')
_ESCAPE = re.compile(r"\\(?:x([0-9a-f]{2})|(.))")
_PLAIN = {"r": "\r", "n": "\n", "t": "\t", '"': '"', "\\": "\\"}
# Requests that no upstream answers in time are given up after these.
RESPONSE_HEADER_MS, BODY_IDLE_MS = 2500, 1200


class Trace:
    """One recording: its pieces as (direction, milliseconds, bytes or FIN or RST), and the incidents that it must yield."""

    def __init__(self, path):
        self.name = path.stem
        self.pieces, self.expected = [], []
        self.pipelined = False
        for line in path.read_text().splitlines():
            if line.startswith("# pipelined: yes"):
                self.pipelined = True
            elif line.startswith("! "):
                self.expected.append(self._incident(line[2:].split(" ")))
            elif match := _LINE.fullmatch(line):
                self.pieces.append((match[1], float(match[2]), self._content(match[3])))

    @staticmethod
    def _content(text):
        if text in ("FIN", "RST"):
            return text
        return b"".join(
            _ESCAPE.sub(lambda e: chr(int(e[1], 16)) if e[1] else _PLAIN[e[2]], string).encode("latin-1") * int(times or 1)
            for string, times in _STRING.findall(text))

    @staticmethod
    def _incident(words):
        expected = {"kind": words[0], "certainty": words[1]}
        for word in words[2:]:
            name, value = word.split("=", 1)
            expected[name] = value.split(",") if name == "fields" else int(value) if value.isdigit() else value
        return expected

    @property
    def lasts(self):
        """Seconds from the first piece to the last."""
        return self.pieces[-1][1] / 1000

    @property
    def longest_gap(self):
        """Milliseconds between two pieces, at the most."""
        times = [at for _, at, _ in self.pieces]
        return int(max((b - a for a, b in zip(times, times[1:])), default=0))

    @property
    def is_answered_early(self):
        """An answer has begun before its request was sent whole."""
        asked, answered = b"", False
        for direction, _, data in self.pieces:
            if direction == "<":
                answered = isinstance(data, bytes) and bool(re.match(rb"HTTP/1\.1 [2-5]", data))
            elif asked and answered:
                return True
            else:
                asked += data
                if missing_bytes(asked) == 0:
                    asked = b""
        return False

    def requests(self):
        """The requests that were sent whole: each a list of (milliseconds, bytes), head and body pieces."""
        found, missing = [], None
        for direction, at, data in self.pieces:
            if direction == "<" or isinstance(data, str):
                continue
            if not missing:
                found.append([])
            found[-1].append((at, data))
            missing = missing_bytes(b"".join(piece for _, piece in found[-1]))
        # Of a request whose header block is not whole, an upstream sees nothing.
        return [request for request in found if missing_bytes(b"".join(data for _, data in request)) is not None]

    def answer(self, number):
        """Status, body and wholeness of what the upstream sent from the request's sending on; None when it sent nothing."""
        heads, data, ended = 0, b"", None
        for direction, _, content in self.pieces:
            if direction == ">":
                heads += not isinstance(content, str) and b" HTTP/1." in content.split(b"\r\n")[0]
            elif heads == number and isinstance(content, bytes):
                data += content
            elif heads == number:
                ended = content
        request = self.requests()[number - 1][0][1]
        found = reference_answer(data, request.split(b" ")[0].decode(), ended)
        if found and found[0] == 101 and b"\r\nupgrade:" not in request.lower():
            return None  # nobody asked for it
        return found


def missing_bytes(data):
    """How many bytes a request still lacks; None when its header block is not whole."""
    head, end, body = data.partition(b"\r\n\r\n")
    if not end:
        return None
    length = re.search(rb"(?im)^content-length: *(\d+)\r?$", head)
    return max(0, int(length[1]) - len(body)) if length else 0


def reference_answer(data, method, ended):
    """(status, body, whole) of the first final answer in the bytes, read without any of the proxy's own code."""
    while match := re.match(rb"HTTP/1\.[01] (\d\d\d)[^\r\n]*\r\n", data):
        head, end, body = data.partition(b"\r\n\r\n")
        if not end:
            return None
        status = int(match[1])
        if 100 <= status < 200 and status != 101:
            data = body
            continue
        lengths = set(re.findall(rb"(?im)^content-length: *(\d+)\r?$", head + b"\r"))
        if method == "HEAD" or status in (101, 204, 304):
            return status, b"", True
        if re.search(rb"(?im)^transfer-encoding:.*chunked", head):
            return status, *_chunks(body)
        if len(lengths) > 1:
            return status, b"", False
        if lengths:
            length = int(lengths.pop())
            return status, body[:length], len(body) >= length
        return status, body, ended == "FIN"
    return None


def _chunks(data):
    body = b""
    while True:
        if re.match(rb"HTTP/1\.1 1\d\d ", data):  # an interim that does not belong there is left out
            data = data.partition(b"\r\n\r\n")[2]
        match = re.match(rb"([0-9A-Fa-f]+)[^\r\n]*\r\n", data)
        if not match:
            return body, False
        size, data = int(match[1], 16), data[match.end():]
        if size == 0:
            return body, data.startswith(b"\r\n") or b"\r\n\r\n" in data
        body += data[:size]
        if data[size:size + 2] != b"\r\n":
            return body, False
        data = data[size + 2:]


class Player:
    """The recording's upstream, for one connection: waits for what had been received, then sends as had been sent, when it was."""

    def __init__(self, trace):
        self.trace = trace
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.address = "127.0.0.1:%d" % self.listener.getsockname()[1]
        threading.Thread(target=self._run, daemon=True).start()

    def _run(self):
        try:
            peer, _ = self.listener.accept()
        except OSError:
            return
        # A second connection is refused: what the upstream had said, it had said on one.
        self.listener.close()
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        peer.settimeout(10)
        try:
            self._play(peer)
            while peer.recv(65536):
                pass
        except OSError:
            pass
        finally:
            peer.close()

    def _play(self, peer):
        received, asked, sent = b"", b"", b""
        since = sent_at = 0.0
        for direction, at, data in self.trace.pieces:
            if direction == ">":
                asked += data
                if re.match(rb"HTTP/1\.1 [2-5]", sent):
                    continue  # answered already: what is left of the request, a proxy need not send
                while not _is_there(asked, received):
                    if not (more := peer.recv(65536)):
                        raise ConnectionError("the proxy has closed")
                    received += more
                if missing_bytes(asked) == 0:
                    asked = received = sent = b""
                since, sent_at = time.monotonic(), at
                continue
            time.sleep(max(0.0, since + (at - sent_at) / 1000 - time.monotonic()))
            if data == "RST":
                return client.reset(peer)
            if data == "FIN":
                return peer.shutdown(socket.SHUT_WR)
            peer.sendall(data)
            sent = data if asked else b""


def _is_there(asked, received):
    """Whether as much of a request has come as had been asked: the proxy rewrites header blocks, so messages are counted."""
    head, end, body = asked.partition(b"\r\n\r\n")
    if not end:
        return False
    _, has_come, came = received.partition(b"\r\n\r\n")
    return bool(has_come) and len(came) >= len(body)


def ask(trace, number, address):
    """Sends the recording's requests when they were sent, each when the one before is answered; returns (answers, complaints)."""
    answers, complaints = [], []
    began, one = time.monotonic(), None
    for k, request in enumerate(trace.requests(), 1):
        if one is None or one.ended:
            one = client.Client(address, deadline=20)
        try:
            for at, data in request:
                time.sleep(max(0.0, began + at / 1000 - time.monotonic()))
                one.send(_addressed(data, number, k))
        except OSError:
            pass  # its answer may be there all the same
        try:
            answer = one.read_response(request[0][1].split(b" ")[0].decode())
        except AssertionError as malformed:
            complaints.append(f"answer {k} is malformed: {malformed}")
            break
        answers.append(answer)
        if answer.status == 101:
            one.socket.settimeout(max(0.01, began + trace.lasts + 0.3 - time.monotonic()))
            try:
                one.rest()
            except AssertionError:
                pass  # a tunnel may last
            tunnelled = b"".join(d for way, _, d in trace.pieces if way == "<" and isinstance(d, bytes)).partition(b"\r\n\r\n")[2]
            if bytes(one.seen).partition(b"\r\n\r\n")[2] != tunnelled:
                complaints.append(f"the tunnel brought {bytes(one.seen)[-80:]!r}, and not {tunnelled!r}")
            one.ended = "eof"
            break
        closes = (answer.field("connection") or "").lower() == "close" or answer.version == "HTTP/1.0"
        if not answer.complete or closes or answer.framing == "close":
            if rest := one.rest():
                complaints.append(f"after answer {k} came {rest[:60]!r}")
            one.ended = one.ended or "eof"
        elif len(one.seen) != one.position:
            complaints.append(f"behind answer {k} came {bytes(one.seen[one.position:][:60])!r}")
            break
    time.sleep(max(0.0, began + trace.lasts + 0.3 - time.monotonic()))
    if one is not None and not one.ended:
        one.socket.settimeout(0.001)
        try:
            if more := one.socket.recv(1000):
                complaints.append(f"the client was sent {more[:60]!r} unasked")
        except (TimeoutError, ConnectionError):
            pass
        one.close()
    return answers, complaints


def _addressed(data, number, k):
    """The piece with the recording's own host name and an id, when it begins a request."""
    line, end, rest = data.partition(b"\r\n")
    if not end or b" HTTP/1." not in line:
        return data
    rest = re.sub(rb"(?im)^host:[^\r\n]*\r\n", b"", rest, count=1)
    return line + b"\r\nHost: t%d.test\r\nX-Request-Id: t%d-%d\r\n" % (number, number, k) + rest


def judge_answers(trace, answers, guarded=False):
    """Complaints about what the client got: its own whole answer, a visibly cut one, or the proxy's own error.

    The recording has one connection. `guarded`: a later request may have been moved to another, which is refused.
    """
    complaints = []
    guilty = {incident.get("exchange") for incident in trace.expected} | {
        incident["victim"] for incident in trace.expected if "victim" in incident}
    for k, answer in enumerate(answers, 1):
        recorded = trace.answer(k)
        if answer.complete and answer.status >= 500 and b"request id: t" in answer.body:
            moved = k > 1 and (guarded or (answers[k - 2].field("connection") or "").lower() == "close")
            if recorded and recorded[2] and not trace.expected and not moved:
                complaints.append(f"answer {k} of an innocent became {answer.status}")
            if recorded and recorded[2] and k == 1 and "conflicting_framing" not in [e["kind"] for e in trace.expected]:
                complaints.append(f"the whole first answer became {answer.status}")
            continue
        if recorded is None:
            complaints.append(f"answer {k} is {answer}, and none was sent")
            continue
        status, body, whole = recorded
        if answer.status not in (status, None):
            complaints.append(f"answer {k} has status {answer.status}, sent was {status}")
        if answer.complete and (not whole or answer.body != body):
            complaints.append(f"answer {k} looks whole: {len(answer.body)} bytes of {len(body)}, whole: {whole}")
        if not answer.complete:
            if not body.startswith(answer.body):
                complaints.append(f"cut answer {k} has other bytes: {answer.body[:80]!r}")
            if whole and k not in guilty:
                complaints.append(f"answer {k} was cut without need")
    return complaints


def told(incident):
    """A record as an incident line of a trace tells it."""
    evidence, found = incident["evidence"], {"kind": incident["kind"], "certainty": incident["certainty"]}
    if "exchange" in incident.get("upstream", {}):
        found["exchange"] = incident["upstream"]["exchange"]
    if "surplus_bytes" in evidence:
        found["surplus_bytes"] = evidence["surplus_bytes"]
    if incident["kind"] in ("duplicate_field", "conflicting_framing"):
        found["fields"] = evidence.get("second_fields")
    if incident["kind"] == "misdelivered_response":
        found["proof"] = evidence.get("proof")
    if incident["kind"] in ("misdelivered_response", "second_response") and "victim" in incident:
        found["victim"] = int(incident["victim"]["request_id"].split("-")[-1])
    if incident["kind"] == "body_after_end" and incident["severity"] != "warning":
        found["severity"] = incident["severity"]
    return found


def judge_incidents(trace, incidents, answers):
    """Complaints about the records: exactly those expected, each consistent with what the client got."""
    complaints = []
    found = sorted(json.dumps(told(incident), sort_keys=True) for incident in incidents)
    expected = sorted(json.dumps(one, sort_keys=True) for one in trace.expected)
    if found != expected:
        complaints.append(f"recorded: {found}\n        expected: {expected}")
    for incident in incidents:
        complaints += _impact(incident, answers)
    return complaints


def _impact(incident, answers):
    k = int(incident["request"]["id"].split("-")[-1])
    impact = incident["client_impact"]
    if incident["client_impact"] == "misdelivered" or k > len(answers):
        return []
    answer = answers[k - 1]
    own = answer.complete and answer.status >= 500 and b"request id: t" in answer.body
    seen = "bad_gateway" if own else "none" if answer.complete else "aborted"
    if incident["evidence"]["phase"] == "next_exchange":
        return []
    return [] if impact == seen else [f"client_impact {impact} of {incident['kind']}, but the client saw {seen}"]


def settings(traces, addresses, connections):
    """Sections of a configuration in which every recording has an upstream and a route of its own."""
    return {
        "upstreams": {
            f"t{n}": {
                "servers": [address], "connections": connections, "retry": {"attempts": 0},
                "timeouts": {"response_header": f"{RESPONSE_HEADER_MS}ms", "body_idle": f"{BODY_IDLE_MS + trace.longest_gap}ms"}}
            for n, (trace, address) in enumerate(zip(traces, addresses))},
        "routes": [{"name": f"t{n}", "host": f"t{n}.test", "path_prefix": "/", "upstream": f"t{n}"} for n in range(len(traces))],
        "trusted_proxies": ["127.0.0.0/8"],
    }
