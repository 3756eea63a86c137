"""Servers that go down and come back: active checks, ejection, and what clients notice of it."""

import json
import re
import time

import certificates
import upstream
from harness import EndToEndTest, wait_for

# Checks come often; the time for an answer is long, so that a server of a busy machine is not taken for a sick one.
FAST = {"path": "/healthz", "interval": "100ms", "timeout": "2s", "unhealthy_after": 2, "healthy_after": 2}


class Server:
    """A scripted server whose health, and whose answers, the test decides. Answers carry its name."""

    def __init__(self, test, name, **options):
        self.name = name
        self.health = upstream.ok()
        self.answer = upstream.ok(name.encode())
        self.checks = []
        self.requests = []
        self.scripted = test.scripted(self.script, **options)
        self.address = self.scripted.address

    def script(self, conversation):
        while (request := conversation.read_request()) is not None:
            is_check = request.target == "/healthz"
            (self.checks if is_check else self.requests).append(request)
            answer = self.health if is_check else self.answer
            if answer is None:
                conversation.wait_for_end()
                return
            if callable(answer):
                answer(conversation)
                return
            conversation.send(answer)


class Health(EndToEndTest):
    def servers_up(self, proxy):
        found = {}
        for entry in json.loads(proxy.ask_admin("/upstreams").body)["upstreams"]:
            for server in entry["servers"]:
                found[server["address"]] = server["up"]
        return found

    def wait_up(self, proxy, server, is_up):
        proxy.wait_metric(int(is_up), "sendonce_upstream_server_up", server=server.address)
        wait_for(lambda: self.servers_up(proxy)[server.address] is is_up, f"{server.address} up: {is_up} in /upstreams")

    def names(self, proxy, count, **options):
        return [proxy.get("/", **options).body.decode() for _ in range(count)]

    def goes_down_and_comes_back(self, sick, **health):
        a, b = Server(self, "a"), Server(self, "b")
        proxy = self.proxy([a.address, b.address], health=FAST | health, balance="round_robin")
        wait_for(lambda: len(a.checks) > 1 and len(b.checks) > 1, "checks of both servers")
        self.assertEqual(sorted(self.names(proxy, 4)), ["a", "a", "b", "b"])
        a.health = sick
        self.wait_up(proxy, a, False)
        self.assertEqual(self.names(proxy, 6), ["b"] * 6)
        self.assertEqual(proxy.ask_admin("/readyz").status, 200)
        a.health = upstream.ok()
        self.wait_up(proxy, a, True)
        # Its share grows over two intervals.
        wait_for(lambda: sorted(self.names(proxy, 4)) == ["a", "a", "b", "b"], "the share of the server that came back")
        wait_for(lambda: f"server up server={a.address} upstream=app" in proxy.log, lambda: proxy.log)
        wait_for(lambda: re.search(rf"server down error=.* server={re.escape(a.address)} upstream=app", proxy.log), lambda: proxy.log)
        self.assertNoIncidents(proxy)

    def test_a_server_that_answers_503(self):
        self.goes_down_and_comes_back(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")

    def test_a_server_that_hangs_up(self):
        self.goes_down_and_comes_back(lambda conversation: conversation.reset())

    def test_a_server_that_is_silent(self):
        self.goes_down_and_comes_back(None, timeout="1s")

    def test_a_server_that_speaks_something_else(self):
        self.goes_down_and_comes_back(b"220 smtp\r\n\r\n")

    def test_nobody_up(self):
        a = Server(self, "a")
        proxy = self.proxy(a.address, health=FAST)
        wait_for(lambda: a.checks, "a check")
        self.assertEqual((proxy.ask_admin("/readyz").status, proxy.get("/").status), (200, 200))
        a.health = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        self.wait_up(proxy, a, False)
        self.assertEqual(proxy.ask_admin("/readyz").status, 503)
        response = proxy.get("/")
        self.assertEqual((response.status, response.field("retry-after")), (503, "1"))
        a.health = upstream.ok()
        self.wait_up(proxy, a, True)
        self.assertEqual((proxy.ask_admin("/readyz").status, proxy.get("/").status), (200, 200))

    def test_thresholds_and_the_check_itself(self):
        a = Server(self, "a")
        proxy = self.proxy(a.address, health=FAST | {"unhealthy_after": 4})
        wait_for(lambda: a.checks, "a check")
        check = a.checks[0]
        self.assertEqual((check.method, check.target, check.version), ("GET", "/healthz", "HTTP/1.1"))
        self.assertEqual(check.field("host"), a.address)
        before = len(a.checks)
        a.health = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        self.wait_up(proxy, a, False)
        self.assertGreaterEqual(len(a.checks) - before, 4)
        # Checks are the proxy's own: they are no requests of clients, and nothing waits in the pool after them.
        self.assertEqual(proxy.metrics().sum("sendonce_requests_total"), 0)
        self.assertEqual(proxy.metrics().sum("sendonce_upstream_connections"), 0)

    def test_how_often_and_how_many_in_a_row(self):
        times = []

        def check(conversation):
            times.append(time.monotonic())
            conversation.send(self.status)
        self.status = b"HTTP/1.1 500 No\r\nContent-Length: 0\r\n\r\n"
        a = Server(self, "a")
        a.health = check
        # A script that decides ends its connection: each check has one of its own.
        proxy = self.proxy(a.address, health=FAST | {"interval": "500ms", "unhealthy_after": 1, "healthy_after": 4})
        self.wait_up(proxy, a, False)
        failed = len(times)
        self.status = upstream.ok()
        self.wait_up(proxy, a, True)
        # One may have been under way when the server got well.
        self.assertGreaterEqual(len(times) - failed, 3)
        # A busy machine notes the first one late; twice as often would be too often all the same.
        self.assertGreater(times[-1] - times[0], 0.25 * (len(times) - 1))

    def test_a_server_on_a_unix_socket(self):
        a = Server(self, "a", unix_path=f"{self.directory}/a.sock")
        proxy = self.proxy(a.address, health=FAST)
        wait_for(lambda: a.checks, "a check")
        self.assertEqual(a.checks[0].field("host"), "localhost")
        a.scripted.stop()
        proxy.wait_metric(0, "sendonce_upstream_server_up")

    def over_http2(self, address, **app):
        upstreams = {"app": {"servers": [address], "protocol": "http2"} | app}
        return self.proxy(None, upstreams=upstreams)

    def check_http2(self, node, **app):
        well = self.over_http2(node.address, health=FAST | {"path": "/ok"}, **app)
        sick = self.over_http2(node.address, health=FAST | {"path": "/no-such-case"}, **app)
        # Both are checked alike, so the one has been checked as well when the other is down.
        sick.wait_metric(0, "sendonce_upstream_server_up")
        wait_for(lambda: "it answered 404" in sick.log, "the reason in the log")
        self.assertEqual(well.metrics().sum("sendonce_upstream_server_up"), 1)
        self.assertEqual(well.get("/ok").status, 200)
        self.assertNotIn("health check failed", well.log)
        node.stop()
        well.wait_metric(0, "sendonce_upstream_server_up")

    def test_a_server_that_speaks_http2(self):
        self.check_http2(self.node("h2.js"))

    def test_a_server_that_speaks_http2_over_tls(self):
        pair = certificates.pair("shop")
        self.check_http2(
            self.node("h2.js", CERTIFICATE=pair["certificate"], KEY=pair["key"]),
            tls={"ca": certificates.file("ca.pem"), "server_name": "shop.example"})

    def test_a_server_that_does_not_speak_http2(self):
        origin = self.scripted(lambda conversation: conversation.send(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
        proxy = self.over_http2(origin.address, health=FAST)
        proxy.wait_metric(0, "sendonce_upstream_server_up")

    def test_no_path_no_checks(self):
        a = Server(self, "a")
        proxy = self.proxy(a.address, health={"interval": "10ms"})
        self.assertEqual(self.names(proxy, 3), ["a"] * 3)
        self.assertEqual(a.checks, [])


class Ejection(EndToEndTest):
    def names(self, proxy, count, **options):
        return [proxy.get("/", **options).body.decode() for _ in range(count)]

    def ejected(self, failing, *, method="POST", **options):
        a, b = Server(self, "a"), Server(self, "b")
        a.answer = failing
        proxy = self.proxy(
            [a.address, b.address], balance="round_robin", eject={"consecutive_failures": 3, "for": "1m"},
            retry={"attempts": 0}, **options)
        statuses = [proxy.get("/", method=method).status for _ in range(6)]
        self.assertEqual(statuses.count(200), 3)
        self.assertEqual(len(a.requests), 3)
        proxy.wait_metric(0, "sendonce_upstream_server_up", server=a.address)
        self.assertEqual(self.names(proxy, 5), ["b"] * 5)
        wait_for(lambda: re.search(
            rf"server ejected error=.* failures=3 for_ms=60000 server={re.escape(a.address)}", proxy.log), lambda: proxy.log)
        self.assertNoIncidents(proxy)

    def test_it_ends(self):
        a, b = Server(self, "a"), Server(self, "b")
        a.answer = b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n"
        proxy = self.proxy([a.address, b.address], balance="round_robin", eject={"consecutive_failures": 1, "for": "300ms"})
        started = time.monotonic()
        self.assertEqual(sorted(proxy.get("/", method="POST").status for _ in range(2)), [200, 503])
        a.answer = upstream.ok(b"a")
        wait_for(lambda: "a" in self.names(proxy, 2), "the server to be asked again")
        self.assertGreater(time.monotonic() - started, 0.29)
        proxy.wait_metric(1, "sendonce_upstream_server_up", server=a.address)
        wait_for(lambda: sorted(self.names(proxy, 4)) == ["a", "a", "b", "b"], "the share of the server that came back")

    def test_503(self):
        self.ejected(b"HTTP/1.1 503 No\r\nContent-Length: 0\r\n\r\n")

    def test_resets_without_an_answer(self):
        self.ejected(lambda conversation: conversation.reset())

    def test_silence(self):
        self.ejected(None, timeouts={"response_header": "150ms"})

    def test_500_is_the_applications_own_affair(self):
        a, b = Server(self, "a"), Server(self, "b")
        a.answer = b"HTTP/1.1 500 No\r\nContent-Length: 1\r\n\r\na"
        proxy = self.proxy([a.address, b.address], balance="round_robin", eject={"consecutive_failures": 2, "for": "10s"})
        self.assertEqual(sorted(self.names(proxy, 8)), ["a"] * 4 + ["b"] * 4)

    def test_never_the_last_one(self):
        a, b = Server(self, "a"), Server(self, "b")
        a.answer = b.answer = b"HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\nx"
        proxy = self.proxy([a.address, b.address], eject={"consecutive_failures": 1, "for": "10s"})
        self.assertEqual(self.names(proxy, 10), ["x"] * 10)
        self.assertEqual(proxy.metrics().sum("sendonce_upstream_server_up"), 1)

    def test_zero_is_never(self):
        a, b = Server(self, "a"), Server(self, "b")
        a.answer = b"HTTP/1.1 503 No\r\nContent-Length: 1\r\n\r\na"
        proxy = self.proxy([a.address, b.address], balance="round_robin", eject={"consecutive_failures": 0, "for": "10s"})
        self.assertEqual(sorted(self.names(proxy, 20)), ["a"] * 10 + ["b"] * 10)
        self.assertEqual(proxy.metrics().sum("sendonce_upstream_server_up"), 2)
