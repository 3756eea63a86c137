"""Answers that come before their request is complete, and connections that a reset ends: what has come whole is delivered whole."""

import array
import fcntl
import socket
import ssl
import termios
import threading
import time

import certificates
from harness import EndToEndTest, wait_for

BODY = b"z" * 20_000_000
HEAD = b"HTTP/1.1 413 Payload Too Large\r\nConnection: close\r\nContent-Length: 9\r\n\r\n"
TIMES = 5


def stalled(conversation):
    """Returns when the upload does not move any more: every buffer on the way is full, and the proxy's socket blocked."""
    waiting, seen, still = array.array("i", [0]), -1, 0
    while still < 5:
        fcntl.ioctl(conversation.socket, termios.FIONREAD, waiting)
        still = still + 1 if waiting[0] == seen and seen > 0 else 0
        seen = waiting[0]
        time.sleep(0.02)


def taken(conversation):
    """Returns when the proxy's kernel has taken what was sent: a reset throws away what it has not."""
    waiting = array.array("i", [1])

    def nothing_waits():
        fcntl.ioctl(conversation.socket, termios.TIOCOUTQ, waiting)
        return waiting[0] == 0
    wait_for(nothing_waits, "the proxy to take what was sent")


class EarlyAnswers(EndToEndTest):
    """The upload is in full flow when its answer comes, and with it a reset, because bytes are left unread."""

    def uploads(self, script, status, body, *, method="POST", chunked=False, tls=None):
        def closing(conversation):
            if conversation.read_head() is None:
                return
            script(conversation)
            conversation.socket.close()
        app = {"servers": [self.scripted(closing, tls=tls).address]}
        if tls:
            app["tls"] = {"ca": certificates.file("ca.pem"), "server_name": "shop.example"}
        proxy = self.proxy(None, upstreams={"app": app})
        framing = "Transfer-Encoding: chunked" if chunked else f"Content-Length: {len(BODY)}"
        upload = f"{method} /upload HTTP/1.1\r\nHost: a\r\n{framing}\r\n\r\n".encode()
        upload += b"%x\r\n%s\r\n0\r\n\r\n" % (len(BODY), BODY) if chunked else BODY
        for _ in range(TIMES):
            with proxy.connect() as one:
                sender = threading.Thread(target=self.send, args=(one, upload), daemon=True)
                sender.start()
                response = one.read_response()
                self.assertEqual((response.status, response.body, response.cut), (status, body, None))
                one.socket.shutdown(socket.SHUT_RDWR)
                sender.join(10)
        proxy.wait_metric(TIMES, "sendonce_requests_total", route="main", method=method, code=str(status))
        self.assertNoIncidents(proxy)

    @staticmethod
    def send(one, data):
        try:
            one.send(data)
        except OSError:
            # The answer has come, and nobody reads the rest.
            pass

    def at_once(self, conversation):
        stalled(conversation)
        conversation.send(HEAD + b"too large")

    def in_two_parts(self, conversation):
        conversation.send(HEAD + b"too ")
        stalled(conversation)
        conversation.send(b"large")

    def test_whole_at_once(self):
        self.uploads(self.at_once, 413, b"too large")

    def test_to_an_upload_in_chunks(self):
        self.uploads(self.at_once, 413, b"too large", chunked=True)

    def test_to_an_upload_that_might_be_sent_again(self):
        self.uploads(self.at_once, 413, b"too large", method="PUT")

    def test_in_two_parts(self):
        self.uploads(self.in_two_parts, 413, b"too large")

    def test_in_chunks(self):
        def script(conversation):
            conversation.send(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nwho\r\n")
            stalled(conversation)
            conversation.send(b"8\r\n are you\r\n0\r\n\r\n")
        self.uploads(script, 401, b"who are you")

    def test_without_a_length(self):
        def script(conversation):
            stalled(conversation)
            conversation.send(b"HTTP/1.1 401 Unauthorized\r\nConnection: close\r\n\r\nwho are you?")
        self.uploads(script, 401, b"who are you?")

    def test_over_tls(self):
        for version in ssl.TLSVersion.TLSv1_2, ssl.TLSVersion.TLSv1_3:
            with self.subTest(version):
                self.uploads(self.in_two_parts, 413, b"too large", tls=certificates.server(version=version))

    def test_cut_over_tls_without_a_length(self):
        # TLS announces its ends: without that nobody can say that the body is whole (RFC 9112 section 9.8).
        def script(conversation):
            conversation.read_head()
            conversation.send(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nhalf")
            conversation.socket.close()
        app = {"servers": [self.scripted(script, tls=certificates.server()).address],
               "tls": {"ca": certificates.file("ca.pem"), "server_name": "shop.example"}}
        proxy = self.proxy(None, upstreams={"app": app})
        response = proxy.get("/")
        self.assertEqual((response.body, response.complete), (b"half", False))
        self.assertIncident(proxy.wait_incidents(1)[0], kind="truncated_response", certainty="proven", evidence__phase="in_body")

    def test_an_answer_that_is_cut_is_told(self):
        def script(conversation):
            conversation.read_head()
            conversation.send(HEAD + b"too ")
            stalled(conversation)
            conversation.socket.close()
        proxy = self.proxy(self.scripted(script).address)
        with proxy.connect() as one:
            threading.Thread(target=self.send, daemon=True, args=(
                one, b"POST / HTTP/1.1\r\nHost: a\r\nContent-Length: %d\r\n\r\n" % len(BODY) + BODY)).start()
            response = one.read_response()
            self.assertEqual((response.status, response.body, response.complete), (413, b"too ", False))
        incident = proxy.wait_incidents(1)[0]
        self.assertIncident(incident, kind="truncated_response", response__body_bytes=4, response__declared_bytes=9)
        self.assertIn("reset the connection", incident["message"])


class EndedByAReset(EndToEndTest):
    """A body that ends with its connection is whole when its header block is (RFC 9112 section 8)."""

    def ended(self, answer, *, status=None, body=None, version="HTTP/1.1", cut=None, incident=None):
        def script(conversation):
            conversation.read_head()
            conversation.send(answer)
            taken(conversation)
            conversation.reset()
        proxy = self.proxy(self.scripted(script).address)
        with proxy.connect() as one:
            one.send(f"GET / {version}\r\nHost: a\r\n\r\n".encode())
            response = one.read_response()
        self.assertEqual((body is None or response.body == body, response.cut), (True, cut), response)
        self.assertIn(response.status, [status] if status else [200, 431])
        if incident is None:
            return self.assertNoIncidents(proxy)
        self.assertIncident(proxy.wait_incidents(1)[0], kind=incident, certainty="proven")

    def test_one_that_says_so(self):
        self.ended(b"HTTP/1.1 431 Too Large\r\nConnection: close\r\n\r\n", body=b"")
        self.ended(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it", body=b"all of it")

    def test_one_of_http_1_0(self):
        self.ended(b"HTTP/1.0 200 OK\r\n\r\nall of it", body=b"all of it")

    def test_to_a_client_of_http_1_0(self):
        self.ended(b"HTTP/1.1 200 OK\r\nConnection: close\r\n\r\nall of it", body=b"all of it", version="HTTP/1.0")

    def test_one_that_does_not_say_so(self):
        self.ended(b"HTTP/1.1 200 OK\r\n\r\nall of it", body=b"all of it")

    def test_a_coding_that_ends_with_the_connection(self):
        self.ended(b"HTTP/1.1 200 OK\r\nConnection: close\r\nTransfer-Encoding: identity\r\n\r\nall of it", body=b"all of it")

    def test_a_header_block_that_is_cut(self):
        self.ended(b"HTTP/1.1 200 OK\r\nConnection: close\r\n", status=502, incident="truncated_response")

    def test_a_length_that_is_not_reached(self):
        self.ended(b"HTTP/1.1 200 OK\r\nConnection: close\r\nContent-Length: 50\r\n\r\nhalf", body=b"half", cut="eof",
                   incident="truncated_response")

    def test_nodes_own_refusals(self):
        # Node answers a cookie that is too large, before it reads the body, and closes.
        node = self.node("plain.js")
        proxy = self.proxy(node.address)
        for _ in range(TIMES):
            with proxy.connect() as one:
                try:
                    one.send(b"POST / HTTP/1.1\r\nHost: a\r\nCookie: s=" + b"x" * 20_000 + b"\r\nContent-Length: 100000\r\n\r\n" + b"y" * 100_000)
                except OSError:
                    pass
                response = one.read_response()
                self.assertEqual((response.status, response.cut), (431, None), response)
        self.assertEqual([one for one in self.end(proxy) if one["certainty"] == "proven"], [])
