"""Requests that no strict server accepts, request smuggling above all: refused, closed, and never seen by the upstream.

Those that break HTTP's own rules leave a record with the client as its origin; what is only too large, too new or not served
leaves none.
"""

import upstream
from harness import EndToEndTest

BIG = "x" * 70_000


class BadRequestTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.origin = self.scripted(upstream.by_target({"/": upstream.ok(), "/good": upstream.ok(b"good")}))
        self.to = self.proxy(self.origin.address)

    def refuse(self, text, *statuses, reaches_upstream=False, kind=None):
        """The answer is one of the statuses, then the connection ends, and whatever followed was not taken for a request."""
        with self.to.connect() as one:
            try:
                one.send(text if isinstance(text, bytes) else text.encode())
            except ConnectionError:
                # Refused before all of it was sent: the answer is there all the same.
                pass
            response = one.read_response()
            self.assertIn(response.status, statuses, response)
            self.assertEqual(one.rest(), b"")
            name = one.name
        if not reaches_upstream:
            self.assertEqual([bytes(c.received) for c in self.origin.conversations if c.received], [])
        # And the proxy is none the worse for it.
        self.assertEqual(self.to.get("/good").body, b"good")
        if kind is None:
            return self.assertNoIncidents(self.to)
        incident = self.to.wait_incidents(1)[0]
        self.assertIncident(
            incident, kind=kind, certainty="proven", severity="warning", origin="client", client_impact="none",
            client__address=name, evidence__phase="in_body" if reaches_upstream else "in_head",
            route="main" if reaches_upstream else "_none")
        labels = {"route": incident["route"], "upstream": "app" if reaches_upstream else "_none"}
        self.to.wait_metric(1, "sendonce_incidents_total", kind=kind, certainty="proven", **labels)
        self.assertEqual(self.end(self.to), [incident])


def refused(name, text, *statuses, **options):
    """Adds a test of its own for each request, so that each is counted and named."""
    def test(self):
        default = "malformed_message" if options.get("reaches_upstream") else KINDS.get(name, ANY_OTHER[type(self)])
        self.refuse(text, *statuses, kind=default, **options)
    return f"test_{name}", test


def request(*fields, start="GET / HTTP/1.1", host="Host: a", body=""):
    return "\r\n".join([start, *([host] if host else []), *fields]) + "\r\n\r\n" + body


# What is recorded where it is not the class's own kind.
KINDS = {
    "no_host": None, "two_hosts": "duplicate_field", "version_2_0": None, "version_3_1": None,
    "huge_field": None, "too_many_fields": None, "huge_target": None, "connect": None,
    "space_before_the_colon_of_transfer_encoding": "malformed_message",
    "vertical_tab_before_chunked": "malformed_message",
}

SMUGGLED = "GET /admin HTTP/1.1\r\nHost: a\r\n\r\n"


class BadRequests(BadRequestTest):
    pass


