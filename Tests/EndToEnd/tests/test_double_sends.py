"""Real Node programs that answer twice: what is recorded, and what the client gets."""

import client
import upstream
from harness import EndToEndTest, wait_for

SECOND_BLOCK = (b"HTTP/1.1 500 Internal Server Error\r\nContent-Type: text/plain\r\nContent-Length: 6\r\n"
                b"Set-Cookie: session=TOPSECRET\r\n\r\nSECOND")


class DoubleSendTest(EndToEndTest):
    program_name = "double_sends.js"

    @classmethod
    def setUpClass(cls):
        cls.app = upstream.Node(cls.program_name)
        cls.addClassCleanup(cls.app.stop)

    def directly(self, path):
        """A client of the program itself, to see what it puts on the wire. A `Date` has a fixed length."""
        one = client.Client(self.app.address)
        self.addCleanup(one.close)
        one.request(path)
        return one

    def offend(self, path, kind, *, whole, status=200, severity="warning", certainty="proven", method="GET", survives=True,
               surplus=None, policy="contain", then=None, **expected):
        """Sends the request, checks the record, and that the client got its answer (`whole`) or a visible part of it, and
        not one byte more; then that the next request on its connection gets its own answer.

        `then` is a request that lets the offence happen: it travels on another connection, for the first never rests long enough.
        """
        proxy = self.proxy(self.app.address, policy=policy, connections={"hold": "60s"} if then else None)
        one, response = self.ask(proxy, path, method)
        if then:
            self.assertEqual(proxy.get(then).status, 200)
        incident = proxy.wait_incidents(1)[0]

        self.assertEqual(response.status, status)
        if status == 502:
            self.assertIn(b"request id: ", response.body)  # the proxy's own answer
        elif response.complete:
            self.assertEqual(response.body, whole)
        else:
            self.assertTrue(whole.startswith(response.body), response)
        self.assertIncident(
            incident, schema=1, kind=kind, certainty=certainty, severity=severity, origin="upstream", route="main",
            protocol="http/1.1", upstream__name="app", upstream__address=self.app.address, upstream__exchange=1,
            request__method=method, request__path=path, request__host="app.test", client__address=one.name,
            client__protocol="http/1.1", response__status=200 if status == 502 else status, suppressed=0,
            client_impact="bad_gateway" if status == 502 else "none" if response.complete else "aborted")
        self.assertIncident(incident, **expected)
        self.assertWellFormed(incident, path)
        if surplus is not None:
            self.assertEqual(incident["evidence"]["surplus_bytes"], surplus)
        self.assertCounted(proxy, incident)
        if survives:
            self.assertNextAnswerIsItsOwn(proxy, one, response)
        self.assertEqual(self.end(proxy), [incident])
        return incident, response

    def ask(self, proxy, path, method="GET"):
        one = proxy.connect()
        self.addCleanup(one.close)
        return one, one.get(path, method=method, fields=["X-Request-Id: from-outside"])

    def assertWellFormed(self, incident, path):
        self.assertRegex(incident["time"], r"^\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z$")
        self.assertRegex(incident["id"], r"^[0-9A-Z]{26}$")
        self.assertRegex(incident["request"]["trace_id"], r"^[0-9a-f]{32}$")
        self.assertNotIn("from-outside", incident["request"]["id"])
        self.assertGreaterEqual(incident["upstream"]["connection"], 0)
        self.assertIn(path, incident["message"])
        self.assertIn("app", incident["message"])

    def assertCounted(self, proxy, incident):
        labels = {"kind": incident["kind"], "certainty": incident["certainty"], "route": "main", "upstream": "app"}
        proxy.wait_metric(1, "sendonce_incidents_total", **labels)
        proxy.wait_metric(1, "sendonce_incidents_total")
        if surplus := incident["evidence"].get("surplus_bytes"):
            proxy.wait_metric(surplus, "sendonce_surplus_bytes_total", upstream="app")

    def assertNextAnswerIsItsOwn(self, proxy, one, first):
        """On the same connection when the answer was whole; every byte that connection ever carried is accounted for."""
        if first.complete and (first.field("connection") or "").lower() != "close":
            before = bytes(one.seen[:one.position])
            again = one.get("/ok", close=True)
            self.assertEqual((again.status, again.body), (200, b"OK"))
            self.assertEqual(one.rest(), b"", "bytes after the last answer")
            self.assertEqual(one.seen[:len(before)], before)
        else:
            self.assertEqual(one.rest(), b"", "bytes after the cut answer")
            again = proxy.get("/ok")
            self.assertEqual((again.status, again.body), (200, b"OK"))
        self.assertNotIn(b"SECOND", one.seen)
        self.assertNotIn(b"TOPSECRET", one.seen)


