"""The access log: a line for each request, whatever became of it, in both formats; rotation, reopening, incident ids."""

import json
import pathlib
import re
import signal

import client
import frames
import upstream
from harness import EndToEndTest, wait_for

COMBINED = re.compile(
    r'(?P<host>\S+) - - \[(?P<time>\d\d/[A-Z][a-z]{2}/\d{4}:\d\d:\d\d:\d\d \+0000)\] "(?P<request>[^"]*)" (?P<status>\d{3}) (?P<bytes>\d+)'
    r' "(?P<referer>[^"]*)" "(?P<agent>[^"]*)" (?P<rest>.*)')


class AccessLogTest(EndToEndTest):
    def logged(self, origin, format="json", rotate=None, **options):
        self.path = pathlib.Path(self.directory, "access.log")
        section = {"path": str(self.path), "format": format} | ({"rotate": rotate} if rotate else {})
        return self.proxy(origin, access_log=section, **options)

    def lines(self, count):
        """The first so many whole lines."""
        def written():
            text = self.path.read_text() if self.path.exists() else ""
            return text.split("\n")[:-1]
        wait_for(lambda: len(written()) >= count, lambda: f"{count} lines: {written()}")
        return written()

    def entries(self, count):
        return [json.loads(line) for line in self.lines(count)]


