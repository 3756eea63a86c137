"""HTTP/2 by the sections of RFC 9113 and RFC 7541, in both roles: each case of support/http2_cases.py, and what has to come of it."""

import threading

import frames
import http2_cases
from harness import EndToEndTest


class Observed(frames.Peer):
    """A peer that answers nothing by itself, and says in words what it sees."""

    def next(self):
        if (head := self.exactly(9)) is None:
            return "closed"
        length, kind, flags, stream = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:9], "big") & 0x7FFFFFFF
        payload = self.exactly(length) if length else b""
        if kind == frames.GOAWAY:
            return "goaway %d" % int.from_bytes(payload[4:8], "big")
        if kind == frames.RST_STREAM:
            return f"reset {stream} %d" % int.from_bytes(payload, "big")
        if kind == frames.DATA:
            return f"data {stream} {length}"
        if kind == frames.SETTINGS and flags & frames.ACK:
            return "settings ack"
        if kind == frames.PING and flags & frames.ACK:
            return f"ping {payload.hex()}"
        if kind == frames.HEADERS:
            # 200 is an entry of HPACK's static table; the first block begins with the size of ours.
            status = 200 if b"\x88" in payload[:2] else "other"
            return f"answer {stream} {status}"
        return "housekeeping"


class Conformance(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.release = threading.Event()
        self.addCleanup(self.release.set)


class Clients(Conformance):
    """A client towards us. Whatever it does, another connection is served afterwards."""

    def serve(self, conversation):
        while (request := conversation.read_head()) is not None:
            if request.target in ("/held", "/unread"):
                self.release.wait(30)
            conversation.read_body(request)
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")

    def setUp(self):
        super().setUp()
        self.origin = self.scripted(self.serve)
        self.to = self.proxy(self.origin.address)

    def seen(self, sent, expected):
        """What we were told, of the sorts that are expected, until all of that has come or the connection has ended."""
        with self.dial(self.to) as one:
            peer = Observed(one)
            try:
                peer.send(frames.PREFACE, frames.frame(frames.SETTINGS, 0, 0), sent)
            except ConnectionError:
                pass
            found = []
            try:
                while len(found) < len(expected):
                    word = peer.next()
                    # Of what else there is, only an end is of interest.
                    if word.split()[0] in {want.split()[0] for want in expected} or word.split()[0] in ("goaway", "reset", "closed"):
                        found.append(word)
                    if word == "closed":
                        break
            except ConnectionResetError:
                found.append("closed")
            return found

    @staticmethod
    def by_stream(words):
        """Streams are independent (RFC 9113 section 5): answers to two requests, each on a connection of its own to the server, may come in
        either order. Everything else keeps its place."""
        answers = iter(sorted((word for word in words if word.startswith("answer")), key=lambda word: int(word.split()[1])))
        return [next(answers) if word.startswith("answer") else word for word in words]

    def test_each_case(self):
        for case in http2_cases.client_cases():
            with self.subTest(section=case.section, case=case.name):
                expected = case.expected.split(", ")
                self.assertEqual(self.by_stream(self.seen(case.sent, expected)), self.by_stream(expected))
        self.assertEqual(self.seen(http2_cases.get(1), ["answer 1 200"]), ["answer 1 200"])
        # The requests of those that were refused have reached nobody.
        for conversation in self.origin.conversations:
            self.assertNotIn(b"smuggled", conversation.received)

    def test_no_preface(self):
        for text in (b"PRI * HTTP/2.0\r\n\r\nXX\r\n\r\n", frames.frame(frames.SETTINGS, 0, 0)):
            with self.dial(self.to) as one:
                one.sendall(text)
                self.assertNotIn(b" 200 ", one.recv(65536))
        with self.dial(self.to) as one:
            one.sendall(frames.PREFACE + http2_cases.get(1))
            peer = Observed(one)
            while (word := peer.next()) == "housekeeping":
                pass
            self.assertEqual(word, "goaway 1")


class Upstreams(Conformance):
    """A server behind us. Its client gets a whole answer, a 502 or one that is cut, and the next is served on another connection."""

    def test_each_case(self):
        cases = http2_cases.upstream_cases()
        fates = [[] for _ in cases]
        ended = [threading.Event() for _ in cases]

        def conversation(talk):
            peer = Observed(talk.socket)
            if peer.exactly(len(frames.PREFACE)) != frames.PREFACE:
                return
            peer.send(frames.frame(frames.SETTINGS, 0, 0))
            number = None
            while (head := peer.exactly(9)) is not None:
                length, kind, flags, stream = int.from_bytes(head[:3], "big"), head[3], head[4], int.from_bytes(head[5:9], "big")
                payload = peer.exactly(length) if length else b""
                if kind == frames.SETTINGS and not flags & frames.ACK:
                    peer.send(frames.frame(frames.SETTINGS, frames.ACK, 0))
                elif kind == frames.HEADERS and b"/next" in payload:
                    # The last of its connection: each case has one of its own.
                    peer.send(frames.headers(stream, (":status", "200")), frames.data(stream, b"fine", end=True),
                              frames.frame(frames.GOAWAY, 0, 0, http2_cases.number(stream) + bytes(4)))
                elif kind == frames.HEADERS:
                    number = next(i for i in range(len(cases)) if b"/case-%d." % i in payload)
                    peer.send(cases[number].sent)
                elif kind in (frames.RST_STREAM, frames.GOAWAY) and number is not None:
                    word = "reset" if kind == frames.RST_STREAM else "goaway"
                    fates[number].append(f"{word} {int.from_bytes(payload[-4:] if kind == frames.RST_STREAM else payload[4:8], 'big')}")
                    ended[number].set()
        app = {"servers": [self.scripted(conversation).address], "protocol": "http2", "eject": {"consecutive_failures": 0}}
        self.to = self.proxy(None, upstreams={"app": app}, incidents={"quarantine": {"for": "0s"}})
        for number, case in enumerate(cases):
            with self.subTest(section=case.section, case=case.name):
                answer = self.to.get(f"/case-{number}.")
                self.assertEqual("cut" if answer.cut else answer.status, case.status, answer)
                if case.status == 200:
                    self.assertEqual(answer.body, b"good")
                if case.fate != "none":
                    ended[number].wait(10)
                    self.assertEqual(fates[number][0], case.fate)
                self.assertEqual(self.to.get("/next").body, b"fine")
