"""The records that the binary writes, key by key, against the contract: what each has, what none has, and of what form it is."""

import re
import select
import socket

import client
import upstream
from harness import EndToEndTest, ROOT

HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
CHUNKED = b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n"
STRAY = b"HTTP/1.1 500 Oops\r\nContent-Type: text/plain\r\nContent-Length: 5\r\n\r\nSTRAY"

# Every key of the contract's record, and of what form its value is. A record has those that apply. What the probe alone
# knows (`application`, `proof: request_id`) is not among them.
HEX = r"[0-9a-f]"
KEYS = {
    "time": r"\d{4}-\d\d-\d\dT\d\d:\d\d:\d\d\.\d{6}Z",
    "id": r"[0-9A-HJKMNP-TV-Z]{26}",
    "schema": {1},
    "severity": {"error", "warning", "info"},
    "kind": {"second_response", "header_block_in_body", "late_interim", "body_after_end", "misdelivered_response", "duplicate_field",
             "conflicting_framing", "truncated_response", "stalled_response", "hangup_after_end", "malformed_message"},
    "certainty": {"proven", "suspected"},
    "attribution": {"certain", "likely", "open"},
    "origin": {"upstream", "client"},
    "action": {"observe", "contain", "fail"},
    "client_impact": {"none", "aborted", "bad_gateway", "misdelivered"},
    "message": r".+",
    "route": r"main|_none",
    "protocol": {"http/1.1", "h2"},
    "upstream.name": {"app"},
    "upstream.address": r"(127\.0\.0\.1:|unix:/).+",
    "upstream.connection": int,
    "upstream.exchange": int,
    "client.address": r"127\.0\.0\.1:\d+",
    "client.protocol": {"http/1.0", "http/1.1", "h2"},
    "request.id": HEX + "{32}",
    "request.method": {"GET", "POST"},
    "request.path": r"/\S*",
    "request.host": {"app.test"},
    "request.template": r"/\S*",
    "request.trace_id": HEX + "{32}",
    "request.span_id": HEX + "{16}",
    "response.status": int,
    "response.framing": {"content-length", "chunked", "close", "none", "h2"},
    "response.declared_bytes": int,
    "response.body_bytes": int,
    "evidence.phase": {"in_head", "in_body", "after_end", "idle", "next_exchange"},
    "evidence.offset": int,
    "evidence.connection_offset": int,
    "evidence.surplus_bytes": int,
    "evidence.delay_ms": (int, float),
    "evidence.proof": {"unacknowledged_request", "accounting"},
    "evidence.reason": r".+",
    "evidence.second_status": int,
    "evidence.second_fields": list,
    "evidence.start_line": r"[ -~]{1,256}",
    "evidence.sample": r"[ -~]+",
    "victim.request_id": HEX + "{32}",
    "victim.method": {"GET", "POST"},
    "victim.path": r"/\S*",
    "candidates": list,
    "group": r"[0-9a-hjkmnp-tv-z]{8}",
    "capture": r".+\.trace",
    "suppressed": {0},
}
OBJECTS = ["upstream", "client", "request", "response", "evidence", "victim"]
EVERY = {"time", "id", "schema", "severity", "kind", "certainty", "origin", "action", "client_impact", "message", "route", "protocol",
         "evidence.phase", "group", "suppressed"}
EXCHANGE = EVERY | {
    "attribution",
    "upstream.name", "upstream.address", "upstream.connection", "upstream.exchange", "client.address", "client.protocol", "request.id",
    "request.method", "request.path", "request.host", "request.template", "request.trace_id", "request.span_id", "response.status", "response.framing",
    "response.body_bytes"}
LENGTH = {"response.declared_bytes"}
PLACE = {"evidence.offset", "evidence.connection_offset"}
SURPLUS = PLACE | {"evidence.surplus_bytes", "evidence.delay_ms"}
BLOCK = SURPLUS | {"evidence.second_status", "evidence.second_fields", "evidence.start_line"}
VICTIM = {"victim.request_id", "victim.method", "victim.path"}


def keys(record):
    found = set()
    for name, value in record.items():
        found |= {f"{name}.{key}" for key in value} if name in OBJECTS else {name}
    return found


