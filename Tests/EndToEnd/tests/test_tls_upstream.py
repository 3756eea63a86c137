"""TLS towards upstreams: who is trusted, what a refusal says, resumption, and that detection does not notice the difference."""

import json
import pathlib
import re
import select
import socket
import ssl
import threading

import certificates
import client
import upstream
from harness import EndToEndTest, wait_for

V12, V13 = ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
STRAY = b"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nSTRAY"


class TLSUpstreamTest(EndToEndTest):
    def over_tls(self, address, *, ca="ca", name="shop.example", **options):
        app = {"servers": [address], "tls": {"ca": certificates.file(f"{ca}.pem"), "server_name": name}}
        for key in "connections", "retry", "timeouts":
            if key in options:
                app[key] = options.pop(key)
        return self.proxy(None, upstreams={"app": app}, **options)

    def wait_log(self, proxy, pattern):
        wait_for(lambda: re.search(pattern, proxy.log), lambda: f"{pattern} in the log:\n{proxy.log}")

    def node_over_tls(self, program="tls.js", certificate="shop"):
        pair = certificates.pair(certificate)
        return self.node(program, CERTIFICATE=pair["certificate"], KEY=pair["key"])

    def scripted_over_tls(self, script, name="shop", version=None):
        return self.scripted(script, tls=certificates.server(name, version))


class Trust(TLSUpstreamTest):
    def refused(self, address, expected, **options):
        proxy = self.over_tls(address, **options)
        response = proxy.get("/ok")
        self.assertEqual(response.status, 502, response)
        self.wait_log(proxy, rf"cannot connect .*error=.*{expected}.* server={re.escape(address)} upstream=app")
        self.assertNoIncidents(proxy)

    def test_a_node_server_whose_certificate_is_good(self):
        node = self.node_over_tls()
        proxy = self.over_tls(node.address)
        seen = json.loads(proxy.get("/session").body)
        self.assertEqual((seen["version"], seen["alpn"], seen["name"]), ("TLSv1.3", "http/1.1", "shop.example"))
        self.assertNoIncidents(proxy)

    def test_an_authority_that_is_not_trusted(self):
        self.refused(self.node_over_tls().address, "certificate verify failed", ca="stranger")

    def test_a_certificate_for_another_name(self):
        self.refused(self.node_over_tls().address, "it is for shop.example", name="admin.example")

    def test_a_certificate_that_has_expired(self):
        self.refused(self.node_over_tls(certificate="expired").address, "certificate has expired")

    def test_an_upstream_without_tls(self):
        def script(conversation):
            conversation.socket.recv(65536)
            conversation.send(b"HTTP/1.1 400 Bad Request\r\nConnection: close\r\n\r\n")
        self.refused(self.scripted(script).address, "upstream (speaks HTTP, not TLS|does not speak TLS)")

    def test_an_upstream_that_hangs_up_in_the_handshake(self):
        self.refused(self.scripted(lambda conversation: conversation.socket.recv(100)).address, "closed in the TLS handshake")

    def test_an_upstream_that_says_nothing_in_the_handshake(self):
        silent = self.scripted(lambda conversation: conversation.wait_for_end())
        self.refused(silent.address, "TLS handshake took too long", timeouts={"connect": "200ms"}, retry={"attempts": 0})

    def test_the_address_stands_for_a_name_that_is_not_given(self):
        node = self.node_over_tls()
        proxy = self.proxy(None, upstreams={"app": {"servers": [node.address], "tls": {"ca": certificates.file("ca.pem")}}})
        self.assertIsNone(json.loads(proxy.get("/session").body)["name"])

    def test_another_server_is_tried(self):
        bad, good = self.node_over_tls(certificate="fake"), self.node_over_tls()
        app = {"servers": [bad.address, good.address], "balance": "round_robin",
               "tls": {"ca": certificates.file("ca.pem"), "server_name": "shop.example"}}
        proxy = self.proxy(None, upstreams={"app": app})
        for _ in range(4):
            self.assertEqual(proxy.get("/ok").body, b"OK")

    def test_an_upstream_that_does_not_agree_to_http2(self):
        origin = self.scripted_over_tls(upstream.answering(upstream.ok()))
        app = {"servers": [origin.address], "protocol": "http2",
               "tls": {"ca": certificates.file("ca.pem"), "server_name": "shop.example"}}
        proxy = self.proxy(None, upstreams={"app": app})
        self.assertEqual(proxy.get("/").status, 502)
        self.wait_log(proxy, r"cannot connect error=.the server has not agreed to HTTP/2 \(ALPN\)")

    def test_an_upstream_that_wants_a_certificate_of_ours(self):
        context = certificates.server()
        context.verify_mode = ssl.CERT_REQUIRED
        context.load_verify_locations(certificates.file("ca.pem"))
        origin = self.scripted(upstream.answering(upstream.ok()), tls=context)
        proxy = self.over_tls(origin.address)
        self.assertEqual(proxy.get("/").status, 502)
        self.wait_log(proxy, r"demands one: alert .* server=\S+ upstream=app")
        self.assertNoIncidents(proxy)


