"""Upstreams that are down, silent, slow or not speaking HTTP: the right status, and an incident only where the wire shows one."""

import time

import upstream
from harness import EndToEndTest

GOOD = upstream.ok(b"good")


class NoAnswer(EndToEndTest):
    """No answer at all is 502 or 504, logged and counted as in any proxy, and no incident."""

    def refused(self, proxy, status, path="/", **options):
        response = proxy.get(path, **options)
        self.assertEqual(response.status, status, response)
        self.assertTrue(response.complete)
        proxy.wait_metric(1, "sendonce_requests_total", route="main", upstream="app", code=str(status))
        self.assertNoIncidents(proxy)

    def test_nobody_listens(self):
        kept, address = upstream.refusing_address()
        self.addCleanup(kept.close)
        self.refused(self.proxy(address), 502)

    def test_no_such_unix_socket(self):
        self.refused(self.proxy(f"unix:{self.directory}/nothing.sock"), 502)

    def test_closed_without_an_answer(self):
        self.refused(self.proxy(self.scripted(lambda conversation: conversation.read_request()).address), 502)

    def test_reset_without_an_answer(self):
        def script(conversation):
            conversation.read_request()
            conversation.reset()
        self.refused(self.proxy(self.scripted(script).address), 502)

    def test_silent(self):
        origin = self.scripted(lambda conversation: conversation.wait_for_end())
        proxy = self.proxy(origin.address, timeouts={"response_header": "300ms"}, retry={"attempts": 0})
        started = time.monotonic()
        self.refused(proxy, 504)
        self.assertGreater(time.monotonic() - started, 0.25)

    def test_silent_after_an_interim(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 103 Early Hints\r\n\r\n")
            conversation.wait_for_end()
        self.refused(self.proxy(self.scripted(script).address, timeouts={"response_header": "300ms"}, retry={"attempts": 0}), 504)

    def test_a_pooled_connection_that_has_gone_is_retried(self):
        # The first connection dies as the second request arrives on it: safe to send again, so nobody notices.
        def script(conversation):
            if conversation.read_request() is None:
                return
            conversation.send(GOOD)
            if conversation.read_request() is not None and conversation.number > 1:
                conversation.send(GOOD)
                conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, connections={"max": 1})
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"good")
            self.assertEqual(one.get("/").body, b"good")
        proxy.wait_metric(1, "sendonce_upstream_retries_total", upstream="app")
        self.assertNoIncidents(proxy)

    def test_a_post_is_not_sent_twice(self):
        posts = []

        def script(conversation):
            while (request := conversation.read_request()) is not None:
                if request.method == "POST":
                    posts.append(request)
                    return
                conversation.send(GOOD)
        proxy = self.proxy(self.scripted(script).address, connections={"max": 1})
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"good")
            self.assertEqual(one.get("/", method="POST", body=b"order").status, 502)
        self.assertEqual(len(posts), 1)
        self.assertNoIncidents(proxy)

    def test_a_second_server_takes_over(self):
        kept, down = upstream.refusing_address()
        self.addCleanup(kept.close)
        up = self.scripted(upstream.by_target({"/": GOOD}))
        proxy = self.proxy([down, up.address])
        self.assertEqual([proxy.get("/").body for _ in range(10)], [b"good"] * 10)
        self.assertNoIncidents(proxy)


class BrokenAnswer(EndToEndTest):
    """Answers that the wire proves to be wrong."""

    def broken(self, answer, kind, phase, *, status=None, body=None, complete=True, severity="warning", **options):
        def script(conversation):
            while (request := conversation.read_request()) is not None:
                if request.target == "/good":
                    conversation.send(GOOD)
                    continue
                for piece in [answer] if isinstance(answer, bytes) else answer:
                    conversation.send(piece)
                if options.get("then") == "close":
                    return
                conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, **options.get("proxy", {}))
        with proxy.connect() as one:
            response = one.get("/")
            rest = one.rest() if not response.complete else b""
        self.assertEqual((response.status, response.complete, rest), (status, complete, b""), response)
        if body is not None:
            self.assertEqual(response.body, body)
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(
            incident, kind=kind, certainty=options.get("certainty", "proven"), severity=severity, origin="upstream", evidence__phase=phase,
            request__path="/", upstream__exchange=1,
            client_impact="bad_gateway" if status == 502 else "none" if complete else "aborted")
        self.assertEqual(proxy.get("/good").body, b"good")
        self.assertEqual(self.end(proxy), [incident])
        return incident

    def test_not_http(self):
        self.broken(b"SSH-2.0-OpenSSH_9.2\r\n\r\n", "malformed_message", "in_head", status=502)

    def test_bad_field(self):
        self.broken(b"HTTP/1.1 200 OK\r\nbad field\r\n\r\n", "malformed_message", "in_head", status=502)

    def test_bad_chunk_size(self):
        self.broken(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\nzz\r\n", "malformed_message", "in_body",
                    status=200, body=b"first", complete=False)

    def test_unrequested_101(self):
        self.broken(b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n", "malformed_message", "in_head",
                    status=502)

    def test_transfer_encoding_on_204(self):
        self.broken(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n", "conflicting_framing", "in_head", status=204)

    def test_content_length_closed_early(self):
        incident = self.broken(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nfirst", "truncated_response", "in_body",
                               status=200, body=b"first", complete=False, then="close")
        self.assertIncident(incident, response__declared_bytes=50, response__body_bytes=5, response__framing="content-length")

    def test_chunked_closed_early(self):
        self.broken(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", "truncated_response", "in_body",
                    status=200, body=b"first", complete=False, then="close")

    def test_content_length_that_never_comes(self):
        self.broken(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nfirst", "stalled_response", "in_body", status=200, body=b"first",
                    complete=False, proxy={"timeouts": {"body_idle": "300ms"}})

    def test_chunks_that_never_end(self):
        self.broken(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", "stalled_response", "in_body", status=200,
                    body=b"first", complete=False, certainty="suspected", proxy={"timeouts": {"body_idle": "300ms"}})

    def test_a_head_that_never_ends_is_bounded(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\nX: " + b"x" * 300_000)
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        self.assertEqual(proxy.get("/").status, 502)
        # Larger than our own limit is no fault of HTTP's: counted, and no incident.
        proxy.wait_metric(1, "sendonce_upstream_rejected_total")
        self.assertNoIncidents(proxy)
