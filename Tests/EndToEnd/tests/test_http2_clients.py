"""HTTP/2 clients that break the protocol's rules: refused as any strict server would, and recorded with the client as the origin.

What a client has sent before it could know better is never held against it.
"""

import threading

import frames
import upstream
from harness import EndToEndTest

POST = (":method", "POST"), (":scheme", "http"), (":authority", "shop.example"), (":path", "/upload?token=secret")
STREAM_CLOSED, PROTOCOL_ERROR, FLOW_CONTROL_ERROR = 5, 1, 3


class HTTP2ClientTest(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.release = threading.Event()
        self.addCleanup(self.release.set)

        def script(conversation):
            while (request := conversation.read_head()) is not None:
                if request.method == "POST" and request.target != "/early":
                    conversation.read_exactly(1)
                if request.target == "/held":
                    self.release.wait(10)
                conversation.send(upstream.ok(b"good"))
                if request.method == "POST":
                    return conversation.wait_for_end()
        self.origin = self.scripted(script)
        self.to = self.proxy(self.origin.address)
        self.peer = self.connect()

    def connect(self):
        one = self.dial(self.to)
        self.name = "%s:%d" % one.getsockname()
        return frames.client(one)

    def ends(self, stream, peer=None):
        """How a stream ends: its reset's code, "end" for its answer's end, the code of a GOAWAY as "goaway 1", "closed"."""
        while (seen := (peer or self.peer).read()) is not None:
            kind, flags, on, payload = seen
            if kind == frames.GOAWAY:
                return "goaway %d" % int.from_bytes(payload[4:8], "big")
            if on == stream and kind == frames.RST_STREAM:
                return int.from_bytes(payload, "big")
            if on == stream and kind in (frames.HEADERS, frames.DATA) and flags & frames.END_STREAM:
                return "end"
        return "closed"

    def told(self, kind, phase, impact="aborted", route="main", path="/upload?token=[REDACTED]", **expected):
        """One incident, whose facts are these; and another connection is none the worse for it."""
        incident = self.to.wait_incidents(1)[0]
        if path is not None:
            expected.update(request__path=path)
        self.assertIncident(
            incident, kind=kind, certainty="proven", origin="client", protocol="h2", client__protocol="h2",
            client__address=self.name, evidence__phase=phase, client_impact=impact, route=route, **expected)
        self.assertEqual("request" in incident, path is not None, incident)
        other = self.connect()
        other.send(frames.request(1, "/"))
        self.assertEqual(self.ends(1, other), "end")
        labels = {"route": route, "upstream": "app" if "upstream" in incident else "_none"}
        self.to.wait_metric(1, "sendonce_incidents_total", kind=kind, certainty="proven", **labels)
        self.assertEqual(self.end(self.to), [incident])
        return incident


class OnOpenStreams(HTTP2ClientTest):
    """Each of these resets the stream, and with it the exchange; its siblings go on."""

    def check(self, sent, code, *told, expected=(), **facts):
        self.peer.send(frames.request(1, "/held"), *sent)
        self.assertEqual(self.ends(3), code)
        self.release.set()
        self.assertEqual(self.ends(1), "end")
        self.to.wait_metric(1, "sendonce_client_rejected_total", reason="malformed_request")
        return self.told(*told, **facts)

    def post(self, *more, end=False):
        return frames.headers(3, *POST, *more, end=end)

    def test_data_after_the_end(self):
        held = frames.headers(3, *POST[:3], (":path", "/held"), end=True)
        self.check([held, frames.data(3, b"more")], STREAM_CLOSED, "body_after_end", "after_end",
                   path="/held", evidence__surplus_bytes=4, severity="warning")

    def test_more_data_after_the_end(self):
        held = frames.headers(3, *POST[:3], (":path", "/held"), end=True)
        self.check([held, frames.data(3, b"\r\n"), frames.data(3, b"more"), frames.data(3, b"of it", end=True)],
                   STREAM_CLOSED, "body_after_end", "after_end", path="/held", evidence__surplus_bytes=11, severity="warning")

    def test_an_empty_line_after_the_end(self):
        held = frames.headers(3, *POST[:3], (":path", "/held"), end=True)
        self.check([held, frames.data(3, b"\r\n")], STREAM_CLOSED, "body_after_end", "after_end",
                   path="/held", evidence__surplus_bytes=2, severity="info")

    def test_a_header_block_after_the_end(self):
        held = frames.headers(3, *POST[:3], (":path", "/held"), end=True)
        incident = self.check(
            [held, frames.headers(3, ("x-late", "1"), end=True)], STREAM_CLOSED, "body_after_end", "after_end", path="/held")
        self.assertEqual(incident["evidence"]["second_fields"], ["x-late"])

    def test_past_content_length(self):
        self.check([self.post(("content-length", "5")), frames.data(3, b"hello, and more", end=True)],
                   PROTOCOL_ERROR, "body_after_end", "after_end", evidence__surplus_bytes=10)

    def test_short_of_content_length(self):
        self.check([self.post(("content-length", "50")), frames.data(3, b"hello", end=True)],
                   PROTOCOL_ERROR, "malformed_message", "in_body")

    def test_a_second_header_block_in_the_body(self):
        incident = self.check(
            [self.post(), frames.data(3, b"hello"), frames.headers(3, *POST, ("x-again", "1"))],
            PROTOCOL_ERROR, "header_block_in_body", "in_body", severity="error")
        self.assertEqual(incident["evidence"]["second_fields"], ["x-again"])
        self.assertGreater(incident["evidence"]["surplus_bytes"], 50)

    def test_trailers_that_do_not_end_the_stream(self):
        self.check([self.post(), frames.data(3, b"hello"), frames.headers(3, ("x-trailer", "1"))],
                   PROTOCOL_ERROR, "header_block_in_body", "in_body")

    def test_pseudo_fields_in_trailers(self):
        self.check([self.post(), frames.data(3, b"hello"), frames.headers(3, (":path", "/other"), end=True)],
                   PROTOCOL_ERROR, "header_block_in_body", "in_body")

    def test_trailers_that_are_not_http(self):
        self.check([self.post(), frames.data(3, b"hello"), frames.headers(3, ("X-Upper", "1"), end=True)],
                   PROTOCOL_ERROR, "malformed_message", "in_body")


class HeaderBlocks(HTTP2ClientTest):
    """Requests that no upstream sees."""

    def refused(self, *fields, end=True, kind="malformed_message", names=None, path=None):
        self.peer.send(frames.request(1, "/held"), frames.headers(3, *fields, end=end))
        self.assertEqual(self.ends(3), PROTOCOL_ERROR)
        self.release.set()
        self.assertEqual(self.ends(1), "end")
        incident = self.told(kind, "in_head", route="_none", path=path)
        self.assertNotIn("upstream", incident)
        self.assertEqual(incident["evidence"].get("second_fields"), names)
        received = b"".join(bytes(one.received) for one in self.origin.conversations)
        self.assertEqual((received.count(b"GET /held "), received.count(b"GET / "), received.count(b"POST ")), (1, 1, 0))

    def test_path_twice(self):
        self.refused(*POST, (":path", "/other"), kind="duplicate_field", names=[":path"], path="/other")

    def test_method_twice(self):
        self.refused(POST[0], *POST, kind="duplicate_field", names=[":method"], path="/upload?token=[REDACTED]")

    def test_content_length_twice(self):
        self.refused(*POST, ("content-length", "0"), ("content-length", "0"), kind="duplicate_field",
                     names=["content-length"], path="/upload?token=[REDACTED]")

    def test_content_lengths_that_differ(self):
        self.refused(*POST, ("content-length", "0"), ("content-length", "1"), kind="conflicting_framing",
                     names=["content-length"], path="/upload?token=[REDACTED]")

    def test_a_content_length_that_is_none(self):
        self.refused(*POST, ("content-length", "+1"), end=False, kind="conflicting_framing",
                     names=["content-length"], path="/upload?token=[REDACTED]")

    def test_content_length_without_a_body(self):
        self.refused(*POST, ("content-length", "5"))

    def test_no_path(self):
        self.refused(*POST[:3])

    def test_a_pseudo_field_behind_others(self):
        self.refused(("x-first", "1"), *POST)

    def test_transfer_encoding(self):
        self.refused(*POST, ("transfer-encoding", "chunked"), end=False)

    def test_too_many_fields_are_no_violation(self):
        self.peer.send(frames.headers(1, *POST, *((f"x-{i}", "1") for i in range(200)), end=True))
        self.assertEqual(self.ends(1), "end")
        self.to.wait_metric(1, "sendonce_client_rejected_total", reason="header_too_large")
        self.assertNoIncidents(self.to)


class OnClosedStreams(HTTP2ClientTest):
    def answered(self, stream=1, path="/?q=secret"):
        self.peer.send(frames.request(stream, path))
        self.assertEqual(self.ends(stream), "end")

    def test_data(self):
        # Told once, however much comes.
        self.answered()
        self.peer.send(*[frames.data(1, b"late")] * 3, frames.request(3, "/"))
        self.assertEqual([self.ends(1) for _ in range(3)], [STREAM_CLOSED] * 3)
        self.assertEqual(self.ends(3), "end")
        incident = self.told("body_after_end", "after_end", impact="none", path="/?q=[REDACTED]", evidence__surplus_bytes=12,
                             response__status=200, request__method="GET", request__host="shop.example", upstream__exchange=1)
        self.assertIn("DATA of 12 bytes", incident["message"])

    def test_a_header_block(self):
        self.answered()
        self.peer.send(frames.headers(1, ("x-late", "1"), end=True))
        self.assertEqual(self.ends(1), "goaway 5")
        self.to.wait_metric(1, "sendonce_client_rejected_total", reason="malformed_frames")
        self.told("body_after_end", "after_end", impact="none", path="/?q=[REDACTED]")

    def test_each_stream_by_its_name(self):
        for i in range(5):
            self.answered(2 * i + 1, f"/{i}")
        self.peer.send(frames.data(5, b"late"))
        self.assertEqual(self.ends(5), STREAM_CLOSED)
        self.told("body_after_end", "after_end", impact="none", path="/2")

    def test_a_stream_whose_request_is_forgotten(self):
        for i in range(12):
            self.answered(2 * i + 1)
        self.peer.send(frames.data(3, b"late"), frames.data(9, b"later"))
        self.assertEqual(self.ends(9), STREAM_CLOSED)
        first, second = self.to.wait_incidents(2)
        # The stream is remembered longer than its request.
        self.assertIncident(first, kind="body_after_end", route="_none", client__address=self.name)
        self.assertIncident(second, kind="body_after_end", route="main", request__path="/?q=[REDACTED]")
        self.assertNotIn("request", first)


class Connections(HTTP2ClientTest):
    def check(self, sent, code):
        self.peer.send(frames.request(1, "/held"), sent)
        self.assertEqual(self.ends(1), f"goaway {code}")
        self.to.wait_metric(1, "sendonce_client_rejected_total", reason="malformed_frames")
        self.told("malformed_message", "in_head", route="_none", path=None)

    def test_a_frame_too_large(self):
        self.check(b"\x00\x40\x01" + bytes(6), 6)

    def test_a_continuation_alone(self):
        self.check(frames.frame(frames.CONTINUATION, 4, 1), PROTOCOL_ERROR)

    def test_data_on_a_stream_that_is_not_open(self):
        self.check(frames.data(9, b"x"), PROTOCOL_ERROR)

    def test_a_window_too_wide(self):
        self.check(frames.frame(frames.WINDOW_UPDATE, 0, 0, b"\x7f\xff\xff\xff"), FLOW_CONTROL_ERROR)

    def test_a_window_update_of_nothing(self):
        self.peer.send(frames.request(1, "/held"), frames.frame(frames.WINDOW_UPDATE, 0, 1, bytes(4)))
        self.assertEqual(self.ends(1), PROTOCOL_ERROR)
        self.to.wait_metric(1, "sendonce_client_rejected_total", reason="malformed_frames")
        self.told("malformed_message", "in_body", path="/held")

    def test_a_hostile_client_fills_no_log(self):
        self.end(self.to)
        self.to = self.proxy(self.origin.address, incidents={"limit": {"burst": 3, "per_second": 1}})
        peer = self.connect()
        for i in range(100):
            peer.send(frames.headers(2 * i + 1, *POST[:3], end=True))
            self.assertEqual(self.ends(2 * i + 1, peer), PROTOCOL_ERROR)
        self.to.wait_metric(100, "sendonce_incidents_total", kind="malformed_message")
        held_back = self.to.metrics().sum("sendonce_incidents_suppressed_total", kind="malformed_message")
        written = len(self.end(self.to))
        self.assertEqual(written + held_back, 100)
        self.assertLess(written, 50)


class Innocents(HTTP2ClientTest):
    """What was on its way when its stream was over, or is a client's right."""

    def test_data_in_flight_when_the_answer_came_first(self):
        self.peer.send(frames.headers(1, *POST[:3], (":path", "/early"), end=False))
        # 404 of the upstream without a look at the body: END_STREAM, and then NO_ERROR says that no more is needed.
        self.assertEqual(self.ends(1), "end")
        self.assertEqual(self.ends(1), 0)
        self.peer.send(*[frames.data(1, b"on its way")] * 5, frames.headers(1, ("x-trailer", "1"), end=True), frames.request(3, "/"))
        self.assertEqual(self.ends(3), "end")
        self.assertNoIncidents(self.to)

    def test_data_in_flight_when_the_request_was_refused(self):
        self.peer.send(
            frames.headers(1, *POST, *((f"x-{i}", "1") for i in range(200))), frames.data(1, b"body"),
            frames.data(1, b"more", end=True), frames.request(3, "/"))
        self.assertEqual(self.ends(3), "end")
        self.assertNoIncidents(self.to)

    def test_data_in_flight_when_its_upstream_failed(self):
        def cut(conversation):
            conversation.read_head()
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf")
        self.end(self.to)
        self.to = self.proxy(self.scripted(cut).address)
        peer = self.connect()
        peer.send(frames.headers(1, *POST))
        self.assertEqual(self.ends(1, peer), 2)
        peer.send(frames.data(1, b"on its way"), frames.data(1, b"", end=True), frames.frame(frames.PING, 0, 0, bytes(8)))
        while (seen := peer.read())[0] != frames.PING:
            pass
        self.assertEqual([i["origin"] for i in self.end(self.to)], ["upstream"])

    def test_a_client_that_resets_and_goes_on(self):
        self.peer.send(
            frames.headers(1, *POST[:3], (":path", "/held")), frames.data(1, b"some"),
            frames.frame(frames.RST_STREAM, 0, 1, (8).to_bytes(4, "big")), frames.data(1, b"more"), frames.request(3, "/"))
        self.assertEqual(self.ends(3), "end")
        self.assertNoIncidents(self.to)

    def test_a_client_that_goes_away_in_its_body(self):
        self.peer.send(frames.headers(1, *POST[:3], (":path", "/held"), ("content-length", "50")), frames.data(1, b"some"))
        self.peer.socket.close()
        self.to.wait_metric(0, "sendonce_client_connections")
        self.assertNoIncidents(self.to)

    def test_trailers_and_empty_frames(self):
        self.peer.send(
            frames.headers(1, *POST[:3], (":path", "/")), frames.data(1), frames.data(1, b"body"), frames.data(1),
            frames.headers(1, ("x-trailer", "1"), end=True))
        self.assertEqual(self.ends(1), "end")
        self.assertNoIncidents(self.to)
