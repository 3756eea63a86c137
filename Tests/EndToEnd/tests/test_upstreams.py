"""The keys of an upstream's `connections`, `wait_queue`, `timeouts` and `retry`: each shows its effect."""

import socket
import threading
import time

import frames
import upstream
from harness import EndToEndTest, wait_for

GOOD = upstream.ok(b"good")


class Gate:
    """A script whose answers wait until the test lets them go; counts connections, and requests in progress."""

    def __init__(self, test, **options):
        self.open = threading.Event()
        self.lock = threading.Lock()
        self.order = []
        self.now = 0
        self.most = 0
        self.scripted = test.scripted(self.script, **options)
        self.address = self.scripted.address

    def script(self, conversation):
        while (request := conversation.read_request()) is not None:
            with self.lock:
                self.order.append(request.target)
                self.now += 1
                self.most = max(self.most, self.now)
            self.open.wait(20)
            with self.lock:
                self.now -= 1
            conversation.send(upstream.ok(request.target.encode()))

    @property
    def connections(self):
        return len(self.scripted.conversations)


class Connections(EndToEndTest):
    def together(self, proxy, count, path="/"):
        """That many clients at once: their answers' statuses."""
        clients = [proxy.connect() for _ in range(count)]
        for one in clients:
            one.request(path)
        responses = [one.read_response() for one in clients]
        for one in clients:
            one.close()
        return [response.status for response in responses]

    def test_max_holds_for_all_workers_together(self):
        gate = Gate(self)
        proxy = self.proxy(gate.address, connections={"max": 3}, wait_queue={"timeout": "10s"}, workers=2)
        clients = [proxy.connect() for _ in range(20)]
        for one in clients:
            one.request("/")
        wait_for(lambda: gate.now == 3, "three requests at the upstream")
        gate.open.set()
        self.assertEqual([one.read_response().status for one in clients], [200] * 20)
        for one in clients:
            one.close()
        self.assertEqual(gate.most, 3)
        self.assertLessEqual(proxy.metrics().sum("sendonce_upstream_connections"), 3)
        self.assertNoIncidents(proxy)

    def test_max_idle(self):
        gate = Gate(self)
        proxy = self.proxy(gate.address, connections={"max_idle": 2})
        clients = [proxy.connect() for _ in range(6)]
        for one in clients:
            one.request("/")
        wait_for(lambda: gate.now == 6, "six requests at the upstream")
        gate.open.set()
        for one in clients:
            self.assertEqual(one.read_response().status, 200)
            one.close()
        proxy.wait_metric(2, "sendonce_upstream_connections", state="idle")
        proxy.wait_metric(4, "sendonce_upstream_connections_closed_total", reason="max_idle")

    def test_idle_timeout(self):
        origin = self.scripted(upstream.answering(GOOD))
        proxy = self.proxy(origin.address, connections={"idle_timeout": "300ms"})
        started = time.monotonic()
        self.assertEqual(proxy.get("/").status, 200)
        wait_for(origin.conversations[0].ended.is_set, "the proxy to close its idle connection")
        self.assertGreater(time.monotonic() - started, 0.29)
        proxy.wait_metric(1, "sendonce_upstream_connections_closed_total", reason="idle_timeout")

    def test_what_the_upstream_allows_is_less(self):
        origin = self.scripted(upstream.answering(upstream.ok(b"good", "Keep-Alive: timeout=2")))
        proxy = self.proxy(origin.address, connections={"idle_timeout": "1m"})
        started = time.monotonic()
        self.assertEqual(proxy.get("/").status, 200)
        wait_for(origin.conversations[0].ended.is_set, "the proxy to close its idle connection")
        # A second less than is allowed, and far less than a minute.
        self.assertGreater(time.monotonic() - started, 0.99)
        proxy.wait_metric(1, "sendonce_upstream_connections_closed_total", reason="idle_timeout")

    def used(self, requests, pause=0.0, **connections):
        """How many connections the proxy opens for requests one after the other."""
        origin = self.scripted(upstream.by_target({"/": GOOD}))
        proxy = self.proxy(origin.address, connections=connections)
        with proxy.connect() as one:
            for _ in range(requests):
                self.assertEqual(one.get("/").status, 200)
                # Not a wait for anything: the pause is what the key is about.
                time.sleep(pause)
        return len(origin.conversations)

    def test_reuse_always(self):
        self.assertEqual(self.used(10, reuse="always"), 1)

    def test_reuse_never(self):
        self.assertEqual(self.used(10, reuse="never"), 10)

    def test_reuse_guarded_rests_for_hold(self):
        self.assertEqual(self.used(5, hold="10s"), 5)
        self.assertEqual(self.used(5, pause=0.05, hold="1ms"), 1)
        self.assertEqual(self.used(5, hold=0), 1)


