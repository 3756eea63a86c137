"""Answers that are not written as they should be, and that every proxy and browser takes: delivered, in one reading, to clients of each version."""

import gzip
import json
import subprocess

import upstream
from harness import EndToEndTest

GZIP = gzip.compress(b"squeezed")
VERSIONS = "--http1.0", "--http1.1", "--http2-prior-knowledge"


class LenientTest(EndToEndTest):
    def answering(self, answer, closes=False, **options):
        """A proxy before an upstream that answers with these bytes."""
        def script(conversation):
            while conversation.read_request() is not None:
                conversation.send(answer)
                if closes:
                    return
        # A test may have several: each with a log of its own.
        log = {"path": f"{self.directory}/incidents{len(self.programs)}.jsonl"}
        return self.proxy(self.scripted(script).address, incidents=log, **options)

    def curl(self, proxy, *arguments):
        """Status, lower-case field lines and body of what a real client gets, which knows at once that it is whole."""
        done = subprocess.run(
            ["curl", "-sS", "-i", "--raw", "--max-time", "10", *arguments, f"http://{proxy.address}/"], capture_output=True, timeout=20)
        self.assertEqual(done.returncode, 0, done.stderr)
        head, _, body = done.stdout.partition(b"\r\n\r\n")
        lines = head.decode("latin-1").split("\r\n")
        return int(lines[0].split()[1]), [line.lower() for line in lines[1:]], body


