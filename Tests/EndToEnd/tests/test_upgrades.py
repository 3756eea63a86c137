"""Which protocols a connection may become a tunnel for: none that carries requests, which would pass unseen behind it."""

import json
import socket

import frames
import upstream
from harness import EndToEndTest

SETTINGS = "HTTP2-Settings: AAMAAABkAAQAAP__"


class Upgrades(EndToEndTest):
    def setUp(self):
        super().setUp()

        def mirror(conversation):
            while (request := conversation.read_request()) is not None:
                conversation.send(upstream.ok(json.dumps([(name.lower(), value) for name, value in request.fields]).encode()))
        self.origin = self.scripted(mirror)
        self.to = self.proxy(self.origin.address, listeners=[{"address": "127.0.0.1:0", "protocols": ["http1", "http2"]}])

    def passed_on(self, *fields):
        """Hop-by-hop fields as the upstream got them."""
        with self.to.connect() as one:
            one.request("/", fields=fields)
            response = one.read_response()
        self.assertEqual(response.status, 200, response)
        return [field for field in map(tuple, json.loads(response.body)) if field[0] in ("upgrade", "connection", "http2-settings")]

    def test_other_versions_of_http_and_tls_are_dropped(self):
        for name in ("h2c", "H2C", "h2", "h2c-14", "h3", "HTTP/2.0", "http/2", "HTTP/1.1", "TLS/1.0", "tls", "SSL/3.0", "SPDY/3.1", "h2c, HTTP/2.0"):
            with self.subTest(name):
                self.assertEqual(self.passed_on("Connection: Upgrade, HTTP2-Settings", f"Upgrade: {name}", SETTINGS), [])
        self.assertNoIncidents(self.to)

    def test_the_rest_of_a_list_passes(self):
        for fields, expected in (
                (["Upgrade: websocket, h2c"], "websocket"), (["Upgrade: h2c,websocket"], "websocket"),
                (["Upgrade: h2c", "Upgrade: websocket"], "websocket"), (["Upgrade: echo/1, TLS/1.2, chat"], "echo/1,chat"),
                (["Upgrade: websocket"], "websocket")):
            with self.subTest(fields):
                self.assertEqual(self.passed_on("Connection: Upgrade, HTTP2-Settings", SETTINGS, *fields),
                                 [("upgrade", expected), ("connection", "upgrade")])
        self.assertNoIncidents(self.to)

    def test_over_http2(self):
        host, port = self.to.address.rsplit(":", 1)
        for name in ("h2c", "HTTP/2.0", "tls"):
            with self.subTest(name), socket.create_connection((host, int(port)), timeout=10) as one:
                peer = frames.client(one)
                peer.send(frames.headers(
                    1, (":method", "CONNECT"), (":protocol", name), (":scheme", "http"), (":authority", "a"), (":path", "/")))
                seen = peer.read()
                # Malformed where the name is no token, else refused.
                self.assertEqual(seen[0], frames.RST_STREAM if "/" in name else frames.HEADERS)
                if seen[0] == frames.HEADERS:
                    self.assertIn(b"501", seen[3])
        self.assertEqual([bytes(one.received) for one in self.origin.conversations if one.received], [])

    def test_a_tunnel_that_nobody_may_open(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: h2c\r\n\r\n")
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        self.assertEqual(proxy.get("/", fields=["Connection: Upgrade", "Upgrade: websocket"]).status, 502)
        self.assertIncident(proxy.wait_incidents(1)[0], kind="malformed_message", evidence__phase="in_head")
