"""Peers that take or send a little at a time, all the time, and are at no point done within a deadline: they keep what is theirs."""

import threading

import frames
from test_http2 import HTTP2Test
from test_slow_readers import BIG, HUGE, REJECTED


class Slow(HTTP2Test):
    """Streams whose peer takes a little at a time, all the time, and is at no point done within a deadline."""

    BODY = b"x" * 60_000

    def answering(self, **options):
        def script(conversation):
            while conversation.read_request() is not None:
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(self.BODY) + self.BODY)
        return self.proxy(self.scripted(script).address, timeouts_={"client_body": "500ms"}, **options)

    def taken(self, peer, streams, grant):
        """What came on each stream, while every 100 ms `grant` opens windows."""
        done, bodies = threading.Event(), dict.fromkeys(streams, 0)

        def granting():
            while not done.wait(0.1):
                peer.send(grant)
        granter = threading.Thread(target=granting, daemon=True)
        granter.start()
        left = set(streams)
        while left:
            kind, flags, stream, payload = peer.read() or self.fail("the connection has ended")
            self.assertNotIn(kind, (frames.RST_STREAM, frames.GOAWAY), f"after {bodies} bytes")
            if kind == frames.DATA:
                bodies[stream] += len(payload)
            if kind in (frames.DATA, frames.HEADERS) and flags & frames.END_STREAM:
                left.remove(stream)
        done.set()
        granter.join()
        return bodies

    def test_a_stream_whose_window_opens_little_by_little(self):
        proxy = self.answering()
        peer = frames.Peer(self.dial(proxy))
        small = frames.frame(frames.SETTINGS, 0, 0, (4).to_bytes(2, "big") + (3_000).to_bytes(4, "big"))
        peer.send(frames.PREFACE, small, frames.request(1, "/"))
        more = (3_000).to_bytes(4, "big")
        grant = frames.frame(frames.WINDOW_UPDATE, 0, 1, more) + frames.frame(frames.WINDOW_UPDATE, 0, 0, more)
        self.assertEqual(self.taken(peer, [1], grant), {1: len(self.BODY)})
        self.assertEqual(proxy.metrics().sum(REJECTED), 0)

    def test_streams_whose_connection_has_little_room(self):
        proxy = self.answering()
        peer = frames.Peer(self.dial(proxy))
        wide = frames.frame(frames.SETTINGS, 0, 0, (4).to_bytes(2, "big") + (1 << 20).to_bytes(4, "big"))
        streams = [1 + 2 * index for index in range(16)]
        peer.send(frames.PREFACE, wide, *(frames.request(stream, "/") for stream in streams))
        grant = frames.frame(frames.WINDOW_UPDATE, 0, 0, (30_000).to_bytes(4, "big"))
        self.assertEqual(self.taken(peer, streams, grant), dict.fromkeys(streams, len(self.BODY)))
        self.assertEqual(proxy.metrics().sum(REJECTED), 0)

    def test_bodies_that_come_one_after_the_other(self):
        def script(conversation):
            while (request := conversation.read_request()) is not None:
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\n%05d" % len(request.body))
        proxy = self.proxy(self.scripted(script).address, timeouts_={"client_body": "500ms"})
        peer = frames.client(self.dial(proxy))
        streams = [1, 3, 5]
        length = ("content-length", "10000")
        peer.send(*(frames.request(stream, "/", "POST", False, "shop.example", length) for stream in streams))
        for stream in streams:
            for left in reversed(range(10)):
                # The last has to wait for three times as long as there may be between two parts of its body.
                threading.Event().wait(0.08)
                peer.send(frames.data(stream, b"x" * 1000, end=left == 0))
        self.assertEqual([self.answer(peer, stream)[1:] for stream in streams], 3 * [(b"10000", None)])
        self.assertEqual(proxy.metrics().sum(REJECTED), 0)

    def test_who_takes_the_last_answer_slowly_is_not_idle(self):
        def script(conversation):
            while conversation.read_request() is not None:
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 100000\r\n\r\n" + b"x" * 100_000)
        proxy = self.proxy(self.scripted(script).address, timeouts_={"client_idle": "300ms"})
        with self.subTest("HTTP/1.1"), proxy.connect(receive_buffer=4096) as one:
            for _ in range(2):
                one.request("/")
                self.slowly(one.socket, 100_000)
        wide = frames.frame(frames.SETTINGS, 0, 0, (4).to_bytes(2, "big") + (1 << 20).to_bytes(4, "big"))
        with self.subTest("HTTP/2"), proxy.connect(receive_buffer=4096) as one:
            one.socket.sendall(frames.PREFACE + wide + frames.frame(frames.WINDOW_UPDATE, 0, 0, (1 << 20).to_bytes(4, "big")))
            for stream in 1, 3:
                one.socket.sendall(frames.request(stream, "/"))
                self.slowly(one.socket, 100_000)

    def slowly(self, reading, count):
        """So many bytes and what belongs to them, in more time than a client may be idle."""
        received = 0
        while received < count:
            threading.Event().wait(0.03)
            received += len(reading.recv(5_000) or self.fail(f"ended after {received} bytes"))

    def test_a_client_that_takes_nothing_is_cut_where_it_can_see_it(self):
        def script(conversation):
            conversation.read_request()
            # Until the connection ends: over HTTP/1.0 nothing but a reset tells the client that it has not had all.
            conversation.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\n" + b"x" * HUGE)
        proxy = self.proxy(self.scripted(script).address, timeouts_={"client_body": "300ms"})
        wide = frames.frame(frames.SETTINGS, 0, 0, (4).to_bytes(2, "big") + (1 << 30).to_bytes(4, "big"))
        asked = {
            "HTTP/1.0": b"GET / HTTP/1.0\r\n\r\n", "HTTP/1.1": b"GET / HTTP/1.1\r\nHost: a\r\n\r\n",
            "HTTP/2": frames.PREFACE + wide + frames.frame(frames.WINDOW_UPDATE, 0, 0, (1 << 30).to_bytes(4, "big"))
            + frames.request(1, "/")}
        for count, (version, request) in enumerate(asked.items(), 1):
            with self.subTest(version):
                with proxy.connect(receive_buffer=4096) as one:
                    one.socket.sendall(request)
                    proxy.wait_metric(count, REJECTED, reason="stalled_connection")
                    with self.assertRaises(ConnectionResetError):
                        while one.socket.recv(1 << 20):
                            pass
        self.assertNoIncidents(proxy)

    def test_a_client_that_takes_nothing_has_no_more_time_when_its_server_goes_on(self):
        switching = b"HTTP/1.1 101 Switching Protocols\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"
        upgrade = b"GET / HTTP/1.1\r\nHost: a\r\nUpgrade: echo\r\nConnection: Upgrade\r\n\r\n"
        for name, head, request in (
                ("answer", b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (1 << 30), b"GET / HTTP/1.1\r\nHost: a\r\n\r\n"),
                ("tunnel", switching, upgrade)):
            with self.subTest(name):
                over = threading.Event()
                self.addCleanup(over.set)

                def script(conversation):
                    conversation.read_head()
                    conversation.send(head + b"x" * BIG)
                    while not over.wait(0.05):
                        conversation.send(b"x")
                proxy = self.proxy(self.scripted(script).address, timeouts_={"client_body": "300ms"})
                with proxy.connect(receive_buffer=4096) as one:
                    one.send(request)
                    proxy.wait_metric(1, REJECTED, reason="stalled_connection")
                    self.assertNoIncidents(proxy)
                over.set()

    def test_a_request_that_its_server_takes_little_by_little(self):
        # More than fits the windows that are there at first.
        body = b"x" * (65_535 + 30_000)

        def conversation(talk):
            peer = frames.Peer(talk.socket)
            self.assertEqual(peer.exactly(len(frames.PREFACE)), frames.PREFACE)
            peer.send(frames.frame(frames.SETTINGS, 0, 0))
            received, more = 0, (3_000).to_bytes(4, "big")
            while received < len(body):
                kind, _, stream, payload = peer.read()
                if kind == frames.HEADERS:
                    continue
                self.assertEqual(kind, frames.DATA)
                received += len(payload)
                if received >= 65_535:
                    # In all that takes longer than the answer may.
                    threading.Event().wait(0.1)
                    peer.send(frames.frame(frames.WINDOW_UPDATE, 0, stream, more), frames.frame(frames.WINDOW_UPDATE, 0, 0, more))
            peer.send(frames.headers(stream, (":status", "200"), end=True))
        proxy = self.h2_proxy(self.scripted(conversation).address, timeouts={"response_header": "500ms"})
        peer = frames.Peer(self.dial(proxy))
        peer.send(frames.PREFACE, frames.frame(frames.SETTINGS, 0, 0), frames.request(1, "/", "POST", end=False),
                  *(frames.data(1, body[at:at + 10_000], end=at + 10_000 >= len(body)) for at in range(0, len(body), 10_000)))
        heads, _, reset = self.answer(peer, 1)
        self.assertIsNone(reset)
        self.assertIn(b"\x88", heads[0], ":status 200")
        self.assertNoIncidents(proxy)
