"""HTTP/2 on either side: real clients and servers in every combination, and exact frames for what they would never send."""

import json
import pathlib
import re
import subprocess
import threading

import certificates
import frames
import upstream
from harness import EndToEndTest, wait_for


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
        return frames.client(self.dial(proxy))

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

    def check(self, proxy, via):
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
                self.assertRegex(head, rb"(?i)via: %s sendonce" % via)
                if version == b"1.1":
                    # HTTP/2 has no reason phrases, and there are clients of HTTP/1 that want one.
                    self.assertEqual(head.splitlines()[0], b"HTTP/1.1 200 OK")
                self.assertNotRegex(head, rb"\nOK$")
                self.assertIn(b"204", self.curl(flag, "-o", "/dev/null", "-w", "%{http_code}", f"{url}/no-content"))
                self.assertEqual(self.curl(flag, "-o", "/dev/null", "-w", "%{size_download}", f"{url}/big"), b"20971520")
        self.assertNoIncidents(proxy)

    def test_to_http2(self):
        self.check(self.h2_proxy(self.node("h2.js").address), via=rb"2\.0")

    def test_to_http2_on_a_unix_socket(self):
        # Connected at once: no event says so.
        self.check(self.h2_proxy(self.node("h2.js", unix_path=f"{self.directory}/app.sock").address), via=rb"2\.0")

    def test_to_http1(self):
        self.check(self.proxy(self.node("h1_like_h2.js").address), via=rb"1\.1")

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
        proxy.wait_metric(90, "sendonce_requests_total", code="200")
        self.assertEqual(proxy.metrics().sum("sendonce_upstream_connections"), 1)

    def test_a_server_hears_that_trailers_are_taken(self):
        # gRPC's servers reset requests without it.
        proxy = self.h2_proxy(self.node("h2.js").address)
        for te, heard in ("trailers", "trailers"), (None, None):
            peer = self.frame_client(proxy)
            peer.send(frames.request(1, "/request", "GET", True, "shop.example", *([("te", te)] if te else [])))
            self.assertEqual(json.loads(self.answer(peer, 1)[1])["headers"].get("te"), heard)

    def test_an_upstream_connection_without_a_stream_is_idle(self):
        asked = []
        server = frames.server(lambda peer, stream: asked.append((peer, stream)))
        proxy = self.h2_proxy(self.scripted(server).address, connections={"idle_timeout": "1s"})

        def counted(active, idle):
            wait_for(lambda: [proxy.metrics().sum("sendonce_upstream_connections", state=state) for state in ("active", "idle")]
                     == [active, idle], f"{active} active connections, {idle} idle ones")
        with proxy.connect() as one:
            for place in range(2):
                one.request("/")
                wait_for(lambda: len(asked) > place, "the request at the server")
                counted(1, 0)
                peer, stream = asked[place]
                peer.send(frames.headers(stream, (":status", "200"), end=True))
                self.assertEqual(one.read_response().status, 200)
                counted(0, 1)
        counted(0, 0)

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
        proxy.wait_metric(1, "sendonce_client_rejected_total", least=True, reason="too_many_streams")
        self.assertNoIncidents(proxy)

    def test_a_field_that_is_longer_than_we_take(self):
        # It costs its own stream, and nobody is accused; what else is on the connection is whole.
        streams = []

        def script(peer, stream):
            streams.append(stream)
            if len(streams) == 1:
                return peer.send(frames.headers(stream, (":status", "200"), ("content-length", "8")), frames.data(stream, b"half"))
            packed = frames.block((":status", "200"), ("x", "v" * 70_000))
            pieces = [packed[i:i + 16384] for i in range(0, len(packed), 16384)]
            peer.send(frames.frame(frames.HEADERS, frames.END_STREAM, stream, pieces[0]),
                      *(frames.frame(frames.CONTINUATION, 0, stream, piece) for piece in pieces[1:-1]),
                      frames.frame(frames.CONTINUATION, frames.END_HEADERS, stream, pieces[-1]),
                      frames.data(streams[0], b"rest", end=True))
        proxy = self.h2_proxy(self.scripted(frames.server(script)).address)
        with proxy.connect() as one:
            one.request("/first")
            one.read_until(b"half")
            self.assertEqual(proxy.get("/second").status, 502)
            one.read_until(b"rest")
        proxy.wait_metric(1, "sendonce_upstream_rejected_total", reason="header_too_large")
        self.assertNoIncidents(proxy)

    def test_a_window_that_is_kept_shut(self):
        # One answer that is held back with its upstream, and one that is whole and waits alone.
        for path in "/big", "/ok":
            with self.subTest(path):
                proxy = self.h2_proxy(self.node("h2.js").address, timeouts_={"client_body": "300ms"})
                peer = frames.Peer(self.dial(proxy))
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
