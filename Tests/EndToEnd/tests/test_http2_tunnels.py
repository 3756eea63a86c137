"""WebSockets to upstreams that speak HTTP/2 (RFC 8441), of clients of either version: both directions, their ends, their idle time."""

import base64
import hashlib
import os
import socket
import subprocess
import threading
import time

import client
import frames
from harness import EndToEndTest, wait_for
from test_websocket import HANDSHAKE, frame
from upstream import APPS

OK = (":status", "200")
SETTINGS = frames.frame(frames.SETTINGS, 0, 0, b"\x00\x08\x00\x00\x00\x01")
CANCEL = (8).to_bytes(4, "big")


def connect(path="/raw", protocol="websocket", stream=1):
    return frames.headers(
        stream, (":method", "CONNECT"), (":protocol", protocol), (":scheme", "http"), (":authority", "a"), (":path", path),
        ("sec-websocket-version", "13"))


class TunnelTest(EndToEndTest):
    def before(self, address, **options):
        app = {"servers": [address], "protocol": "http2"}
        if "timeouts" in options:
            app["timeouts"] = options.pop("timeouts")
        self.to = self.proxy(None, upstreams={"app": app}, **options)
        return self.to

    def before_node(self, timeouts={}, **environment):
        self.app = self.node("h2_websocket.js", **environment)
        self.heard = []
        threading.Thread(target=lambda: self.heard.extend(self.app.process.stdout), daemon=True).start()
        return self.before(self.app.address, timeouts=timeouts)

    def said(self, line):
        """The upstream has told this."""
        wait_for(lambda: any(one.strip() == line for one in self.heard), lambda: f"{line}, heard: {self.heard}")

    def upgraded(self, path="/raw", fields=HANDSHAKE):
        """An HTTP/1 client in a tunnel."""
        one = self.to.connect()
        self.addCleanup(one.close)
        one.request(path, fields=fields)
        one.read_until(b"\r\n\r\n")
        self.head = bytes(one.seen[:one.seen.index(b"\r\n\r\n")]).decode().lower()
        self.assertTrue(self.head.startswith("http/1.1 101 "), self.head)
        return one

    def frame_client(self):
        return frames.client(self.dial(self.to))

    def opened(self, path="/raw"):
        """An HTTP/2 client in a tunnel, on stream 1."""
        peer = self.frame_client()
        peer.send(connect(path))
        kind, flags, stream, _ = peer.read()
        self.assertEqual((kind, stream, flags & frames.END_STREAM), (frames.HEADERS, 1, 0))
        return peer

    def rest(self, peer):
        """Bytes that come on stream 1, and how it ends: "end", or a reset's code."""
        body = b""
        while (seen := peer.read()) is not None:
            kind, flags, stream, payload = seen
            if stream != 1:
                continue
            if kind == frames.RST_STREAM:
                return body, int.from_bytes(payload, "big")
            if kind == frames.DATA:
                body += payload
            if flags & frames.END_STREAM:
                return body, "end"
        return body, "closed"

    def over(self, count=1):
        """The tunnel was counted, and its stream is not left open on the upstream's side."""
        self.to.wait_metric(count, "sendonce_requests_total", code="101", method="GET")
        self.assertNoIncidents(self.to)


