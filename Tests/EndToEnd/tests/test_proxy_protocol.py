"""Who asked: PROXY headers, forwarding fields of trusted proxies, and the client's address in every log."""

import json
import pathlib
import socket
import struct

import certificates
import upstream
from test_access_log import AccessLogTest

V1 = b"PROXY TCP4 192.0.2.1 198.51.100.2 56324 443\r\n"


def v2(source="192.0.2.1", port=56324, command=1, extensions=b""):
    family = socket.AF_INET6 if ":" in source else socket.AF_INET
    body = socket.inet_pton(family, source) * 2 + struct.pack("!HH", port, 443) + extensions
    return b"\r\n\r\n\0\r\nQUIT\n" + struct.pack("!BBH", 0x20 | command, 0x21 if ":" in source else 0x11, len(body)) + body


def mirror(conversation):
    while (request := conversation.read_request()) is not None:
        conversation.send(upstream.ok(json.dumps({name.lower(): value for name, value in request.fields}).encode()))


class ProxyProtocolTest(AccessLogTest):
    def listening(self, trusted=("127.0.0.1",), **options):
        proxy = self.logged(self.scripted(mirror).address, trusted_proxies=list(trusted), **options)
        return proxy

    def proxy(self, origin, *arguments, listener="127.0.0.1:0", tls=None, **options):
        return super().proxy(
            origin, *arguments, listeners=[{"address": listener, "proxy_protocol": "v1v2", "tls": tls}], **options)

    def seen(self, proxy, header, fields=()):
        with proxy.connect() as one:
            one.send(header)
            response = one.get("/", fields=fields)
            self.assertEqual(response.status, 200, response)
            # The header comes once a connection, not once a request.
            self.assertEqual(one.get("/").status, 200)
        return json.loads(response.body)


