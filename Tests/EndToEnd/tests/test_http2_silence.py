"""An answer over HTTP/2 that falls silent: it has stopped, or stands behind others that its server sends before it."""

import threading
import time

import frames
from test_http2 import HTTP2Test

IDLE = 0.5


class Silence(HTTP2Test):
    def serve(self, script):
        """A server that has two requests, on one connection, before it acts on them: `script(peer)`."""
        def each(peer, stream):
            peer.send(frames.headers(stream, (":status", "200"), ("content-length", "8")))
            if stream == 3:
                threading.Thread(target=script, args=(peer,), daemon=True).start()
        return self.h2_proxy(self.scripted(frames.server(each)).address, timeouts={"body_idle": f"{int(IDLE * 1000)}ms"})

    def ask(self, proxy):
        peer = self.frame_client(proxy)
        peer.send(frames.request(1), frames.request(3))
        return peer

    @staticmethod
    def send_slowly(peer, stream):
        """Eight bytes, which take four times as long as a whole answer may be silent."""
        for i in range(8):
            peer.send(frames.data(stream, b"x", end=i == 7))
            time.sleep(IDLE / 2)

    def bodies(self, peer):
        """What comes on each stream, and the code of its reset."""
        bodies, codes, open_streams = {1: b"", 3: b""}, {}, {1, 3}
        while open_streams:
            kind, flags, stream, payload = peer.read()
            if kind == frames.DATA:
                bodies[stream] += payload
            if kind == frames.RST_STREAM:
                codes[stream] = int.from_bytes(payload, "big")
            if kind == frames.RST_STREAM or flags & frames.END_STREAM:
                open_streams.discard(stream)
        return bodies, codes

    def test_one_after_the_other(self):
        for first, second in (1, 3), (3, 1):
            with self.subTest(first=first):
                def script(peer):
                    self.send_slowly(peer, first)
                    peer.send(frames.data(second, b"12345678", end=True))
                proxy = self.serve(script)
                self.assertEqual(self.bodies(self.ask(proxy)), ({first: b"x" * 8, second: b"12345678"}, {}))
                self.assertNoIncidents(proxy)

    def test_one_that_has_stopped(self):
        proxy = self.serve(lambda peer: self.send_slowly(peer, 1))
        bodies, codes = self.bodies(self.ask(proxy))
        self.assertEqual((bodies, list(codes)), ({1: b"x" * 8, 3: b""}, [3]))
        self.assertIncident(proxy.wait_incidents(1)[0], kind="stalled_response", certainty="proven")
