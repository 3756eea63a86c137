"""How answers end, and how requests end that were not taken, whatever is spoken on either side."""

import socket
import threading

import client
import frames
from harness import wait_for
from test_http2 import HTTP2Test

TRAILER = ("x-sum", "abc")


class Row:
    """One answer in both versions, as exact bytes."""

    def __init__(self, name, status, h1, h2, method="GET", body=b"", trailers=()):
        self.name, self.status, self.method, self.body, self.trailers = name, status, method, body, list(trailers)
        self.h1 = f"HTTP/1.1 {status} X\r\n".encode() + h1
        self.h2 = h2

    def __repr__(self):
        return f"{self.method} {self.status} {self.name}"


def ended(status, *fields):
    """A header block that ends the stream."""
    return lambda stream: frames.headers(stream, (":status", str(status)), *fields, end=True)


def empty_data(status, *fields):
    return lambda stream: frames.headers(stream, (":status", str(status)), *fields) + frames.data(stream, end=True)


def trailers_only(status, *fields):
    return lambda stream: (
        frames.headers(stream, (":status", str(status)), *fields) + frames.headers(stream, TRAILER, end=True))


ZERO = b"Content-Length: 0\r\n\r\n"
CHUNKED = b"Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n"
CHUNKED_TRAILERS = b"Transfer-Encoding: chunked\r\nTrailer: x-sum\r\n\r\n0\r\nx-sum: abc\r\n\r\n"
ROWS = [
    *(Row("END_STREAM", status, ZERO, ended(status)) for status in (200, 201, 205, 301, 404, 500, 503)),
    *(Row("END_STREAM", status, ZERO, ended(status), "POST") for status in (200, 201)),
    Row("END_STREAM and a length", 200, ZERO, ended(200, ("content-length", "0"))),
    Row("an empty DATA", 200, CHUNKED, empty_data(200)),
    Row("trailers alone", 200, CHUNKED_TRAILERS, trailers_only(200), trailers=[TRAILER]),
    *(Row("END_STREAM", status, b"\r\n", ended(status)) for status in (204, 304)),
    *(Row("an empty DATA", status, b"\r\n", empty_data(status)) for status in (204, 304)),
    Row("a length", 304, b"Content-Length: 5\r\n\r\n", ended(304, ("content-length", "5"))),
    Row("trailers alone", 204, b"\r\n", trailers_only(204)),
    Row("END_STREAM", 200, b"\r\n", ended(200), "HEAD"),
    Row("a length", 200, b"Content-Length: 5\r\n\r\n", ended(200, ("content-length", "5")), "HEAD"),
    Row("an empty DATA", 200, b"Transfer-Encoding: chunked\r\n\r\n", empty_data(200), "HEAD"),
    Row("trailers alone", 200, b"\r\n", trailers_only(200), "HEAD"),
    Row("END_STREAM", 404, ZERO, ended(404), "HEAD"),
]


class Framing(HTTP2Test):
    """An answer without a body is a complete answer at once, in every combination of versions."""

    def setUp(self):
        super().setUp()
        upstreams, routes = {}, []
        for i, row in enumerate(ROWS):
            for version in "h1", "h2":
                name = f"{version}-{i}"
                upstreams[name] = {"servers": [self.scripted(self.script(row, version)).address]}
                if version == "h2":
                    upstreams[name]["protocol"] = "http2"
                routes.append({"name": name, "path_prefix": f"/{name}/", "upstream": name})
        self.front = self.proxy(None, upstreams=upstreams, routes=routes)

    @staticmethod
    def script(row, version):
        if version == "h2":
            return frames.server(lambda peer, stream: peer.send(row.h2(stream)))

        def h1(conversation):
            while conversation.read_request():
                conversation.send(row.h1)
        return h1

    def each(self, check):
        for i, row in enumerate(ROWS):
            for version in "h1", "h2":
                with self.subTest(row=row, upstream=version):
                    check(row, f"/{version}-{i}/")
        self.assertNoIncidents(self.front)

    def test_http11(self):
        def check(row, path):
            with self.front.connect(deadline=3) as one:
                for _ in range(2):
                    seen = one.get(path, method=row.method)
                    self.assertEqual((seen.status, seen.cut, seen.body), (row.status, None, row.body))
                    self.assertNotEqual(seen.framing, "close")
                    if seen.framing != "none":
                        self.assertEqual(seen.trailers, row.trailers)
        self.each(check)

    def test_http10(self):
        def check(row, path):
            with self.front.connect(deadline=3) as one:
                one.send(f"{row.method} {path} HTTP/1.0\r\nHost: a\r\nConnection: keep-alive\r\n\r\n".encode())
                seen = one.read_response(row.method)
                self.assertEqual((seen.status, seen.cut, seen.body), (row.status, None, row.body))
                self.assertIsNone(seen.field("transfer-encoding"))
                if seen.field("connection") == "keep-alive":
                    self.assertNotEqual(seen.framing, "close")
                    self.assertEqual(one.get(path, method=row.method).status, row.status)
        self.each(check)

    def test_http2(self):
        def check(row, path):
            peer = self.frame_client(self.front)
            for stream in 1, 3:
                peer.send(frames.request(stream, path, row.method))
                heads, body, code = self.answer(peer, stream)
                self.assertEqual((body, code), (row.body, None))
                has_trailers = bool(row.trailers) or "trailers" in row.name and path.startswith("/h2")
                self.assertEqual(len(heads), 2 if has_trailers else 1)
        self.each(check)