class Health(TLSUpstreamTest):
    HEALTH = {"path": "/ok", "interval": "100ms", "timeout": "2s", "unhealthy_after": 1, "healthy_after": 1}

    def checked(self, address, **tls):
        app = {"servers": [address], "health": self.HEALTH,
               "tls": {"ca": certificates.file("ca.pem"), "server_name": "shop.example"} | tls}
        return self.proxy(None, upstreams={"app": app})

    def test_checks_speak_tls(self):
        asked = []

        def script(conversation):
            while (request := conversation.read_request()) is not None:
                asked.append((request.target, request.field("user-agent"), conversation.socket.session_reused))
                conversation.send(upstream.ok())
        proxy = self.checked(self.scripted_over_tls(script).address)
        wait_for(lambda: asked.count(("/ok", "sendonce-health", True)) > 1, lambda: f"checks, the later ones resumed: {asked}")
        self.assertEqual(proxy.get("/").body, b"OK")
        proxy.wait_metric(1, "sendonce_upstream_server_up", upstream="app")

    def test_a_server_that_is_not_trusted_is_down(self):
        proxy = self.checked(self.node_over_tls().address, server_name="admin.example")
        proxy.wait_metric(0, "sendonce_upstream_server_up", upstream="app")
        self.wait_log(proxy, r"server down error=.*it is for shop.example")

    def test_a_server_without_tls_is_down(self):
        def script(conversation):
            conversation.socket.recv(65536)
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")
        proxy = self.checked(self.scripted(script).address)
        proxy.wait_metric(0, "sendonce_upstream_server_up", upstream="app")
        self.wait_log(proxy, r"server down error=.*not TLS")


class Sessions(TLSUpstreamTest):
    def test_the_next_connection_goes_on_with_the_session(self):
        for version in V12, V13:
            with self.subTest(version=version):
                reused = []

                def script(conversation):
                    reused.append(conversation.socket.session_reused)
                    conversation.read_request()
                    conversation.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 2\r\n\r\nOK")
                proxy = self.over_tls(self.scripted_over_tls(script, version=version).address)
                for _ in range(4):
                    self.assertEqual(proxy.get("/").body, b"OK")
                self.assertEqual(reused, [False, True, True, True])
                self.end(proxy)

    def test_connections_are_pooled(self):
        origin = self.scripted_over_tls(upstream.by_target({"/": upstream.ok()}))
        proxy = self.over_tls(origin.address, connections={"hold": "0ms"})
        with proxy.connect() as one:
            for _ in range(20):
                self.assertEqual(one.get("/").body, b"OK")
        self.assertEqual(len(origin.conversations), 1)
        self.assertNoIncidents(proxy)


