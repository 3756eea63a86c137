"""HTTP/2 on either side: real clients and servers in every combination, and exact frames for what they would never send."""

import json
import pathlib
import re
import socket
import subprocess
import threading

import certificates
import frames
import upstream
from harness import EndToEndTest, wait_for

OK = (":status", "200")


class HTTP2Test(EndToEndTest):
    def h2_proxy(self, address, **options):
        """A proxy before a server that speaks HTTP/2 in cleartext."""
        app = {"servers": [address], "protocol": "http2"}
        for key in "connections", "retry", "timeouts":
            if key in options:
                app[key] = options.pop(key)
        return self.proxy(None, upstreams={"app": app}, **options)

    def curl(self, *arguments, patience=30):
        done = subprocess.run(["curl", "-sS", "--max-time", "20", *arguments], capture_output=True, timeout=patience)
        self.assertEqual(done.returncode, 0, done.stderr)
        return done.stdout

    def node_client(self, proxy, count, *paths):
        program = str(upstream.APPS / "h2_client.js")
        done = subprocess.run(
            ["node", program, f"http://{proxy.address}", str(count), *paths], capture_output=True, text=True, timeout=30)
        self.assertEqual(done.returncode, 0, done.stdout + done.stderr)
        return json.loads(done.stdout)

    def frame_client(self, proxy):
        host, port = proxy.address.rsplit(":", 1)
        one = socket.create_connection((host, int(port)), timeout=10)
        self.addCleanup(one.close)
        return frames.client(one)

    def answer(self, peer, stream):
        """Everything that comes on a stream until its end: (flags and payloads of HEADERS, body, reset code or None)."""
        heads, body = [], b""
        while (seen := peer.read()) is not None:
            kind, flags, on, payload = seen
            if kind == frames.GOAWAY:
                continue
            if on != stream:
                continue
            if kind == frames.HEADERS:
                heads.append(payload)
            elif kind == frames.DATA:
                body += payload
            elif kind == frames.RST_STREAM:
                return heads, body, int.from_bytes(payload, "big")
            if flags & frames.END_STREAM:
                return heads, body, None
        return heads, body, "closed"