for name, test in [
    refused("no_host", request(host=None), 400),
    refused("two_hosts", request("Host: b"), 400),
    refused("host_with_a_space", request(host="Host: a b"), 400),
    refused("method_that_is_no_token", request(start="G@T / HTTP/1.1"), 400),
    refused("no_version", "GET /\r\nHost: a\r\n\r\n", 400, 505),
    refused("version_2_0", request(start="GET / HTTP/2.0"), 505),
    refused("version_3_1", request(start="GET / HTTP/3.1"), 505),
    refused("version_in_small_letters", request(start="GET / http/1.1"), 400, 505),
    refused("version_with_two_digits", request(start="GET / HTTP/1.10"), 400, 505),
    refused("two_spaces_in_the_request_line", request(start="GET  / HTTP/1.1"), 400),
    refused("space_in_the_target", request(start="GET /a b HTTP/1.1"), 400),
    refused("control_character_in_the_target", request(start="GET /\x01 HTTP/1.1"), 400),
    refused("bare_line_feeds", "GET / HTTP/1.1\nHost: a\n\n", 400),
    refused("bare_line_feed_between_fields", "GET / HTTP/1.1\r\nHost: a\nX: b\r\n\r\n", 400),
    refused("bare_line_feed_after_the_request_line", "GET / HTTP/1.1\nHost: a\r\n\r\n", 400),
    refused("bare_carriage_return_in_a_value", request("X: a\rb"), 400),
    refused("nul_in_a_value", request("X: a\0b"), 400),
    refused("space_before_the_colon", request("X : a"), 400),
    refused("folded_field", request("X: a", " b"), 400),
    refused("leading_space_on_the_first_field", "GET / HTTP/1.1\r\n X: a\r\nHost: a\r\n\r\n", 400),
    refused("empty_field_name", request(": a"), 400),
    refused("field_without_a_colon", request("nothing"), 400),
    refused("field_name_with_a_space", request("X Y: a"), 400),
    refused("huge_field", request(f"X: {BIG}"), 431),
    refused("too_many_fields", request(*(f"X-{i}: {i}" for i in range(200))), 431),
    refused("huge_target", request(start=f"GET /{BIG} HTTP/1.1"), 414),
    refused("connect", request(start="CONNECT a:443 HTTP/1.1"), 400, 405, 501),
    refused("tls_hello", b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03" + b"\r\n\r\n", 400),
]:
    setattr(BadRequests, name, test)


class Smuggling(BadRequestTest):
    """Framings on which two parsers could disagree; `SMUGGLED` stands where one of them would see a request."""


for name, test in [
    refused("length_and_chunked", request(
        "Content-Length: 4", "Transfer-Encoding: chunked", start="POST / HTTP/1.1", body="0\r\n\r\n" + SMUGGLED), 400),
    refused("chunked_and_length", request(
        "Transfer-Encoding: chunked", "Content-Length: 40", start="POST / HTTP/1.1", body="0\r\n\r\n" + SMUGGLED), 400),
    refused("two_lengths", request(
        "Content-Length: 0", "Content-Length: 40", start="POST / HTTP/1.1", body=SMUGGLED), 400),
    refused("two_lengths_in_a_list", request("Content-Length: 0, 40", start="POST / HTTP/1.1", body=SMUGGLED), 400),
    refused("length_with_a_sign", request("Content-Length: +0", start="POST / HTTP/1.1", body=SMUGGLED), 400),
    refused("negative_length", request("Content-Length: -1", start="POST / HTTP/1.1", body=SMUGGLED), 400),
    refused("hexadecimal_length", request("Content-Length: 0x0", start="POST / HTTP/1.1", body=SMUGGLED), 400),
    refused("length_with_a_space", request("Content-Length: 0 0", start="POST / HTTP/1.1", body=SMUGGLED), 400),
    refused("empty_length", request("Content-Length:", start="POST / HTTP/1.1", body=SMUGGLED), 400),
    refused("length_past_64_bits", request(
        "Content-Length: 18446744073709551616", start="POST / HTTP/1.1", body=SMUGGLED), 400, 413),
    refused("unknown_coding", request("Transfer-Encoding: xchunked", start="POST / HTTP/1.1", body=SMUGGLED), 400, 501),
    refused("chunked_not_last", request(
        "Transfer-Encoding: chunked, identity", start="POST / HTTP/1.1", body="0\r\n\r\n" + SMUGGLED), 400, 501),
    refused("chunked_twice", request(
        "Transfer-Encoding: chunked, chunked", start="POST / HTTP/1.1", body="0\r\n\r\n" + SMUGGLED), 400, 501),
    refused("chunked_in_two_fields", request(
        "Transfer-Encoding: chunked", "Transfer-Encoding: identity", start="POST / HTTP/1.1", body="0\r\n\r\n" + SMUGGLED), 400, 501),
    refused("vertical_tab_before_chunked", request(
        "Transfer-Encoding: \x0bchunked", start="POST / HTTP/1.1", body="0\r\n\r\n" + SMUGGLED), 400, 501),
    refused("space_before_the_colon_of_transfer_encoding", request(
        "Transfer-Encoding : chunked", start="POST / HTTP/1.1", body="0\r\n\r\n" + SMUGGLED), 400),
    refused("chunked_in_http_1_0", request(
        "Transfer-Encoding: chunked", start="POST / HTTP/1.0", body="0\r\n\r\n" + SMUGGLED), 400),
    refused("bad_chunk_size", request(
        "Transfer-Encoding: chunked", start="POST / HTTP/1.1", body="zz\r\n" + SMUGGLED), 400, reaches_upstream=True),
    refused("chunk_size_with_a_sign", request(
        "Transfer-Encoding: chunked", start="POST / HTTP/1.1", body="+0\r\n\r\n" + SMUGGLED), 400, reaches_upstream=True),
    refused("chunk_size_with_a_prefix", request(
        "Transfer-Encoding: chunked", start="POST / HTTP/1.1", body="0x0\r\n\r\n" + SMUGGLED), 400, reaches_upstream=True),
    refused("chunk_size_past_64_bits", request(
        "Transfer-Encoding: chunked", start="POST / HTTP/1.1", body="10000000000000000\r\n" + SMUGGLED), 400, 413,
        reaches_upstream=True),
    refused("bare_line_feed_after_the_chunk_size", request(
        "Transfer-Encoding: chunked", start="POST / HTTP/1.1", body="1\na\r\n0\r\n\r\n" + SMUGGLED), 400, reaches_upstream=True),
    refused("bare_line_feed_in_a_chunk_extension", request(
        "Transfer-Encoding: chunked", start="POST / HTTP/1.1", body="1;a\nb\r\na\r\n0\r\n\r\n" + SMUGGLED), 400,
        reaches_upstream=True),
    refused("chunk_longer_than_its_size", request(
        "Transfer-Encoding: chunked", start="POST / HTTP/1.1", body="1\r\nabc\r\n0\r\n\r\n" + SMUGGLED), 400, reaches_upstream=True),
]:
    setattr(Smuggling, name, test)


ANY_OTHER = {BadRequests: "malformed_message", Smuggling: "conflicting_framing"}


class Limits(BadRequestTest):
    def test_body_over_the_limit(self):
        self.end(self.to)
        self.to = self.proxy(self.origin.address, limits={"body_bytes": "1KiB"})
        self.refuse(request("Content-Length: 2000", start="POST / HTTP/1.1"), 413)

    def test_chunked_body_over_the_limit(self):
        self.end(self.to)
        self.to = self.proxy(self.origin.address, limits={"body_bytes": "1KiB"})
        self.refuse(request("Transfer-Encoding: chunked", start="POST / HTTP/1.1", body="800\r\n" + "a" * 2048 + "\r\n"), 413,
                    reaches_upstream=True)

    def too_much(self, body, status, reason):
        """Of what HTTP allows: refused and counted, and no record."""
        with self.to.connect() as one:
            one.send((request("Transfer-Encoding: chunked", start="POST / HTTP/1.1") + body).encode())
            self.assertEqual(one.read_response().status, status)
        self.to.wait_metric(1, "sendonce_client_rejected_total", reason=reason)
        self.assertNoIncidents(self.to)

    def test_chunk_extensions_over_the_limit(self):
        self.too_much(f"1;a={BIG}\r\na\r\n0\r\n\r\n", 413, "body_too_large")

    def test_trailers_over_the_limit(self):
        self.too_much(f"1\r\na\r\n0\r\nX: {BIG}\r\n\r\n", 431, "header_too_large")

    def test_a_head_that_never_ends(self):
        self.end(self.to)
        self.to = self.proxy(self.origin.address, timeouts_={"client_header": "300ms"})
        self.refuse("GET / HTTP/1.1\r\nHost: a\r\nX", 408)

    def test_a_body_that_never_ends(self):
        self.end(self.to)
        self.to = self.proxy(self.origin.address, timeouts_={"client_body": "300ms"})
        self.refuse(request("Content-Length: 5", start="POST / HTTP/1.1", body="ab"), 408, reaches_upstream=True)

    def test_an_idle_client_is_closed_without_a_word(self):
        self.end(self.to)
        self.to = self.proxy(self.origin.address, timeouts_={"client_idle": "300ms"})
        with self.to.connect() as one:
            self.assertEqual(one.get("/good").body, b"good")
            self.assertEqual((one.rest(), one.ended), (b"", "eof"))

    def test_the_limit_counts_what_is_refused(self):
        self.end(self.to)
        self.to = self.proxy(self.origin.address, limits={"client_connections": 3})
        kept = [self.to.connect() for _ in range(3)]
        for one in kept:
            self.assertEqual(one.get("/good").body, b"good")
        with self.to.connect() as one:
            self.assertNotIn(b"200 OK", one.rest())
        self.to.wait_metric(1, "sendonce_client_rejected_total", least=True)
        for one in kept:
            self.assertEqual(one.get("/good").body, b"good")
            one.close()
