"""New keys in the middle of TLS 1.3, from OpenSSL's own client and server: some are borne, and without end they are a flood."""

import re
import select
import socket
import subprocess
import threading

import certificates
from harness import wait_for
from test_tls import REJECTED, TLSTest
from test_tls_upstream import TLSUpstreamTest


def openssl(test, *arguments):
    """OpenSSL's own program, running, and what it has printed, each message of TLS among it."""
    program = subprocess.Popen(
        ["openssl", *arguments, "-tls1_3", "-msg"], stdin=subprocess.PIPE, stdout=subprocess.PIPE, stderr=subprocess.STDOUT)
    test.addCleanup(lambda: (program.kill(), program.communicate()))
    printed = bytearray()

    def read():
        while data := program.stdout.read1(65536):
            printed.extend(data)
    threading.Thread(target=read, daemon=True).start()
    return program, printed


class Clients(TLSTest):
    def test_new_keys_without_end(self):
        proxy = self.echoing()
        visitor, printed = openssl(self, "s_client", "-connect", proxy.address, "-servername", "shop.example")

        def sent():
            return printed.count(b">>> TLS 1.3, Handshake [length 0005], KeyUpdate")
        wait_for(lambda: b"NewSessionTicket" in printed, lambda: f"the handshake: {bytes(printed[-500:])}")
        changes = 0
        while visitor.poll() is None and changes < 200:
            # New keys, and the wish for ours.
            try:
                visitor.stdin.write(b"K\n")
                visitor.stdin.flush()
            except BrokenPipeError:
                break
            changes += 1
            wait_for(lambda: sent() >= changes or visitor.poll() is not None, lambda: f"new keys: {bytes(printed[-500:])}")
        self.assertTrue(20 <= changes < 120, changes)
        proxy.wait_metric(1, REJECTED, reason="tls")
        self.wait_log(proxy, r"TLS handshake failed client=127\.0\.0\.1:\d+ .*reason=flood")
        self.assertEqual(self.connect(proxy).get("/").status, 200)
        self.assertNoIncidents(proxy)


class Upstreams(TLSUpstreamTest):
    def openssl_server(self):
        """OpenSSL's own, which says what it is told to; what it has printed, its port, and how to tell it."""
        with socket.create_server(("127.0.0.1", 0)) as probe:
            port = probe.getsockname()[1]
        server, printed = openssl(
            self, "s_server", "-accept", f"127.0.0.1:{port}", "-cert", certificates.file("shop.pem"), "-key", certificates.file("shop.key"))

        def say(line):
            server.stdin.write(line)
            server.stdin.flush()
        wait_for(lambda: b"ACCEPT" in printed, "openssl to listen")
        return printed, port, say

    def test_new_keys_without_end(self):
        printed, port, say = self.openssl_server()
        proxy = self.over_tls(f"127.0.0.1:{port}", retry={"attempts": 0})
        with proxy.connect() as one:
            one.request("/")
            wait_for(lambda: b"GET / " in printed, "the request to arrive")
            updates, poll = 0, select.poll()
            poll.register(one.socket, select.POLLIN)
            while updates < 200 and not poll.poll(0):
                say(b"k\n")
                updates += 1
                wait_for(lambda: len(re.findall(rb">>> .*KeyUpdate", printed)) >= updates or poll.poll(0), "the key update, or its end")
            self.assertEqual(one.read_response().status, 502)
        self.assertTrue(40 <= updates < 120, updates)
        proxy.wait_metric(1, "sendonce_upstream_rejected_total", upstream="app", reason="tls_flood")
        self.wait_log(proxy, r"TLS failed .*reason=flood")
        self.assertNoIncidents(proxy)

    def test_a_key_update_on_a_pooled_connection_is_no_stray(self):
        printed, port, say = self.openssl_server()
        proxy = self.over_tls(f"127.0.0.1:{port}", connections={"hold": "0ms", "idle_timeout": "30s"}, retry={"attempts": 0})
        with proxy.connect() as one:
            for number in range(3):
                one.request(f"/{number}")
                wait_for(lambda: b"GET /%d " % number in printed, "the request to arrive")
                say(b"HTTP/1.1 204 No Content\r\nX: y\r\n\r\n")
                self.assertEqual(one.read_response().status, 204)
                sent = proxy.metrics().sum("sendonce_sent_bytes_total", side="upstream")
                say(b"K\n")
                wait_for(lambda: len(re.findall(rb">>> .*KeyUpdate", printed)) > number, "the key update")
                self.assertEqual(proxy.metrics().sum("sendonce_sent_bytes_total", side="upstream"), sent)
        # The answer to a key update goes with the next bytes.
        self.assertEqual(len(re.findall(rb"<<< .*KeyUpdate", printed)), 2)
        self.assertEqual(proxy.metrics().sum("sendonce_upstream_connections_closed_total", upstream="app"), 0)
        self.assertNoIncidents(proxy)
