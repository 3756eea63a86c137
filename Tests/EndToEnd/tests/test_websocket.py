"""Upgrades: WebSockets of the ws module, and tunnels of raw bytes: both directions, their ends, their pace, their idle time."""

import os
import socket
import subprocess
import threading
import time

import client
import upstream
from harness import EndToEndTest, wait_for
from tunnels import TunnelTest
from upstream import APPS

HANDSHAKE = ["Connection: Upgrade", "Upgrade: websocket", "Sec-WebSocket-Version: 13", "Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ=="]


def frame(payload, opcode=1, mask=b"\1\2\3\4"):
    """A client's frame of fewer than 126 bytes."""
    return bytes([0x80 | opcode, 0x80 | len(payload)]) + mask + bytes(byte ^ mask[i % 4] for i, byte in enumerate(payload))


class WebSockets(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.app = self.node("websocket.js")

    def test_messages_of_all_sizes(self):
        proxy = self.proxy(self.app.address)
        done = subprocess.run(
            ["node", str(APPS / "websocket_client.js"), f"ws://{proxy.address}/"], capture_output=True, text=True, timeout=60,
            env=os.environ | {"NODE_PATH": "/usr/share/nodejs"})
        self.assertEqual((done.stdout, done.stderr), ("OK 168\n", ""))
        proxy.wait_metric(8, "sendonce_requests_total", route="main", code="101", method="GET")
        self.assertNoIncidents(proxy)

    def test_by_hand(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            one.request("/greet", fields=HANDSHAKE)
            one.read_until(b"\r\n\r\n")
            head = bytes(one.seen[:one.seen.index(b"\r\n\r\n")]).lower()
            self.assertIn(b"sec-websocket-accept: s3pplmbitxaq9kygzzhzrbk+xoo=", head)
            self.assertIn(b"upgrade: websocket", head)
            one.read_until(b"\x81\x05hello")
            one.send(frame(b"there"))
            one.read_until(b"\x81\x05there")
            # A close is answered by a close, and then by the end.
            one.send(frame(b"\x03\xe8", opcode=8))
            self.assertTrue(one.rest().endswith(b"\x88\x02\x03\xe8"))
            self.assertEqual(one.ended, "eof")
        self.assertNoIncidents(proxy)

    def test_the_first_frames_with_the_handshake(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            one.send(("GET / HTTP/1.1\r\nHost: a\r\n" + "\r\n".join(HANDSHAKE) + "\r\n\r\n").encode() + frame(b"early"))
            one.read_until(b"\x81\x05early")

    def test_an_upgrade_that_is_refused(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            response = one.get("/refuse", fields=HANDSHAKE)
            self.assertEqual((response.status, response.body), (403, b"no"))
        self.assertNoIncidents(proxy)


class Tunnels(TunnelTest):
    def test_both_ways_at_once(self):
        data = os.urandom(4 << 20)

        def script(conversation):
            sending = threading.Thread(target=conversation.send, args=(data,))
            sending.start()
            self.assertEqual(conversation.read_exactly(len(data)), data[::-1])
            sending.join()
        one = self.tunnel(script)
        sending = threading.Thread(target=one.send, args=(data[::-1],))
        sending.start()
        self.assertEqual(one.rest(), data)
        sending.join()
        one.close()
        self.assertNoIncidents(self.to)

    def test_the_client_ends_its_side_first(self):
        def script(conversation):
            conversation.send(conversation.wait_for_end()[::-1])
        one = self.tunnel(script)
        one.send(b"question")
        one.socket.shutdown(socket.SHUT_WR)
        self.assertEqual((one.rest(), one.ended), (b"noitseuq", "eof"))

    def test_the_upstream_ends_its_side_first(self):
        heard = []

        def script(conversation):
            conversation.send(b"bye")
            conversation.socket.shutdown(socket.SHUT_WR)
            heard.append(conversation.wait_for_end())
        one = self.tunnel(script)
        self.assertEqual((one.rest(), one.ended), (b"bye", "eof"))
        for _ in range(3):
            one.send(b"still here ")
        one.socket.shutdown(socket.SHUT_WR)
        wait_for(lambda: heard, "the upstream's end")
        self.assertEqual(heard, [b"still here " * 3])
        self.to.wait_metric(0, "sendonce_client_connections")
        self.to.wait_metric(0, "sendonce_upstream_connections")

    def test_an_upstream_that_is_gone(self):
        for reset in (False, True):
            with self.subTest(reset=reset):
                one = self.tunnel(lambda conversation: conversation.reset() if reset else None)
                one.rest()
                # Whoever goes on sending is told by the end of the connection.
                with self.assertRaises(OSError):
                    while True:
                        one.send(b"x" * 1000)
                self.to.wait_metric(0, "sendonce_upstream_connections")
                self.assertNoIncidents(self.to)

    def test_a_client_that_is_gone(self):
        ended = threading.Event()

        def script(conversation):
            conversation.wait_for_end()
            ended.set()
        one = self.tunnel(script)
        client.reset(one.socket)
        self.assertTrue(ended.wait(10))
        self.assertNoIncidents(self.to)

    def test_the_slower_side_sets_the_pace(self):
        sent = [0]

        def script(conversation):
            conversation.socket.settimeout(1)
            try:
                while sent[0] < 200 << 20:
                    sent[0] += conversation.socket.send(b"x" * 65536)
            except TimeoutError:
                pass
        one = self.tunnel(script)
        before = self.to.resident_bytes()
        last = [-1]

        def stands_still():
            last.append(sent[0])
            time.sleep(0.2)
            return last[-1] == last[-2] and last[-1] > 0
        wait_for(stands_still, "the upstream to be held back", 30)
        self.assertLess(sent[0], 32 << 20)
        self.assertLess(self.to.resident_bytes() - before, 16 << 20)
        self.assertEqual(len(one.rest()), sent[0])

    def test_idle_time(self):
        start = time.monotonic()
        one = self.tunnel(lambda conversation: conversation.wait_for_end(), timeouts={"tunnel_idle": "700ms"})
        self.assertEqual((one.rest(), one.ended), (b"", "eof"))
        self.assertGreater(time.monotonic() - start, 0.69)
        self.to.wait_metric(1, "sendonce_upstream_connections_closed_total", reason="idle_timeout")

    def test_idle_time_begins_anew_with_each_byte(self):
        def script(conversation):
            for _ in range(15):
                conversation.send(conversation.read_exactly(1))
        one = self.tunnel(script, timeouts={"body_idle": "1500ms"})
        start = time.monotonic()
        for i in range(15):
            time.sleep(0.15)
            one.send(b"%d" % (i % 10))
            one.read_until(b"%d" % (i % 10))
        self.assertGreater(time.monotonic() - start, 2)
        self.assertEqual(one.rest(), b"")
