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