class IncidentRecords(EndToEndTest):
    def assertForm(self, record):
        order = []
        for name in KEYS:
            value = record
            for key in name.split("."):
                value = value.get(key) if isinstance(value, dict) else None
            if value is None:
                continue
            order.append(name)
            form = KEYS[name]
            if isinstance(form, str):
                self.assertRegex(value, rf"^({form})$", name)
            elif isinstance(form, set):
                self.assertIn(value, form, name)
            else:
                self.assertIsInstance(value, form, name)
                self.assertNotIsInstance(value, bool, name)
        self.assertEqual(set(order), keys(record), "a key that the contract does not know, or a null")
        return order

    def records(self, proxy, expected):
        """Every record of a proxy that has ended: exactly these kinds with these keys, each of its form."""
        found = self.end(proxy)
        self.assertEqual([record["kind"] for record in found], [kind for kind, _ in expected])
        for record, (_, wanted) in zip(found, expected):
            order = self.assertForm(record)
            self.assertEqual(set(order), wanted, record)
            # As the contract's example has them.
            written = [f"{name}.{key}" if name in OBJECTS else name for name, value in record.items()
                       for key in (value if name in OBJECTS else [name])]
            self.assertEqual(written, order)
        return found

    def once(self, answer, kind, wanted, policy="contain", ends=False, **options):
        """One request on a connection of its own, and its one record."""
        def script(conversation):
            if conversation.read_request():
                # A hang-up is told within 50 ms alone: corked, it leaves in one segment with the answer, however busy the machine is.
                conversation.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_CORK, ends)
                conversation.send(answer)
                if ends:
                    conversation.socket.shutdown(socket.SHUT_WR)
                conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, policy=policy, **options)
        proxy.get("/orders/7?token=hunter2")
        proxy.wait_incidents(1)
        record = self.records(proxy, [(kind, wanted)])[0]
        self.assertEqual(record["request"]["path"], "/orders/7?token=[REDACTED]")
        self.assertEqual(record["upstream"]["exchange"], 1)
        return record

    def test_second_response(self):
        record = self.once(HEAD + b"first" + STRAY, "second_response", EXCHANGE | LENGTH | BLOCK)
        self.assertIncident(record, response__declared_bytes=5, response__body_bytes=5, evidence__second_status=500,
                            evidence__second_fields=["content-type", "content-length"], evidence__offset=len(HEAD) + 5,
                            evidence__connection_offset=len(HEAD) + 5, evidence__surplus_bytes=len(STRAY))

    def test_with_a_sample(self):
        record = self.once(HEAD + b"first" + STRAY, "second_response", EXCHANGE | LENGTH | BLOCK | {"evidence.sample"},
                           incidents={"evidence": {"sample": "escaped"}})
        self.assertIn(r"HTTP/1.1 500 Oops\r\n", record["evidence"]["sample"])

    def test_header_block_in_body(self):
        record = self.once(CHUNKED + STRAY, "header_block_in_body", EXCHANGE | BLOCK)
        self.assertIncident(record, response__framing="chunked", response__body_bytes=5, evidence__offset=len(CHUNKED))

    def test_header_block_in_a_body_of_known_length(self):
        self.once(b"HTTP/1.1 200 OK\r\nContent-Length: 8\r\n\r\nhalf" + STRAY + b"last", "header_block_in_body",
                  EXCHANGE | LENGTH | BLOCK | {"evidence.proof"})

    def test_late_interim(self):
        self.once(CHUNKED + b"HTTP/1.1 102 Processing\r\n\r\n0\r\n\r\n", "late_interim", EXCHANGE | BLOCK)

    def test_body_after_end(self):
        self.once(HEAD + b"firstsecond", "body_after_end", EXCHANGE | LENGTH | SURPLUS)

    def test_duplicate_field(self):
        record = self.once(HEAD.replace(b"\r\n\r\n", b"\r\nETag: a\r\nETag: b\r\n\r\n") + b"first", "duplicate_field",
                           EXCHANGE | LENGTH | PLACE | {"evidence.second_fields", "evidence.reason"})
        self.assertIncident(record, evidence__second_fields=["etag"], evidence__offset=0)

    def test_conflicting_framing(self):
        record = self.once(
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n", "conflicting_framing",
            EXCHANGE | LENGTH | PLACE | {"evidence.second_fields", "evidence.reason"})
        self.assertEqual(set(record["evidence"]["second_fields"]), {"content-length", "transfer-encoding"})

    def test_truncated_response(self):
        record = self.once(b"HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nfirst", "truncated_response",
                           EXCHANGE | LENGTH | PLACE | {"evidence.delay_ms"}, ends=True)
        self.assertIncident(record, response__declared_bytes=9, response__body_bytes=5, client_impact="aborted")

    def test_truncated_in_its_header_block(self):
        self.once(b"HTTP/1.1 200 OK\r\nContent-Le", "truncated_response",
                  EXCHANGE - {"response.status", "response.framing", "response.body_bytes"} | PLACE, ends=True)

    def test_stalled_response(self):
        self.once(CHUNKED, "stalled_response", EXCHANGE | PLACE | {"evidence.delay_ms"}, timeouts={"body_idle": "50ms"})

    def test_malformed_message(self):
        self.once(CHUNKED + b"garbage\r\n", "malformed_message", EXCHANGE | PLACE | {"evidence.delay_ms", "evidence.reason"})

    def test_malformed_header_block(self):
        self.once(b"HTTP/1.1 two hundred\r\n\r\n", "malformed_message",
                  EXCHANGE - {"response.status", "response.framing", "response.body_bytes"} | PLACE | {"evidence.reason"})

    def test_hangup_after_end(self):
        self.once(HEAD + b"first", "hangup_after_end", EXCHANGE | LENGTH | PLACE | {"evidence.delay_ms"}, ends=True)

    def test_misdelivered_response(self):
        def script(conversation):
            if conversation.read_request() is None:
                return
            conversation.send(HEAD + b"first")
            if conversation.number == 1:
                # The next request is there, and nobody has read it.
                client.wait_until_ready(conversation.socket, select.POLLIN)
                conversation.send(STRAY)
                client.wait_until_ready(conversation.socket, select.POLLRDHUP)
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script, unix_path=f"{self.directory}/app.sock").address, connections={"hold": "0ms"})
        with proxy.connect() as one:
            one.get("/first")
            self.assertEqual(one.get("/second").body, b"first")
            proxy.wait_incidents(1)
        self.records(proxy, [("misdelivered_response", EXCHANGE | LENGTH | BLOCK | VICTIM | {"evidence.proof"})])

    def test_one_answer_too_many(self):
        script, shifted = upstream.shifting(HEAD + b"first", STRAY, HEAD + b"other")
        proxy = self.proxy(self.scripted(script).address, connections={"max": 1, "reuse": "always"})
        with proxy.connect() as one:
            one.get("/first")
            one.get("/second")
            shifted.set()
            found = proxy.wait_incidents(1)[0]
        # Nothing has been learned of either request: which of them it is depends on the moment.
        victim = VICTIM if found["client_impact"] == "misdelivered" else set()
        self.records(proxy, [("second_response", EXCHANGE | LENGTH | BLOCK | victim | {"candidates"})])

    def test_two_answers_in_one_read_name_the_request_before(self):
        def script(conversation):
            if conversation.read_request() is None:
                return
            conversation.send(HEAD + b"first")
            if conversation.read_request() is not None:
                conversation.send(HEAD + b"other" + STRAY)
                conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, connections={"max": 1, "reuse": "always"})
        with proxy.connect() as one:
            one.get("/first?id=7")
            self.assertEqual(one.get("/second").body, b"other")
            proxy.wait_incidents(1)
        record = self.records(proxy, [("second_response", EXCHANGE | LENGTH | BLOCK | {"candidates"})])[0]
        self.assertIncident(record, request__path="/second", attribution="likely")
        self.assertEqual([one["path"] for one in record["candidates"]], ["/second", "/first?id=[REDACTED]"])
        self.assertRegex(record["message"], r"most likely GET /second's own, but it may be that of GET /first\?id=\[REDACTED\] ")

    def test_a_204_with_the_body_that_it_announces_is_told_once(self):
        def script(conversation):
            if conversation.read_request() is not None:
                conversation.send(b"HTTP/1.1 204 No Content\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n")
                conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        self.assertEqual(proxy.get("/empty").status, 204)
        self.assertIncident(proxy.wait_incidents(1)[0], kind="conflicting_framing", certainty="proven", request__path="/empty")
        proxy.wait_metric(15, "sendonce_surplus_bytes_total")
        self.assertEqual(len(self.end(proxy)), 1)

    def test_a_client_s_fault(self):
        proxy = self.proxy(self.scripted(upstream.by_target({})).address)
        with proxy.connect() as one:
            one.send(b"GET / HTTP/1.1\r\nHost: app.test\r\nHost: app.test\r\n\r\n")
            self.assertEqual(one.read_response().status, 400)
            proxy.wait_incidents(1)
        record = self.records(proxy, [("duplicate_field", EVERY | {
            "client.address", "client.protocol", "request.id", "request.method", "request.path", "request.template",
            "evidence.second_fields",
            "evidence.reason"})])[0]
        self.assertIncident(record, origin="client", route="_none", evidence__second_fields=["host"])

    def test_a_client_s_fault_that_leaves_no_request(self):
        proxy = self.proxy(self.scripted(upstream.by_target({})).address)
        with proxy.connect() as one:
            one.send(b"GET / HTTP/1.1\r\nHost: app.test\r\nno field\r\n\r\n")
            self.assertEqual(one.read_response().status, 400)
            proxy.wait_incidents(1)
        self.records(proxy, [("malformed_message", EVERY | {"client.address", "client.protocol", "evidence.reason"})])

    def test_every_key_is_explained(self):
        text = (ROOT / "docs/incident-log.md").read_text()
        section = re.search(r"^## Field by field$(.*?)^## ", text, re.M | re.S)[1]
        explained = re.findall(r"^\| `([a-z_.]+)` \|", section, re.M)
        # What the probe knows, and the file beside the log, are tests of their own.
        elsewhere = {name for name in explained if name.startswith("application.")}
        self.assertEqual([name for name in explained if name not in elsewhere], list(KEYS))
