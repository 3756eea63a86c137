"""The harness held to its own promises, with no proxy in between: a test that sees too little would pass for the wrong reason."""

import threading

import client
import metrics
import upstream
from configuration import configuration, yaml
from harness import EndToEndTest


class Harness(EndToEndTest):
    def answer(self, data, method="GET", then=None):
        """What the client makes of these bytes."""
        def script(conversation):
            conversation.read_request()
            conversation.send(data)
            (then or (lambda _: None))(conversation)
        with client.Client(self.scripted(script).address) as one:
            return one.get("/", method=method), one.rest(), one

    def test_reads_what_follows_the_answer(self):
        response, rest, one = self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirstsecond")
        self.assertEqual((response.status, response.body, rest, one.ended), (200, b"first", b"second", "eof"))
        self.assertTrue(response.complete)

    def test_sees_a_cut_body(self):
        response, _, _ = self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nfirst")
        self.assertEqual((response.body, response.cut, response.complete), (b"first", "eof", False))

    def test_sees_a_reset(self):
        response, _, _ = self.answer(
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", then=lambda conversation: conversation.reset())
        self.assertEqual((response.body, response.cut), (b"first", "reset"))

    def test_reads_interims_chunks_and_trailers(self):
        response, rest, _ = self.answer(
            b"HTTP/1.1 103 Early Hints\r\nLink: a\r\n\r\nHTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n"
            b"5;a=b\r\nfirst\r\n0\r\nX-T: 1\r\n\r\n")
        self.assertEqual([status for status, _ in response.interims], [103])
        self.assertEqual((response.body, response.trailers, rest), (b"first", [("X-T", "1")], b""))

    def test_head_has_no_body(self):
        response, rest, _ = self.answer(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n", method="HEAD")
        self.assertEqual((response.complete, response.framing, rest), (True, "none", b""))

    def test_refuses_what_is_not_http(self):
        for wrong in (b"HTTP/1.1 abc\r\n\r\n", b"HTTP/1.1 200 OK\r\nbad field\r\n\r\n",
                      b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nHTTP/1.1 500 X\r\n\r\n",
                      b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 1\r\n\r\na"):
            with self.subTest(wrong=wrong), self.assertRaises(AssertionError):
                self.answer(wrong)

    def test_node_programs_start_and_send_twice(self):
        node = self.node("double_sends.js")
        with client.Client(node.address) as one:
            response = one.get("/socket-second-late")
            self.assertEqual((response.status, response.body), (200, b"first"))
            self.assertEqual(one.read_response().status, 500)

    def test_every_node_program_loads(self):
        for program in ("crash.js", "express_app.js", "innocents.js", "plain.js"):
            with self.subTest(program=program), client.Client(self.node(program).address) as one:
                self.assertEqual(one.get("/ok").body, b"OK")

    def test_node_on_a_unix_socket(self):
        node = self.node("plain.js", unix_path=f"{self.directory}/app.sock")
        with client.Client(node.address) as one:
            self.assertEqual(one.get("/ok").body, b"OK")

    def test_script_errors_fail_the_test(self):
        scripted = upstream.Scripted(lambda conversation: 1 / 0)
        with client.Client(scripted.address) as one:
            one.rest()
        with self.assertRaisesRegex(AssertionError, "division by zero"):
            scripted.stop()

    def test_refusing_address_refuses(self):
        kept, address = upstream.refusing_address()
        with kept, self.assertRaises(ConnectionRefusedError):
            client.connect(address)

    def test_scripted_reads_chunked_requests(self):
        bodies, read = [], threading.Event()

        def script(conversation):
            bodies.append(conversation.read_request().body)
            read.set()
        with client.Client(self.scripted(script).address) as one:
            one.request("/", method="POST", fields=["Transfer-Encoding: chunked"], body=b"3\r\nabc\r\n0\r\n\r\n")
            self.assertTrue(read.wait(5))
        self.assertEqual(bodies, [b"abc"])

    def test_writes_yaml(self):
        text = yaml(configuration("127.0.0.1:1", "/tmp/a", incidents={"path": "-"}, limits={"body_bytes": None}))
        self.assertIn('upstreams:\n  app:\n    servers:\n      - 127.0.0.1:1\n', text)
        self.assertIn('routes:\n  - name: main\n    path_prefix: /\n', text)
        self.assertIn('path: "-"\n', text)
        self.assertIn("body_bytes: null\n", text)

    def test_reads_metrics(self):
        read = metrics.Metrics('# TYPE a counter\na{k="x",r="m"} 2\na{k="y",r="m"} 3\nb 1.5\n')
        self.assertEqual((read.sum("a", r="m"), read.sum("a", k="x"), read.find("b")), (5, 2, [1.5]))
        with self.assertRaises(AssertionError):
            metrics.Metrics("a 1\na 2\n")
