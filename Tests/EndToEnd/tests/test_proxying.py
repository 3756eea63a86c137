"""An ordinary proxy, whatever else it is: bodies both ways, order, connections, fields, with curl and with raw sockets."""

import hashlib
import json
import os
import pathlib
import subprocess

import upstream
from harness import EndToEndTest


class PlainTest(EndToEndTest):
    @classmethod
    def setUpClass(cls):
        cls.app = upstream.Node("plain.js")
        cls.addClassCleanup(cls.app.stop)

    def inspect(self, proxy, path="/inspect", **options):
        """What the upstream says it was sent."""
        response = proxy.get(path, **options)
        self.assertEqual(response.status, 200, response)
        seen = json.loads(response.body)
        flat = seen["fields"]
        seen["fields"] = [(name.lower(), value) for name, value in zip(flat[::2], flat[1::2])]
        return seen

    @staticmethod
    def all(seen, name):
        return [value for field, value in seen["fields"] if field == name]


class Curl(PlainTest):
    def setUp(self):
        super().setUp()
        self.to = self.proxy(self.app.address)
        self.large = pathlib.Path(self.directory, "large")
        self.large.write_bytes(os.urandom(1 << 20) * 20)

    def curl(self, path, *arguments):
        done = subprocess.run(
            ["curl", "--silent", "--show-error", "--fail-with-body", "--max-time", "60", *arguments,
             f"http://{self.to.address}{path}"], capture_output=True)
        self.assertEqual(done.returncode, 0, done.stderr)
        self.assertNoIncidents(self.to)
        return done.stdout

    def sha256(self, data):
        return hashlib.sha256(data).hexdigest()

    def test_get(self):
        self.assertEqual(self.curl("/ok"), b"OK")

    def test_head(self):
        head = self.curl("/bytes?bytes=1234", "--head").decode().lower()
        self.assertIn("content-length: 1234\r\n", head)
        self.assertTrue(head.startswith("http/1.1 200 ok\r\n"))

    def test_get_20_mb(self):
        pattern = bytes(i % 251 for i in range(65521))
        size = 20_000_000
        expected = (pattern * (size // len(pattern) + 1))[:size]
        self.assertEqual(self.sha256(self.curl(f"/bytes?bytes={size}")), self.sha256(expected))

    def test_get_20_mb_chunked(self):
        self.assertEqual(len(self.curl("/bytes?bytes=20000000&chunked=1")), 20_000_000)

    def test_put_20_mb_and_back(self):
        # curl sends Expect: 100-continue with a body of this size.
        self.assertEqual(self.sha256(self.curl("/echo", "--upload-file", str(self.large))), self.sha256(self.large.read_bytes()))

    def test_post_20_mb_and_back(self):
        self.assertEqual(self.sha256(self.curl("/echo", "--data-binary", f"@{self.large}", "--header", "Expect:")),
                         self.sha256(self.large.read_bytes()))

    def test_post_20_mb_chunked(self):
        seen = json.loads(self.curl("/inspect", "--data-binary", f"@{self.large}", "--header", "Transfer-Encoding: chunked"))
        self.assertEqual((seen["bytes"], seen["sha256"]), (20 << 20, self.sha256(self.large.read_bytes())))
        self.assertIn("Transfer-Encoding", seen["fields"])

    def test_expect_100_continue(self):
        seen = json.loads(self.curl("/inspect", "--data", "hello", "--header", "Expect: 100-continue"))
        self.assertEqual(seen["bytes"], 5)

    def test_http_1_0(self):
        self.assertEqual(self.curl("/ok", "--http1.0"), b"OK")

    def test_many_requests_on_one_connection(self):
        out = self.curl("/bytes?bytes=[1-200]", "--write-out", "%{num_connects} ", "--output", "/dev/null")
        self.assertEqual(sum(map(int, out.split())), 1)


class Connections(PlainTest):
    def test_keep_alive(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            for _ in range(20):
                self.assertEqual(one.get("/ok").body, b"OK")
            one.get("/ok", close=True)
            self.assertEqual((one.rest(), one.ended), (b"", "eof"))
        proxy.wait_metric(21, "sendonce_requests_total", route="main", upstream="app", method="GET", code="200")
        self.assertNoIncidents(proxy)

    def test_pipelined_requests_are_answered_in_order(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            one.send(b"".join(f"GET {path} HTTP/1.1\r\nHost: a\r\n\r\n".encode() for path in ("/slow", "/ok", "/slow", "/ok")))
            self.assertEqual([one.read_response().body for _ in range(4)], [b"SLOW", b"OK", b"SLOW", b"OK"])
        self.assertNoIncidents(proxy)

    def test_pipelined_requests_cut_at_every_byte(self):
        proxy = self.proxy(self.app.address)
        text = b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabcGET /ok HTTP/1.1\r\nHost: a\r\n\r\n"
        with proxy.connect() as one:
            for i in range(len(text)):
                one.send(text[i:i + 1])
            self.assertEqual([one.read_response().body for _ in range(2)], [b"abc", b"OK"])

    def test_nothing_is_pipelined_upstream(self):
        early = []

        def script(conversation):
            while conversation.read_request() is not None:
                early.append(bytes(conversation.received[conversation.position:]))
                conversation.send(upstream.ok())
        proxy = self.proxy(self.scripted(script).address, connections={"max": 1})
        with proxy.connect() as one:
            one.send(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n" * 5)
            for _ in range(5):
                self.assertEqual(one.read_response().body, b"OK")
        self.assertEqual(early, [b""] * 5)

    def test_http_1_0_client_gets_no_chunks(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            one.send(b"GET /bytes?bytes=100000&chunked=1 HTTP/1.0\r\nHost: a\r\n\r\n")
            response = one.read_response()
        self.assertEqual((response.status, len(response.body), response.field("transfer-encoding")), (200, 100000, None))

    def test_http_1_0_client_is_closed_after_its_answer(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            one.send(b"GET /ok HTTP/1.0\r\nHost: a\r\n\r\n")
            self.assertEqual((one.read_response().body, one.rest(), one.ended), (b"OK", b"", "eof"))

    def test_upstream_connections_are_reused(self):
        origin = self.scripted(upstream.by_target({"/": upstream.ok()}))
        proxy = self.proxy(origin.address, connections={"hold": "0ms"})
        for _ in range(20):
            proxy.get("/")
            proxy.wait_metric(0, "sendonce_upstream_connections", upstream="app", state="active")
        self.assertEqual(len(origin.conversations), 1)

    def test_unix_socket_upstream(self):
        app = self.node("plain.js", unix_path=f"{self.directory}/app.sock")
        proxy = self.proxy(app.address)
        self.assertEqual(proxy.get("/ok").body, b"OK")
        self.assertEqual(proxy.get("/echo", method="POST", body=b"x" * 300_000).body, b"x" * 300_000)

    def test_unix_socket_listener(self):
        proxy = self.proxy(self.app.address, listener=f"unix:{self.directory}/proxy.sock")
        self.assertEqual(proxy.address, f"unix:{self.directory}/proxy.sock")
        with proxy.connect() as one:
            self.assertEqual([one.get("/ok").body for _ in range(3)], [b"OK"] * 3)

    def test_two_workers(self):
        proxy = self.proxy(self.app.address, workers=2)
        clients = [proxy.connect() for _ in range(16)]
        for one in clients:
            one.request("/slow")
        self.assertEqual([one.read_response().body for one in clients], [b"SLOW"] * 16)
        for one in clients:
            one.close()
        proxy.wait_metric(16, "sendonce_requests_total", code="200")

    def test_routes_by_host_and_longest_path(self):
        names = ("shop", "api", "rest")
        origins = {name: self.scripted(upstream.by_target({
            target: upstream.ok(name.encode()) for target in ("/", "/api", "/api/v1", "/apiary")})) for name in names}
        proxy = self.proxy("127.0.0.1:1", upstreams={name: {"servers": [origins[name].address]} for name in names}, routes=[
            {"name": "shop", "host": "shop.example", "path_prefix": "/", "upstream": "shop"},
            {"name": "api", "path_prefix": "/api", "upstream": "api"},
            {"name": "rest", "path_prefix": "/", "upstream": "rest"}])
        self.assertEqual(proxy.get("/", host="shop.example").body, b"shop")
        self.assertEqual(proxy.get("/", host="SHOP.example:8080").body, b"shop")
        self.assertEqual(proxy.get("/api/v1").body, b"api")
        self.assertEqual(proxy.get("/api").body, b"api")
        self.assertEqual(proxy.get("/").body, b"rest")

    def test_no_route_is_404(self):
        proxy = self.proxy(self.app.address, routes=[{"name": "main", "host": "a.example", "path_prefix": "/", "upstream": "app"}])
        self.assertEqual(proxy.get("/ok", host="b.example").status, 404)
        proxy.wait_metric(1, "sendonce_requests_total", route="_none", code="404")


class Fields(PlainTest):
    def test_what_the_upstream_is_told(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            response = one.get("/inspect", host="shop.example")
        flat = json.loads(response.body)["fields"]
        seen = {name.lower(): value for name, value in zip(flat[::2], flat[1::2])}
        self.assertEqual(seen["host"], "shop.example")
        self.assertRegex(seen["via"], r"^1\.1 \S+")
        self.assertEqual(seen["x-forwarded-for"], "127.0.0.1")
        self.assertEqual(seen["x-forwarded-proto"], "http")
        self.assertEqual(seen["x-forwarded-host"], "shop.example")
        self.assertRegex(seen["forwarded"], r'(?i)\bfor="?127\.0\.0\.1')
        self.assertRegex(seen["forwarded"], r"(?i)\bproto=http\b")
        self.assertRegex(seen["forwarded"], r'(?i)\bhost="?shop\.example')
        self.assertRegex(seen["x-request-id"], r"^[\w-]{16,}$")
        self.assertRegex(seen["traceparent"], r"^00-(?!0{32})[0-9a-f]{32}-(?!0{16})[0-9a-f]{16}-[0-9a-f]{2}$")
        self.assertRegex(response.field("via") or "", r"^1\.1 \S+")

    def test_a_stranger_is_not_believed(self):
        seen = self.inspect(self.proxy(self.app.address), fields=[
            "X-Forwarded-For: 6.6.6.6", "X-Forwarded-Proto: https", "X-Forwarded-Host: evil.example",
            "Forwarded: for=6.6.6.6", "X-Request-Id: forged"])
        self.assertEqual(self.all(seen, "x-forwarded-for"), ["127.0.0.1"])
        self.assertEqual(self.all(seen, "x-forwarded-proto"), ["http"])
        self.assertEqual(self.all(seen, "x-forwarded-host"), ["app.test"])
        self.assertNotIn("6.6.6.6", "".join(self.all(seen, "forwarded")))
        self.assertNotIn("forged", self.all(seen, "x-request-id"))

    def test_a_trusted_proxy_is_believed(self):
        seen = self.inspect(self.proxy(self.app.address, trusted_proxies=["127.0.0.1"]), fields=[
            "X-Forwarded-For: 10.1.2.3", "X-Forwarded-Proto: https", "X-Request-Id: order-77"])
        self.assertEqual(", ".join(self.all(seen, "x-forwarded-for")), "10.1.2.3, 127.0.0.1")
        self.assertEqual(self.all(seen, "x-forwarded-proto"), ["https"])
        self.assertEqual(self.all(seen, "x-request-id"), ["order-77"])

    def test_a_trusted_proxys_id_is_that_of_our_own_answers(self):
        routes = [{"name": "away", "path": "/away", "redirect": {"to": "/"}}, {"name": "app", "path": "/app", "methods": ["GET"]}]
        for trusted in True, False:
            proxy = self.proxy(self.app.address, routes=routes, trusted_proxies=["127.0.0.1"] if trusted else [])
            for method, path, status in ("GET", "/away", 302), ("GET", "/nowhere", 404), ("POST", "/app", 405):
                response = proxy.get(path, method=method, fields=["X-Request-Id: order-77"])
                self.assertEqual((response.status, response.field("x-request-id") == "order-77"), (status, trusted))

    def test_traceparent_is_passed_on(self):
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        seen = self.inspect(self.proxy(self.app.address), fields=[f"traceparent: 00-{trace}-00f067aa0ba902b7-01"])
        self.assertRegex("".join(self.all(seen, "traceparent")), rf"^00-{trace}-[0-9a-f]{{16}}-01$")

    def test_an_impossible_traceparent_is_replaced(self):
        seen = self.inspect(self.proxy(self.app.address), fields=[f"traceparent: 00-{'0' * 32}-00f067aa0ba902b7-01"])
        self.assertRegex("".join(self.all(seen, "traceparent")), r"^00-(?!0{32})[0-9a-f]{32}-")

    def test_hop_by_hop_fields_stay_on_their_hop(self):
        seen = self.inspect(self.proxy(self.app.address), fields=[
            "Connection: keep-alive, X-Hop", "X-Hop: 1", "X-End: 2", "Keep-Alive: timeout=5", "Proxy-Connection: keep-alive",
            "TE: trailers", "Upgrade: foo/2", "Proxy-Authorization: Basic eA=="])
        names = {name for name, _ in seen["fields"]}
        self.assertFalse(names & {"x-hop", "keep-alive", "proxy-connection", "te", "upgrade"}, names)
        self.assertEqual(self.all(seen, "x-end"), ["2"])
        self.assertNotIn("X-Hop", "".join(self.all(seen, "connection")))

    def test_hop_by_hop_fields_of_answers(self):
        origin = self.scripted(upstream.by_target({"/": upstream.ok(
            b"OK", "Connection: keep-alive, X-Hop", "X-Hop: 1", "X-End: 2", "Keep-Alive: timeout=77", "Proxy-Connection: a")}))
        response = self.proxy(origin.address).get("/")
        names = {name.lower() for name, _ in response.fields}
        self.assertFalse(names & {"x-hop", "proxy-connection"}, names)
        self.assertNotEqual(response.field("keep-alive"), "timeout=77")
        self.assertEqual(response.field("x-end"), "2")

    def test_order_case_and_repetition_of_fields_survive(self):
        seen = self.inspect(self.proxy(self.app.address), fields=["X-B: 1", "x-a: 2", "X-B: 3", "Accept: text/*;q=0.5, */*"])
        self.assertEqual([field for field in seen["fields"] if field[0] in ("x-b", "x-a")], [("x-b", "1"), ("x-a", "2"), ("x-b", "3")])
        self.assertEqual(self.all(seen, "accept"), ["text/*;q=0.5, */*"])

    def test_the_target_is_passed_on_untouched(self):
        target = "/inspect?a=%2F..%2f&b=a+b&c=%E4%BD%A0;x#"[:-1]
        self.assertEqual(self.inspect(self.proxy(self.app.address), path=target)["url"], target)

    def test_absolute_form(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            one.send(b"GET http://shop.example/inspect?x=1 HTTP/1.1\r\nHost: other.example\r\n\r\n")
            seen = json.loads(one.read_response().body)
        flat = seen["fields"]
        # RFC 9112 section 3.2.2: the target's authority replaces the Host field.
        self.assertEqual([value for name, value in zip(flat[::2], flat[1::2]) if name.lower() == "host"], ["shop.example"])
        self.assertIn("/inspect?x=1", seen["url"])