class Combinations(HTTP2Test):
    """HTTP/1.1 and HTTP/2 on either side, with and without TLS."""

    VERSIONS = {"--http1.1": b"1.1", "--http2-prior-knowledge": b"2"}

    def check(self, proxy):
        sent = pathlib.Path(self.directory) / "sent"
        sent.write_bytes(bytes(range(256)) * 8192)
        for flag, version in self.VERSIONS.items():
            with self.subTest(client=flag):
                url = f"http://{proxy.address}"
                self.assertEqual(self.curl(flag, "-w", "%{http_version}", f"{url}/ok"), b"OK" + version)
                self.assertEqual(self.curl(flag, "--data-binary", f"@{sent}", f"{url}/echo"), sent.read_bytes())
                self.assertEqual(
                    self.curl(flag, "-H", "Transfer-Encoding: chunked" if flag == "--http1.1" else "X-A: b", "-T", str(sent),
                              "-X", "POST", f"{url}/echo"), sent.read_bytes())
                head = self.curl(flag, "-I", f"{url}/ok")
                self.assertRegex(head, rb"(?i)via: [\d.]+ sendonce")
                self.assertNotRegex(head, rb"\nOK$")
                self.assertIn(b"204", self.curl(flag, "-o", "/dev/null", "-w", "%{http_code}", f"{url}/no-content"))
                self.assertEqual(self.curl(flag, "-o", "/dev/null", "-w", "%{size_download}", f"{url}/big"), b"20971520")
        self.assertNoIncidents(proxy)

    def test_to_http2(self):
        self.check(self.h2_proxy(self.node("h2.js").address))

    def test_to_http1(self):
        self.check(self.proxy(self.node("h1_like_h2.js").address))

    def test_tls_and_alpn_on_both_sides(self):
        pair = certificates.pair("shop")
        node = self.node("h2.js", CERTIFICATE=pair["certificate"], KEY=pair["key"])
        app = {"servers": [node.address], "protocol": "http2",
               "tls": {"ca": certificates.file("ca.pem"), "server_name": "shop.example"}}
        proxy = self.proxy(None, upstreams={"app": app}, listeners=[{
            "address": "127.0.0.1:0", "tls": {"certificate": pair["certificate"], "key": pair["key"]}}])
        trust = ["--cacert", certificates.file("ca.pem"), "--connect-to", f"shop.example:443:{proxy.address}"]
        for flag, version in {"--http1.1": b"1.1", "--http2": b"2"}.items():
            seen = self.curl(flag, *trust, "-w", "%{http_version}", "https://shop.example/request?a=b")
            self.assertTrue(seen.endswith(version), seen)
            seen = json.loads(seen[:-len(version)])
            self.assertEqual((seen["version"], seen["path"]), ("2.0", "/request?a=b"))
            self.assertEqual(seen["headers"]["x-forwarded-proto"], "https")
            self.assertEqual(seen["headers"][":scheme"], "https")
            self.assertEqual(seen["headers"][":authority"], "shop.example")
        self.assertNoIncidents(proxy)

    def test_only_what_the_listener_speaks(self):
        node = self.node("plain.js")
        proxy = self.proxy(node.address, listeners=[{"address": "127.0.0.1:0", "protocols": ["http2"]}])
        self.assertEqual(self.curl("--http2-prior-knowledge", f"http://{proxy.address}/ok"), b"OK")
        with proxy.connect() as one:
            one.send(b"GET /ok HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertNotIn(b"HTTP/1.1 200", one.rest())


class Innocents(HTTP2Test):
    def test_interim_trailers_and_many_at_once(self):
        for name, proxy in ("h2", self.h2_proxy(self.node("h2.js").address)), :
            with self.subTest(upstream=name):
                answers = self.node_client(proxy, 60, "/ok", "/hints", "/trailers", "/no-content", "/request")
                self.assertEqual({answer["status"] for answer in answers}, {200, 204})
                self.assertEqual({answer["code"] for answer in answers}, {0})
                self.assertEqual(answers[1]["interim"], [103])
                self.assertEqual(answers[2]["trailers"]["grpc-status"], "0")
                self.assertEqual(answers[2]["body"], "message")
                self.assertEqual(json.loads(answers[4]["body"])["headers"]["via"], "2.0 sendonce")
                self.assertNoIncidents(proxy)

    def test_streams_share_an_upstream_connection(self):
        proxy = self.h2_proxy(self.node("h2.js").address)
        self.node_client(proxy, 90, "/ok")
        metrics = proxy.metrics()
        self.assertEqual(metrics.sum("sendonce_upstream_connections"), 1)
        self.assertEqual(metrics.sum("sendonce_requests_total", code="200"), 90)

    def test_connect_is_refused(self):
        proxy = self.h2_proxy(self.node("h2.js").address)
        peer = self.frame_client(proxy)
        peer.send(frames.headers(1, (":method", "CONNECT"), (":authority", "a:80"), end=False))
        heads, body, code = self.answer(peer, 1)
        self.assertTrue(code not in (None,) or heads, (heads, body, code))
        self.assertNoIncidents(proxy)

    def test_a_client_that_resets_is_nobody_s_fault(self):
        proxy = self.h2_proxy(self.node("h2.js").address)
        peer = self.frame_client(proxy)
        peer.send(frames.request(1, "/big"))
        while peer.read()[0] != frames.DATA:
            pass
        peer.send(frames.frame(frames.RST_STREAM, 0, 1, (8).to_bytes(4, "big")),
                  frames.frame(frames.WINDOW_UPDATE, 0, 0, (1 << 20).to_bytes(4, "big")), frames.request(3, "/ok"))
        self.assertEqual(self.answer(peer, 3)[1:], (b"OK", None))
        proxy.wait_metric(2, "sendonce_requests_total")
        self.assertNoIncidents(proxy)

    def test_more_streams_than_allowed(self):
        proxy = self.proxy(self.node("plain.js").address, limits={"streams": 2})
        peer = self.frame_client(proxy)
        peer.send(frames.request(1, "/slow"), frames.request(3, "/slow"), frames.request(5, "/ok"))
        self.assertEqual(self.answer(peer, 5), ([], b"", 7))
        self.assertEqual(self.answer(peer, 3)[1:], (b"SLOW", None))
        self.assertGreaterEqual(proxy.metrics().sum("sendonce_client_rejected_total", reason="too_many_streams"), 1)
        self.assertNoIncidents(proxy)

    def test_a_window_that_is_kept_shut(self):
        # One answer that is held back with its upstream, and one that is whole and waits alone.
        for path in "/big", "/ok":
            with self.subTest(path):
                proxy = self.h2_proxy(self.node("h2.js").address, timeouts_={"client_body": "300ms"})
                host, port = proxy.address.rsplit(":", 1)
                one = socket.create_connection((host, int(port)), timeout=10)
                self.addCleanup(one.close)
                peer = frames.Peer(one)
                # SETTINGS_INITIAL_WINDOW_SIZE: nothing may be sent.
                shut = frames.frame(frames.SETTINGS, 0, 0, (4).to_bytes(2, "big") + bytes(4))
                peer.send(frames.PREFACE, shut, frames.request(1, path))
                heads, body, code = self.answer(peer, 1)
                self.assertEqual((len(heads), body, code), (1, b"", 8))
                proxy.wait_metric(1, "sendonce_client_rejected_total", reason="stalled_stream")
                self.assertNoIncidents(proxy)

    def test_websocket_over_http2(self):
        def echo(conversation):
            request = conversation.read_request()
            self.assertEqual((request.method, request.field("upgrade")), ("GET", "websocket"))
            self.assertRegex(request.field("sec-websocket-key"), r"^[A-Za-z0-9+/]{22}==$")
            conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n"
                              b"Sec-WebSocket-Accept: x\r\n\r\n")
            while piece := conversation.socket.recv(4096):
                conversation.send(piece.upper())
        proxy = self.proxy(self.scripted(echo).address)
        peer = self.frame_client(proxy)
        peer.send(
            frames.headers(
                1, (":method", "CONNECT"), (":protocol", "websocket"), (":scheme", "http"), (":authority", "a"),
                (":path", "/chat"), ("sec-websocket-version", "13")))
        kind, flags, stream, payload = peer.read()
        self.assertEqual((kind, stream, flags & frames.END_STREAM), (frames.HEADERS, 1, 0))
        for word in b"hello", b"again":
            peer.send(frames.data(1, word))
            self.assertEqual(peer.read()[3], word.upper())
        peer.send(frames.data(1, end=True))
        self.assertEqual(self.answer(peer, 1)[1:], (b"", None))
        self.assertNoIncidents(proxy)


