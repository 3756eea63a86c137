"""The guards between one exchange and the next on a connection: rest, look, acknowledgement, quarantine; and who is told what."""

import json
import select
import socket
import threading

import client
import upstream
from harness import EndToEndTest, wait_for

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
STRAY = b"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nSet-Cookie: id=TOPSECRET\r\n\r\nSTRAY"


class Guards(EndToEndTest):
    def server_facts(self, proxy):
        return json.loads(proxy.ask_admin("/upstreams").body)

    def find(self, value, key):
        """Every value of that key, anywhere in a JSON document."""
        if isinstance(value, dict):
            return [v for k, v in value.items() if k == key] + [f for v in value.values() for f in self.find(v, key)]
        return [found for item in value for found in self.find(item, key)] if isinstance(value, list) else []

    # MARK: Rest

    def test_a_connection_rests_before_it_serves_again(self):
        origin = self.scripted(upstream.answering(*[upstream.ok(b"OK")] * 3))
        proxy = self.proxy(origin.address, connections={"hold": "10s"})
        with proxy.connect() as one:
            for _ in range(3):
                self.assertEqual(one.get("/").body, b"OK")
        self.assertEqual([c.received.count(b"GET / ") for c in origin.conversations], [1, 1, 1])

    def test_at_the_limit_the_oldest_is_taken_and_counted(self):
        origin = self.scripted(upstream.answering(*[upstream.ok(b"OK")] * 3))
        proxy = self.proxy(origin.address, connections={"hold": "10s", "max": 1})
        with proxy.connect() as one:
            for _ in range(3):
                self.assertEqual(one.get("/").body, b"OK")
        self.assertEqual(len(origin.conversations), 1)
        self.assertEqual(self.find(self.server_facts(proxy), "taken_unrested"), [2])

    def test_never_means_a_connection_an_exchange(self):
        origin = self.scripted(upstream.answering(*[upstream.ok(b"OK")] * 3))
        proxy = self.proxy(origin.address, connections={"reuse": "never"})
        with proxy.connect() as one:
            for _ in range(3):
                self.assertEqual(one.get("/").body, b"OK")
        self.assertEqual(len(origin.conversations), 3)

    # MARK: Quarantine

    def test_connections_pooled_before_a_quarantine_serve_nobody_any_more(self):
        both, stray = threading.Barrier(2), threading.Event()

        def script(conversation):
            request = conversation.read_request()
            if request is None:
                return
            if request.target == "/together":
                both.wait(10)
            conversation.send(HEAD + b"first")
            if conversation.number == 1:
                stray.wait(10)
                conversation.send(STRAY)
            while (request := conversation.read_request()) is not None:
                conversation.send(HEAD + b"again")
        origin = self.scripted(script)
        proxy = self.proxy(origin.address, connections={"hold": "0ms"})
        clients = [proxy.connect() for _ in range(2)]
        for one in clients:
            one.request("/together")
        for one in clients:
            self.assertEqual(one.read_response().body, b"first")
            self.addCleanup(one.close)
        proxy.wait_metric(2, "sendonce_upstream_connections", upstream="app", state="idle")
        stray.set()
        proxy.wait_metric(1, "sendonce_upstream_server_quarantined", upstream="app", server=origin.address)
        self.assertEqual(clients[0].get("/alone").body, b"first", "the other pooled connection would have answered 'again'")
        self.assertEqual(self.find(self.server_facts(proxy), "quarantined"), [True])
        wait_for(lambda: "server quarantined" in proxy.log, "the quarantine in the log")

    def test_a_quarantine_at_the_limit_of_connections_holds_nobody_up(self):
        origin = self.scripted(upstream.by_target({"/twice": HEAD + b"first" + STRAY, "/ok": upstream.ok(b"OK")}))
        proxy = self.proxy(origin.address, connections={"max": 1})
        with proxy.connect() as one:
            self.assertEqual(one.get("/twice").body, b"first")
            for _ in range(20):
                self.assertEqual(one.get("/ok").body, b"OK")
        self.assertGreater(sum(self.find(self.server_facts(proxy), "listening_cut")), 10)

    def test_a_timeout_notice_quarantines_nobody(self):
        notify = threading.Event()

        def script(conversation):
            if conversation.read_request() is None:
                return
            conversation.send(HEAD + b"first")
            notify.wait(10)
            conversation.send(b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\n\r\n")
            conversation.socket.shutdown(socket.SHUT_WR)
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"first")
            proxy.wait_metric(1, "sendonce_upstream_connections", upstream="app", state="idle")
            notify.set()
            proxy.wait_metric(0, "sendonce_upstream_connections", upstream="app")
        self.assertNotIn("server quarantined", proxy.log)
        self.assertNoIncidents(proxy)

    # MARK: Acknowledgement

    def unread(self, method, **options):
        """A stray that is written when the next request has arrived but has not been read: it cannot be its answer."""
        def script(conversation):
            request = conversation.read_request()
            if request is None:
                return
            if conversation.number == 1:
                conversation.send(HEAD + b"first")
                # The request is there; nobody has read a byte of it.
                client.wait_until_ready(conversation.socket, select.POLLIN)
                conversation.send(STRAY.replace(b"500 Oops", b"200 OK"))
                client.wait_until_ready(conversation.socket, select.POLLRDHUP)
            else:
                conversation.send(HEAD + b"other")
                conversation.wait_for_end()
        origin = self.scripted(script, unix_path=f"{self.directory}/app.sock")
        proxy = self.proxy(origin.address, connections={"hold": "0ms"})
        with proxy.connect() as one:
            self.assertEqual(one.get("/first").body, b"first")
            response = one.get("/second", method=method)
            self.assertNotIn(b"STRAY", one.seen)
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(
            incident, kind="misdelivered_response", certainty="proven", severity="error", evidence__phase="next_exchange",
            evidence__proof="unacknowledged_request", evidence__second_status=200, evidence__surplus_bytes=len(STRAY) - 2,
            request__path="/first", victim__path="/second", victim__method=method, upstream__exchange=1, **options)
        self.assertEqual(self.end(proxy), [incident])
        return response

    def test_a_stray_before_an_unread_request_is_proven_and_the_request_sent_again(self):
        self.assertEqual(self.unread("GET", client_impact="none").body, b"other")

    def test_a_request_that_cannot_be_sent_again_gets_502(self):
        self.assertEqual(self.unread("POST", client_impact="bad_gateway").status, 502)

    # MARK: Between two answers

    def test_line_ends_before_an_answer_are_left_out(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(HEAD + b"first")
            if conversation.read_request():
                conversation.send(b"\r\n" + HEAD + b"other")
                conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, connections={"max": 1})
        with proxy.connect() as one:
            one.get("/first")
            response = one.get("/second", method="POST")
            self.assertEqual((response.status, response.body), (200, b"other"))
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, kind="body_after_end", severity="info", evidence__phase="next_exchange",
                            evidence__surplus_bytes=2, request__path="/first", client_impact="none")
        self.assertNotIn("server quarantined", proxy.log)

    def test_garbage_ends_where_the_answer_begins(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(HEAD + b"first")
            if conversation.number == 1 and conversation.read_request():
                conversation.send(b"garbage")
                conversation.send(HEAD + b"other")
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, connections={"hold": "0ms"})
        with proxy.connect() as one:
            one.get("/first")
            self.assertEqual(one.get("/second").body, b"first")
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, kind="body_after_end", evidence__surplus_bytes=7, evidence__phase="next_exchange",
                            request__path="/first", victim__path="/second", client_impact="none")

    def test_a_late_answer_to_an_upload_that_was_answered_early_is_heard(self):
        late = threading.Event()

        def script(conversation):
            conversation.read_head()
            conversation.send(b"HTTP/1.1 413 Payload Too Large\r\nContent-Length: 3\r\n\r\nbig")
            late.wait(10)
            conversation.send(STRAY)
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        with proxy.connect() as one:
            one.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 100000\r\n\r\npart")
            self.assertEqual(one.read_response().status, 413)
            late.set()
            incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, kind="second_response", request__method="POST", client_impact="none",
                            evidence__surplus_bytes=len(STRAY))

    def test_fail_cuts_an_answer_with_an_interim_in_it(self):
        first = threading.Event()

        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n")
            first.wait(10)
            conversation.send(b"HTTP/1.1 102 Processing\r\n\r\n4\r\nlast\r\n0\r\n\r\n")
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, policy="fail")
        with proxy.connect() as one:
            one.request("/")
            one.read_until(b"first\r\n")
            first.set()
            one.position = 0
            response = one.read_response()
        self.assertEqual((response.body, response.cut), (b"first", "reset"))
        self.assertIncident(proxy.wait_incidents(1)[0], kind="late_interim", action="fail", client_impact="aborted")

    def test_other_connections_are_what_a_victim_gets(self):
        """A stray on a pooled connection is found before the next request is sent there."""
        wrote = threading.Event()

        def script(conversation):
            if conversation.read_request() is None:
                return
            conversation.send(HEAD + b"%05d" % conversation.number)
            if conversation.number == 1:
                wrote.wait(10)
                conversation.send(STRAY)
            conversation.wait_for_end()
        origin = self.scripted(script)
        proxy = self.proxy(origin.address, connections={"hold": "0ms"})
        with proxy.connect() as one:
            self.assertEqual(one.get("/first").body, b"00001")
            wrote.set()
            wait_for(lambda: proxy.metrics().sum("sendonce_surplus_bytes_total") == len(STRAY), "the stray to be counted")
            self.assertEqual(one.get("/second").body, b"00002")
        self.assertIncident(proxy.wait_incidents(1)[0], kind="second_response", evidence__phase="idle", request__path="/first")
