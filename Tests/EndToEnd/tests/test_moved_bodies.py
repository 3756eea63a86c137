"""Long bodies that the kernel moves from the upstream to the client unread: nothing about them is different for anybody."""

import hashlib
import json
import pathlib
import threading
import time

from harness import wait_for
from moved import BIG, BODY, KIB, MovedBytes, head

FIRST, LAST = 64 * KIB, 16 * KIB
SECOND = b"HTTP/1.1 500 Internal Server Error\r\nContent-Length: 4\r\n\r\nagain"[:-1]
GREETING = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello"


class MovedBodies(MovedBytes):
    def serving(self, *, behind=b"", pieces=1):
        """Answers `/big` with the body, `/N` with its first N bytes, in pieces that leave apart, and `/` with a greeting."""
        def script(conversation):
            while (request := conversation.read_request()) is not None:
                if request.target == "/":
                    conversation.send(GREETING)
                    continue
                body = BODY if request.target == "/big" else BODY[:int(request.target[1:])]
                conversation.send(head(len(body)))
                size = len(body) // pieces + 1
                for at in range(0, len(body), size):
                    conversation.send(body[at:at + size])
                    if pieces > 1:
                        time.sleep(0.001)
                if behind:
                    conversation.send(behind)
        return script

    def test_they_are_moved(self):
        proxy = self.front(self.serving())
        with proxy.connect() as one:
            self.assertTrue(self.spliced(proxy, lambda: self.assertEqual(one.get("/big").body, BODY)))
            self.assertFalse(self.spliced(proxy, lambda: self.assertEqual(one.get("/").body, b"hello")))
        self.assertNoIncidents(proxy)

    def test_every_byte_arrives_however_it_comes(self):
        for pieces in (1, 7, 400):
            proxy = self.front(self.serving(pieces=pieces))
            for length in (FIRST + LAST, FIRST + LAST + 32 * KIB, BIG):
                with self.subTest(pieces=pieces, length=length), proxy.connect() as one:
                    for _ in range(2):
                        self.assertEqual(hashlib.sha256(one.get(f"/{length}").body).digest(), hashlib.sha256(BODY[:length]).digest())
                        self.assertEqual(one.get("/").body, b"hello")
            self.assertNoIncidents(proxy)
            self.end(proxy)

    def test_a_client_that_is_slower_than_its_upstream(self):
        proxy = self.front(self.serving())
        with proxy.connect(receive_buffer=4096) as one:
            one.request("/big")
            response = one.read_response()
            self.assertEqual((response.body == BODY, response.cut), (True, None))
            self.assertEqual(one.get("/").body, b"hello")
        self.assertNoIncidents(proxy)

    def test_many_at_once(self):
        proxy = self.front(self.serving(pieces=5))
        found = []

        def ask():
            with proxy.connect(receive_buffer=16 * KIB) as one:
                found.extend(one.get("/big").body == BODY for _ in range(3))
        threads = [threading.Thread(target=ask) for _ in range(12)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        self.assertEqual(found, [True] * 36)
        self.assertNoIncidents(proxy)

    def test_what_is_counted(self):
        path = pathlib.Path(self.directory, "access.log")
        proxy = self.front(self.serving(), access_log={"path": str(path)})
        with proxy.connect() as one:
            one.get("/big")
        wait_for(lambda: path.exists() and path.read_text().endswith("\n"), "the access log's line")
        self.assertEqual(json.loads(path.read_text())["response"]["body_bytes"], BIG)
        metrics = proxy.metrics()
        self.assertGreater(metrics.sum("sendonce_received_bytes_total", side="upstream"), BIG)
        self.assertGreater(metrics.sum("sendonce_sent_bytes_total", side="client"), BIG)

    def test_a_surplus_behind_one(self):
        for count, (kind, behind) in enumerate((("second_response", SECOND), ("body_after_end", b"garbage")), 1):
            with self.subTest(kind):
                proxy = self.front(self.serving(behind=behind))
                with proxy.connect() as one:
                    self.assertEqual(one.get("/big").body, BODY)
                    self.assertEqual(one.get("/").body, b"hello")
                incident = proxy.wait_incidents(count)[-1]
                self.assertEqual(incident["kind"], kind)
                self.assertEqual(incident["evidence"]["surplus_bytes"], len(behind))
                self.assertEqual(incident["evidence"]["connection_offset"], len(head()) + BIG)
                self.assertEqual(incident["response"]["body_bytes"], BIG)
                self.assertIn("not searched", incident["evidence"]["reason"])
                self.end(proxy)

    def test_an_answer_cut_in_the_middle(self):
        for resets in (False, True):
            def script(conversation, resets=resets):
                if conversation.read_request() is None:
                    return
                conversation.send(head() + BODY[:BIG // 2])
                if resets:
                    conversation.reset()
                else:
                    conversation.socket.close()
            with self.subTest(resets=resets):
                proxy = self.front(script)
                with proxy.connect() as one:
                    one.request("/big")
                    response = one.read_response()
                    self.assertIsNotNone(response.cut)
                    self.assertEqual(BODY[:len(response.body)], response.body)
                incident = proxy.wait_incidents(1)[0]
                self.assertEqual(incident["kind"], "truncated_response")
                # A reset takes along what has not been read.
                (self.assertLessEqual if resets else self.assertEqual)(incident["response"]["body_bytes"], BIG // 2)
                self.end(proxy)

    def test_an_answer_that_stops(self):
        stop = threading.Event()
        self.addCleanup(stop.set)

        def script(conversation):
            if conversation.read_request() is not None:
                conversation.send(head() + BODY[:BIG // 2])
                stop.wait(30)
        proxy = self.front(script, timeouts={"body_idle": "500ms"})
        with proxy.connect() as one:
            one.request("/big")
            self.assertIsNotNone(one.read_response().cut)
        incident = proxy.wait_incidents(1)[0]
        self.assertEqual((incident["kind"], incident["response"]["body_bytes"]), ("stalled_response", BIG // 2))

    def test_a_client_that_goes_away(self):
        proxy = self.front(self.serving())
        for resets in (False, True):
            with proxy.connect(receive_buffer=4096) as one:
                one.request("/big")
                one.socket.recv(1000)
                if resets:
                    one.reset()
        proxy.wait_metric(2, "sendonce_requests_total", route="main", method="GET", code="200")
        with proxy.connect() as one:
            self.assertEqual(one.get("/").body, b"hello")
        self.assertNoIncidents(proxy)

    def test_a_second_answer_within_the_first_bytes(self):
        """These are looked through as ever: what began there explains what comes after the end."""
        body = BODY[:1000] + SECOND + BODY[1000:]

        def script(conversation):
            while (request := conversation.read_request()) is not None:
                conversation.send(head() + body if request.target == "/big" else GREETING)
        proxy = self.front(script)
        with proxy.connect() as one:
            self.assertEqual(one.get("/big").body, body[:BIG])
        self.assertEqual(proxy.wait_incidents(1)[0]["kind"], "header_block_in_body")

    def test_who_has_offended_is_looked_at_whole(self):
        proxy = self.front(self.serving(behind=SECOND))
        with proxy.connect() as one:
            self.assertTrue(self.spliced(proxy, lambda: one.get("/big")))
        proxy.wait_incidents(1)
        with proxy.connect() as one:
            self.assertFalse(self.spliced(proxy, lambda: self.assertEqual(one.get("/big").body, BODY)))
