"""Clients that do not take their answers: they hold places at an upstream only as long as nobody else wants these."""

import signal
import socket
import threading
import time

import frames
from harness import EndToEndTest, wait_for
from test_http2 import HTTP2Test

REJECTED = "sendonce_client_rejected_total"
PLACES = 8
BIG = 4 << 20
# More than the kernels' buffers take, however large they grow.
HUGE = 32 << 20


class SlowReaders(EndToEndTest):
    def script(self, conversation):
        while (request := conversation.read_request()) is not None:
            if request.target == "/big":
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % BIG + b"x" * BIG)
            else:
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\ngood")

    def front(self, places=PLACES, **options):
        # Whoever does not read would keep the proxy from its end.
        return self.proxy(self.scripted(self.script).address, connections={"max": places, "max_idle": places},
                          timeouts_={"drain": "0ms"}, **options)

    def shut_windows(self, proxy, count):
        """A client that speaks HTTP/2 and keeps the windows of its streams shut."""
        peer = frames.Peer(self.dial(proxy))
        shut = frames.frame(frames.SETTINGS, 0, 0, (4).to_bytes(2, "big") + bytes(4))
        peer.send(frames.PREFACE, shut, *(frames.request(1 + 2 * i, "/big") for i in range(count)))
        return peer

    def not_reading(self, proxy):
        one = proxy.connect(receive_buffer=4096)
        self.addCleanup(one.close)
        one.request("/big")
        return one

    def taken(self, proxy, places=PLACES):
        wait_for(lambda: proxy.metrics().sum("sendonce_upstream_connections", state="active") == places, "all places to be taken")

    def innocents(self, proxy, count=10):
        for _ in range(count):
            with proxy.connect(deadline=5) as one:
                self.assertEqual(one.get("/ok", close=True).body, b"good")

    def held(self, proxy):
        """Until they have stood still for long enough to be given up. The first may have to wait for that."""
        def served():
            with proxy.connect(deadline=5) as one:
                return one.get("/ok", close=True).status == 200
        wait_for(served, "the first to be served")

    def test_windows_that_are_kept_shut(self):
        proxy = self.front()
        self.shut_windows(proxy, 2 * PLACES)
        self.taken(proxy)
        self.held(proxy)
        self.innocents(proxy)
        proxy.wait_metric(1, REJECTED, least=True, reason="slow_reader")
        self.assertNoIncidents(proxy)

    def test_few_of_the_streams_that_are_kept_shut_go_on_and_all_once_they_are_open(self):
        body = b"x" * (256 << 10)
        asked = []

        def script(conversation):
            while (request := conversation.read_request()) is not None:
                if request.target != "/ok":
                    asked.append(request.target)
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % len(body) + body)
        proxy = self.proxy(self.scripted(script).address)
        peer = frames.Peer(self.dial(proxy))

        def window(size):
            return frames.frame(frames.SETTINGS, 0, 0, (4).to_bytes(2, "big") + size.to_bytes(4, "big"))
        streams = [1 + 2 * index for index in range(100)]
        peer.send(frames.PREFACE, window(100), *(frames.request(stream, f"/{stream}") for stream in streams))
        wait_for(lambda: len(asked) >= 16, "as many requests as may go on")
        for _ in range(10):
            with proxy.connect(deadline=5) as one:
                self.assertEqual(one.get("/ok", close=True).body, body)
        self.assertEqual(set(asked), {f"/{stream}" for stream in streams[:16]})
        # One is taken back, one is opened by itself: two others go on.
        peer.send(frames.frame(frames.RST_STREAM, 0, 1, bytes(4)), frames.frame(frames.WINDOW_UPDATE, 0, 51, (1 << 16).to_bytes(4, "big")))
        wait_for(lambda: len(asked) >= 18, "two others to go on")
        peer.send(window(1 << 20), frames.frame(frames.WINDOW_UPDATE, 0, 0, (1 << 26).to_bytes(4, "big")))
        bodies, left = {stream: 0 for stream in streams}, set(streams[1:])
        while left:
            kind, flags, stream, payload = peer.read()
            if kind == frames.DATA:
                bodies[stream] += len(payload)
            self.assertNotIn(kind, (frames.RST_STREAM, frames.GOAWAY))
            if flags & frames.END_STREAM and kind in (frames.DATA, frames.HEADERS):
                left.remove(stream)
        self.assertEqual({bodies[stream] for stream in streams[1:]}, {len(body)})
        self.assertEqual(sorted(asked), sorted(f"/{stream}" for stream in streams))
        self.assertEqual(proxy.metrics().sum(REJECTED), 0)
        self.assertNoIncidents(proxy)

    def test_connections_that_are_not_read(self):
        proxy = self.front()
        for _ in range(2 * PLACES):
            self.not_reading(proxy)
        self.taken(proxy)
        self.held(proxy)
        self.innocents(proxy)
        proxy.wait_metric(1, REJECTED, least=True, reason="slow_reader")
        self.assertNoIncidents(proxy)

    def test_connections_that_drip(self):
        proxy = self.front()
        dripping = [self.not_reading(proxy) for _ in range(PLACES)]
        stop = threading.Event()
        self.addCleanup(stop.set)

        def drip():
            while not stop.wait(0.1):
                for one in dripping:
                    try:
                        one.socket.recv(1)
                    except OSError:
                        pass
        threading.Thread(target=drip, daemon=True).start()
        self.taken(proxy)
        self.held(proxy)
        self.innocents(proxy)
        self.assertNoIncidents(proxy)

    def test_on_other_workers(self):
        proxy = self.front(workers=2)
        for _ in range(2 * PLACES):
            self.not_reading(proxy)
        self.taken(proxy)
        self.held(proxy)
        self.innocents(proxy, 20)
        self.assertNoIncidents(proxy)

    def test_whoever_is_merely_slow_keeps_its_place(self):
        proxy = self.front()
        slow = self.not_reading(proxy)
        done = []
        finish = threading.Event()

        def read_slowly():
            # Some 40 KiB a second, until those who take nothing have had to go.
            while not finish.wait(0.1):
                done.append(len(slow.socket.recv(4096)))
        reader = threading.Thread(target=read_slowly, daemon=True)
        reader.start()
        for _ in range(PLACES - 1):
            self.not_reading(proxy)
        self.taken(proxy)
        self.held(proxy)
        self.innocents(proxy, 20)
        finish.set()
        reader.join()
        # It has the rest at once.
        total = sum(done)
        while total < BIG:
            piece = slow.socket.recv(1 << 20)
            self.assertTrue(piece, f"cut after {total} bytes")
            total += len(piece)
        self.assertNoIncidents(proxy)

    def test_nobody_is_sent_away_while_there_are_places(self):
        proxy = self.front(places=2 * PLACES)
        still = [self.not_reading(proxy) for _ in range(PLACES)]
        peer = self.shut_windows(proxy, 4)
        self.taken(proxy, PLACES + 4)
        begun = time.monotonic()
        while time.monotonic() - begun < 2.5:
            self.innocents(proxy, 1)
        self.assertEqual(proxy.metrics().sum(REJECTED, reason="slow_reader"), 0)
        for one in still:
            self.assertEqual(len(one.read_response().body), BIG)
        peer.socket.close()
        self.assertNoIncidents(proxy)