def serving(refuse):
    """A server that reads whole requests, and answers with their bodies; `refuse(peer, number, stream, when)` says whether it has
    refused one, asked when its header block has come (`head`) and when its body has (`end`)."""
    numbers = iter(range(1, 1000))

    def conversation(talk):
        peer = frames.Peer(talk.socket)
        if peer.exactly(len(frames.PREFACE)) != frames.PREFACE:
            return
        number = next(numbers)
        # A window that holds the largest body.
        peer.send(frames.frame(frames.SETTINGS, 0, 0, (4).to_bytes(2, "big") + (1 << 20).to_bytes(4, "big")),
                  frames.frame(frames.WINDOW_UPDATE, 0, 0, (1 << 20).to_bytes(4, "big")))
        bodies = {}
        while (seen := peer.read()) is not None:
            kind, flags, stream, payload = seen
            if kind == frames.HEADERS:
                bodies[stream] = b""
                if refuse(peer, number, stream, "head"):
                    del bodies[stream]
            elif kind == frames.DATA and stream in bodies:
                bodies[stream] += payload
            if stream in bodies and flags & frames.END_STREAM:
                if not refuse(peer, number, stream, "end"):
                    length = str(len(bodies[stream]))
                    peer.send(frames.headers(stream, (":status", "200"), ("x-length", length), end=True))
                del bodies[stream]
    return conversation


class Refused(HTTP2Test):
    """A stream that was refused was not processed: its request is sent again, whatever its method (RFC 9113 section 8.7)."""

    GOAWAY = staticmethod(lambda stream: frames.frame(frames.GOAWAY, 0, 0, (stream - 2 if stream > 2 else 0).to_bytes(4, "big") + bytes(4)))
    RESET = staticmethod(lambda stream: frames.frame(frames.RST_STREAM, 0, stream, (7).to_bytes(4, "big")))
    SIZES = 0, 1, 1000, 8192, 8193, 60_000, 65_536

    def refusing(self, how, when):
        refused = []

        def refuse(peer, number, stream, now):
            if refused or now != when:
                return False
            refused.append(stream)
            peer.send(how(stream))
            return True
        return self.h2_proxy(self.scripted(serving(refuse)).address), refused

    def over_http1(self, proxy, size):
        with proxy.connect() as one:
            one.request("/b", "POST", body=bytes(size))
            seen = one.read_response()
            return seen.status, seen.field("x-length")

    def over_http2(self, proxy, size):
        peer = self.frame_client(proxy)
        peer.send(frames.request(1, "/b", "POST", end=False))
        body = bytes(size)
        # Our side of the window is 256 KiB.
        pieces = [body[i:i + 16384] for i in range(0, size, 16384)] or [b""]
        for i, piece in enumerate(pieces):
            peer.send(frames.data(1, piece, end=i == len(pieces) - 1))
        heads, _, code = self.answer(peer, 1)
        return (200 if code is None and b"\x88" in heads[0] or b"200" in heads[0] else 502), str(size)

    def test_small_bodies_are_sent_again(self):
        for how in self.GOAWAY, self.RESET:
            for when in "head", "end":
                for ask in self.over_http1, self.over_http2:
                    for size in self.SIZES:
                        with self.subTest(how=how(1)[3], when=when, ask=ask.__name__, size=size):
                            proxy, refused = self.refusing(how, when)
                            self.assertEqual(ask(proxy, size), (200, str(size)))
                            self.assertEqual(len(refused), 1)
                            proxy.wait_metric(1, "sendonce_upstream_retries_total")
                            self.assertNoIncidents(proxy)

    def test_a_server_that_ends_its_connections_after_a_request_each(self):
        # As servers do with `keepalive_requests`, but for fewer: whoever comes too late for one connection may be for the next as well.
        def conversation(talk):
            peer = frames.Peer(talk.socket)
            self.assertEqual(peer.exactly(len(frames.PREFACE)), frames.PREFACE)
            peer.send(frames.frame(frames.SETTINGS, 0, 0))
            taken = 0
            while (seen := peer.read()) is not None:
                if seen[0] == frames.HEADERS and not taken:
                    taken = seen[2]
                    peer.send(frames.frame(frames.GOAWAY, 0, 0, taken.to_bytes(4, "big") + bytes(4)))
                if taken and seen[2] == taken and seen[1] & frames.END_STREAM:
                    peer.send(frames.headers(taken, (":status", "200"), end=True))
        proxy = self.h2_proxy(self.scripted(conversation).address, retry={"attempts": 0})
        peer = self.frame_client(proxy)
        streams = range(1, 17, 2)
        for stream in streams:
            peer.send(frames.request(stream, "/", "POST", False), frames.data(stream, b"body", end=True))
        answered = {}
        while len(answered) < len(streams):
            kind, flags, stream, payload = peer.read()
            if kind == frames.HEADERS:
                answered[stream] = b"\x88" in payload or b"200" in payload
        self.assertEqual(set(answered.values()), {True})
        self.assertNoIncidents(proxy)

    def test_a_body_that_is_not_kept(self):
        for how in self.GOAWAY, self.RESET:
            with self.subTest(how=how(1)[3]):
                proxy, refused = self.refusing(how, "end")
                self.assertEqual(self.over_http1(proxy, 65_537)[0], 502)
                proxy.wait_metric(1, "sendonce_upstream_retries_refused_total")
                self.assertNoIncidents(proxy)