class Ends(TLSUpstreamTest):
    def test_an_announced_end_ends_a_body(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\n\r\nwhole")
            conversation.announce_end()
        for version in V12, V13:
            with self.subTest(version=version):
                proxy = self.over_tls(self.scripted_over_tls(script, version=version).address)
                response = proxy.get("/")
                self.assertEqual((response.body, response.complete), (b"whole", True))
                self.assertNoIncidents(proxy)

    def test_a_cut_is_not_the_end_of_a_body(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\n\r\npart")
        proxy = self.over_tls(self.scripted_over_tls(script).address)
        response = proxy.get("/")
        self.assertEqual((response.body, response.complete), (b"part", False))
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, kind="truncated_response", client_impact="aborted", response__framing="close",
                            response__body_bytes=4)
        self.assertIn("close_notify", incident["message"])

    def test_a_cut_behind_a_whole_answer_is_no_fault(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 5\r\n\r\nwhole")
        proxy = self.over_tls(self.scripted_over_tls(script).address)
        for _ in range(3):
            self.assertEqual(proxy.get("/").body, b"whole")
        self.assertNoIncidents(proxy)

    def test_a_cut_reaches_a_client_with_tls_as_a_cut(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\n\r\npart")
        proxy = self.over_tls(self.scripted_over_tls(script).address,
                              listeners=[{"address": "127.0.0.1:0", "tls": certificates.pair("shop")}])
        with proxy.connect(tls=certificates.trusting(), server_name="shop.example") as one:
            one.request("/", fields=["Connection: close"])
            response = one.read_response()
        self.assertEqual((response.body, response.complete), (b"part", False))


class Bodies(TLSUpstreamTest):
    BODY = bytes(range(256)) * 80_000

    def send_while_reading(self, one, data):
        """The echo begins before the request has ended: whoever only sent would wait for ever. (One thread: an ssl.SSLSocket has
        no room for two.)"""
        position = 0
        one.socket.setblocking(False)
        while position < len(data):
            client.wait_until_ready(one.socket, select.POLLIN | select.POLLOUT)
            try:
                position += one.socket.send(data[position:position + 65536])
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
            try:
                one.seen += one.socket.recv(65536)
            except (ssl.SSLWantReadError, ssl.SSLWantWriteError):
                pass
        one.socket.settimeout(10)

    def test_tls_on_both_sides_is_byte_exact(self):
        node = self.node_over_tls()
        proxy = self.over_tls(node.address, listeners=[{"address": "127.0.0.1:0", "tls": certificates.pair("shop")}])
        for version in V12, V13:
            with proxy.connect(tls=certificates.trusting(version), server_name="shop.example") as one:
                self.send_while_reading(
                    one, b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(self.BODY) + self.BODY)
                response = one.read_response()
                self.assertEqual(response.framing, "chunked")
                self.assertEqual(response.body, self.BODY)
        self.assertNoIncidents(proxy)

    def test_a_tunnel_through_two_sessions_keeps_its_half_close(self):
        def script(conversation):
            conversation.read_head()
            conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: upgrade\r\n\r\n")
            heard = conversation.read_exactly(200_000)
            conversation.send(heard[::-1])
            conversation.announce_end()
        proxy = self.over_tls(self.scripted_over_tls(script).address,
                              listeners=[{"address": "127.0.0.1:0", "tls": certificates.pair("shop")}])
        with proxy.connect(tls=certificates.trusting(), server_name="shop.example") as one:
            one.request("/", fields=["Connection: upgrade", "Upgrade: echo"])
            self.assertEqual(one.read_response().status, 101)
            said = bytes(range(250)) * 800
            one.send(said)
            self.assertEqual(one.rest(), said[::-1])
            self.assertEqual(one.ended, "eof")
        self.assertNoIncidents(proxy)


class Detection(TLSUpstreamTest):
    """Each story is told in cleartext and over TLS: the records must be the same."""

    def incident(self, proxy, then=None):
        with proxy.connect() as one:
            response = one.get("/")
            self.assertNotIn(b"STRAY", one.seen)
            incident = proxy.wait_incidents(1)[0]
            if then:
                self.assertEqual(one.get(then).body, b"OK")
        self.end(proxy)
        for key in "time", "id":
            del incident[key]
        incident["evidence"].pop("delay_ms", None)
        for part, key in (("upstream", "address"), ("client", "address"), ("request", "id"), ("request", "trace_id"), ("request", "span_id")):
            incident[part].pop(key, None)
        return response, incident

    def assertSameOverTLS(self, answer, kind):
        stories = upstream.by_target({"/": answer, "/ok": upstream.ok()})
        plain, in_cleartext = self.incident(self.proxy(self.scripted(stories).address))
        pathlib.Path(self.directory, "incidents.jsonl").unlink()
        for version in V12, V13:
            with self.subTest(version=version):
                secured, over_tls = self.incident(self.over_tls(self.scripted_over_tls(stories, version=version).address))
                pathlib.Path(self.directory, "incidents.jsonl").unlink()
                self.assertEqual(over_tls, in_cleartext)
                self.assertEqual((secured.status, secured.body, secured.cut), (plain.status, plain.body, plain.cut))
        self.assertEqual(in_cleartext["kind"], kind)

    def test_a_second_answer_right_behind_the_first(self):
        self.assertSameOverTLS(HEAD + b"first" + STRAY, "second_response")

    def test_a_block_among_the_chunks(self):
        self.assertSameOverTLS(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n" + STRAY, "header_block_in_body")

    def test_a_body_that_is_too_long(self):
        self.assertSameOverTLS(HEAD + b"first, and more", "body_after_end")

    def test_fields_that_stand_twice(self):
        self.assertSameOverTLS(b"HTTP/1.1 200 OK\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 5\r\n\r\nfirst", "duplicate_field")

    def test_node_over_tls(self):
        proxy = self.over_tls(self.node_over_tls().address)
        with proxy.connect() as one:
            self.assertEqual(one.get("/twice").body, b"first")
            self.assertIncident(proxy.wait_incidents(1)[0], kind="body_after_end", evidence__surplus_bytes=6)
            self.assertEqual(one.get("/ok").body, b"OK")

    def test_a_late_stray_in_a_record_of_its_own(self):
        answered = threading.Event()

        def answer(conversation, _):
            conversation.send(HEAD + b"first")
            answered.wait(10)
            conversation.send(STRAY)
        origin = self.scripted_over_tls(upstream.by_target({"/": answer, "/ok": upstream.ok()}))
        proxy = self.over_tls(origin.address)
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"first")
            answered.set()
            incident = proxy.wait_incidents(1)[0]
            self.assertEqual(one.get("/ok").body, b"OK")
        self.assertIncident(incident, kind="second_response", certainty="proven", evidence__surplus_bytes=len(STRAY),
                            evidence__offset=len(HEAD) + 5, client_impact="none")

    def test_a_hang_up_right_after_an_answer(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(HEAD + b"first")
        proxy = self.over_tls(self.scripted_over_tls(script).address)

        # A machine that is busy may not give the script its turn within the 50 ms: then it has another go, after a while, for
        # hang-ups at the same time are none.
        incident = None
        for _ in range(8):
            self.assertEqual(proxy.get("/").body, b"first")
            try:
                incident = proxy.wait_incidents(1, patience=1)[0]
                break
            except AssertionError:
                continue
        self.assertIncident(incident, kind="hangup_after_end", certainty="suspected", client_impact="none")

    def test_strays_never_reach_the_next_client(self):
        def script(conversation):
            while (request := conversation.read_request()) is not None:
                body = request.target.encode()
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
                if request.target.startswith("/twice"):
                    conversation.send(STRAY)
        proxy = self.over_tls(self.scripted_over_tls(script).address, incidents={"quarantine": {"for": 0}})
        for number in range(50):
            target = f"/{'twice' if number % 3 == 0 else 'once'}/{number}"
            self.assertEqual(proxy.get(target).body, target.encode())
        proxy.wait_metric(17, "sendonce_incidents_total", kind="second_response")