class Ends(HTTP2Test):
    """A connection that is to end: what the kernel still has for its client is delivered, whatever the client says meanwhile."""

    def test_a_drain_cuts_nobody_who_reads_slowly(self):
        def script(talk):
            talk.read_request()
            talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 30000\r\n\r\n" + b"x" * 30000)
        proxy = self.proxy(self.scripted(script).address)
        host, port = proxy.address.rsplit(":", 1)
        reading = socket.socket()
        self.addCleanup(reading.close)
        reading.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4096)
        reading.settimeout(10)
        reading.connect((host, int(port)))
        peer = frames.client(reading)
        peer.send(frames.request(1, "/"))
        proxy.wait_metric(1, "sendonce_requests_total")
        proxy.send_signal(signal.SIGTERM)
        # For longer than a draining proxy waits for its client's next request.
        for _ in range(20):
            threading.Event().wait(0.03)
            peer.send(frames.frame(frames.WINDOW_UPDATE, 0, 0, (1).to_bytes(4, "big")))
        self.assertEqual(self.answer(peer, 1)[1:], (b"x" * 30000, None))
        reading.close()
        self.assertEqual(proxy.wait(), 0)

    def test_a_drain_waits_for_a_link_that_is_gone_for_a_while(self):
        def script(talk):
            talk.read_request()
            talk.send(b"HTTP/1.1 200 OK\r\nContent-Length: 60000\r\n\r\n" + b"x" * 60000)
        proxy = self.proxy(self.scripted(script).address)
        with proxy.connect(receive_buffer=4096) as one:
            peer = frames.client(one.socket)
            peer.send(frames.request(1, "/"))
            proxy.wait_metric(1, "sendonce_requests_total")
            proxy.send_signal(signal.SIGTERM)
            # Longer than a connection is looked at whose client has all that it was sent. What the client says then meets no reset.
            threading.Event().wait(4.5)
            peer.send(frames.frame(frames.WINDOW_UPDATE, 0, 0, (1).to_bytes(4, "big")))
            self.assertEqual(self.answer(peer, 1)[1:], (b"x" * 60000, None))
        self.assertEqual(proxy.wait(), 0)

    def test_what_a_drain_cuts_is_seen_to_be_cut(self):
        # Over HTTP/1.0 nothing else tells the client that it has not had all: while it is being made, and when it is with the socket.
        for rest in b"", b"x" * HUGE:
            with self.subTest(len(rest)):
                held = threading.Event()
                self.addCleanup(held.set)

                def script(conversation):
                    conversation.read_request()
                    conversation.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhello" + rest)
                    if not rest:
                        held.wait(10)
                proxy = self.proxy(self.scripted(script).address, timeouts_={"drain": "200ms"})
                with proxy.connect(receive_buffer=4096) as one:
                    one.socket.sendall(b"GET / HTTP/1.0\r\n\r\n")
                    self.assertTrue(one.socket.recv(1, socket.MSG_PEEK))
                    proxy.send_signal(signal.SIGTERM)
                    self.assertEqual(proxy.wait(), 0)
                    with self.assertRaises(ConnectionResetError):
                        while one.socket.recv(1 << 20):
                            pass


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