class WaitQueue(EndToEndTest):
    def test_first_come_first_served(self):
        gate = Gate(self)
        proxy = self.proxy(gate.address, connections={"max": 1}, wait_queue={"timeout": "10s"})
        clients = [proxy.connect() for _ in range(8)]
        for place, one in enumerate(clients):
            one.request(f"/{place}")
            # All requests have the same length.
            proxy.wait_metric((place + 1) * len(b"GET /0 HTTP/1.1\r\nHost: app.test\r\n\r\n"), "sendonce_received_bytes_total",
                              side="client")
        gate.open.set()
        self.assertEqual([one.read_response().body.decode() for one in clients], [f"/{place}" for place in range(8)])
        self.assertEqual(gate.order, [f"/{place}" for place in range(8)])
        for one in clients:
            one.close()

    def test_timeout(self):
        gate = Gate(self)
        proxy = self.proxy(gate.address, connections={"max": 1}, wait_queue={"timeout": "250ms"})
        with proxy.connect() as first, proxy.connect() as second:
            first.request("/")
            wait_for(lambda: gate.now == 1, "the first request at the upstream")
            started = time.monotonic()
            response = second.get("/")
            self.assertEqual((response.status, response.field("retry-after")), (503, "1"))
            self.assertGreater(time.monotonic() - started, 0.24)
            gate.open.set()
            self.assertEqual(first.read_response().status, 200)
            # The connection of the one that was refused is good for another try.
            self.assertEqual(second.get("/").status, 200)

    def test_who_is_sent_back_may_wait_anew(self):
        asked = []
        server = frames.server(lambda peer, stream: asked.append((peer, stream)), streams_max=2)
        app = {"servers": [self.scripted(server).address], "protocol": "http2", "connections": {"max": 1}, "wait_queue": {"timeout": "1s"}}
        proxy = self.proxy(None, upstreams={"app": app})

        def answer(place):
            peer, stream = asked[place]
            peer.send(frames.headers(stream, (":status", "200"), end=True))

        with proxy.connect() as first, proxy.connect() as second, proxy.connect() as third:
            for place, one in enumerate((first, second)):
                one.request("/")
                wait_for(lambda: len(asked) > place, "the request at the upstream")
            third.request("/")
            proxy.wait_metric(3 * len(b"GET / HTTP/1.1\r\nHost: app.test\r\n\r\n"), "sendonce_received_bytes_total", side="client")
            answer(1)
            wait_for(lambda: len(asked) == 3, "the third in the second's place")
            # Longer than one may wait. The server has not taken it after all, and the first still has the only connection.
            time.sleep(1.1)
            asked[2][0].send(frames.frame(frames.GOAWAY, 0, 0, (asked[2][1] - 2).to_bytes(4, "big") + bytes(4)))
            proxy.wait_metric(1, "sendonce_upstream_retries_total")
            time.sleep(0.1)
            answer(0)
            wait_for(lambda: len(asked) == 4, "the third on another connection")
            answer(3)
            self.assertEqual([one.read_response().status for one in (first, second, third)], [200, 200, 200])

    def test_max(self):
        gate = Gate(self)
        proxy = self.proxy(gate.address, connections={"max": 1}, wait_queue={"max": 2, "timeout": "10s"})
        clients = [proxy.connect() for _ in range(8)]
        for one in clients:
            one.request("/")
        proxy.wait_metric(5, "sendonce_requests_total", code="503")
        gate.open.set()
        self.assertEqual(sorted(one.read_response().status for one in clients), [200] * 3 + [503] * 5)
        for one in clients:
            one.close()

    def test_max_zero_refuses_at_once(self):
        gate = Gate(self)
        proxy = self.proxy(gate.address, connections={"max": 1}, wait_queue={"max": 0})
        with proxy.connect() as first:
            first.request("/")
            wait_for(lambda: gate.now == 1, "the first request at the upstream")
            self.assertEqual(proxy.get("/").status, 503)
            gate.open.set()
            self.assertEqual(first.read_response().status, 200)

    def test_who_leaves_the_queue_does_not_hold_it_up(self):
        gate = Gate(self)
        proxy = self.proxy(gate.address, connections={"max": 1}, wait_queue={"timeout": "10s"})
        first, second, third = proxy.connect(), proxy.connect(), proxy.connect()
        first.request("/1")
        wait_for(lambda: gate.now == 1, "the first request at the upstream")
        second.request("/2")
        third.request("/3")
        second.reset()
        proxy.wait_metric(1, "sendonce_requests_total", code="499")
        gate.open.set()
        self.assertEqual([first.read_response().body, third.read_response().body], [b"/1", b"/3"])
        first.close()
        third.close()

    def test_a_connection_goes_to_whoever_waits_on_another_worker(self):
        # One connection, two workers, clients on both that never pause: nobody may starve.
        origin = self.scripted(upstream.by_target({"/": GOOD}))
        proxy = self.proxy(origin.address, connections={"max": 1, "hold": 0}, wait_queue={"timeout": "5s"}, workers=2)
        served = [0] * 16
        problems = []
        stop = threading.Event()

        def visit(place):
            with proxy.connect() as one:
                while not stop.is_set():
                    response = one.get("/")
                    if response.status != 200:
                        problems.append(response)
                        return
                    served[place] += 1
        visitors = [threading.Thread(target=visit, args=(place,)) for place in range(len(served))]
        for visitor in visitors:
            visitor.start()
        wait_for(lambda: problems or min(served) >= 20, lambda: f"20 answers for each client: {served}", 30)
        stop.set()
        for visitor in visitors:
            visitor.join()
        self.assertEqual(problems, [])
        self.assertLess(max(served), 6 * min(served), served)
        self.assertNoIncidents(proxy)

    def test_an_idle_connection_is_given_up_for_another_worker(self):
        # Each client in turn, on whichever worker: the only connection is pooled by the other one every now and then.
        origin = self.scripted(upstream.by_target({"/": GOOD}))
        # Nothing but the giving up of the connection would end the wait before a client's patience.
        proxy = self.proxy(
            origin.address, connections={"max": 1, "hold": 0, "idle_timeout": "1m"}, wait_queue={"timeout": "1m"}, workers=2)
        self.assertEqual([proxy.get("/").status for _ in range(40)], [200] * 40)
        self.assertGreater(len(origin.conversations), 1, "all clients met the same worker")


