"""Second answers at the worst moments, sent by an exact script: kinds, phases, attribution, quarantine, policies, evidence."""

import threading
import time

import upstream
from harness import EndToEndTest, wait_for

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
STRAY = b"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 5\r\nSet-Cookie: id=TOPSECRET\r\n\r\nSTRAY"
OTHERS = {"/ok": upstream.ok(b"OK")}


class Strays(EndToEndTest):
    def one_connection(self, script, **options):
        """A proxy that has no choice but to send every request on the same upstream connection."""
        return self.proxy(self.scripted(script).address, connections={"max": 1, "reuse": "always"}, **options)

    def test_garbage_before_the_next_answer_is_the_previous_exchange_s(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(HEAD + b"first")
            if conversation.read_request():
                conversation.send(b"garbage" + HEAD + b"other")
                conversation.wait_for_end()
        proxy = self.one_connection(script, retry={"attempts": 0})
        with proxy.connect() as one:
            self.assertEqual(one.get("/first").body, b"first")
            response = one.get("/second")
            self.assertTrue(response.status == 502 or response.body == b"other", response)
            self.assertNotIn(b"garbage", one.seen)
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, kind="body_after_end", certainty="proven", evidence__phase="next_exchange",
                            request__path="/first", upstream__exchange=1)

    def test_a_shifted_conversation_names_suspect_and_victim(self):
        script, shifted = upstream.shifting(HEAD + b"first", STRAY, HEAD + b"other")
        proxy = self.one_connection(script)
        with proxy.connect() as one:
            one.get("/first")
            one.get("/second")
            shifted.set()
        incident = proxy.wait_incidents(1)[0]
        # Nothing has been learned of either: the one may have answered late, or the other twice.
        self.assertIncident(incident, kind="second_response", certainty="proven", severity="error", attribution={"likely", "open"})
        self.assertIn("/first", [one["path"] for one in incident["candidates"]])
        self.assertEqual(incident["request"]["path"], incident["candidates"][0]["path"])
        if "victim" in incident:
            self.assertIncident(incident, client_impact="misdelivered", request__path="/first", victim__path="/second")
        self.assertEqual(len(self.end(proxy)), 1)

    def test_a_header_block_eaten_by_content_length_is_proven_by_its_length(self):
        # The body was meant to be 9 bytes: what is too much is exactly the second block.
        block = b"HTTP/1.1 500 Oops\r\nContent-Type: text/html\r\n\r\n"

        def answer(conversation, _):
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\npart" + block + b"error")
        proxy = self.proxy(self.scripted(upstream.by_target({"/": answer} | OTHERS)).address)
        with proxy.connect() as one:
            one.get("/")
            incident = proxy.wait_incidents(1)[0]
            self.assertEqual(one.get("/ok").body, b"OK")
        self.assertIncident(incident, kind="header_block_in_body", certainty="proven", severity="error",
                            evidence__proof="accounting", evidence__surplus_bytes=len(block), evidence__second_status=500)

    def into_the_next_answer(self, before, stray, after, method="GET", policy="contain"):
        """`before` and `after` are the next answer's bytes, `stray` the earlier exchange's; each is sent when the client has the last."""
        begun = threading.Event()

        def script(conversation):
            if conversation.number > 1:
                return upstream.by_target(OTHERS)(conversation)
            conversation.read_request()
            conversation.send(HEAD + b"first")
            if conversation.read_request():
                conversation.send(before)
                begun.wait(10)
                conversation.send(stray + after)
                conversation.wait_for_end()
        proxy = self.one_connection(script, policy=policy)
        with proxy.connect() as one:
            self.assertEqual(one.get("/first").body, b"first")
            one.request("/second", method=method)
            one.read_until(before[-4:])
            begun.set()
            one.position = len(one.seen) - one.seen[::-1].find(b"HTTP/1.1"[::-1]) - len(b"HTTP/1.1")
            response = one.read_response(method)
            incidents = proxy.wait_incidents(1)
            if response.cut:
                self.assertEqual(one.rest(), b"")
            seen = bytes(one.seen)
        self.assertEqual(proxy.get("/ok").body, b"OK", "nobody else notices anything")
        self.assertIncident(incidents[0], request__path="/second", upstream__exchange=2, evidence__phase="in_body")
        # What is merely malformed is no second answer.
        if policy == "contain" and incidents[0]["kind"] != "malformed_message":
            proxy.wait_metric(1, "sendonce_upstream_server_quarantined", upstream="app")
        self.assertEqual(len(self.end(proxy)), len(incidents))
        return response, incidents[0], seen

    CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n4\r\nhalf\r\n"
    LAST_CHUNK = b"4\r\nlast\r\n0\r\n\r\n"

    def test_a_stray_between_the_chunks_of_the_next_answer(self):
        # Whose it is the bytes do not say: it stands in the second answer, and is told of that.
        response, incident, seen = self.into_the_next_answer(self.CHUNKED, STRAY, self.LAST_CHUNK)
        self.assertEqual((response.body, response.cut), (b"half", "eof"))
        self.assertNotIn(b"STRAY", seen)
        self.assertNotIn(b"TOPSECRET", seen)
        self.assertIncident(
            incident, kind="header_block_in_body", certainty="proven", severity="error", client_impact="aborted",
            evidence__second_status=500, evidence__start_line="HTTP/1.1 500 Oops",
            evidence__surplus_bytes=len(STRAY + self.LAST_CHUNK), response__framing="chunked", response__body_bytes=4)
        self.assertEqual(incident["evidence"]["connection_offset"], len(HEAD + b"first" + self.CHUNKED))
        self.assertEqual(incident["evidence"]["offset"], len(self.CHUNKED))

    def test_under_fail_the_next_answer_is_reset(self):
        response, incident, _ = self.into_the_next_answer(self.CHUNKED, STRAY, self.LAST_CHUNK, policy="fail")
        self.assertEqual((response.body, response.cut), (b"half", "reset"))
        self.assertIncident(incident, kind="header_block_in_body", certainty="proven", client_impact="aborted", action="fail")

    def test_an_interim_between_the_chunks_of_the_next_answer_is_taken_out(self):
        interim = b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"
        response, incident, seen = self.into_the_next_answer(self.CHUNKED, interim, self.LAST_CHUNK)
        self.assertEqual((response.body, response.complete), (b"halflast", True))
        self.assertNotIn(b"103", seen)
        self.assertIncident(incident, kind="late_interim", certainty="proven", client_impact="none",
                            evidence__surplus_bytes=len(interim))

    def test_garbage_between_the_chunks_of_the_next_answer(self):
        response, incident, seen = self.into_the_next_answer(self.CHUNKED, b"garbage", self.LAST_CHUNK)
        self.assertEqual((response.body, response.complete), (b"half", False))
        self.assertNotIn(b"garbage", seen)
        self.assertIncident(incident, kind="malformed_message", certainty="proven", client_impact="aborted")

    def test_a_stray_that_the_next_answer_s_length_takes_in(self):
        # As many of the body's own bytes stick out behind as the stray is long.
        before = b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf"
        response, incident, _ = self.into_the_next_answer(before, STRAY, b"last")
        self.assertEqual((response.body, response.complete), (b"halfHTTP", True))
        self.assertIncident(
            incident, kind="header_block_in_body", certainty="proven", severity="error", client_impact="misdelivered",
            evidence__proof="accounting", evidence__second_status=500, evidence__surplus_bytes=len(STRAY),
            response__framing="content-length", response__declared_bytes=8, response__body_bytes=8)
        self.assertEqual(incident["evidence"]["offset"], len(before))

    def test_a_stray_of_which_the_next_answer_s_length_takes_in_the_whole(self):
        rest = b"x" * 500
        before = b"HTTP/1.1 200 OK\r\nContent-Length: 504\r\n\r\nhalf"
        response, incident, _ = self.into_the_next_answer(before, STRAY, rest)
        self.assertEqual((response.body, response.complete), (b"half" + (STRAY + rest)[:500], True))
        self.assertIncident(
            incident, kind="header_block_in_body", certainty="proven", client_impact="misdelivered",
            evidence__proof="accounting", evidence__surplus_bytes=len(STRAY))

    def test_a_body_that_spells_an_answer_is_innocent_after_another_exchange_too(self):
        body = b"half" + STRAY + b"last"

        def script(conversation):
            for _ in range(2):
                conversation.read_request()
                conversation.send(upstream.ok(body))
            conversation.wait_for_end()
        proxy = self.one_connection(script)
        with proxy.connect() as one:
            for _ in range(2):
                self.assertEqual(one.get("/page").body, body)
        self.assertNoIncidents(proxy)

    def test_an_interim_after_the_end(self):
        proxy = self.proxy(self.scripted(upstream.by_target(
            {"/": HEAD + b"first" + b"HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\n"} | OTHERS)).address)
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"first")
            self.assertIncident(proxy.wait_incidents(1)[0], kind="late_interim", severity="warning",
                                evidence__phase={"after_end", "idle"}, client_impact="none")
            self.assertEqual(one.get("/ok").body, b"OK")

    def test_a_body_on_head(self):
        proxy = self.proxy(self.scripted(upstream.by_target({"/": HEAD + b"first"} | OTHERS)).address)
        with proxy.connect() as one:
            self.assertTrue(one.get("/", method="HEAD").complete)
            self.assertIncident(proxy.wait_incidents(1)[0], kind="body_after_end", certainty="proven",
                                evidence__surplus_bytes=5, request__method="HEAD")
            self.assertEqual(one.get("/ok").body, b"OK")

    def test_a_last_chunk_too_many(self):
        proxy = self.proxy(self.scripted(upstream.by_target(
            {"/": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n0\r\n\r\n0\r\n\r\n"} | OTHERS)).address)
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"first")
            self.assertIncident(proxy.wait_incidents(1)[0], kind="body_after_end", evidence__surplus_bytes=5,
                                response__framing="chunked")
            self.assertEqual(one.get("/ok").body, b"OK")

    def test_a_quarantined_server_serves_one_exchange_a_connection(self):
        origin = self.scripted(upstream.by_target({"/twice": HEAD + b"first" + STRAY} | OTHERS))
        proxy = self.proxy(origin.address, connections={"hold": "0ms"}, incidents={"quarantine": {"for": "1m"}})
        with proxy.connect() as one:
            self.assertEqual(one.get("/twice").body, b"first")
            proxy.wait_metric(1, "sendonce_upstream_server_quarantined", upstream="app", server=origin.address)
            for _ in range(3):
                self.assertEqual(one.get("/ok").body, b"OK")
            used = [conversation for conversation in origin.conversations if conversation.received]
            self.assertEqual(len(used), 4, "each exchange on a connection of its own")

    def test_a_quarantine_ends(self):
        origin = self.scripted(upstream.by_target({"/twice": HEAD + b"first" + STRAY} | OTHERS))
        proxy = self.proxy(origin.address, connections={"hold": "0ms"}, incidents={"quarantine": {"for": "300ms"}})
        started = time.monotonic()
        with proxy.connect() as one:
            self.assertEqual(one.get("/twice").body, b"first")
            wait_for(lambda: "quarantine ended" in proxy.log, "the quarantine to end")
            self.assertGreater(time.monotonic() - started, 0.29)
            proxy.wait_metric(0, "sendonce_upstream_server_quarantined", upstream="app", server=origin.address)
            before = len(origin.conversations)
            for _ in range(3):
                self.assertEqual(one.get("/ok").body, b"OK")
            self.assertLess(len(origin.conversations) - before, 3, "connections are pooled again")

    def test_a_late_stray_in_quarantine_is_heard(self):
        def script(conversation):
            request = conversation.read_request()
            if request is None:
                return
            conversation.send(HEAD + b"first")
            if request.target == "/late":
                time.sleep(0.02)
            conversation.send(STRAY)
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        with proxy.connect() as one:
            one.get("/now")
            proxy.wait_incidents(1)

            # A machine that is busy may not give the script its turn within the 100 ms: then it has another go.
            def heard():
                self.assertEqual(one.get("/late").body, b"first")
                return proxy.incidents()[1:]
            incident = wait_for(heard, "a late stray that is heard")[0]
        self.assertIncident(incident, kind="second_response", request__path="/late", client_impact="none")


class Policies(EndToEndTest):
    """The same violations under each policy."""

    BLOCK_IN_CHUNKS = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n", STRAY

    def setUp(self):
        super().setUp()
        self.has_first = threading.Event()
        self.addCleanup(self.has_first.set)

    def offend(self, policy, answer):
        self.origin = self.scripted(upstream.by_target({"/": answer} | OTHERS))
        proxy = self.proxy(self.origin.address, policy=policy)
        one = proxy.connect()
        self.addCleanup(one.close)
        one.request("/")
        if callable(answer):
            one.read_until(b"first")
            one.position = 0
            self.has_first.set()
        response = one.read_response()
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, action=policy)
        self.assertNotIn(b"STRAY", one.seen)
        return proxy, one, response, incident

    def in_chunks(self):
        """The block follows once the client has what came before it."""
        first, then = self.BLOCK_IN_CHUNKS

        def answer(conversation, _):
            conversation.send(first)
            self.has_first.wait(10)
            conversation.send(then)
        return answer

    def test_observe_keeps_the_surplus_from_the_client_all_the_same(self):
        proxy, one, response, incident = self.offend("observe", HEAD + b"first" + STRAY)
        self.assertEqual((response.status, response.body), (200, b"first"))
        self.assertIncident(incident, kind="second_response", client_impact="none")
        self.assertEqual(one.get("/ok").body, b"OK")
        proxy.wait_metric(0, "sendonce_upstream_server_quarantined", upstream="app")

    def test_contain_closes_the_upstream_connection(self):
        _, one, response, _ = self.offend("contain", HEAD + b"first" + STRAY)
        self.assertEqual((response.status, response.body), (200, b"first"))
        self.assertTrue(self.origin.conversations[0].ended.wait(10), "still open")
        self.assertEqual(one.get("/ok").body, b"OK")

    def test_contain_never_forges_an_end(self):
        _, one, response, incident = self.offend("contain", self.in_chunks())
        self.assertEqual(response.body, b"first")
        self.assertFalse(response.complete)
        self.assertIncident(incident, kind="header_block_in_body", client_impact="aborted")
        self.assertEqual(one.rest(), b"")

    def test_fail_resets_an_answer_that_has_begun(self):
        _, _, response, incident = self.offend("fail", self.in_chunks())
        self.assertEqual((response.body, response.cut), (b"first", "reset"))
        self.assertIncident(incident, client_impact="aborted")

    def test_fail_turns_duplicate_fields_into_502(self):
        _, _, response, incident = self.offend(
            "fail", b"HTTP/1.1 200 OK\r\nLocation: /a\r\nLocation: /b\r\nContent-Length: 5\r\n\r\nfirst")
        self.assertEqual(response.status, 502)
        self.assertIncident(incident, kind="duplicate_field", client_impact="bad_gateway")

    def test_fail_does_not_let_a_doubled_answer_pass(self):
        _, _, response, incident = self.offend("fail", HEAD + b"first" + STRAY)
        # The surplus came in the same read: the answer had not been sent when it was seen.
        self.assertTrue(response.status == 502 or not response.complete, response)
        self.assertIncident(incident, client_impact={"bad_gateway", "aborted"})


class Evidence(EndToEndTest):
    def record(self, **evidence):
        origin = self.scripted(upstream.by_target({"/": HEAD + b"first" + STRAY} | OTHERS))
        proxy = self.proxy(origin.address, incidents={"evidence": evidence} if evidence else None)
        proxy.get("/", fields=["Authorization: Bearer HUNTER2", "Cookie: id=HUNTER2"])
        incident = proxy.wait_incidents(1)[0]
        self.end(proxy)
        text = proxy.incidents_path.read_text() + proxy.log
        self.assertNotIn("TOPSECRET", text)
        self.assertNotIn("HUNTER2", text)
        return incident

    def test_no_bytes_by_default(self):
        self.assertNotIn("sample", self.record()["evidence"])

    def test_escaped_sample_hides_secrets(self):
        sample = self.record(sample="escaped")["evidence"]["sample"]
        self.assertIn("HTTP/1.1 500 Oops", sample)
        self.assertRegex(sample, r"(?i)set-cookie")

    def test_sample_is_bounded(self):
        self.assertLessEqual(len(self.record(sample="escaped", max_bytes=16)["evidence"]["sample"]), 16 * 4)

    def test_values_of_a_query_are_kept_when_that_is_asked_for(self):
        origin = self.scripted(upstream.by_target({"/?token=77&page=3": HEAD + b"first" + STRAY}))
        for query, expected in ((None, "/?token=[REDACTED]&page=[REDACTED]"), ("keep", "/?token=77&page=3")):
            with self.subTest(query):
                proxy = self.proxy(origin.address, incidents={"evidence": {"query": query}} if query else None)
                proxy.get("/?token=77&page=3")
                self.assertIncident(proxy.wait_incidents(1)[0], request__path=expected)
                self.end(proxy)
                proxy.incidents_path.unlink()

    def test_trace_and_request_ids_reach_the_record(self):
        origin = self.scripted(upstream.by_target({"/": HEAD + b"first" + STRAY}))
        proxy = self.proxy(origin.address, trusted_proxies=["127.0.0.0/8"])
        trace = "4bf92f3577b34da6a3ce929d0e0e4736"
        proxy.get("/", fields=[f"traceparent: 00-{trace}-00f067aa0ba902b7-01", "X-Request-Id: order-77"])
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, request__trace_id=trace, request__id="order-77")
        sent = wait_for(lambda: origin.conversations[0].received, "the request")
        self.assertIn(trace.encode(), sent)
        self.assertIn(b"order-77", sent)