class Headers(ProxyProtocolTest):
    def test_a_trusted_balancer_is_believed(self):
        for i, (header, address, forwarded) in enumerate((
                (V1, "192.0.2.1:56324", "192.0.2.1"), (v2(), "192.0.2.1:56324", "192.0.2.1"),
                (v2("2001:db8::1", 7), "[2001:db8::1]:7", "2001:db8::1"), (v2(extensions=b"\x04\0\x03abc"), "192.0.2.1:56324", "192.0.2.1"))):
            with self.subTest(i):
                pathlib.Path(self.directory, "access.log").unlink(missing_ok=True)
                proxy = self.listening()
                seen = self.seen(proxy, header, ["X-Forwarded-For: 6.6.6.6"])
                self.assertEqual(seen["x-forwarded-for"], forwarded, "the client is no trusted proxy")
                self.assertEqual(self.entries(2)[1]["client"]["address"], address)
                self.end(proxy)

    def test_without_an_address_it_is_the_peers(self):
        for header in (b"PROXY UNKNOWN\r\n", v2(command=0)):
            with self.subTest(header):
                pathlib.Path(self.directory, "access.log").unlink(missing_ok=True)
                proxy = self.listening()
                self.assertEqual(self.seen(proxy, header)["x-forwarded-for"], "127.0.0.1")
                self.assertRegex(self.entries(2)[0]["client"]["address"], r"^127\.0\.0\.1:\d+$")
                self.end(proxy)

    def test_a_stranger_is_not_believed(self):
        proxy = self.listening(trusted=["10.0.0.0/8"])
        self.assertEqual(self.seen(proxy, V1)["x-forwarded-for"], "127.0.0.1")
        self.assertRegex(self.entries(2)[0]["client"]["address"], r"^127\.0\.0\.1:\d+$")

    def test_a_balancer_before_a_trusted_proxy(self):
        proxy = self.listening(trusted=["127.0.0.1", "192.0.2.0/24"])
        seen = self.seen(proxy, V1, ["X-Forwarded-For: 6.6.6.6, 203.0.113.9"])
        self.assertEqual(seen["x-forwarded-for"], "6.6.6.6, 203.0.113.9, 192.0.2.1")
        self.assertEqual(self.entries(2)[0]["client"]["address"], "203.0.113.9")

    def test_byte_by_byte(self):
        proxy = self.listening()
        for header in (V1, v2()):
            with proxy.connect() as one:
                for byte in header + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n":
                    one.send(bytes([byte]))
                self.assertEqual(json.loads(one.read_response().body)["x-forwarded-for"], "192.0.2.1")

    def test_what_is_no_header_is_cut_off(self):
        proxy = self.listening()
        for text in (b"GET / HTTP/1.1\r\nHost: a\r\n\r\n", b"PROXY TCP4 a b c d\r\n", b"PROXY " + b"a" * 200, v2()[:-1]):
            with self.subTest(text), proxy.connect() as one:
                one.send(text)
                if text == v2()[:-1]:
                    one.socket.shutdown(socket.SHUT_WR)
                self.assertEqual(one.rest(), b"")
        proxy.wait_metric(4, "sendonce_client_rejected_total", reason="malformed_request")
        self.assertEqual(proxy.metrics().sum("sendonce_requests_total"), 0)

    def test_before_tls(self):
        proxy = self.listening(tls=certificates.pair("shop"))
        one = proxy.connect()
        self.addCleanup(one.close)
        one.send(v2())
        one.socket = certificates.trusting().wrap_socket(one.socket, server_hostname="shop.example")
        self.assertEqual(json.loads(one.get("/").body)["x-forwarded-for"], "192.0.2.1")
        self.assertEqual(json.loads(one.get("/").body)["x-forwarded-proto"], "https")

    def test_a_header_that_does_not_come(self):
        proxy = self.listening(timeouts_={"client_header": "100ms"})
        with proxy.connect() as one:
            self.assertEqual((one.rest(), one.ended), (b"", "eof"))

    def test_on_a_unix_socket(self):
        proxy = self.listening(trusted=["unix"], listener=f"unix:{self.directory}/proxy.sock")
        self.assertEqual(self.seen(proxy, V1)["x-forwarded-for"], "192.0.2.1")

    def test_incidents_name_the_client(self):
        proxy = self.proxy(self.scripted(upstream.answering(upstream.ok() + upstream.ok())).address, trusted_proxies=["127.0.0.1"])
        with proxy.connect() as one:
            one.send(V1)
            one.get("/")
        self.assertIncident(proxy.wait_incidents(1)[0], client__address="192.0.2.1:56324")


class Fields(AccessLogTest):
    def client_of(self, *fields, trusted=("127.0.0.1",)):
        pathlib.Path(self.directory, "access.log").unlink(missing_ok=True)
        proxy = self.logged(self.scripted(mirror).address, trusted_proxies=list(trusted))
        self.assertEqual(proxy.get("/", fields=fields).status, 200)
        self.assertEqual(proxy.get("/", method="CONNECT", fields=fields).status, 405)
        address, refused = (entry["client"]["address"] for entry in self.entries(2))
        self.end(proxy)
        self.assertEqual(address.split(":")[0], refused.split(":")[0])
        return address

    def test_the_client_behind_trusted_proxies(self):
        self.assertEqual(self.client_of("X-Forwarded-For: 6.6.6.6, 192.0.2.7, 127.0.0.1"), "192.0.2.7")
        self.assertEqual(self.client_of('Forwarded: for="[2001:db8::7]:44"'), "[2001:db8::7]:44")

    def test_nobody_else_is_believed(self):
        self.assertRegex(self.client_of("X-Forwarded-For: 6.6.6.6", trusted=()), r"^127\.0\.0\.1:\d+$")
        self.assertRegex(self.client_of("X-Forwarded-For: 6.6.6.6", trusted=["10.0.0.0/8"]), r"^127\.0\.0\.1:\d+$")