class EarlyAnswers(HTTP2Test):
    """A complete answer is delivered whole, whatever follows it, while the request's body is still on its way."""

    WHOLE = [lambda stream: frames.headers(stream, (":status", "413"), ("content-length", "9")),
             lambda stream: frames.data(stream, b"too large", end=True)]

    @staticmethod
    def goaway(last, code):
        return lambda stream: frames.frame(
            frames.GOAWAY, 0, 0, (stream if last == "this" else last).to_bytes(4, "big") + code.to_bytes(4, "big"))

    @staticmethod
    def reset(code):
        return lambda stream: frames.frame(frames.RST_STREAM, 0, stream, code.to_bytes(4, "big"))

    def check(self, *after, closes):
        def script(peer, stream):
            peer.send(b"".join(one(stream) for one in (*self.WHOLE, *after)))
            if closes:
                # What has not been read makes it a reset.
                client.reset(peer.socket) if closes == "reset" else peer.socket.shutdown(socket.SHUT_RDWR)
                raise ConnectionError("that is the end")
        proxy = self.h2_proxy(self.scripted(frames.server(script)).address)
        for _ in range(3):
            with proxy.connect() as one:
                body = bytes(4 << 20)
                head = b"POST /u HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(body)
                threading.Thread(target=self.upload, args=(one, head + body), daemon=True).start()
                seen = one.read_response()
                self.assertEqual((seen.status, seen.body, seen.cut), (413, b"too large", None))
            if closes:
                # A POST on a connection that its server is just closing could not be sent again.
                proxy.wait_metric(0, "sendonce_upstream_connections")
            peer = self.frame_client(proxy)
            peer.send(frames.request(1, "/u", "POST", end=False), *(frames.data(1, bytes(16384)) for _ in range(4)))
            heads, body, code = self.answer(peer, 1)
            self.assertEqual((len(heads), body), (1, b"too large"))
            self.assertIn(code, (None, 0))
            if closes:
                proxy.wait_metric(0, "sendonce_upstream_connections")
        proxy.wait_metric(6, "sendonce_requests_total", code="413")
        self.assertNoIncidents(proxy)

    @staticmethod
    def upload(one, data):
        try:
            one.send(data)
        except OSError:
            pass

    def test_goaway(self):
        for last in "this", 0:
            for code in 0, 1, 2:
                for closes in False, "end", "reset":
                    with self.subTest(last=last, code=code, closes=closes):
                        self.check(self.goaway(last, code), closes=closes)

    def test_reset_stream(self):
        for code in 0, 2, 5, 8:
            for closes in False, "end":
                with self.subTest(code=code, closes=closes):
                    self.check(self.reset(code), closes=closes)

    def test_the_connection_s_end(self):
        for closes in "end", "reset":
            with self.subTest(closes=closes):
                self.check(closes=closes)