class DoubleSends(DoubleSendTest):
    def test_body_longer_than_content_length(self):
        incident, _ = self.offend(
            "/long-body", "body_after_end", whole=b"first", surplus=6, evidence__phase="after_end",
            response__framing="content-length", response__declared_bytes=5, action="contain")
        head = self.directly("/long-body").read_until(b"\r\n\r\n")
        self.assertEqual(incident["evidence"]["offset"], len(head) + 5)

    def test_body_longer_than_content_length_when_the_connection_is_idle(self):
        incident, _ = self.offend("/long-body-late", "body_after_end", whole=b"first", surplus=6, evidence__phase="idle",
                                  then="/end-remembered")
        self.assertGreater(incident["evidence"]["delay_ms"], 0)
        self.assertLess(incident["evidence"]["delay_ms"], 10_000)

    def test_second_response_through_the_socket(self):
        # Node hands both over in one turn of its loop, but as two writes.
        self.offend("/socket-second", "second_response", whole=b"first", severity="error", surplus=len(SECOND_BLOCK),
                    evidence__phase={"after_end", "idle"}, evidence__second_status=500,
                    evidence__second_fields=["content-type", "content-length", "set-cookie"],
                    evidence__start_line="HTTP/1.1 500 Internal Server Error")

    def test_second_response_on_the_idle_connection(self):
        incident, _ = self.offend(
            "/remember", "second_response", whole=b"first", severity="error", surplus=len(SECOND_BLOCK),
            evidence__phase="idle", evidence__second_status=500, then="/socket-second-of-remembered")
        self.assertGreater(incident["evidence"]["delay_ms"], 0)
        self.assertLess(incident["evidence"]["delay_ms"], 10_000)

    def test_early_hints_in_the_middle_of_a_chunked_body(self):
        self.offend("/early-hints-in-body", "late_interim", whole=b"firstFIRST", evidence__phase="in_body",
                    response__framing="chunked", evidence__second_status=103)

    def test_where_an_interim_in_the_middle_begins(self):
        before = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\none\r\n3\r\ntwo\r\n"

        def script(conversation):
            conversation.read_request()
            conversation.send(before + b"HTTP/1.1 103 Early Hints\r\n\r\n5\r\nthree\r\n0\r\n\r\n")
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        self.assertEqual(proxy.get("/").body, b"onetwothree")
        self.assertIncident(proxy.wait_incidents(1)[0], kind="late_interim", evidence__connection_offset=len(before))

    def test_no_content_with_a_body(self):
        self.offend("/no-content-with-body", "body_after_end", whole=b"", status=204, surplus=4,
                    evidence__phase={"after_end", "idle"})

    def test_content_length_twice_the_same(self):
        _, response = self.offend("/length-twice-same", "duplicate_field", whole=b"first", evidence__phase="in_head")
        self.assertTrue(response.complete)
        self.assertEqual(response.all("content-length"), ["5"])

    def test_content_length_twice_different(self):
        _, response = self.offend(
            "/length-twice-different", "conflicting_framing", whole=None, status=502, evidence__phase="in_head")
        self.assertNotIn(b"hello", response.body)

    def test_content_length_with_chunked(self):
        _, response = self.offend(
            "/length-and-chunked", "conflicting_framing", whole=b"first", evidence__phase="in_head")
        self.assertTrue(response.complete)
        self.assertEqual(response.all("content-length"), [])

    def test_singleton_field_twice_is_delivered_as_it_came(self):
        _, response = self.offend("/type-twice", "duplicate_field", whole=b"first", evidence__phase="in_head")
        self.assertEqual(response.all("content-type"), ["text/plain", "text/html"])

    def test_header_block_in_a_chunked_body(self):
        incident, response = self.offend(
            "/head-again-in-chunked", "header_block_in_body", whole=b"first", severity="error", evidence__phase="in_body",
            evidence__second_status=500, response__framing="chunked", response__body_bytes=5)
        self.assertFalse(response.complete, "a whole chunked answer would be a forged end")
        second = b"HTTP/1.1 500"
        before = self.directly("/head-again-in-chunked").read_until(second)
        self.assertEqual(incident["evidence"]["offset"], len(before) - len(second))
        self.assertGreater(incident["evidence"]["surplus_bytes"], len(second))

    def test_line_end_after_the_body_is_only_information(self):
        self.offend("/crlf-after-end", "body_after_end", whole=b"first", severity="info", surplus=2,
                    evidence__phase={"after_end", "idle"})

    def test_attribution_to_the_fourth_exchange(self):
        # One upstream connection for all four, so that the number is certain.
        proxy = self.proxy(self.app.address, connections={"max": 1})
        with proxy.connect() as one:
            for _ in range(3):
                self.assertEqual(one.get("/ok").body, b"OK")
            self.assertEqual(one.get("/long-body?token=hunter2&page=3").body, b"first")
            incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, upstream__exchange=4, request__path="/long-body?token=[REDACTED]&page=[REDACTED]")
        self.assertGreater(incident["evidence"]["connection_offset"], incident["evidence"]["offset"])
        self.assertNotIn("hunter2", proxy.incidents_path.read_text())

    def stray_in_the_next_answer(self, path):
        """The same connection for both, so that the stray of the first meets the second."""
        proxy = self.proxy(self.app.address, connections={"max": 1})
        with proxy.connect() as one:
            self.assertEqual(one.get("/remember").body, b"first")
            response = one.get(path)
            incident = proxy.wait_incidents(1)[0]
            self.assertEqual(one.rest() if response.cut else b"", b"")
        self.assertEqual(proxy.get("/ok").body, b"OK")
        self.assertIncident(
            incident, kind="header_block_in_body", certainty="proven", severity="error", evidence__phase="in_body",
            evidence__second_status=500, request__path=path, upstream__exchange=2, response__status=200)
        self.assertEqual(self.end(proxy), [incident])
        return incident, response

    def test_a_stray_between_the_chunks_of_the_next_answer(self):
        incident, response = self.stray_in_the_next_answer("/stray-between-chunks")
        self.assertEqual((response.body, response.complete), (b"half,", False))
        self.assertIncident(incident, client_impact="aborted", response__framing="chunked", response__body_bytes=5)

    def test_a_stray_that_the_next_answer_s_length_takes_in(self):
        incident, response = self.stray_in_the_next_answer("/stray-in-length")
        self.assertEqual((response.body, response.complete), (b"half,HTTP/", True))
        self.assertIncident(
            incident, client_impact="misdelivered", response__framing="content-length", response__declared_bytes=10,
            evidence__proof="accounting", evidence__surplus_bytes=len(SECOND_BLOCK))

    def test_next_client_at_once_gets_its_own_answer(self):
        # The stray is written when the next request has arrived: on another connection, for the first has not rested. Where the
        # machine took longer than the rest, the request may come on the first, and the program writes no stray.
        proxy = self.proxy(self.app.address, incidents={"quarantine": {"for": "0s"}})
        strays = []
        with proxy.connect() as one:
            def round_done():
                self.assertEqual(one.get("/remember").body, b"first")
                response = one.get("/socket-second-of-remembered")
                self.assertEqual(response.status, 200)
                self.assertIn(response.body, (b"elsewhere", b"here"))
                strays.append(response.body == b"elsewhere")
                return sum(strays) == 60
            wait_for(round_done, lambda: f"60 strays, written: {sum(strays)} in {len(strays)} rounds", patience=60)
            self.assertNotIn(b"TOPSECRET", one.seen)
        proxy.wait_metric(60, "sendonce_incidents_total", kind="second_response", certainty="proven")
        # On a connection that had served before, it may as well have been the answer that was not its own.
        proxy.wait_metric(0, "sendonce_incidents_total", kind="misdelivered_response", certainty="proven")


