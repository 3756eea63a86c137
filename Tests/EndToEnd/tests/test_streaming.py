"""Bodies that are streams: events that must arrive at once, peers that read slowly, memory that stays bounded."""

import resource
import socket
import threading
import time

import client
import upstream
from harness import EndToEndTest, wait_for

MEGABYTE = 1 << 20
MEMORY_BYTES_MAX = 60 * MEGABYTE


def settled(progress, quiet=0.3):
    """A condition: the progress has stood still for a while."""
    last = [progress(), time.monotonic()]

    def still():
        if (now := progress()) != last[0]:
            last[:] = [now, time.monotonic()]
        return time.monotonic() - last[1] > quiet
    return still


class Streaming(EndToEndTest):
    def test_server_sent_events_arrive_at_once(self):
        seen = [threading.Event() for _ in range(3)]

        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nTransfer-Encoding: chunked\r\n\r\n")
            for number, event in enumerate(seen):
                conversation.send(b"9\r\ndata: %d\n\n\r\n" % number)
                # The next one only when the client has this one: a proxy that waits for more waits for ever.
                event.wait(10)
            conversation.send(b"0\r\n\r\n")
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        with proxy.connect(deadline=5) as one:
            one.request("/events")
            for number, event in enumerate(seen):
                one.read_until(b"data: %d\n\n" % number)
                event.set()
            one.read_until(b"0\r\n\r\n")

    def test_an_answer_until_the_close_arrives_at_once(self):
        seen = threading.Event()

        def script(conversation):
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\n\r\nfirst")
            seen.wait(10)
            conversation.send(b"then")
        proxy = self.proxy(self.scripted(script).address)
        with proxy.connect(deadline=5) as one:
            one.request("/")
            one.read_until(b"first")
            seen.set()
            one.read_until(b"then")

    def test_an_upload_arrives_at_once(self):
        arrived, pieces = [threading.Event() for _ in range(3)], []

        def script(conversation):
            conversation.read_head()
            for event in arrived:
                pieces.append(conversation.read_exactly(5))
                event.set()
            conversation.send(upstream.ok())
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        with proxy.connect() as one:
            one.send(b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 15\r\n\r\n")
            for number, event in enumerate(arrived):
                one.send(b"part%d" % number)
                self.assertTrue(event.wait(5), f"piece {number} is held back")
            self.assertEqual(one.read_response().body, b"OK")
        self.assertEqual(pieces, [b"part0", b"part1", b"part2"])


class Backpressure(EndToEndTest):
    alone = True
    TOTAL = 512 * MEGABYTE

    def test_a_slow_client_slows_the_upstream(self):
        sent = [0]
        block = bytes(range(256)) * 1024

        def script(conversation):
            conversation.socket.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, MEGABYTE)
            conversation.read_request()
            conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % self.TOTAL)
            while sent[0] < self.TOTAL:
                conversation.send(block)
                sent[0] += len(block)
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        one = proxy.connect(receive_buffer=64 * 1024, deadline=60)
        self.addCleanup(one.close)
        one.request("/")
        wait_for(lambda: sent[0] > 0, "the stream to begin")
        wait_for(settled(lambda: sent[0]), "the upstream to be slowed", 30)
        self.assertLess(sent[0], 64 * MEGABYTE, "the upstream was not held back")
        self.assertLess(proxy.resident_bytes(), MEMORY_BYTES_MAX)

        one.read_until(b"\r\n\r\n")
        received, most, measured = len(one.seen) - one.position, 0, 0
        self.assertTrue(block.startswith(bytes(one.seen[one.position:][:len(block)])))
        while received < self.TOTAL:
            data = one.socket.recv(MEGABYTE)
            self.assertTrue(data, f"cut after {received} bytes")
            # The pattern repeats every 256 bytes, so the place alone says what must stand there.
            self.assertEqual(data[:1], bytes([received % 256]))
            received += len(data)
            if received - measured > 16 * MEGABYTE:
                most, measured = max(most, proxy.resident_bytes()), received
        self.assertEqual(received, self.TOTAL)
        self.assertLess(most, MEMORY_BYTES_MAX)
        proxy.wait_metric(0, "sendonce_incidents_total")

    def test_a_slow_upstream_slows_the_client(self):
        read_on, received = threading.Event(), [0]

        def script(conversation):
            conversation.read_head()
            received[0] = len(conversation.received) - conversation.position
            read_on.wait(60)
            while received[0] < self.TOTAL:
                received[0] += len(conversation.socket.recv(MEGABYTE))
            conversation.send(upstream.ok())
            conversation.wait_for_end()
        proxy = self.proxy(self.scripted(script).address)
        sent, block = [0], b"x" * (256 * 1024)
        one = proxy.connect(deadline=60)
        self.addCleanup(one.close)

        def upload():
            one.send(b"PUT / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % self.TOTAL)
            while sent[0] < self.TOTAL:
                one.send(block)
                sent[0] += len(block)
        uploading = threading.Thread(target=upload, daemon=True)
        uploading.start()
        wait_for(lambda: sent[0] > 0, "the upload to begin")
        wait_for(settled(lambda: sent[0]), "the client to be slowed", 30)
        self.assertLess(sent[0], 64 * MEGABYTE, "the client was not held back")
        self.assertLess(proxy.resident_bytes(), MEMORY_BYTES_MAX)
        read_on.set()
        self.assertEqual(one.read_response().body, b"OK")
        uploading.join(10)
        self.assertEqual(received[0], self.TOTAL)
        self.assertLess(proxy.resident_bytes(), MEMORY_BYTES_MAX)

    def test_many_slow_clients_at_once(self):
        def script(conversation):
            while conversation.read_request() is not None:
                conversation.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (4 * MEGABYTE))
                conversation.send(b"y" * (4 * MEGABYTE))
        proxy = self.proxy(self.scripted(script).address)
        clients = [proxy.connect(receive_buffer=16 * 1024) for _ in range(100)]
        for one in clients:
            one.request("/")
        for one in clients:
            one.read_until(b"\r\n\r\n")
        wait_for(settled(lambda: proxy.metrics().sum("sendonce_received_bytes_total", side="upstream")), "the proxy to stop reading", 30)
        self.assertLess(proxy.resident_bytes(), MEMORY_BYTES_MAX)
        for one in clients[:5]:
            self.assertEqual(len(one.read_exactly(4 * MEGABYTE)), 4 * MEGABYTE)
        for one in clients:
            one.close()