class Codings(LenientTest):
    """RFC 9112 section 6.1 and 6.3."""

    def test_names_of_nothing(self):
        # An empty list has no coding, and `identity` was the name of none: the length counts, and the client need not wait.
        for value in ("", " ", ",", "identity", "Identity", "identity, ,identity"):
            for version in VERSIONS:
                with self.subTest(value=value, version=version):
                    proxy = self.answering(
                        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: %s\r\nContent-Length: 5\r\n\r\nhello" % value.encode())
                    status, lines, body = self.curl(proxy, version)
                    self.assertEqual((status, body), (200, b"hello"))
                    self.assertIn("content-length: 5", lines)
                    self.assertEqual([line for line in lines if line.startswith("transfer-encoding")], [])
                    found = [(one["kind"], one["client_impact"]) for one in self.end(proxy)]
                    self.assertEqual(found, [("conflicting_framing", "none")] if "dentity" in value else [])

    def test_identity_to_the_end_of_the_connection(self):
        for closing, kinds in ((b"Connection: close\r\n", []), (b"", ["conflicting_framing"])):
            with self.subTest(closing):
                proxy = self.answering(
                    b"HTTP/1.1 200 OK\r\n%sTransfer-Encoding: identity\r\n\r\nhello" % closing, closes=True)
                for version in VERSIONS:
                    _, lines, body = self.curl(proxy, version)
                    self.assertEqual(body, b"5\r\nhello\r\n0\r\n\r\n" if version == "--http1.1" else b"hello")
                    codings = [line for line in lines if line.startswith("transfer-encoding")]
                    self.assertEqual(codings, ["transfer-encoding: chunked"] if version == "--http1.1" else [])
                self.assertEqual({one["kind"] for one in self.end(proxy)}, set(kinds))

    def test_identity_before_chunked(self):
        proxy = self.answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity, chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
        with proxy.connect() as one:
            for _ in range(2):
                response = one.get("/")
                self.assertEqual((response.body, response.all("transfer-encoding")), (b"hello", ["chunked"]))
        self.assertNoIncidents(proxy)

    def test_a_coding_to_the_end_of_the_connection(self):
        # Legal where the close is announced. HTTP/1.1 is told of the coding as it is, the others as of the content's: they know no other.
        proxy = self.answering(
            b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: gzip\r\n\r\n" + GZIP, closes=True)
        _, lines, body = self.curl(proxy, "--http1.1")
        self.assertEqual([line for line in lines if "encoding" in line], ["transfer-encoding: gzip, chunked"])
        self.assertEqual(body, b"%x\r\n%s\r\n0\r\n\r\n" % (len(GZIP), GZIP))
        for version in ("--http1.0", "--http2-prior-knowledge"):
            _, lines, body = self.curl(proxy, version)
            self.assertEqual([line for line in lines if "encoding" in line], ["content-encoding: gzip"])
            self.assertEqual(gzip.decompress(body), b"squeezed")
        self.assertNoIncidents(proxy)

    def test_a_coding_behind_chunked(self):
        proxy = self.answering(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n%x\r\n%s\r\n0\r\n\r\n" % (len(GZIP), GZIP))
        _, lines, body = self.curl(proxy, "--http1.1")
        self.assertEqual([line for line in lines if "encoding" in line], ["transfer-encoding: gzip, chunked"])
        _, lines, body = self.curl(proxy, "--http2-prior-knowledge")
        self.assertEqual(gzip.decompress(body), b"squeezed")
        self.assertNoIncidents(proxy)

    def test_a_coding_that_nobody_knows(self):
        proxy = self.answering(b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: binary\r\n\r\nhello", closes=True)
        self.assertEqual(self.curl(proxy, "--http1.1")[2], b"5\r\nhello\r\n0\r\n\r\n")
        for version in ("--http1.0", "--http2-prior-knowledge"):
            _, lines, body = self.curl(proxy, version)
            self.assertEqual((body, [line for line in lines if "encoding" in line]), (b"hello", []))
        self.assertNoIncidents(proxy)

    def test_lengths_that_differ_beside_identity(self):
        proxy = self.answering(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: identity\r\nContent-Length: 5\r\nContent-Length: 6\r\n\r\nhello")
        self.assertEqual(proxy.get("/").status, 502)
        self.assertIncident(proxy.wait_incidents(1)[0], kind="conflicting_framing", client_impact="bad_gateway")

    def test_a_chunk_size_with_many_zeros(self):
        zeros = b"0" * 40
        proxy = self.answering(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n%s5\r\nhello\r\n%s\r\n\r\n" % (zeros, zeros))
        with proxy.connect() as one:
            self.assertEqual([one.get("/").body for _ in range(2)], [b"hello"] * 2)
        self.assertNoIncidents(proxy)


class LineFeeds(LenientTest):
    """Lines of a header block that end in LF alone (RFC 9112 section 2.2): delivered with CRLF, told once."""

    FORMS = {
        "everywhere": b"HTTP/1.1 200 OK\nContent-Type: text/x\nX-A: b \nContent-Length: 5\n\nhello",
        "between": b"HTTP/1.1 200 OK\r\nContent-Type: text/x\nX-A: b\r\nContent-Length: 5\r\n\r\nhello",
        "start": b"HTTP/1.1 200 OK\nContent-Type: text/x\r\nX-A: b\r\nContent-Length: 5\r\n\r\nhello",
        "last": b"HTTP/1.1 200 OK\r\nContent-Type: text/x\r\nX-A: b\r\nContent-Length: 5\r\n\nhello",
        "chunked": b"HTTP/1.1 200 OK\nContent-Type: text/x\nX-A: b\nTransfer-Encoding: chunked\n\n5\r\nhello\r\n0\r\n\r\n",
    }

    def test_delivered_and_told(self):
        for form, answer in self.FORMS.items():
            for policy in ("observe", "contain", "fail"):
                with self.subTest(form=form, policy=policy):
                    proxy = self.answering(answer, policy=policy, connections={"max": 1})
                    with proxy.connect() as one:
                        response = one.get("/")
                        self.assertEqual((response.status, response.body, response.field("x-a")), (200, b"hello", "b"))
                        self.assertNotRegex(bytes(one.seen[:one.seen.index(b"\r\n\r\n")]), rb"[^\r]\n")
                        self.assertEqual(one.get("/").body, b"hello")
                    incidents = self.end(proxy)
                    self.assertEqual(len(incidents), 2, "one for each answer")
                    self.assertIncident(
                        incidents[0], kind="malformed_message", severity="info", certainty="proven", action="observe",
                        client_impact="none", evidence__phase="in_head", upstream__exchange=1)
                    # Nothing is wrong with the connection: the next answer came on it.
                    self.assertIncident(incidents[1], upstream__connection=incidents[0]["upstream"]["connection"])
                    self.assertIn("lines that end in LF alone", incidents[0]["message"])

    def test_to_every_version(self):
        proxy = self.answering(self.FORMS["everywhere"])
        for version in VERSIONS:
            status, lines, body = self.curl(proxy, version)
            self.assertEqual((status, body), (200, b"hello"))
            self.assertIn("x-a: b", lines)

    def test_byte_by_byte(self):
        proxy = self.proxy(self.scripted(lambda conversation: self.pieces(conversation, self.FORMS["everywhere"])).address)
        self.assertEqual([proxy.get("/").body for _ in range(5)], [b"hello"] * 5)

    @staticmethod
    def pieces(conversation, answer):
        while conversation.read_request() is not None:
            for i in range(len(answer)):
                conversation.send(answer[i:i + 1])

    def test_a_handshake(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 101 Switching Protocols\nUpgrade: echo/1\nConnection: Upgrade\n\nhello")
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        with proxy.connect() as one:
            one.request("/", fields=["Connection: Upgrade", "Upgrade: echo/1"])
            one.read_until(b"\r\n\r\n")
            self.assertEqual(one.read_exactly(5), b"hello")
        self.assertIncident(proxy.wait_incidents(1)[0], kind="malformed_message", severity="info")

    def test_a_second_answer(self):
        proxy = self.answering(self.FORMS["everywhere"] + b"HTTP/1.1 500 Oh\nContent-Length: 2\n\nno")
        self.assertEqual(proxy.get("/").body, b"hello")
        second = next(one for one in proxy.wait_incidents(2) if one["kind"] == "second_response")
        self.assertIncident(second, certainty="proven", evidence__second_status=500, evidence__second_fields=["content-length"])

    def test_not_among_chunks(self):
        proxy = self.answering(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\nhello\n0\n\n")
        self.assertFalse(proxy.get("/").complete)
        self.assertIncident(proxy.wait_incidents(1)[0], kind="malformed_message", severity="warning", evidence__phase="in_body")


class Requests(EndToEndTest):
    """What RFC 9112 lets a client write, and what of it goes on."""

    def setUp(self):
        super().setUp()

        def mirror(conversation):
            while (request := conversation.read_request()) is not None:
                seen = {"method": request.method, "target": request.target, "host": request.field("host")}
                conversation.send(upstream.ok(json.dumps(seen).encode()))
        self.to = self.proxy(self.scripted(mirror).address)

    def ask(self, text):
        with self.to.connect() as one:
            one.send(text)
            response = one.read_response()
            self.assertEqual(response.status, 200, response)
            seen = json.loads(response.body)
            return seen["method"], seen["target"], seen["host"]

    def test_empty_lines_before_a_request(self):
        for count in (1, 2, 3, 10):
            self.assertEqual(self.ask(b"\r\n" * count + b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n"), ("GET", "/x", "a"))
        with self.to.connect() as one:
            for _ in range(3):
                one.send(b"GET /x HTTP/1.1\r\nHost: a\r\n\r\n\r\n\r\n")
                self.assertEqual(one.read_response().status, 200)
        self.assertNoIncidents(self.to)

    def test_absolute_targets(self):
        for line, expected in (
                (b"GET http://b?x=y HTTP/1.1", ("GET", "/?x=y", "b")), (b"GET http://b HTTP/1.1", ("GET", "/", "b")),
                (b"GET http://b:81/?x HTTP/1.1", ("GET", "/?x", "b:81")), (b"OPTIONS http://b HTTP/1.1", ("OPTIONS", "*", "b")),
                (b"OPTIONS http://b:81 HTTP/1.1", ("OPTIONS", "*", "b:81")), (b"OPTIONS http://b/ HTTP/1.1", ("OPTIONS", "/", "b")),
                (b"OPTIONS * HTTP/1.1", ("OPTIONS", "*", "a"))):
            with self.subTest(line):
                self.assertEqual(self.ask(line + b"\r\nHost: a\r\n\r\n"), expected)
        self.assertNoIncidents(self.to)


class Statuses(LenientTest):
    def test_above_599(self):
        for status in (600, 612, 799, 999):
            proxy = self.answering(b"HTTP/1.1 %d X\r\nContent-Length: 0\r\n\r\n" % status)
            self.assertEqual(self.curl(proxy, "--http1.1")[0], status)
            proxy.wait_metric(1, "sendonce_requests_total", route="main", upstream="app", code=str(status))
            self.assertNoIncidents(proxy)
