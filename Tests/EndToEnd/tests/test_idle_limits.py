"""What is learned of how long servers keep idle connections, and what is not."""

import time

import upstream
from harness import EndToEndTest, wait_for


class Learned(EndToEndTest):
    """A server that hangs up after some answers, as Express does after a send that Node has swallowed."""

    def hanging_up(self, delay):
        def script(conversation):
            while (request := conversation.read_request()) is not None:
                conversation.send(upstream.ok(b"fine", "Connection: keep-alive"))
                if request.target == "/double":
                    # The moment is the server's own.
                    time.sleep(delay)
                    return
        return self.scripted(script)

    def sharing(self, delay, *, doubles=6, method="GET", **options):
        """After so many hang-ups: requests one after the other, with a pause in which a connection rests. They share a few."""
        origin = self.hanging_up(delay)
        proxy = self.proxy(origin.address, connections={"hold": "1ms"}, **options)
        with proxy.connect() as one:
            for number in range(doubles):
                self.assertEqual(one.get("/double").status, 200)
                wait_for(lambda: all(c.ended.is_set() for c in origin.conversations), "the server to have hung up")
                proxy.wait_metric(number + 1, "sendonce_upstream_connections_closed_total", reason="upstream_closed")
            before = len(origin.conversations)
            for _ in range(20):
                self.assertEqual(one.get("/healthy", method=method).status, 200)
                time.sleep(0.03)
        self.assertLessEqual(len(origin.conversations) - before, 4)
        self.assertEqual([i for i in self.end(proxy) if i["certainty"] == "proven"], [])

    def test_hang_ups_at_once(self):
        self.sharing(0.002)

    def test_hang_ups_at_once_and_posts(self):
        self.sharing(0.002, method="POST")

    def test_hang_ups_after_a_while(self):
        self.sharing(0.03)

    def test_hang_ups_as_late_as_an_idle_timeout(self):
        # These look like one, until a connection outlives them.
        self.sharing(0.06)

    def test_hang_ups_as_late_as_an_idle_timeout_and_posts(self):
        self.sharing(0.06, method="POST")

    def test_a_server_that_restarts(self):
        # Three connections end at once, all of them after the same idle time.
        ends = []

        def script(conversation):
            ends.append(conversation)
            while conversation.read_request() is not None:
                conversation.send(upstream.ok(b"fine"))
        origin = self.scripted(script)
        proxy = self.proxy(origin.address, connections={"hold": "1ms"})
        clients = [proxy.connect() for _ in range(4)]
        for one in clients:
            one.request("/")
        for one in clients:
            self.assertEqual(one.read_response().status, 200)
        proxy.wait_metric(len(ends), "sendonce_upstream_connections", state="idle")
        time.sleep(0.1)
        for conversation in ends:
            conversation.socket.shutdown(2)
        proxy.wait_metric(0, "sendonce_upstream_connections", state="idle")
        before = len(ends)
        for _ in range(20):
            self.assertEqual(clients[0].get("/").status, 200)
            time.sleep(0.03)
        for one in clients:
            one.close()
        self.assertLessEqual(len(ends) - before, 8)