class Json(AccessLogTest):
    def test_an_exchange(self):
        origin = self.scripted(upstream.by_target({"/a?b=%2F": upstream.ok(b"12345")}))
        proxy = self.logged(origin.address, trusted_proxies=[])
        with proxy.connect() as one:
            one.get("/a?b=%2F", method="POST", body=b"abc", host="shop.example", fields=[
                'User-Agent: say "hi"\\', "Referer:  http://a.example/ü ", "traceparent: 00-4bf92f3577b34da6a3ce929d0e0e4736-00f067aa0ba902b7-01"])
            name = one.name
        [entry] = self.entries(1)
        conversation = origin.conversations[0]
        sent = re.search(rb"X-Request-Id: (\S+)\r\n", bytes(conversation.received))[1].decode()
        self.assertRegex(entry["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertIncident(
            entry, outcome="answered", route="main", client__address=name, client__protocol="http/1.1", request__id=sent,
            request__method="POST", request__path="/a?b=%2F", request__host="shop.example",
            request__trace_id="4bf92f3577b34da6a3ce929d0e0e4736", request__span_id="00f067aa0ba902b7",
            request__user_agent='say "hi"\\', request__referer="http://a.example/ü", request__body_bytes=3,
            response__status=200, response__body_bytes=5, upstream__name="app", upstream__address=origin.address,
            upstream__connection=1, upstream__exchange=1, upstream__attempts=1, incidents=None)
        self.assertGreater(entry["duration_ms"], 0)
        self.assertLessEqual(entry["upstream"]["header_ms"], entry["duration_ms"])
        self.assertIn("connect_ms", entry["upstream"])

    def test_without_the_values_of_queries(self):
        def script(conversation):
            while conversation.read_request() is not None:
                conversation.send(upstream.ok())
        for format in ("json", "combined"):
            with self.subTest(format=format):
                proxy = self.logged(self.scripted(script).address, format)
                config = proxy.config | {"access_log": {"path": str(self.path), "format": format, "query": "redact"}}
                proxy.reload(config)
                long = "/" + "&".join(["?a=b"] * 600)
                with proxy.connect() as one:
                    for target in ("/a?token=hunter2&&x=&flag&b=c=d", "/plain", "/a?", long):
                        self.assertEqual(one.get(target, fields=["Referer: http://a.example/?secret=hunter2"]).status, 200)
                text = "\n".join(self.lines(4))
                self.assertNotIn("hunter2", text)
                self.assertIn("/a?token=[REDACTED]&&x=[REDACTED]&[REDACTED]&b=[REDACTED]", text)
                self.assertIn("http://a.example/?secret=[REDACTED]", text)
                if format == "json":
                    self.assertEqual([entry["request"]["path"] for entry in self.entries(4)[1:3]], ["/plain", "/a?"])
                self.end(proxy)
                self.path.unlink()

    def test_a_chunked_body_counts_its_data(self):
        chunked = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n4;x=y\r\ndefg\r\n0\r\n\r\n"
        proxy = self.logged(self.scripted(upstream.by_target({"/": chunked})).address)
        proxy.get("/")
        self.assertIncident(self.entries(1)[0], response__body_bytes=7)

    def test_bytes_that_are_no_text(self):
        proxy = self.logged(self.scripted(upstream.by_target({"/": upstream.ok()})).address)
        with proxy.connect() as one:
            one.send(b"GET / HTTP/1.1\r\nHost: a\r\nUser-Agent: \xff\xc3\xa9\xe2\x82\t\xed\xa0\x80\xc2\x9b\r\n\r\n")
            self.assertEqual(one.read_response().status, 200)
        # Latin-1 where it is no UTF-8; nothing that a terminal would obey.
        self.assertEqual(self.entries(1)[0]["request"]["user_agent"], "\xffé\xe2\x82\t\xed\xa0\x80\x9b")
        self.assertNotIn(b"\x9b", self.path.read_bytes())
        self.assertNotIn(b"\t", self.path.read_bytes())

    def test_a_long_text_is_cut(self):
        proxy = self.logged(self.scripted(upstream.by_target({"/" + "a" * 20000: upstream.ok()})).address)
        self.assertEqual(proxy.get("/" + "a" * 20000, fields=["User-Agent: " + '"' * 20000]).status, 200)
        [entry] = self.entries(1)
        self.assertEqual(entry["request"]["path"], "/" + "a" * 1999 + "…")
        self.assertEqual(entry["request"]["user_agent"], '"' * 2000 + "…")

    def test_requests_that_no_upstream_sees(self):
        kept, nobody = upstream.refusing_address()
        self.addCleanup(kept.close)
        proxy = self.logged(nobody, routes=[
            {"name": "away", "path": "/away", "redirect": {"to": "/there"}}, {"name": "main", "path_prefix": "/app", "upstream": "app"}])
        self.assertEqual(proxy.get("/away").status, 302)
        self.assertEqual(proxy.get("/nowhere", fields=["User-Agent: ua"]).status, 404)
        response = proxy.get("/app")
        self.assertEqual(response.status, 502)
        with proxy.connect() as one:
            one.send(b"nonsense\r\n\r\n")
            self.assertEqual(one.read_response().status, 400)
        away, nowhere, app, nonsense = self.entries(4)
        self.assertIncident(away, outcome="own", route="away", response__status=302, request__path="/away", upstream=None)
        self.assertIncident(nowhere, route="_none", response__status=404, request__user_agent="ua")
        self.assertIncident(app, outcome="own", route="main", response__status=502, request__id=response.field("x-request-id"),
                            response__body_bytes=len(response.body))
        self.assertIncident(nonsense, route="_none", response__status=400, request__method=None)
        self.assertNotIn("path", nonsense["request"])
        self.assertEqual(nonsense["incidents"], [record["id"] for record in proxy.wait_incidents(1)])

    def test_a_request_over_http2_that_is_too_large(self):
        proxy = self.logged("127.0.0.1:1", limits={"header_bytes": "1KiB"})
        peer = frames.client(self.dial(proxy))
        peer.send(frames.request(1, "/", "GET", True, "shop.example", ("x", "y" * 2000)))
        self.assertEqual(peer.read()[0], frames.HEADERS)
        self.assertIncident(self.entries(1)[0], outcome="own", route="_none", response__status=431, client__protocol="h2")
        proxy.wait_metric(1, "sendonce_requests_total", route="_none", code="431")

    def test_a_client_that_leaves(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            conversation.wait_for_end()
        proxy = self.logged(self.scripted(script).address)
        with proxy.connect() as one:
            one.request("/")
            wait_for(lambda: b"abc" in one.seen or one._more(), "the first bytes")
            client.reset(one.socket)
        self.assertIncident(self.entries(1)[0], outcome="client_gone", response__status=200, response__body_bytes=3)

    def test_who_is_cut_off_has_not_left(self):
        def script(conversation):
            if conversation.read_request().target == "/half":
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\nabc")
            conversation.wait_for_end()
        proxy = self.logged(self.scripted(script).address, timeouts_={"drain": "100ms"})
        with proxy.connect() as half, proxy.connect() as none:
            half.request("/half")
            half.read_until(b"abc")
            none.request("/none")
            proxy.wait_metric(2, "sendonce_upstream_connections", state="active")
            proxy.send_signal(signal.SIGTERM)
            self.assertEqual((half.rest(), none.rest()), (b"", b""))
        entries = {entry["request"]["path"]: entry for entry in self.entries(2)}
        self.assertIncident(entries["/half"], outcome="cut", response__status=200, response__body_bytes=3)
        self.assertIncident(entries["/none"], outcome="cut", response__status=499, response__body_bytes=0)

    def test_a_tunnel(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 101 Switching Protocols\r\nConnection: upgrade\r\nUpgrade: echo\r\n\r\nhello")
            self.assertEqual(conversation.read_exactly(5), b"there")
        proxy = self.logged(self.scripted(script).address)
        with proxy.connect() as one:
            one.request("/", fields=["Connection: upgrade", "Upgrade: echo"])
            wait_for(lambda: one.seen.endswith(b"hello") or one._more() and False, "the greeting")
            one.send(b"there")
            one.rest()
        self.assertIncident(self.entries(1)[0], response__status=101, response__body_bytes=5, request__body_bytes=5)

    def test_incidents_are_named(self):
        answers = {
            "/surplus": upstream.ok(b"first") + upstream.ok(b"second"),
            "/twice": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nHTTP/1.1 500 Oops\r\nContent-Length: 0\r\n\r\n",
            "/field": b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nETag: a\r\nETag: b\r\n\r\nOK",
        }
        proxy = self.logged(self.scripted(upstream.by_target(answers)).address, incidents={"quarantine": {"for": "0s"}})
        for target in answers:
            proxy.get(target)
        proxy.wait_incidents(3)
        entries = {entry["request"]["path"]: entry for entry in self.entries(3)}
        records = {record["request"]["path"]: record for record in proxy.incidents()}
        for target, kind in (("/surplus", "second_response"), ("/twice", "header_block_in_body"), ("/field", "duplicate_field")):
            with self.subTest(target):
                self.assertIncident(records[target], kind=kind)
                self.assertEqual(entries[target]["incidents"], [records[target]["id"]])
                self.assertEqual(entries[target]["request"]["id"], records[target]["request"]["id"])
        self.assertEqual({target: entry["outcome"] for target, entry in entries.items()},
                         {"/surplus": "answered", "/twice": "cut", "/field": "answered"})

    def test_a_thousand_requests_are_a_thousand_lines(self):
        proxy = self.logged(self.scripted(upstream.by_target({f"/{i}": upstream.ok() for i in range(1000)})).address, workers=2)
        with proxy.connect() as one, proxy.connect() as other:
            for i in range(0, 1000, 2):
                one.get(f"/{i}")
                other.get(f"/{i + 1}")
        self.end(proxy)
        self.assertEqual(sorted(int(entry["request"]["path"][1:]) for entry in self.entries(1000)), list(range(1000)))


class Combined(AccessLogTest):
    def test_lines(self):
        proxy = self.logged(self.scripted(upstream.by_target({'/a?"': upstream.ok(b"123")})).address, format="combined")
        response = proxy.get('/a?"', fields=['User-Agent: a"\\b', "Referer: http://r.example/"])
        self.assertEqual(response.status, 200)
        match = COMBINED.fullmatch(self.lines(1)[0])
        self.assertTrue(match, self.lines(1))
        self.assertEqual(
            match.group("host", "request", "status", "bytes", "referer", "agent"),
            ("127.0.0.1", r"GET /a?\x22 HTTP/1.1", "200", "3", "http://r.example/", r"a\x22\x5cb"))
        self.assertRegex(match["rest"], r'^request_id=[0-9a-f]{32} trace_id=[0-9a-f]{32} route="main" upstream="app" server="127\.0\.0\.1:\d+"'
                                        r" outcome=answered duration_ms=\d+\.\d{3} connect_ms=\d+\.\d{3} header_ms=\d+\.\d{3}$")


class Files(AccessLogTest):
    def test_reopening(self):
        proxy = self.logged(self.scripted(upstream.by_target({"/1": upstream.ok(), "/2": upstream.ok()})).address)
        proxy.get("/1")
        self.lines(1)
        moved = self.path.rename(self.path.with_suffix(".old"))
        proxy.send_signal(signal.SIGUSR1)
        wait_for(self.path.exists, "a new file")
        proxy.get("/2")
        self.assertEqual([entry["request"]["path"] for entry in self.entries(1)], ["/2"])
        self.assertEqual(len(moved.read_text().splitlines()), 1)

    def test_rotation(self):
        proxy = self.logged(
            self.scripted(upstream.by_target({"/" + "a" * 1000: upstream.ok()})).address, rotate={"size": "64KiB", "keep": 2})
        with proxy.connect() as one:
            for _ in range(300):
                one.get("/" + "a" * 1000)
        self.end(proxy)
        files = sorted(path.name for path in pathlib.Path(self.directory).glob("access.log*"))
        self.assertEqual(files, ["access.log", "access.log.1", "access.log.2"])
        for name in files:
            for line in pathlib.Path(self.directory, name).read_text().splitlines():
                json.loads(line)

    def test_standard_output(self):
        origin = self.scripted(upstream.by_target({"/": upstream.ok()}))
        proxy = self.proxy(origin.address, access_log={"path": "-"})
        proxy.get("/")
        wait_for(lambda: proxy.output, "a line")
        self.assertEqual(json.loads(proxy.output[0])["response"]["status"], 200)

    def test_a_full_disk_is_counted_and_stops_nothing(self):
        proxy = self.proxy(self.scripted(upstream.by_target({"/": upstream.ok()})).address, access_log={"path": "/dev/full"})
        for _ in range(3):
            self.assertEqual(proxy.get("/").status, 200)
        proxy.wait_metric(3, "sendonce_access_log_dropped_total")
        self.end(proxy)
        self.assertEqual(len(re.findall("cannot write access log", proxy.log)), 1)

    def test_a_file_that_cannot_be_opened_is_told(self):
        with self.assertRaisesRegex(AssertionError, "ended with 1 .*(?s:.*)cannot open access log /nowhere/access.log: No such file"):
            self.proxy("127.0.0.1:1", access_log={"path": "/nowhere/access.log"})
