"""Acknowledgements over real TCP with a delay: what was sent before the request arrived is no answer, and what is one is never accused."""

import ssl
import threading
import unittest

import certificates
import delayed_network
import measure_delay
import slow_links
from harness import EndToEndTest

MISSING = delayed_network.missing()
# A stray is judged within four round trips of its request: much more time than a busy machine takes.
DELAY = 0.1
HEAD = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n"
STRAY = b"HTTP/1.1 500 Oops\r\nContent-Length: 5\r\nSet-Cookie: id=TOPSECRET\r\n\r\nSTRAY"


@unittest.skipIf(MISSING, MISSING)
class DelayedNetwork(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.network = delayed_network.DelayedNetwork(DELAY)
        self.addCleanup(self.network.stop)

    def near_proxy(self, origin, tls=None, connections=None, **options):
        """A proxy on the near side of an upstream on the far one. Its clients come over Unix-domain sockets."""
        app = {"servers": [origin.address]}
        app |= {name: value for name, value in (("tls", tls), ("connections", connections)) if value}
        return self.network.near.run(lambda: self.proxy(
            None, upstreams={"app": app}, listener=f"unix:{self.directory}/proxy.sock",
            admin={"address": f"unix:{self.directory}/admin.sock"}, **options))

    def crossing(self, stray=STRAY, method="GET", body=b"", tls=None, reuse="guarded", **options):
        """The stray leaves the server while the request is on its way there; the request arrives when all is over."""
        write, written = threading.Event(), threading.Event()

        def script(conversation):
            if conversation.read_request() is None:
                return
            conversation.send(HEAD + b"first")
            if conversation.number == 1:
                write.wait(30)
                conversation.send(stray)
                written.set()
            while conversation.read_request() is not None:
                conversation.send(HEAD + b"again")

        guilty = []

        def intercept(packet):
            if not packet.goes_far or not packet.payload and not guilty:
                return False
            if not guilty:
                # The request is under way, and its server writes. Nobody answers before that is done.
                write.set()
                written.wait(30)
                guilty.append(packet.ports)
            return packet.ports == guilty[0]

        origin = self.scripted(script, listener=self.network.far.listen(), tls=tls)
        proxy = self.near_proxy(origin, tls={"ca": certificates.file("ca.pem"), "server_name": "shop.example"} if tls else None,
                                connections={"hold": "0ms", "reuse": reuse}, **options)
        with proxy.connect(deadline=30) as one:
            self.assertEqual(one.get("/first").body, b"first")
            self.network.intercept = intercept
            response = one.get("/second", method=method, body=body)
            self.assertTrue(written.is_set(), "the request was sent on another connection: nothing was tested")
            if reuse == "always":
                self.network.intercept = None
                self.network.let_go()
                return response, proxy.wait_incidents(1)
            incident = proxy.wait_incidents(1)[0]
            self.network.let_go()
            self.assertNotIn(b"STRAY", one.seen)
            self.assertNotIn(b"TOPSECRET", one.seen)
        self.assertIncident(
            incident, certainty="proven", evidence__phase="next_exchange", evidence__surplus_bytes=len(stray),
            request__path="/first", victim__path="/second", victim__method=method, upstream__exchange=1)
        self.assertEqual(self.end(proxy), [incident])
        return response, incident

    def assertProven(self, incident, **expected):
        self.assertIncident(incident, kind="misdelivered_response", severity="error",
                            evidence__proof="unacknowledged_request", evidence__second_status=500, **expected)

    def test_a_stray_that_crosses_the_request_is_proven_and_the_request_sent_again(self):
        response, incident = self.crossing()
        self.assertEqual((response.status, response.body), (200, b"first"), "the answer of another connection")
        self.assertProven(incident, client_impact="none")

    def test_a_request_that_cannot_be_sent_again_gets_502(self):
        response, incident = self.crossing(method="POST", body=b"order" * 10_000)
        self.assertEqual(response.status, 502)
        self.assertProven(incident, client_impact="bad_gateway")

    def spared(self, **options):
        """The victim has done nothing: its request is answered elsewhere, whatever the policy."""
        response, incident = self.crossing(**options)
        self.assertEqual((response.status, response.body), (200, b"first"))
        self.assertProven(incident, client_impact="none", action=options.get("policy", "contain"))

    def test_observe_spares_the_victim(self):
        self.spared(policy="observe")

    def test_fail_spares_the_victim(self):
        self.spared(policy="fail")

    def test_over_tls_1_2(self):
        self.spared(tls=certificates.server(version=ssl.TLSVersion.TLSv1_2))

    def test_over_tls_1_3(self):
        self.spared(tls=certificates.server(version=ssl.TLSVersion.TLSv1_3))

    def test_bytes_that_are_no_answer_are_the_previous_exchange_s(self):
        response, incident = self.crossing(stray=b"garbage")
        self.assertEqual((response.status, response.body), (200, b"first"))
        self.assertIncident(incident, kind="body_after_end", severity="warning", client_impact="none")

    def test_without_the_guard_it_is_delivered(self):
        # Else the other tests would show nothing.
        response, incidents = self.crossing(reuse="always")
        self.assertEqual((response.status, response.body), (500, b"STRAY"))
        self.assertEqual(len(incidents), 1)
        self.assertIncident(incidents[0], kind="second_response", certainty="proven", attribution={"likely", "open"})
        self.assertIn("/first", [one["path"] for one in incidents[0]["candidates"]])


@unittest.skipIf(MISSING, MISSING)
class Innocents(EndToEndTest):
    """A few rounds of scripts/measure-delay."""

    def innocents(self, **options):
        innocents = measure_delay.Innocents(delayed_network.DelayedNetwork(0.01, **options), requests=480, lanes=12)
        self.assertEqual((innocents.sent, innocents.wrong), (480, []))

    def test_answers_to_requests_of_every_size_are_never_accused(self):
        self.innocents()

    def test_nor_where_packets_overtake_each_other(self):
        self.innocents(jitter=0.005)


@unittest.skipIf(MISSING, MISSING)
class SlowLinks(EndToEndTest):
    """Some short rounds of scripts/slow-links."""

    def test_everything_arrives_over_a_narrow_link(self):
        self.assertEqual(slow_links.measure("narrow", "HTTP/2 in TLS", rounds=1, seed=3, seconds=6), [])

    def test_everything_arrives_though_packets_are_lost(self):
        self.assertEqual(slow_links.measure("mobile", "HTTP/1.1 in TLS", rounds=1, seed=3, seconds=6), [])

    def test_a_server_whose_last_bytes_come_when_its_idle_limit_is_over(self):
        self.assertEqual(slow_links.measure("narrow", "HTTP/1.1 server", rounds=1, seed=3, seconds=8), [])

    def test_everything_arrives_from_a_server_of_streams(self):
        self.assertEqual(slow_links.measure("narrow", "HTTP/2 server", rounds=1, seed=3, seconds=6), [])
