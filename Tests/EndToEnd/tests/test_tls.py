"""TLS towards clients: versions, certificates by name, clients' certificates, resumption, and handshakes that fail."""

import re
import socket
import ssl
import subprocess

import certificates
import client
import upstream
from harness import EndToEndTest, wait_for

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
REJECTED = "sendonce_client_rejected_total"


class TLSTest(EndToEndTest):
    def echoing(self, **options):
        """A proxy with TLS before an upstream that answers with the request's header block."""
        def script(conversation):
            while (request := conversation.read_request()) is not None:
                conversation.send(upstream.ok(request.head + request.body))
        return self.secure(self.scripted(script).address, **options)

    def secure(self, origin, *, tls=None, **options):
        return self.proxy(
            origin, listeners=[{"address": "127.0.0.1:0", "tls": tls or certificates.pair("shop")}], **options)

    def connect(self, proxy, context=None, name="shop.example", **options):
        one = proxy.connect(tls=context or certificates.trusting(), server_name=name, **options)
        self.addCleanup(one.close)
        return one

    def wait_log(self, proxy, pattern):
        wait_for(lambda: re.search(pattern, proxy.log), lambda: f"{pattern} in the log:\n{proxy.log}")

    def shown(self, proxy, name):
        """The common name of the certificate that a client gets who asks for `name`."""
        context = certificates.trusting(check_hostname=False)
        with proxy.connect(tls=context, server_name=name) as one:
            return one.socket.getpeercert()["subject"][-1][-1][1]


