"""Servers that are given by name: looked up at start and again, off the loops; each address in turn."""

import collections
import json
import socket

import frames
import upstream
from harness import EndToEndTest, wait_for
from nameserver import NameServer


def server_on(test, host, port, name, script=None):
    """A scripted server on one address of this machine, with a port that others have on other addresses."""
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.create_server((host, port), family=family)
    scripted = test.scripted(
        script or upstream.by_target(collections.defaultdict(lambda: upstream.ok(name.encode()))), listener=listener)
    return scripted, listener.getsockname()[1]


def in_frames(name):
    """The script of a server of HTTP/2 that says who it is."""
    def answer(peer, stream):
        peer.send(frames.headers(stream, (":status", "200")), frames.data(stream, name.encode(), end=True))
    return frames.server(answer)


class Names(EndToEndTest):
    def setUp(self):
        super().setUp()
        self.names = NameServer()
        self.addCleanup(self.names.stop)

    def named(self, port, **options):
        return self.proxy(f"app.example:{port}", environment={"SENDONCE_NAMESERVERS": self.names.address}, **options)

    def named_in_frames(self, port, **options):
        app = {"servers": [f"app.example:{port}"], "protocol": "http2"} | options
        return self.proxy(None, environment={"SENDONCE_NAMESERVERS": self.names.address}, upstreams={"app": app})

    def servers(self, count):
        """Servers a, b, ... on 127.0.0.1, 127.0.0.2, ... with one port."""
        first, port = server_on(self, "127.0.0.1", 0, "a")
        return [first] + [server_on(self, f"127.0.0.{place + 1}", port, "abcd"[place])[0] for place in range(1, count)], port

    def ask(self, proxy, count):
        # A connection each, so that each takes the next address.
        return "".join(proxy.get("/").body.decode() for _ in range(count))

    def addresses(self, proxy):
        server = json.loads(proxy.ask_admin("/upstreams").body)["upstreams"][0]["servers"][0]
        return {address.rsplit(":", 1)[0] for address in server["addresses"]}, server["failed_lookups"]

    def test_all_addresses_are_used_in_turn(self):
        _, port = self.servers(3)
        self.names.addresses["app.example"] = ["127.0.0.1", "127.0.0.2", "127.0.0.3"]
        proxy = self.named(port, connections={"reuse": "never"})
        self.assertEqual(collections.Counter(self.ask(proxy, 12)), {"a": 4, "b": 4, "c": 4})
        self.assertNoIncidents(proxy)

    def test_another_address_is_followed(self):
        servers, port = self.servers(2)
        self.names.addresses["app.example"] = ["127.0.0.1"]
        proxy = self.named(port, connections={"hold": 0, "idle_timeout": "1m"})
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"a")
            self.names.addresses["app.example"] = ["127.0.0.2"]
            wait_for(lambda: self.addresses(proxy)[0] == {"127.0.0.2"}, "the new address")
            # The pooled connection to the old one is not used again.
            self.assertEqual(one.get("/").body, b"b")
        wait_for(lambda: "name resolved" in proxy.log, lambda: proxy.log)
        self.assertEqual(len(servers[0].conversations), 1)
        proxy.wait_metric(1, "sendonce_upstream_connections_closed_total", reason="aged")
        self.assertNoIncidents(proxy)

    def test_the_ttl_counts(self):
        _, port = self.servers(1)
        self.names.addresses["app.example"] = ["127.0.0.1"]
        self.names.ttl = 3600
        proxy = self.named(port)
        asked = len(self.names.asked)
        self.names.ttl = 1
        other = self.named(port)
        wait_for(lambda: len(self.names.asked) >= asked + 6, "two more look-ups of the other proxy")
        # Each look-up is two questions; the first proxy has asked none of these.
        self.assertEqual(self.addresses(proxy)[1], 0)
        self.end(other)
        asked = len(self.names.asked)
        self.assertEqual(proxy.get("/").body, b"a")
        self.assertEqual(len(self.names.asked), asked)

    def test_a_failed_lookup_keeps_the_addresses(self):
        _, port = self.servers(1)
        self.names.addresses["app.example"] = ["127.0.0.1"]
        proxy = self.named(port)
        self.names.fails = True
        wait_for(lambda: self.addresses(proxy)[1] >= 1, "a failed look-up")
        self.assertEqual(self.addresses(proxy)[0], {"127.0.0.1"})
        self.assertEqual(proxy.get("/").body, b"a")
        wait_for(lambda: "name not resolved" in proxy.log, lambda: proxy.log)
        self.assertNoIncidents(proxy)

    def test_an_address_that_refuses_is_passed_over(self):
        _, port = self.servers(1)
        # Nobody listens on the other one: no client notices, not even one that posts, and nothing is held against the server.
        self.names.addresses["app.example"] = ["127.0.0.1", "127.0.0.9"]
        proxy = self.named(port, connections={"reuse": "never"}, retry={"attempts": 0})
        self.assertEqual(self.ask(proxy, 5), "aaaaa")
        self.assertEqual(proxy.get("/", method="POST", body=b"x").status, 200)
        self.assertEqual(proxy.metrics().sum("sendonce_upstream_retries_total"), 0)

    def test_no_address_answers(self):
        kept, address = upstream.refusing_address()
        self.addCleanup(kept.close)
        self.names.addresses["app.example"] = ["127.0.0.1", "127.0.0.9"]
        proxy = self.named(address.rsplit(":", 1)[1])
        self.assertEqual([proxy.get("/").status for _ in range(3)], [502] * 3)

    def test_over_http2_another_address_is_followed(self):
        first, port = server_on(self, "127.0.0.1", 0, "a", in_frames("a"))
        server_on(self, "127.0.0.2", port, "b", in_frames("b"))
        self.names.addresses["app.example"] = ["127.0.0.1"]
        proxy = self.named_in_frames(port, connections={"idle_timeout": "1m"})
        self.assertEqual(self.ask(proxy, 2), "aa")
        self.names.addresses["app.example"] = ["127.0.0.2"]
        wait_for(lambda: self.addresses(proxy)[0] == {"127.0.0.2"}, "the new address")
        self.assertEqual(self.ask(proxy, 2), "bb")
        self.assertEqual(len(first.conversations), 1)
        # It serves nobody any more, and has time for strays.
        proxy.wait_metric(1, "sendonce_upstream_connections_closed_total", reason="aged")
        self.assertNoIncidents(proxy)

    def test_over_http2_every_address_is_tried(self):
        _, port = server_on(self, "127.0.0.1", 0, "a", in_frames("a"))
        self.names.addresses["app.example"] = ["127.0.0.7", "127.0.0.8", "127.0.0.9", "127.0.0.1"]
        proxy = self.named_in_frames(port, retry={"attempts": 0})
        self.assertEqual(proxy.get("/", method="POST", body=b"x").status, 200)
        self.assertEqual(self.ask(proxy, 3), "aaa")
        self.assertEqual(proxy.metrics().sum("sendonce_upstream_retries_total"), 0)

    def test_ipv6(self):
        try:
            _, port = server_on(self, "::1", 0, "six")
        except OSError:
            self.skipTest("no IPv6 here")
        self.names.addresses["app.example"] = ["::1"]
        self.assertEqual(self.named(port).get("/").body, b"six")
        self.end(self.programs[-1])
        self.assertEqual(self.proxy(f"[::1]:{port}").get("/").body, b"six")

    def test_the_hosts_file(self):
        _, port = self.servers(1)
        proxy = self.proxy(f"localhost:{port}", environment={"SENDONCE_NAMESERVERS": self.names.address})
        self.assertEqual(self.ask(proxy, 4), "aaaa")
        self.assertEqual(self.names.asked, [])

    def test_health_checks_meet_every_address(self):
        servers, port = self.servers(2)
        self.names.addresses["app.example"] = ["127.0.0.1", "127.0.0.2"]
        self.named(port, health={"path": "/healthz", "interval": "50ms"})
        wait_for(lambda: all(len(server.conversations) >= 2 for server in servers), "checks of both addresses")

    def test_a_name_that_nobody_knows(self):
        program = self.program(
            "run", "--listen", "127.0.0.1:0", "--admin", "off", "--upstream", "no-such.invalid:80",
            environment={"SENDONCE_NAMESERVERS": self.names.address})
        self.assertEqual(program.wait(), 1)
        self.assertIn("no-such.invalid:80", program.log)
