"""What servers that speak HTTP/2 do wrong, frame by frame, and what only looks like it."""

import socket
import threading

import frames
from test_http2 import HTTP2Test

OK = (":status", "200")


class Violations(HTTP2Test):
    """Frames that Node's public API never writes, and broken servers do: the same kinds as over HTTP/1."""

    def told(self, script, expected_body=b"hello", status=b"200", code=None, policy="contain", **expected):
        proxy = self.h2_proxy(
            self.scripted(frames.server(script)).address,
            routes=[{"name": "app", "upstream": "app", "on_violation": policy}])
        peer = self.frame_client(proxy)
        peer.send(frames.request(1, "/guilty?token=secret"))
        heads, body, ended = self.answer(peer, 1)
        if expected_body is not None:
            self.assertEqual(body, expected_body)
        self.assertEqual(ended, code)
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(
            incident, certainty="proven", protocol="h2", origin="upstream", request__path="/guilty?token=[REDACTED]",
            upstream__exchange=1, client__protocol="h2", **expected)
        self.assertEqual(len(self.end(proxy)), 1)
        return incident

    def test_data_after_the_end(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello", end=True), frames.data(stream, b"more"))
        self.told(script, kind="body_after_end", severity="warning", client_impact="none", evidence__surplus_bytes=4)

    def test_a_second_answer_after_the_end(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello", end=True),
                      frames.headers(stream, (":status", "500"), ("x-second", "1")), frames.data(stream, b"failed", end=True))
        incident = self.told(script, kind="second_response", severity="error", client_impact="none", evidence__second_status=500)
        self.assertEqual(incident["evidence"]["second_fields"], ["x-second"])

    def test_a_late_second_answer(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello", end=True))
            threading.Timer(0.03, lambda: peer.send(frames.headers(stream, (":status", "500"), end=True))).start()
        incident = self.told(script, kind="second_response", evidence__phase="idle", evidence__second_status=500)
        self.assertGreater(incident["evidence"]["delay_ms"], 20)

    def test_an_interim_after_the_end(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello", end=True),
                      frames.headers(stream, (":status", "103")))
        self.told(script, kind="late_interim", client_impact="none")

    def test_a_second_header_block_in_the_body(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello"),
                      frames.headers(stream, (":status", "500")), frames.data(stream, b"failed", end=True))
        self.told(script, kind="header_block_in_body", client_impact="aborted", code=2, evidence__phase="in_body",
                  evidence__second_status=500, response__body_bytes=5)

    def test_an_interim_in_the_body(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hel"),
                      frames.headers(stream, (":status", "103")), frames.data(stream, b"lo", end=True))
        self.told(script, kind="late_interim", client_impact="none", evidence__phase="in_body", response__body_bytes=3)

    def test_status_in_trailers(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello"),
                      frames.headers(stream, (":status", "500"), end=True))
        self.told(script, kind="header_block_in_body", client_impact="aborted", code=2)

    def test_trailers_that_do_not_end_the_stream(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello"), frames.headers(stream, ("x-t", "1")))
        self.told(script, kind="header_block_in_body", client_impact="aborted", code=2)

    def test_past_content_length(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK, ("content-length", "5")), frames.data(stream, b"hello, and more", end=True))
        self.told(script, kind="body_after_end", client_impact="none", evidence__surplus_bytes=10)

    def test_past_content_length_for_ever(self):
        # Its client is done when so much time is over, not when the server is.
        over = threading.Event()
        self.addCleanup(over.set)

        def script(peer, stream):
            peer.send(frames.headers(stream, OK, ("content-length", "5")), frames.data(stream, b"hello"))
            while not over.wait(0.02):
                peer.send(frames.data(stream, b"."))
        self.told(script, kind="body_after_end", client_impact="none")

    def test_data_after_the_end_that_goes_on(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello", end=True))
            for _ in range(20):
                peer.send(frames.data(stream, b"."))
                threading.Event().wait(0.02)
        proxy = self.h2_proxy(self.scripted(frames.server(script)).address)
        peer = self.frame_client(proxy)
        peer.send(frames.request(1, "/"))
        self.assertEqual(self.answer(peer, 1)[1:], (b"hello", None))
        proxy.wait_metric(20, "sendonce_surplus_bytes_total")
        self.assertEqual(len(self.end(proxy)), 1)

    def test_frames_on_streams_that_nobody_opened_go_on(self):
        # One incident, and the connection ends, whatever their numbers, DATA and header blocks alike.
        ended = threading.Event()

        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello", end=True))
            try:
                for n in range(200):
                    peer.send(frames.data(1001, b"."), frames.headers(2001 + 2 * n, OK))
                    if ended.wait(0.01):
                        break
            except OSError:
                ended.set()
        proxy = self.h2_proxy(self.scripted(frames.server(script)).address)
        peer = self.frame_client(proxy)
        peer.send(frames.request(1, "/"))
        self.assertEqual(self.answer(peer, 1)[1:], (b"hello", None))
        self.assertTrue(ended.wait(5))
        incidents = self.end(proxy)
        self.assertEqual([one["kind"] for one in incidents], ["body_after_end"])
        self.assertNotIn("request", incidents[0])

    def test_an_answer_to_the_request_that_is_about_to_be_sent(self):
        # What is read together with the reason for a request to be sent again cannot be the answer to it.
        def script(peer, stream):
            if stream == 1:
                peer.send(frames.frame(frames.RST_STREAM, 0, 1, bytes(4)),
                          frames.headers(3, OK), frames.data(3, b"another's", end=True))
            else:
                peer.send(frames.headers(stream, OK), frames.data(stream, b"its own", end=True))
        proxy = self.h2_proxy(self.scripted(frames.server(script)).address)
        peer = self.frame_client(proxy)
        peer.send(frames.request(1, "/"))
        self.assertEqual(self.answer(peer, 1)[1:], (b"its own", None))
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, kind="second_response", evidence__second_status=200)
        self.assertNotIn("request", incident)
        self.assertEqual(len(self.end(proxy)), 1)

    def test_an_answer_to_the_request_that_waits_for_a_stream(self):
        # The server takes one stream at a time, as it has said before its first answer: the end of one lets the next go.
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"answer %d" % stream, end=True),
                      *([frames.headers(5, OK), frames.data(5, b"another's", end=True)] if stream == 3 else []))
        proxy = self.h2_proxy(self.scripted(frames.server(script, streams_max=1)).address, connections={"max": 1})
        peer = self.frame_client(proxy)
        peer.send(frames.request(1, "/"))
        self.assertEqual(self.answer(peer, 1)[1:], (b"answer 1", None))
        peer.send(frames.request(3, "/"), frames.request(5, "/"))
        self.assertEqual(self.answer(peer, 3)[1:], (b"answer 3", None))
        self.assertIn(self.answer(peer, 5)[1], (b"answer 1", b"answer 5"))
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, kind="second_response", evidence__second_status=200)
        self.assertEqual(len(self.end(proxy)), 1)

    def test_short_of_content_length(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK, ("content-length", "50")), frames.data(stream, b"hello", end=True))
        self.told(script, kind="truncated_response", client_impact="aborted", code=2)

    def test_a_reset_in_the_body(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello"),
                      frames.frame(frames.RST_STREAM, 0, stream, (2).to_bytes(4, "big")))
        self.told(script, kind="truncated_response", client_impact="aborted", code=2)

    def whole(self, *sent, body=b"hello", request=frames.request(1, "/"), ends=True):
        """An answer that lacks nothing but its END_STREAM when its stream, or its connection, ends in good order."""
        def script(peer, stream):
            peer.send(*(one(stream) if callable(one) else one for one in sent))
            if ends:
                peer.socket.shutdown(socket.SHUT_WR)
        proxy = self.h2_proxy(self.scripted(frames.server(script)).address)
        peer = self.frame_client(proxy)
        peer.send(request)
        self.assertEqual(self.answer(peer, 1)[1:], (body, None))
        proxy.wait_metric(1, "sendonce_requests_total")
        self.assertNoIncidents(proxy)

    def test_a_whole_answer_without_its_end(self):
        no_error = lambda stream: frames.frame(frames.RST_STREAM, 0, stream, bytes(4))
        declared = lambda stream: frames.headers(stream, OK, ("content-length", "5"))
        hello = lambda stream: frames.data(stream, b"hello")
        self.whole(declared, hello, no_error, ends=False)
        self.whole(declared, hello)
        self.whole(declared, no_error, body=b"", request=frames.request(1, "/", "HEAD"), ends=False)
        self.whole(lambda stream: frames.headers(stream, (":status", "204")), no_error, body=b"", ends=False)

    def test_no_error_in_the_middle(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK, ("content-length", "6")), frames.data(stream, b"hello"),
                      frames.frame(frames.RST_STREAM, 0, stream, bytes(4)))
        self.told(script, kind="truncated_response", client_impact="aborted", code=2)

    def test_no_error_where_nothing_was_declared(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK), frames.data(stream, b"hello"),
                      frames.frame(frames.RST_STREAM, 0, stream, bytes(4)))
        self.told(script, kind="truncated_response", client_impact="aborted", code=2)

    def test_an_error_behind_the_last_byte(self):
        # The server itself says that something is wrong with what it has sent.
        def script(peer, stream):
            peer.send(frames.headers(stream, OK, ("content-length", "5")), frames.data(stream, b"hello"),
                      frames.frame(frames.RST_STREAM, 0, stream, (2).to_bytes(4, "big")))
        self.told(script, kind="truncated_response", client_impact="aborted", code=2)

    def test_duplicate_fields(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK, ("location", "/a"), ("location", "/b")), frames.data(stream, b"hello", end=True))
        self.told(script, kind="duplicate_field", client_impact="none")

    def test_status_twice(self):
        def script(peer, stream):
            peer.send(frames.headers(stream, OK, (":status", "500")), frames.data(stream, b"hello", end=True))
        # Which of the two is meant nobody can tell.
        incident = self.told(script, expected_body=None, kind="duplicate_field", client_impact="bad_gateway")
        self.assertEqual(incident["evidence"]["second_fields"], [":status"])

    def test_a_server_that_refuses_streams_is_given_fewer(self):
        def script(peer, stream):
            if not seen:
                seen.append(peer)
                return held.append(stream)
            if held and peer is seen[0]:
                # Refused without a look at it (RFC 9113 section 8.7): it may be sent again, here or elsewhere.
                peer.send(frames.frame(frames.RST_STREAM, 0, stream, (7).to_bytes(4, "big")))
                peer.send(frames.headers(held[0], OK), frames.data(held.pop(), b"OK", end=True))
            else:
                peer.send(frames.headers(stream, OK), frames.data(stream, b"OK", end=True))
        seen, held = [], []
        proxy = self.h2_proxy(self.scripted(frames.server(script)).address)
        answers = self.node_client(proxy, 2, "/ok")
        self.assertEqual([answer["body"] for answer in answers], ["OK", "OK"])
        self.assertNoIncidents(proxy)

    def test_a_guilty_stream_never_harms_its_siblings(self):
        held, answered = [], threading.Lock()

        def script(peer, stream):
            with answered:
                held.append(stream)
                if len(held) < 100:
                    return
            for i, one in enumerate(held):
                peer.send(frames.headers(one, OK), frames.data(one, b"the answer to %03d" % i))
            peer.send(frames.headers(held[41], (":status", "500")), frames.data(held[41], b"failed", end=True))
            for i, one in enumerate(held):
                if i != 41:
                    peer.send(frames.data(one, b", whole", end=True))
        proxy = self.h2_proxy(self.scripted(frames.server(script)).address)
        answers = self.node_client(proxy, 100, *[f"/{i}" for i in range(100)])
        guilty = [answer for answer in answers if answer.get("error")]
        self.assertEqual(len(guilty), 1)
        whole = {answer["body"] for answer in answers if not answer.get("error")}
        self.assertEqual(whole, {"the answer to %03d, whole" % i for i in range(100) if i != 41})
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, kind="header_block_in_body", upstream__exchange=42, client_impact="aborted")
        self.assertEqual(len(self.end(proxy)), 1)