class Versions(TLSTest):
    def curl(self, proxy, *options):
        port = proxy.address.rsplit(":", 1)[1]
        return subprocess.run(
            ["curl", "-sS", "--max-time", "10", "--http1.1", "--cacert", certificates.file("ca.pem"), "--resolve", f"shop.example:{port}:127.0.0.1",
             *options, f"https://shop.example:{port}/ok?a=1"], capture_output=True, text=True)

    def test_curl_with_either_version(self):
        proxy = self.echoing()
        for version in "1.2", "1.3":
            with self.subTest(version=version):
                done = self.curl(proxy, f"--tlsv{version}", "--tls-max", version)
                self.assertEqual(done.returncode, 0, done.stderr)
                self.assertTrue(done.stdout.startswith("GET /ok?a=1 HTTP/1.1\r\n") or done.stdout.startswith("GET /ok?a=1 HTTP/1.1\n"))
                self.assertIn("X-Forwarded-Proto: https", done.stdout)
                self.assertIn(";proto=https", done.stdout)

    def test_older_versions_are_refused(self):
        proxy = self.echoing()
        context = certificates.trusting()
        context.set_ciphers("DEFAULT:@SECLEVEL=0")
        context.minimum_version = ssl.TLSVersion.TLSv1_1
        context.maximum_version = ssl.TLSVersion.TLSv1_1
        with self.assertRaises((ssl.SSLError, ConnectionResetError)):
            proxy.connect(tls=context, server_name="shop.example")
        proxy.wait_metric(1, REJECTED, reason="tls")
        self.wait_log(proxy, "reason=version")

    def test_alpn(self):
        proxy = self.echoing()
        context = certificates.trusting()
        context.set_alpn_protocols(["http/1.1"])
        one = self.connect(proxy, context)
        self.assertEqual(one.socket.selected_alpn_protocol(), "http/1.1")
        self.assertEqual(one.get("/").status, 200)
        context.set_alpn_protocols(["spdy/1"])
        with self.assertRaises(ssl.SSLError):
            proxy.connect(tls=context, server_name="shop.example")

    def test_requests_one_after_another_and_in_one_record(self):
        proxy = self.echoing()
        one = self.connect(proxy)
        for number in range(3):
            self.assertIn(b"GET /%d " % number, one.get(f"/{number}").body)
        one.send(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        self.assertIn(b"GET /a ", one.read_response().body)
        self.assertIn(b"GET /b ", one.read_response().body)
        proxy.wait_metric(1, "sendonce_client_connections")

    def test_the_end_is_announced(self):
        one = self.connect(self.echoing())
        self.assertTrue(one.get("/", close=True).complete)
        self.assertEqual((one.rest(), one.ended), (b"", "eof"))

    def test_a_client_that_ends_its_side_still_gets_its_answers(self):
        proxy = self.echoing()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = certificates.trusting(V13).wrap_bio(incoming, outgoing, server_hostname="shop.example")
        peer = client.connect(proxy.address)
        self.addCleanup(peer.close)

        def exchange(step):
            while True:
                try:
                    return step()
                except ssl.SSLWantReadError:
                    if outgoing.pending:
                        peer.sendall(outgoing.read())
                    data = peer.recv(65536)
                    incoming.write(data) if data else incoming.write_eof()
        exchange(session.do_handshake)
        session.write(b"GET /a HTTP/1.1\r\nHost: a\r\n\r\nGET /b HTTP/1.1\r\nHost: a\r\n\r\n")
        try:
            session.unwrap()
        except ssl.SSLWantReadError:
            pass
        # Requests and close_notify in one segment, then FIN.
        peer.sendall(outgoing.read())
        peer.shutdown(socket.SHUT_WR)
        seen = b""
        while data := peer.recv(65536):
            seen += data
        incoming.write(seen)
        # Our half is closed, which Python takes for the end of both: what came is looked at as records.
        kinds = []
        while seen:
            length = int.from_bytes(seen[3:5], "big")
            kinds.append((seen[0], length))
            seen = seen[5 + length:]
        self.assertGreater(sum(length for kind, length in kinds if kind == 23), 600, "two answers")


    def test_behind_a_proxy_header(self):
        def script(conversation):
            while (request := conversation.read_request()) is not None:
                conversation.send(upstream.ok(request.head))
        proxy = self.proxy(
            self.scripted(script).address, trusted_proxies=["127.0.0.0/8"],
            listeners=[{"address": "127.0.0.1:0", "tls": certificates.pair("shop"), "proxy_protocol": "v1v2"}])
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = certificates.trusting().wrap_bio(incoming, outgoing, server_hostname="shop.example")
        with proxy.connect() as one:
            # The header and the handshake's beginning in one segment.
            before = b"PROXY TCP4 192.0.2.7 192.0.2.1 40000 443\r\n"
            while True:
                try:
                    session.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    one.send(before + outgoing.read())
                    before = b""
                    incoming.write(one.socket.recv(65536))
            session.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            one.send(outgoing.read())
            answer = b""
            while not answer.endswith(b"\r\n\r\n") or b"X-Forwarded-Proto" not in answer:
                incoming.write(one.socket.recv(65536))
                try:
                    answer += session.read(65536)
                except ssl.SSLWantReadError:
                    pass
        self.assertIn(b"X-Forwarded-For: 192.0.2.7\r\n", answer)
        self.assertIn(b"X-Forwarded-Proto: https\r\n", answer)


class Certificates(TLSTest):
    def test_the_name_chooses(self):
        tls = {"certificates": [certificates.pair(name) for name in ("shop", "wild", "admin")]}
        proxy = self.echoing(tls=tls)
        for asked, shown in (("shop.example", "shop"), ("a.shop.example", "wild"), ("ADMIN.example", "admin"),
                             ("unknown.example", "shop"), (None, "shop")):
            with self.subTest(name=asked):
                self.assertEqual(self.shown(proxy, asked), shown)

    def test_a_client_with_a_good_certificate(self):
        proxy = self.echoing(tls=certificates.pair("shop") | {"client_ca": certificates.file("ca.pem")})
        for version in V12, V13:
            one = self.connect(proxy, certificates.trusting(version, show="customer"))
            self.assertEqual(one.get("/").status, 200)
        self.assertEqual(proxy.metrics().sum(REJECTED), 0)

    def test_clients_without_one_or_with_a_stranger_s_are_refused(self):
        proxy = self.echoing(tls=certificates.pair("shop") | {"client_ca": certificates.file("ca.pem")})
        for count, (show, reason) in enumerate(((None, "certificate_missing"), ("intruder", "certificate_refused")), 1):
            for version in V12, V13:
                with self.subTest(show=show, version=version):
                    # With TLS 1.3 a client hears of it after its own part of the handshake.
                    with self.assertRaises((ssl.SSLError, ConnectionResetError, BrokenPipeError)):
                        with proxy.connect(tls=certificates.trusting(version, show=show), server_name="shop.example") as one:
                            one.request("/")
                            one.socket.recv(1)
            proxy.wait_metric(2 * count, REJECTED, reason="tls")
            self.wait_log(proxy, f"reason={reason}")
        self.assertEqual(proxy.metrics().sum("sendonce_requests_total"), 0)

    def test_bad_files_keep_it_from_starting(self):
        program = self.program("run", "--config", self.configured(certificates.file("gone.pem"), certificates.file("shop.key")))
        self.assertEqual(program.wait(), 2)
        self.assertRegex(program.log, r"sendonce.yaml:5:20: \S+/gone.pem: cannot be read: No such file or directory")

    def configured(self, certificate, key):
        path = f"{self.directory}/sendonce.yaml"
        with open(path, "w", encoding="utf-8") as file:
            file.write(f"admin: off\nlisteners:\n  - address: 127.0.0.1:0\n    tls:\n      certificate: {certificate}\n      key: {key}\n"
                       "upstreams:\n  app:\n    servers: [127.0.0.1:3000]\n")
        return path


class Resumption(TLSTest):
    def test_a_session_is_gone_on_with_on_any_worker(self):
        proxy = self.echoing(workers=2)
        for version in V12, V13:
            with self.subTest(version=version):
                context = certificates.trusting(version)
                with proxy.connect(tls=context, server_name="shop.example") as first:
                    first.get("/")
                    session = first.socket.session
                    self.assertFalse(first.socket.session_reused)
                for _ in range(8):
                    with proxy.connect(tls=context, server_name="shop.example", session=session) as next_one:
                        self.assertEqual(next_one.get("/").status, 200)
                        self.assertTrue(next_one.socket.session_reused)
                        session = next_one.socket.session


class Failures(TLSTest):
    def test_plain_http_is_refused_and_told(self):
        proxy = self.echoing()
        with proxy.connect() as one:
            response = one.get("/")
        self.assertEqual(response.status, 400)
        self.assertIn(b"HTTPS", response.body)
        proxy.wait_metric(1, REJECTED, reason="tls")
        self.wait_log(proxy, r"TLS handshake failed client=127\.0\.0\.1:\d+ .*reason=plain_http")

    def test_what_is_told_is_bounded(self):
        proxy = self.echoing()
        for _ in range(50):
            with proxy.connect() as one:
                one.send(b"\x00" * 64)
                one.rest()
        proxy.wait_metric(50, REJECTED, reason="tls")
        self.wait_log(proxy, "TLS handshake failed")
        told = proxy.log.count("TLS handshake failed")
        self.assertTrue(1 <= told <= 10, told)
        self.assertEqual(self.connect(proxy).get("/").status, 200)

    def test_who_connects_and_says_nothing_has_not_failed(self):
        proxy = self.echoing()
        for _ in range(3):
            proxy.connect().close()
        self.assertEqual(self.connect(proxy).get("/").status, 200)
        wait_for(lambda: proxy.metrics().sum("sendonce_client_connections") == 1, "the silent ones to be closed")
        self.assertEqual(proxy.metrics().sum(REJECTED), 0)

    def test_half_a_greeting(self):
        proxy = self.echoing(timeouts_={"client_header": "300ms"})
        outgoing = ssl.MemoryBIO()
        session = certificates.trusting().wrap_bio(ssl.MemoryBIO(), outgoing, server_hostname="shop.example")
        with self.assertRaises(ssl.SSLWantReadError):
            session.do_handshake()
        greeting = outgoing.read()
        with proxy.connect() as late, proxy.connect() as gone:
            late.send(greeting[:100])
            gone.send(greeting[:100])
            proxy.wait_metric(2, "sendonce_client_connections")
            gone.close()
            proxy.wait_metric(1, REJECTED, reason="tls")
            self.wait_log(proxy, "reason=gone")
            # The other is closed when its time is up.
            self.assertEqual(late.rest(), b"")
        proxy.wait_metric(2, REJECTED, reason="tls")
        self.wait_log(proxy, "reason=timeout")

    def test_a_greeting_byte_by_byte(self):
        proxy = self.echoing()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = certificates.trusting().wrap_bio(incoming, outgoing, server_hostname="shop.example")
        with proxy.connect() as one:
            while True:
                try:
                    session.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    for byte in outgoing.read():
                        one.socket.send(bytes([byte]))
                    incoming.write(one.socket.recv(65536))
            session.write(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            for byte in outgoing.read():
                one.socket.send(bytes([byte]))
            answer = b""
            while b"GET / HTTP" not in answer:
                incoming.write(one.socket.recv(65536))
                try:
                    answer += session.read(65536)
                except ssl.SSLWantReadError:
                    pass

    def test_a_record_that_was_changed_on_its_way(self):
        proxy = self.echoing()
        incoming, outgoing = ssl.MemoryBIO(), ssl.MemoryBIO()
        session = certificates.trusting().wrap_bio(incoming, outgoing, server_hostname="shop.example")
        with proxy.connect() as one:
            while True:
                try:
                    session.do_handshake()
                    break
                except ssl.SSLWantReadError:
                    one.send(outgoing.read())
                    incoming.write(one.socket.recv(65536))
            one.send(outgoing.read())
            session.write(b"GET /changed HTTP/1.1\r\nHost: a\r\n\r\n")
            record = bytearray(outgoing.read())
            record[-1] ^= 1
            one.send(record)
            one.rest()
        proxy.wait_metric(0, "sendonce_client_connections")
        self.assertEqual(proxy.metrics().sum("sendonce_requests_total"), 0)
        self.assertNoIncidents(proxy)


class Streams(TLSTest):
    BODY = bytes(range(256)) * 80_000

    def test_bodies_both_ways_are_byte_exact(self):
        def script(conversation):
            while (request := conversation.read_request()) is not None:
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(request.body))
                conversation.send(request.body)
        proxy = self.secure(self.scripted(script).address)
        for version in V12, V13:
            with self.subTest(version=version):
                one = self.connect(proxy, certificates.trusting(version))
                self.assertEqual(one.get("/", method="PUT", body=self.BODY).body, self.BODY)
        self.assertNoIncidents(proxy)

    def test_a_client_cut_in_the_middle_of_its_answer(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n")
            while True:
                conversation.send(b"4000\r\n" + b"x" * 0x4000 + b"\r\n")
        origin = self.scripted(script)
        proxy = self.secure(origin.address)
        for leave in client.Client.reset, client.Client.close:
            one = self.connect(proxy)
            one.request("/")
            one.read_exactly(100_000)
            leave(one)
        for conversation in origin.conversations:
            self.assertTrue(conversation.ended.wait(10), "the upstream was not told")
        proxy.wait_metric(0, "sendonce_client_connections")
        self.assertNoIncidents(proxy)

    def test_an_upload_that_is_cut_is_not_passed_off_as_whole(self):
        heard = []

        def script(conversation):
            request = conversation.read_head()
            heard.append(request.field("transfer-encoding"))
            heard.append(conversation.wait_for_end())
        proxy = self.secure(self.scripted(script).address)
        one = self.connect(proxy)
        one.send(b"POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
        wait_for(lambda: proxy.metrics().sum("sendonce_sent_bytes_total", side="upstream") > 100, "the beginning to be passed on")
        one.close()
        wait_for(lambda: len(heard) == 2, "the upstream to be cut off")
        self.assertNotIn(b"0\r\n\r\n", heard[1])
        self.assertNoIncidents(proxy)