class Interims(HTTP2Test):
    """Interim responses have a limit: how many, and how many bytes."""

    def endless_http1(self, conversation):
        conversation.read_request()
        try:
            while True:
                conversation.send(b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n" * 100)
        except OSError:
            pass

    def endless_http2(self, peer, stream):
        block = frames.headers(stream, (":status", "103"), ("link", "</a>")) * 100
        try:
            while True:
                peer.send(block)
        except OSError:
            pass

    def test_more_than_the_limit(self):
        h1 = self.proxy(self.scripted(self.endless_http1).address)
        h2 = self.h2_proxy(self.scripted(frames.server(self.endless_http2)).address)
        for name, proxy in ("h1", h1), ("h2", h2):
            with self.subTest(upstream=name, client="h1"), proxy.connect() as one:
                seen = one.get("/")
                self.assertEqual((seen.status, len(seen.interims)), (502, 32))
            with self.subTest(upstream=name, client="h1.0"), proxy.connect() as one:
                one.send(b"GET / HTTP/1.0\r\n\r\n")
                self.assertEqual((seen := one.read_response()).status, 502, seen)
            with self.subTest(upstream=name, client="h2"):
                peer = self.frame_client(proxy)
                peer.send(frames.request(1, "/"))
                heads, _, code = self.answer(peer, 1)
                self.assertEqual((len(heads), code), (33, None))
            wait_for(lambda: proxy.metrics().sum("sendonce_upstream_rejected_total", reason="interims") >= 3, "three to be counted")
            self.assertNoIncidents(proxy)

    def test_bytes(self):
        def h1(conversation):
            while conversation.read_request():
                conversation.send((b"HTTP/1.1 103 X\r\nLink: " + bytes(b"a" * 1000) + b"\r\n\r\n") * 3 + b"HTTP/1.1 200 X\r\nContent-Length: 0\r\n\r\n")
        proxy = self.proxy(self.scripted(h1).address, limits={"header_bytes": "2KiB"})
        self.assertEqual(proxy.get("/").status, 502)
        proxy.wait_metric(1, "sendonce_upstream_rejected_total", reason="interims")
        self.assertNoIncidents(proxy)

    def test_as_many_as_allowed(self):
        def h1(conversation):
            while conversation.read_request():
                conversation.send(b"HTTP/1.1 102 Processing\r\n\r\n" * 3 + b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nOK")

        def h2(peer, stream):
            peer.send(frames.headers(stream, (":status", "102")) * 3, frames.headers(stream, (":status", "200")),
                      frames.data(stream, b"OK", end=True))
        for proxy in (self.proxy(self.scripted(h1).address, limits={"interims": 3}),
                      self.h2_proxy(self.scripted(frames.server(h2)).address, limits={"interims": 3})):
            seen = proxy.get("/")
            self.assertEqual((seen.status, seen.body, len(seen.interims)), (200, b"OK", 3))
            self.assertNoIncidents(proxy)

    def test_others_are_served_beside_a_flood(self):
        """Whatever one connection sends, it is one of many: the others have their turns."""
        def late_http2(peer, stream):
            peer.send(frames.headers(stream, (":status", "200")), frames.data(stream, b"OK", end=True))
            self.endless_http2(peer, stream)

        def in_the_body(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            try:
                while True:
                    conversation.send(b"1\r\nx\r\n" * 4000)
            except OSError:
                pass

        def small_data(peer, stream):
            peer.send(frames.headers(stream, (":status", "200")))
            try:
                while True:
                    peer.send(frames.data(stream, b"") * 2000 + frames.data(stream, b"x") * 2000)
            except OSError:
                pass
        good = self.node("plain.js").address
        for name, script in (("endless", self.endless_http2), ("late", late_http2), ("small", small_data)):
            with self.subTest(name):
                bad = {"servers": [self.scripted(frames.server(script)).address], "protocol": "http2"}
                self.beside(bad, good)
        with self.subTest("chunks"):
            self.beside({"servers": [self.scripted(in_the_body).address]}, good)

    def beside(self, bad, good):
        proxy = self.proxy(
            None, upstreams={"bad": bad, "good": {"servers": [good]}},
            routes=[{"name": "bad", "host": "bad.test", "upstream": "bad"}, {"name": "good", "upstream": "good"}])
        # One that reads nothing, one that reads on.
        with proxy.connect() as still, proxy.connect() as reading:
            for one in still, reading:
                one.request("/", host="bad.test")
            threading.Thread(target=self.drain, args=(reading,), daemon=True).start()
            for _ in range(20):
                with proxy.connect(deadline=2) as innocent:
                    self.assertEqual(innocent.get("/ok", close=True).status, 200)
        before = proxy.resident_bytes()
        self.assertLess(before, 300 << 20)

    @staticmethod
    def drain(one):
        try:
            while one.socket.recv(1 << 20):
                pass
        except OSError:
            pass
