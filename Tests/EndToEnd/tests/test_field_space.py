"""White space around values: HTTP/1 allows it, HTTP/2 forbids it (RFC 9113 section 8.2.1), so it stays behind where one becomes the other."""

import socket

import frames
import upstream
from harness import EndToEndTest


class FieldSpace(EndToEndTest):
    def test_an_answer_of_http1_to_a_client_of_http2(self):
        answer = b"HTTP/1.1 200 OK\r\nX-Tab:\tone \t\r\nX-Space:   two  \r\nContent-Length: 0\r\n\r\n"
        proxy = self.proxy(self.scripted(upstream.answering(answer)).address)
        host, port = proxy.address.rsplit(":", 1)
        with socket.create_connection((host, int(port)), timeout=10) as one:
            peer = frames.client(one)
            peer.send(frames.request(1, "/"))
            kind, _, _, payload = peer.read()
        self.assertEqual(kind, frames.HEADERS)
        # Literals without Huffman: name and value stand there with their lengths.
        self.assertIn(b"\x05x-tab\x03one", payload)
        self.assertIn(b"\x07x-space\x03two", payload)