class Violations(HTTP2Test):
    """Frames that Node's public API never writes, and broken servers do: the same kinds as over HTTP/1."""

    def told(self, script, expected_body=b"hello", status=b"200", code=None, policy="contain", **expected):
        proxy = self.h2_proxy(
            self.scripted(frames.server(script)).address,
            routes=[{"name": "app", "upstream": "app", "on_violation": policy}])
        peer = self.frame_client(proxy)
        peer.send(frames.request(1, "/guilty?token=secret"))
        heads, body, ended = self.answer(peer, 1)
        self.assertEqual(body, expected_body)
        self.assertEqual(ended, code)
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(
            incident, certainty="proven", protocol="h2", origin="upstream", request__path="/guilty?token=[REDACTED]",
            upstream__exchange=1, client__protocol="h2", **expected)
        self.assertEqual(len(self.end(proxy)), 1)
        return incident

    def test_data_after_the_end(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello", end=True), frames.data(stream, b"more"))
        self.told(script, kind="body_after_end", severity="warning", client_impact="none", evidence__surplus_bytes=4)

    def test_a_second_answer_after_the_end(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello", end=True),
                      frames.headers(stream, (":status", "500"), ("x-second", "1")), frames.data(stream, b"failed", end=True))
        incident = self.told(script, kind="second_response", severity="error", client_impact="none", evidence__second_status=500)
        self.assertEqual(incident["evidence"]["second_fields"], ["x-second"])

    def test_a_late_second_answer(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello", end=True))
            threading.Timer(0.03, lambda: peer.send(frames.headers(stream, (":status", "500"), end=True))).start()
        incident = self.told(script, kind="second_response", evidence__phase="idle", evidence__second_status=500)
        self.assertGreater(incident["evidence"]["delay_ms"], 20)

    def test_an_interim_after_the_end(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello", end=True),
                      frames.headers(stream, (":status", "103")))
        self.told(script, kind="late_interim", client_impact="none")

    def test_a_second_header_block_in_the_body(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello"),
                      frames.headers(stream, (":status", "500")), frames.data(stream, b"failed", end=True))
        self.told(script, kind="header_block_in_body", client_impact="aborted", code=2, evidence__phase="in_body",
                  evidence__second_status=500, response__body_bytes=5)

    def test_an_interim_in_the_body(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hel"),
                      frames.headers(stream, (":status", "103")), frames.data(stream, b"lo", end=True))
        self.told(script, kind="late_interim", client_impact="none", evidence__phase="in_body", response__body_bytes=3)

    def test_status_in_trailers(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello"),
                      frames.headers(stream, (":status", "500"), end=True))
        self.told(script, kind="header_block_in_body", client_impact="aborted", code=2)

    def test_trailers_that_do_not_end_the_stream(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello"), frames.headers(stream, ("x-t", "1")))
        self.told(script, kind="header_block_in_body", client_impact="aborted", code=2)

    def test_past_content_length(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK, ("content-length", "5")), frames.data(stream, b"hello, and more", end=True))
        self.told(script, kind="body_after_end", client_impact="none", evidence__surplus_bytes=10)

    def test_short_of_content_length(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK, ("content-length", "50")), frames.data(stream, b"hello", end=True))
        self.told(script, kind="truncated_response", client_impact="aborted", code=2)

    def test_a_reset_in_the_body(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello"),
                      frames.frame(frames.RST_STREAM, 0, stream, (2).to_bytes(4, "big")))
        self.told(script, kind="truncated_response", client_impact="aborted", code=2)

    def test_duplicate_fields(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK, ("location", "/a"), ("location", "/b")), frames.data(stream, b"hello", end=True))
        self.told(script, kind="duplicate_field", client_impact="none")

    def test_status_twice(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK, (":status", "500")), frames.data(stream, b"hello", end=True))
        incident = self.told(script, kind="duplicate_field", client_impact="none", response__status=200)
        self.assertEqual(incident["evidence"]["second_fields"], [":status"])

    def test_a_server_that_refuses_streams_is_given_fewer(self):
        def script(peer, stream):
            if not seen:
                seen.append(peer)
                return held.append(stream)
            if held and peer is seen[0]:
                # Refused without a look at it (RFC 9113 section 8.7): it may be sent again, here or elsewhere.
                peer.send(frames.frame(frames.RST_STREAM, 0, stream, (7).to_bytes(4, "big")))
                peer.send(frames.headers(held[0], OK), frames.data(held.pop(), b"OK", end=True))
            else:
                peer.send(frames.headers(stream, OK), frames.data(stream, b"OK", end=True))
        seen, held = [], []
        proxy = self.h2_proxy(self.scripted(frames.server(script)).address)
        answers = self.node_client(proxy, 2, "/ok")
        self.assertEqual([answer["body"] for answer in answers], ["OK", "OK"])
        self.assertNoIncidents(proxy)

    def test_a_guilty_stream_never_harms_its_siblings(self):
        held, answered = [], threading.Lock()

        def script(peer, stream):
            with answered:
                held.append(stream)
                if len(held) < 100:
                    return
            for i, one in enumerate(held):
                peer.send(frames.headers(one, OK), frames.data(one, b"the answer to %03d" % i))
            peer.send(frames.headers(held[41], (":status", "500")), frames.data(held[41], b"failed", end=True))
            for i, one in enumerate(held):
                if i != 41:
                    peer.send(frames.data(one, b", whole", end=True))
        proxy = self.h2_proxy(self.scripted(frames.server(script)).address)
        answers = self.node_client(proxy, 100, *[f"/{i}" for i in range(100)])
        guilty = [answer for answer in answers if answer.get("error")]
        self.assertEqual(len(guilty), 1)
        whole = {answer["body"] for answer in answers if not answer.get("error")}
        self.assertEqual(whole, {"the answer to %03d, whole" % i for i in range(100) if i != 41})
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, kind="header_block_in_body", upstream__exchange=42, client_impact="aborted")
        self.assertEqual(len(self.end(proxy)), 1)