class ToNode(TunnelTest):
    def test_messages_of_all_sizes(self):
        for version in "h1", "h2":
            with self.subTest(client=version):
                self.before_node()
                done = subprocess.run(
                    ["node", str(APPS / "websocket_client.js"), f"ws://{self.to.address}/ws", version], capture_output=True,
                    text=True, timeout=60, env=os.environ | {"NODE_PATH": "/usr/share/nodejs"})
                self.assertEqual((done.stdout, done.stderr), ("OK 168\n", ""))
                self.over(8)

    def test_the_handshake_is_translated(self):
        self.before_node()
        one = self.upgraded("/ws", [*HANDSHAKE, "Sec-WebSocket-Protocol: chat"])
        proof = base64.b64encode(hashlib.sha1(b"dGhlIHNhbXBsZSBub25jZQ==258EAFA5-E914-47DA-95CA-C5AB0DC85B11").digest()).decode()
        fields = self.head.split("\r\n")
        self.assertIn(f"sec-websocket-accept: {proof.lower()}", fields)
        self.assertEqual(
            sorted(field for field in fields if field.startswith(("upgrade", "connection", "content-length"))),
            ["connection: upgrade", "upgrade: websocket"])
        self.assertIn("sec-websocket-protocol: chat", fields)
        one.send(frame(b"there"))
        one.read_until(b"\x81\x05there")
        one.send(frame(b"\x03\xe8", opcode=8))
        self.assertTrue(one.rest().endswith(b"\x88\x02\x03\xe8"))
        self.assertEqual(one.ended, "eof")
        one.close()
        self.over()

    def test_the_first_frames_with_the_handshake(self):
        self.before_node()
        with self.to.connect() as one:
            one.send(("GET /ws HTTP/1.1\r\nHost: a\r\n" + "\r\n".join(HANDSHAKE) + "\r\n\r\n").encode() + frame(b"early"))
            one.read_until(b"\x81\x05early")
        peer = self.frame_client()
        peer.send(connect(), frames.data(1, b"early", end=True))
        self.assertEqual(self.rest(peer), (b"early", "end"))

    def test_a_server_that_does_not_switch(self):
        # Node without a listener for `upgrade` answers as if nobody had asked.
        self.to = self.proxy(self.node("plain.js").address)
        peer = self.frame_client()
        peer.send(connect("/inspect"))
        kind, _, _, payload = peer.read()
        self.assertEqual(kind, frames.HEADERS)
        self.assertNotIn(b"\x88", payload[:3], "200 would say that the tunnel is open (RFC 8441 section 5)")
        self.to.wait_metric(1, "sendonce_requests_total", code="502")
        self.assertNoIncidents(self.to)

    def test_the_client_ends_its_side_first(self):
        self.before_node()
        one = self.upgraded()
        one.send(b"question")
        one.socket.shutdown(socket.SHUT_WR)
        self.assertEqual((one.rest(), one.ended), (b"question", "eof"))
        self.said("CLOSED /raw 0")
        peer = self.opened()
        peer.send(frames.data(1, b"question", end=True))
        self.assertEqual(self.rest(peer), (b"question", "end"))
        self.over(2)

    def test_the_upstream_ends_its_side_first(self):
        self.before_node()
        one = self.upgraded("/bye")
        self.assertEqual((one.rest(), one.ended), (b"bye", "eof"))
        one.send(b"still ")
        one.send(b"here")
        one.socket.shutdown(socket.SHUT_WR)
        self.said("HEARD still here")
        self.said("CLOSED /bye 0")
        peer = self.opened("/bye")
        self.assertEqual(self.rest(peer), (b"bye", "end"))
        peer.send(frames.data(1, b"me too"), frames.data(1, b"!", end=True))
        self.said("HEARD me too!")
        self.over(2)

    def test_the_upstream_is_gone(self):
        self.before_node()
        one = self.upgraded("/gone")
        one.send(b"x")
        self.assertEqual((one.rest(), one.ended), (b"", "reset"))
        peer = self.opened("/gone")
        peer.send(frames.data(1, b"x"))
        self.assertEqual(self.rest(peer), (b"", 8))
        self.over(2)

    def test_the_client_is_gone(self):
        self.before_node()
        one = self.upgraded("/silent")
        client.reset(one.socket)
        self.said("CLOSED /silent 8")
        self.to.wait_metric(0, "sendonce_client_connections")
        self.heard.clear()
        peer = self.opened("/silent")
        peer.send(frames.frame(frames.RST_STREAM, 0, 1, CANCEL))
        self.said("CLOSED /silent 8")
        self.assertNoIncidents(self.to)

    def test_idle_time(self):
        self.before_node(timeouts={"tunnel_idle": "150ms"})
        one = self.upgraded("/silent")
        start = time.monotonic()
        self.assertEqual((one.rest(), one.ended), (b"", "eof"))
        self.assertGreater(time.monotonic() - start, 0.1)
        self.said("CLOSED /silent 8")
        peer = self.opened("/silent")
        self.assertEqual(self.rest(peer), (b"", "end"))
        self.over(2)

    def test_an_upgrade_that_is_refused(self):
        self.before_node()
        with self.to.connect() as one:
            response = one.get("/refuse", fields=HANDSHAKE)
            self.assertEqual((response.status, response.body), (403, b"no"))
            # The connection goes on.
            self.assertEqual(one.get("/plain").body, b"GET OK")
        self.said("CLOSED /refuse 0")
        peer = self.frame_client()
        peer.send(connect("/refuse"))
        self.assertEqual(peer.read()[0], frames.HEADERS)
        self.assertEqual(self.rest(peer), (b"no", "end"))
        self.assertNoIncidents(self.to)

    def test_an_upstream_that_takes_none(self):
        self.before_node(NO_CONNECT="1")
        with self.to.connect() as one:
            for _ in range(2):
                # The first asks before the server's SETTINGS are there, the second knows them.
                response = one.get("/raw", fields=HANDSHAKE)
                self.assertEqual(response.status, 501)
                self.assertIn(b"RFC 8441", response.body)
            self.assertEqual(one.get("/plain").body, b"GET OK")
        peer = self.frame_client()
        peer.send(connect())
        self.assertEqual(peer.read()[0], frames.HEADERS)
        body, ended = self.rest(peer)
        self.assertIn(b"RFC 8441", body)
        self.to.wait_metric(3, "sendonce_requests_total", code="501")
        self.assertNoIncidents(self.to)

    def test_other_upgrades_are_left_out(self):
        self.before_node()
        with self.to.connect() as one:
            self.assertEqual(one.get("/plain", fields=["Connection: Upgrade", "Upgrade: echo/1"]).body, b"GET OK")
            # Without a key it is no WebSocket's handshake.
            self.assertEqual(one.get("/plain", fields=["Connection: Upgrade", "Upgrade: websocket"]).body, b"GET OK")
        self.assertNoIncidents(self.to)


