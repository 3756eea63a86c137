"""Long bodies of requests that the kernel moves from the client to the upstream unread: nothing about them is different for anybody."""

import hashlib
import json
import pathlib
import socket
import threading
import time

from harness import wait_for
from moved import BIG, BODY, KIB, MovedBytes, head, narrow


class MovedRequests(MovedBytes):
    def receiving(self):
        """Answers each request with the length and the hash of its body."""
        def script(conversation):
            while (request := conversation.read_request()) is not None:
                answer = self.answer(request.body)
                conversation.send(head(len(answer)) + answer)
        return script

    @staticmethod
    def answer(body):
        return b"%d %s" % (len(body), hashlib.sha256(body).hexdigest().encode())

    def test_they_are_moved(self):
        proxy = self.front(self.receiving())
        with proxy.connect() as one:
            moved, read = self.traced(proxy, lambda: self.assertEqual(one.get("/", method="POST", body=BODY).body, self.answer(BODY)))
            self.assertGreater(moved, BIG)
            self.assertLess(read, BIG // 2)
            small = BODY[:64 * KIB]
            self.assertFalse(self.spliced(proxy, lambda: self.assertEqual(one.get("/", method="POST", body=small).body, self.answer(small))))
        self.assertNoIncidents(proxy)

    def test_every_byte_arrives_however_it_comes(self):
        for method, pieces in (("POST", 1), ("PUT", 7), ("POST", 100)):
            proxy = self.front(self.receiving())
            for length in (48 * KIB + 1, BIG):
                with self.subTest(method=method, pieces=pieces, length=length), proxy.connect() as one:
                    body = BODY[:length]
                    size = length // pieces + 1
                    for _ in range(2):
                        one.send(b"%s / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % (method.encode(), length))
                        for at in range(0, length - size, size):
                            one.send(body[at:at + size])
                            if pieces > 1:
                                time.sleep(0.001)
                        # The last bytes come with a request behind them.
                        one.send(body[(pieces - 1) * size:] + b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
                        self.assertEqual(one.read_response().body, self.answer(body))
                        self.assertEqual(one.read_response().body, self.answer(b""))
            self.assertNoIncidents(proxy)
            self.end(proxy)

    def test_to_node_and_back(self):
        """With a pipe in each direction at once."""
        proxy = self.proxy(self.node("plain.js").address)
        with proxy.connect(receive_buffer=16 * KIB) as one:
            self.assertEqual(json.loads(one.get("/inspect", method="POST", body=BODY).body)["sha256"], hashlib.sha256(BODY).hexdigest())
            sending = threading.Thread(target=one.request, args=("/echo",), kwargs={"method": "POST", "body": BODY})
            sending.start()
            self.assertEqual(one.read_response().body == BODY, True)
            sending.join()
        self.assertNoIncidents(proxy)

    def test_an_upstream_that_is_slower_than_its_client(self):
        proxy = self.front(self.receiving(), narrow())
        with proxy.connect() as one:
            self.assertEqual(one.get("/", method="POST", body=BODY).body, self.answer(BODY))
            self.assertEqual(one.get("/").body, self.answer(b""))
        self.assertNoIncidents(proxy)

    def test_what_is_counted(self):
        path = pathlib.Path(self.directory, "access.log")
        proxy = self.front(self.receiving(), access_log={"path": str(path)})
        with proxy.connect() as one:
            one.get("/", method="POST", body=BODY)
        wait_for(lambda: path.exists() and path.read_text().endswith("\n"), "the access log's line")
        self.assertEqual(json.loads(path.read_text())["request"]["body_bytes"], BIG)
        metrics = proxy.metrics()
        self.assertGreater(metrics.sum("sendonce_received_bytes_total", side="client"), BIG)
        self.assertGreater(metrics.sum("sendonce_sent_bytes_total", side="upstream"), BIG)

    def sending(self, proxy, count=BIG):
        """A client that has begun to send the body, from a thread of its own: an upstream that does not read holds it back."""
        one = proxy.connect()
        one.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % BIG)

        def send():
            try:
                one.send(BODY[:count])
            except OSError:
                pass
        threading.Thread(target=send, daemon=True).start()
        return one

    def test_an_answer_before_the_body_has_been_read(self):
        def script(conversation):
            conversation.read_head()
            conversation.read_exactly(256 * KIB)
            conversation.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
            conversation.wait_for_end()
        proxy = self.front(script)
        with self.sending(proxy) as one:
            answer = one.read_response()
        self.assertEqual((answer.status, answer.body, answer.cut), (413, b"no!", None))
        proxy.wait_metric(0, "sendonce_upstream_connections")
        self.assertNoIncidents(proxy)

    def test_an_upstream_that_goes_away(self):
        for answers in (False, True):
            for resets in (False, True):
                def script(conversation, answers=answers, resets=resets):
                    conversation.read_head()
                    conversation.read_exactly(256 * KIB)
                    if answers:
                        conversation.send(b"HTTP/1.1 403 Forbidden\r\nContent-Length: 3\r\nConnection: close\r\n\r\nno!")
                        # What it has sent is read before its end shows.
                        conversation.socket.shutdown(socket.SHUT_WR)
                        conversation.wait_for_end()
                    if resets:
                        conversation.reset()
                with self.subTest(answers=answers, resets=resets):
                    proxy = self.front(script)
                    with self.sending(proxy) as one:
                        answer = one.read_response()
                    self.assertEqual((answer.status, answer.cut), (403 if answers else 502, None))
                    proxy.wait_metric(0, "sendonce_upstream_connections")
                    self.assertNoIncidents(proxy)
                    self.end(proxy)

    def test_a_client_that_goes_away(self):
        found = []

        def script(conversation):
            conversation.read_head()
            found.append(conversation.wait_for_end())
        proxy = self.front(script)
        for resets in (False, True):
            with proxy.connect() as one:
                one.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % BIG + BODY[:BIG // 2])
                if resets:
                    one.reset()
        wait_for(lambda: len(found) == 2, "the upstream's ends")
        for body in found:
            self.assertEqual(body, BODY[:len(body)])
        proxy.wait_metric(2, "sendonce_requests_total", route="main", method="POST", code="499")
        self.assertNoIncidents(proxy)

    def test_a_client_that_stops(self):
        proxy = self.front(self.receiving(), timeouts_={"client_body": "500ms"})
        with self.sending(proxy, BIG // 2) as one:
            self.assertEqual(one.read_response().status, 408)
        self.assertNoIncidents(proxy)