class Load(HTTP2Test):
    alone = True

    def h2load(self, proxy, *arguments, scheme="http"):
        done = subprocess.run(
            ["h2load", *arguments, f"{scheme}://{proxy.address}/ok"], capture_output=True, text=True, timeout=120)
        found = re.search(r"requests: (\d+) total, .* (\d+) succeeded, (\d+) failed, (\d+) errored, (\d+) timeout", done.stdout)
        self.assertTrue(found, done.stdout + done.stderr)
        self.assertEqual(found[1], found[2], done.stdout)
        self.assertEqual([found[3], found[4], found[5]], ["0", "0", "0"])

    def steady(self, proxy):
        """Memory does not grow with requests."""
        run = ["-n", "5000", "-c", "8", "-m", "16"]
        self.h2load(proxy, *run)
        before = proxy.resident_bytes()
        self.h2load(proxy, *run)
        self.h2load(proxy, *run)
        self.assertLess(proxy.resident_bytes() - before, 4 << 20)
        self.assertNoIncidents(proxy)

    def test_to_http1(self):
        self.steady(self.proxy(self.node("plain.js").address))

    def test_to_http2(self):
        self.steady(self.h2_proxy(self.node("h2.js").address))

    def test_no_request_is_lost_by_a_reload(self):
        proxy = self.proxy(self.node("plain.js").address)
        stop = threading.Event()
        failures = []

        def ask():
            while not stop.is_set():
                answers = self.node_client(proxy, 40, "/ok")
                failures.extend(answer for answer in answers if answer.get("status") != 200)
        asking = threading.Thread(target=ask)
        asking.start()
        for _ in range(5):
            proxy.reload()
        stop.set()
        asking.join()
        self.assertEqual(failures, [])
        wait_for(lambda: proxy.get("/ok").status == 200, "the proxy to serve")