class Crashes(EndToEndTest):
    def crash(self, path, **expected):
        app = self.node("crash.js")
        proxy = self.proxy(app.address)
        with proxy.connect() as one:
            response = one.get(path)
            self.assertFalse(response.complete)
            self.assertEqual((response.status, response.body, one.rest()), (200, b"hello", b""))
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(
            incident, kind="truncated_response", certainty="proven", severity="warning", client_impact="aborted",
            evidence__phase="in_body", request__path=path, upstream__exchange=1, response__status=200, response__body_bytes=5)
        self.assertIncident(incident, **expected)
        proxy.wait_metric(1, "sendonce_incidents_total", kind="truncated_response")
        # The program is gone: a plain 502, and no incident.
        self.assertEqual(proxy.get("/ok").status, 502)
        self.assertEqual(self.end(proxy), [incident])

    def test_in_the_middle_of_a_content_length_body(self):
        self.crash("/length", response__framing="content-length", response__declared_bytes=20)

    def test_in_the_middle_of_a_chunked_body(self):
        self.crash("/chunked", response__framing="chunked")


class Express(DoubleSendTest):
    program_name = "express_app.js"

    @classmethod
    def setUpClass(cls):
        super().setUpClass()
        # A hang-up is told within 50 ms of the end alone, which a busy machine may not give the program.
        cls.app = upstream.EndsInOneStep(cls.app.address, ["/orders/7", "/missing-return"])
        cls.addClassCleanup(cls.app.stop)

    def test_json_twice_shows_as_a_hang_up(self):
        # Node refuses the second send; what the wire shows is Express's final handler destroying the socket.
        _, response = self.offend(
            "/orders/7", "hangup_after_end", whole=b'{"order":"7"}', certainty="suspected", severity="info",
            evidence__phase={"after_end", "idle"})
        self.assertTrue(response.complete)

    def test_missing_return_shows_as_a_hang_up(self):
        _, response = self.offend(
            "/missing-return", "hangup_after_end", whole=b'{"error":"user is required"}', status=400, certainty="suspected",
            severity="info", evidence__phase={"after_end", "idle"})
        self.assertTrue(response.complete)
