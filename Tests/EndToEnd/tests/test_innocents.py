"""What only looks like a second answer, or like a fault: none of it may leave a record."""

import socket
import threading

import upstream
from harness import EndToEndTest


class InnocentNode(EndToEndTest):
    """Real Node programs that do nothing wrong."""

    @classmethod
    def setUpClass(cls):
        cls.app = upstream.Node("innocents.js")
        cls.addClassCleanup(cls.app.stop)

    def innocent(self, path, body, *, status=200, times=3, **options):
        """A few times on one connection, so that whatever is left over would meet the next answer."""
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            for _ in range(times):
                response = one.get(path, **options)
                self.assertTrue(response.complete, response)
                self.assertEqual((response.status, response.body), (status, body))
            # An answer that ends with its connection leaves no other request to send there.
            if (response.field("connection") or "").lower() != "close" and response.framing != "close":
                self.assertEqual(one.get("/ok", close=True).body, b"OK")
            self.assertEqual(one.rest(), b"")
        self.assertNoIncidents(proxy)
        return response

    def test_early_hints_before_the_head(self):
        response = self.innocent("/early-hints", b"hinted")
        self.assertEqual([status for status, _ in response.interims], [103])
        self.assertIn(("Link", "</a.css>; rel=preload"), response.interims[0][1])

    def test_processing_twice_before_the_head(self):
        self.assertEqual([status for status, _ in self.innocent("/processing", b"processed").interims], [102, 102])

    def test_head_of_a_content_length_answer(self):
        self.assertEqual(self.innocent("/text", b"", method="HEAD").field("content-length"), "4")

    def test_head_of_a_chunked_answer(self):
        self.innocent("/chunked-text", b"", method="HEAD")

    def test_no_content(self):
        self.innocent("/no-content", b"", status=204)

    def test_not_modified_with_content_length(self):
        self.assertEqual(self.innocent("/not-modified", b"", status=304).field("content-length"), "1234")

    def test_trailers(self):
        self.innocent("/trailers", b"body")

    def test_chunk_that_spells_an_answer(self):
        self.innocent("/spells-chunked", b"doc: HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    def test_body_that_spells_an_answer(self):
        self.innocent("/spells-length", b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi")

    def test_close_delimited_body(self):
        self.innocent("/close-delimited", b"until the close", times=1)

    def test_fields_that_may_stand_more_than_once(self):
        response = self.innocent("/many-fields", b"fields")
        self.assertEqual(response.all("set-cookie"), ["a=1", "b=2", "c=3"])
        self.assertEqual(response.all("x-whatever"), ["1", "2"])

    def test_expect_100_continue(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            one.send(b"POST /upload HTTP/1.1\r\nHost: a\r\nContent-Length: 5\r\nExpect: 100-continue\r\n\r\n")
            self.assertTrue(one.read_until(b"\r\n\r\n").startswith(b"HTTP/1.1 100 "))
            one.send(b"hello")
            self.assertEqual(one.read_response().body, b"5")
        self.assertNoIncidents(proxy)

    def test_answer_before_the_request_is_complete(self):
        proxy = self.proxy(self.app.address)
        with proxy.connect() as one:
            one.send(b"POST /early-answer HTTP/1.1\r\nHost: a\r\nContent-Length: 1000000\r\n\r\npart")
            response = one.read_response()
            self.assertEqual((response.status, response.body), (413, b"too large"))
        self.assertEqual(proxy.get("/ok").body, b"OK")
        self.assertNoIncidents(proxy)

    def test_client_that_goes_away_in_the_middle_of_a_body(self):
        for leave in ("close", "reset"):
            with self.subTest(leave=leave):
                proxy = self.proxy(self.app.address)
                one = proxy.connect()
                one.request("/endless")
                one.read_exactly(100_000)
                getattr(one, leave)()
                proxy.wait_metric(0, "sendonce_upstream_connections", upstream="app", state="active")
                self.assertEqual(proxy.get("/ok").body, b"OK")
                self.assertNoIncidents(proxy)

    def test_client_that_goes_away_before_the_answer(self):
        proxy = self.proxy(self.app.address)
        one = proxy.connect()
        one.request("/unanswered")
        proxy.wait_metric(1, "sendonce_upstream_connections", upstream="app", state="active")
        one.reset()
        proxy.wait_metric(0, "sendonce_upstream_connections", upstream="app", state="active")
        self.assertEqual(proxy.get("/ok").body, b"OK")
        self.assertNoIncidents(proxy)

    def test_upstream_that_closes_its_idle_connections(self):
        app = self.node("innocents.js", KEEP_ALIVE_TIMEOUT="60")
        proxy = self.proxy(app.address)
        with proxy.connect() as one:
            for _ in range(2):
                self.assertEqual(one.get("/ok").body, b"OK")
                proxy.wait_metric(0, "sendonce_upstream_connections", upstream="app")
            self.assertEqual(one.get("/ok").body, b"OK")
        self.assertNoIncidents(proxy)


class InnocentScripts(EndToEndTest):
    """What other servers do, byte by byte."""

    def innocent(self, *pieces, body=b"first", request=None, then=None):
        """One answer in pieces, each sent when the client has had time to be given the one before; then a good answer."""
        def answer(conversation, _):
            for piece in pieces:
                conversation.send(piece)
                self.pause.wait(0.01)
        self.pause = threading.Event()
        origin = self.scripted(upstream.by_target({"/": answer, "/ok": upstream.ok(b"OK")}))
        proxy = self.proxy(origin.address)
        with proxy.connect() as one:
            if request:
                one.send(request)
                response = one.read_response()
            else:
                response = one.get("/")
            self.assertTrue(response.complete, response)
            self.assertEqual(response.body, body)
            self.assertEqual(one.get("/ok").body, b"OK")
        self.assertNoIncidents(proxy)
        return response

    def test_chunks_with_extensions_zeros_and_capitals(self):
        self.innocent(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0005;a=\"b\"\r\nfirst\r\n0A\r\n", b"0123456789\r\n000\r\n\r\n",
                      body=b"first0123456789")

    def test_an_answer_cut_at_every_byte(self):
        answer = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\nX-T: 1\r\n\r\n"
        self.innocent(*(answer[i:i + 1] for i in range(len(answer))))

    def test_continue_sent_twice(self):
        response = self.innocent(
            b"HTTP/1.1 100 Continue\r\n\r\n", b"HTTP/1.1 100 Continue\r\n\r\n", upstream.ok(b"first"),
            request=b"POST / HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\nhi")
        self.assertEqual(response.status, 200)

    def test_no_reason_phrase(self):
        self.innocent(b"HTTP/1.1 200 \r\nContent-Length: 5\r\n\r\nfirst")

    def test_http_1_0_answer_until_the_close(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.0 200 OK\r\n\r\nfirst")
        proxy = self.proxy(self.scripted(script).address)
        self.assertEqual(proxy.get("/").body, b"first")
        self.assertNoIncidents(proxy)

    def idle_notice(self, say):
        """`say`: what the server says on its first connection when that is idle, before it ends it."""
        sent = threading.Event()

        def script(conversation):
            if conversation.read_request() is None:
                return
            conversation.send(upstream.ok(b"first"))
            if conversation.number == 1:
                sent.wait(10)
                say(conversation)
                conversation.socket.shutdown(socket.SHUT_WR)
            conversation.wait_for_end()
        origin = self.scripted(script)
        proxy = self.proxy(origin.address)
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"first")
            proxy.wait_metric(1, "sendonce_upstream_connections", upstream="app", state="idle")
            sent.set()
            self.assertTrue(origin.conversations[0].ended.wait(10))
            proxy.wait_metric(0, "sendonce_upstream_connections", upstream="app", state="idle")
            response = one.get("/")
            self.assertEqual((response.status, response.body), (200, b"first"))
        return proxy

    NOTICE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n"

    def test_408_on_an_idle_connection_and_its_close(self):
        self.assertNoIncidents(self.idle_notice(lambda conversation: conversation.send(self.NOTICE)))

    def test_408_in_drops_and_its_close(self):
        def say(conversation):
            # For longer than other strays are waited for.
            for at in range(0, len(self.NOTICE), 10):
                conversation.send(self.NOTICE[at:at + 10])
                threading.Event().wait(0.05)
        self.assertNoIncidents(self.idle_notice(say))

    def test_408_without_its_close_is_a_second_answer(self):
        def say(conversation):
            conversation.send(self.NOTICE)
            # Until the proxy has ended the connection.
            self.assertEqual(conversation.socket.recv(1), b"")
        proxy = self.idle_notice(say)
        self.assertIncident(proxy.wait_incidents(1)[0], kind="second_response")

    def test_a_server_that_goes_down_with_all_its_connections(self):
        # Every connection ends at once, right after an answer: a deploy, not a hang-up after a second send.
        together = threading.Barrier(4)

        def script(conversation):
            if conversation.read_request() is None:
                return
            together.wait(10)
            conversation.send(upstream.ok(b"first"))
            conversation.wait_for_end()
        origin = self.scripted(script)
        proxy = self.proxy(origin.address)
        clients = [proxy.connect() for _ in range(4)]
        for one in clients:
            one.request("/")
        for one in clients:
            self.assertEqual(one.read_response().body, b"first")
        # By one thread, in one go: four would each wait for their turn.
        for conversation in origin.conversations:
            conversation.socket.shutdown(socket.SHUT_RDWR)
        proxy.wait_metric(0, "sendonce_upstream_connections", upstream="app")
        for one in clients:
            one.close()
        self.assertNoIncidents(proxy)
