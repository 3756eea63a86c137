"""A server of HTTP/2 that takes requests and does not answer them, beside one that does: what it has failed is sent to the other."""

import socket

import frames
from test_http2 import HTTP2Test
from test_http2_ends import serving


def leaves(peer, stream):
    """The connection ends in good order, with a promise about streams to come that is not kept."""
    peer.send(frames.frame(frames.GOAWAY, 0, 0, (0x7fffffff).to_bytes(4, "big") + bytes(4)))
    peer.socket.shutdown(socket.SHUT_RDWR)


def ends(peer, stream):
    peer.socket.shutdown(socket.SHUT_RDWR)


def resets(code):
    return lambda peer, stream: peer.send(frames.frame(frames.RST_STREAM, 0, stream, code.to_bytes(4, "big")))


class AnotherServer(HTTP2Test):
    WAYS = {"GOAWAY": leaves, "its end": ends, "INTERNAL_ERROR": resets(2), "REFUSED_STREAM": resets(7), "CANCEL": resets(8)}

    def test_it_is_asked_again_and_the_first_no_more(self):
        for name, way in self.WAYS.items():
            with self.subTest(way=name):
                def refuse(peer, number, stream, now):
                    if now == "end":
                        way(peer, stream)
                    return now == "end"
                servers = [self.scripted(serving(asked)).address for asked in (refuse, lambda *_: False)]
                proxy = self.proxy(None, upstreams={"app": {"servers": servers, "protocol": "http2"}})
                with proxy.connect() as one:
                    self.assertEqual({one.get("/").status for _ in range(60)}, {200})
                # Each is to have the fewest requests on their way, so the one that fails at once would be asked each time.
                tried = proxy.metrics().sum("sendonce_upstream_retries_total")
                self.assertLessEqual(tried, 60 if name == "REFUSED_STREAM" else 10)
                self.assertNoIncidents(proxy)