class ToFrames(TunnelTest):
    """A server whose every frame is chosen."""

    def scripted_frames(self, script, settings=SETTINGS, when=None, **options):
        def conversation(talk):
            peer = frames.Peer(talk.socket)
            if peer.exactly(len(frames.PREFACE)) != frames.PREFACE:
                return
            if when:
                when(peer)
            peer.send(settings)
            while (seen := peer.read()) is not None:
                if seen[0] in (frames.HEADERS, frames.DATA, frames.RST_STREAM):
                    script(peer, *seen)
        return self.before(self.scripted(conversation).address, **options)

    def test_nobody_is_asked_before_the_settings(self):
        may, first = threading.Event(), []

        def script(peer, kind, flags, stream, payload):
            if kind == frames.HEADERS:
                peer.send(frames.headers(stream, OK, end=True), frames.headers(1, (":status", "204"), end=True))

        def when(peer):
            # An ordinary request, which comes later, shows what is held back. Nothing is acknowledged: SETTINGS come first.
            while not first:
                head = peer.exactly(9)
                payload = peer.exactly(int.from_bytes(head[:3], "big"))
                if head[3] == frames.HEADERS:
                    first.append(payload)
            may.wait(10)
        self.scripted_frames(script, when=when)
        with self.to.connect() as one, self.to.connect() as other:
            one.request("/", fields=HANDSHAKE)
            self.to.wait_metric(1, "sendonce_upstream_connections", state="active")
            other.request("/ordinary")
            wait_for(lambda: first, "the ordinary request")
            self.assertIn(b"/ordinary", first[0])
            self.assertNotIn(b"websocket", first[0])
            may.set()
            one.read_until(b"\r\n\r\n")
            self.assertTrue(bytes(one.seen).startswith(b"HTTP/1.1 101 "), bytes(one.seen))
            self.assertEqual(other.read_response().status, 204)

    def test_settings_that_never_come(self):
        held = threading.Event()
        self.addCleanup(held.set)
        self.scripted_frames(lambda *_: None, when=lambda _: held.wait(10), timeouts={"response_header": "200ms"})
        with self.to.connect() as one:
            self.assertEqual(one.get("/", fields=HANDSHAKE).status, 504)
        self.assertNoIncidents(self.to)

    def test_a_length_means_nothing_in_a_tunnel(self):
        def script(peer, kind, flags, stream, payload):
            if kind == frames.HEADERS:
                peer.send(frames.headers(stream, OK, ("content-length", "2")), frames.data(stream, b"more than two"))
                peer.send(frames.data(stream, end=True))
        self.scripted_frames(script)
        one = self.upgraded("/")
        self.assertNotIn("content-length", self.head)
        self.assertTrue(one.rest().endswith(b"more than two"))
        self.assertEqual(one.ended, "eof")
        one.close()
        self.over()

    def test_the_upstream_resets(self):
        def script(peer, kind, flags, stream, payload):
            if kind == frames.HEADERS:
                peer.send(frames.headers(stream, OK))
            elif kind == frames.DATA:
                peer.send(frames.data(stream, b"last"), frames.frame(frames.RST_STREAM, 0, stream, CANCEL))
        self.scripted_frames(script)
        one = self.upgraded("/")
        one.send(b"x")
        one.rest()
        self.assertEqual(one.ended, "reset")
        peer = self.opened("/")
        peer.send(frames.data(1, b"x"))
        self.assertEqual(self.rest(peer)[1], 8)
        self.over(2)

    def test_an_answer_that_ends_at_once(self):
        def script(peer, kind, flags, stream, payload):
            if kind == frames.HEADERS:
                peer.send(frames.headers(stream, OK, end=True))
        self.scripted_frames(script)
        one = self.upgraded("/")
        self.assertEqual((one.rest(), one.ended), (b"", "eof"))
        one.close()
        self.to.wait_metric(0, "sendonce_client_connections")
        self.over()

    def test_a_header_block_in_a_tunnel(self):
        def script(peer, kind, flags, stream, payload):
            if kind == frames.HEADERS:
                peer.send(frames.headers(stream, OK), frames.data(stream, b"bytes"))
                peer.send(frames.headers(stream, (":status", "500")), frames.data(stream, b"failed", end=True))
        self.scripted_frames(script)
        one = self.upgraded("/")
        self.assertEqual(one.rest()[-5:], b"bytes")
        incident = self.to.wait_incidents(1)[0]
        self.assertIncident(incident, kind="header_block_in_body", origin="upstream", evidence__second_status=500)

    def test_the_slower_side_sets_the_pace(self):
        sent = [0]

        def script(peer, kind, flags, stream, payload):
            if kind == frames.DATA:
                sent[0] += len(payload)
                for where in (0, stream) if payload else ():
                    peer.send(frames.frame(frames.WINDOW_UPDATE, 0, where, len(payload).to_bytes(4, "big")))
                if flags & frames.END_STREAM:
                    peer.send(frames.data(stream, b"%d" % sent[0], end=True))
            elif kind == frames.HEADERS:
                peer.send(frames.headers(stream, OK))
        self.scripted_frames(script)
        one = self.upgraded("/")
        data = os.urandom(1 << 20)
        for _ in range(8):
            one.send(data)
        one.socket.shutdown(socket.SHUT_WR)
        self.assertEqual((one.rest().rsplit(b"\r\n", 1)[-1], one.ended), (b"%d" % (8 << 20), "eof"))
        self.over()