class Timeouts(EndToEndTest):
    def test_connect(self):
        # A backlog that is full leaves further connects without any answer.
        listener = socket.create_server(("127.0.0.1", 0), backlog=0)
        self.addCleanup(listener.close)
        address = "127.0.0.1:%d" % listener.getsockname()[1]
        fillers = [socket.socket() for _ in range(4)]
        for filler in fillers:
            self.addCleanup(filler.close)
            filler.setblocking(False)
            filler.connect_ex(listener.getsockname())
        # Longer than by default: a machine that is busy cannot be taken for a proxy that waits.
        proxy = self.proxy(address, timeouts={"connect": "2500ms"}, retry={"attempts": 0})
        started = time.monotonic()
        self.assertEqual(proxy.get("/").status, 502)
        self.assertGreater(time.monotonic() - started, 2.49)

    def test_response_header(self):
        gate = Gate(self)
        proxy = self.proxy(gate.address, timeouts={"response_header": "250ms"})
        started = time.monotonic()
        self.assertEqual(proxy.get("/").status, 504)
        self.assertGreater(time.monotonic() - started, 0.24)
        gate.open.set()

    def test_body_idle(self):
        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nfirst")
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, timeouts={"body_idle": "250ms"})
        started = time.monotonic()
        response = proxy.get("/")
        self.assertEqual((response.status, response.body, response.complete), (200, b"first", False))
        self.assertGreater(time.monotonic() - started, 0.24)
        self.assertIncident(proxy.wait_incidents(1)[0], kind="stalled_response")


class Retries(EndToEndTest):
    def failing(self, failures, method="GET", **options):
        """A server that hangs up on the first requests: the answer, and how many requests it has seen."""
        seen = []

        def script(conversation):
            if conversation.read_request() is None:
                return
            seen.append(conversation.number)
            if len(seen) > failures:
                conversation.send(GOOD)
                conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address, **options)
        return proxy, proxy.get("/", method=method, body=b"x" if method == "POST" else b"").status, len(seen)

    def test_attempts(self):
        for attempts, expected in ((0, (502, 1)), (1, (502, 2)), (2, (200, 3)), (5, (200, 3))):
            with self.subTest(attempts=attempts):
                proxy, *found = self.failing(2, retry={"attempts": attempts})
                self.assertEqual(tuple(found), expected)
                proxy.wait_metric(expected[1] - 1, "sendonce_upstream_retries_total")
                self.end(proxy)

    def test_not_for_a_request_that_may_have_been_served(self):
        self.assertEqual(self.failing(1, method="POST", retry={"attempts": 3})[1:], (502, 1))

    def test_a_put_with_its_body(self):
        bodies = []

        def script(conversation):
            if (request := conversation.read_request()) is None:
                return
            bodies.append(request.body)
            if len(bodies) > 1:
                conversation.send(GOOD)
                conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        self.assertEqual(proxy.get("/", method="PUT", body=b"thing").status, 200)
        self.assertEqual(bodies, [b"thing"] * 2)

    def test_on_another_server(self):
        asked = []

        def hangs_up(conversation):
            asked.append(conversation.read_request())
        bad, good = self.scripted(hangs_up), self.scripted(upstream.by_target({"/": GOOD}))
        proxy = self.proxy([bad.address, good.address], balance="round_robin", eject={"consecutive_failures": 0})
        self.assertEqual([proxy.get("/").status for _ in range(10)], [200] * 10)
        # One in two began at the bad one; none met it twice.
        self.assertEqual(proxy.metrics().sum("sendonce_upstream_retries_total"), len([one for one in asked if one]))

    def test_the_budget(self):
        # Everything fails: without a budget each request would be sent twice.
        origin = self.scripted(lambda conversation: conversation.read_request())
        proxy = self.proxy(origin.address)
        with proxy.connect() as one:
            for _ in range(100):
                self.assertEqual(one.get("/").status, 502)
        metrics = proxy.metrics()
        retries = metrics.sum("sendonce_upstream_retries_total", upstream="app")
        self.assertLessEqual(retries, 10 + 100 / 5)
        self.assertGreaterEqual(retries, 10)
        self.assertEqual(metrics.sum("sendonce_upstream_retries_refused_total", upstream="app"), 100 - retries)