class IdleConnections(EndToEndTest):
    alone = True
    EACH_BYTES_MAX = 2048

    def test_an_idle_client_connection_costs_less_than_two_kibibytes(self):
        limit = resource.getrlimit(resource.RLIMIT_NOFILE)[0]
        count = min(10_000, limit - 1000)
        if count < 1000:
            self.skipTest(f"only {limit} descriptors")
        origin = self.scripted(upstream.by_target({"/": upstream.ok()}))
        proxy = self.proxy(origin.address)
        with proxy.connect() as one:
            # Whatever is allocated once is allocated now.
            for _ in range(100):
                one.get("/")
        before = proxy.resident_bytes()
        clients = [client.connect(proxy.address) for _ in range(count)]
        for peer in clients:
            peer.sendall(b"GET / HTTP/1.1\r\nHost: a\r\n\r\n")
            self.assertTrue(peer.recv(4096).startswith(b"HTTP/1.1 200"))
        wait_for(lambda: proxy.metrics().sum("sendonce_client_connections") >= count, "all of them to be counted")
        each = (proxy.resident_bytes() - before) / count
        for peer in clients:
            peer.close()
        self.assertLess(each, self.EACH_BYTES_MAX)
        wait_for(lambda: proxy.metrics().sum("sendonce_client_connections") < 10, "their ends to be counted")
