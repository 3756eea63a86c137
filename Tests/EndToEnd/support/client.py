"""A client made of one raw socket. It keeps every byte that it was ever sent, so that a test can prove what a client did not get."""

import re
import select
import socket
import ssl
import struct


def connect(address, deadline=10.0, receive_buffer=None, tls=None, server_name=None, session=None):
    """Connects to `host:port` or `unix:/path`; every later operation on the socket fails after `deadline` seconds.

    `tls` is an ssl.SSLContext. An end that was not announced (close_notify) is then an ssl.SSLEOFError.
    """
    if address.startswith("unix:"):
        peer = socket.socket(socket.AF_UNIX, socket.SOCK_STREAM)
        where = address[len("unix:"):]
    else:
        peer = socket.socket(socket.AF_INET, socket.SOCK_STREAM)
        peer.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        host, port = address.rsplit(":", 1)
        where = (host, int(port))
    if receive_buffer:
        peer.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, receive_buffer)
    peer.settimeout(deadline)
    try:
        peer.connect(where)
        if tls is None:
            return peer
        return tls.wrap_socket(peer, server_hostname=server_name, suppress_ragged_eofs=False, session=session)
    except OSError:
        peer.close()
        raise


def reset(peer):
    """Closes with RST instead of FIN."""
    peer.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    peer.close()


def wait_until_ready(peer, events, patience=10.0):
    """Waits for some of poll's events on a socket. Not select(), which has no place for descriptors above 1023: tests that run side
    by side have that many.
    """
    poll = select.poll()
    poll.register(peer, events)
    poll.poll(patience * 1000)


class Ended(Exception):
    """The peer closed (`eof`), reset (`reset`) or, without TLS's close_notify, cut (`cut`) the connection where more was due."""

    def __init__(self, how):
        super().__init__(how)
        self.how = how


class Response:
    def __init__(self):
        self.status = None
        self.reason = ""
        self.version = ""
        self.fields = []
        self.body = b""
        self.trailers = []
        self.interims = []
        self.framing = None
        # None while whole; `eof`, `reset` or `cut` when the connection ended before the answer did.
        self.cut = None

    @property
    def complete(self):
        return self.status is not None and self.cut is None

    def all(self, name):
        return [value for field, value in self.fields if field.lower() == name.lower()]

    def field(self, name):
        values = self.all(name)
        return values[0] if values else None

    def __repr__(self):
        return f"<{self.status} {self.framing} {self.body[:60]!r} ({len(self.body)} bytes) cut={self.cut} {self.fields}>"


class Client:
    def __init__(self, address, deadline=10.0, receive_buffer=None, **tls):
        self.address = address
        self.socket = connect(address, deadline, receive_buffer, **tls)
        self.seen = bytearray()
        self.position = 0
        self.ended = None

    @property
    def name(self):
        """Our own address, as the proxy sees it."""
        host, port = self.socket.getsockname()[:2]
        return f"{host}:{port}"

    def send(self, data):
        self.socket.sendall(data)

    def request(self, path, method="GET", fields=(), body=b"", close=False, host="app.test"):
        lines = [f"{method} {path} HTTP/1.1", f"Host: {host}", *fields]
        if body and not any(field.lower().startswith("transfer-encoding") for field in fields):
            lines.append(f"Content-Length: {len(body)}")
        if close:
            lines.append("Connection: close")
        self.send("\r\n".join(lines).encode() + b"\r\n\r\n" + body)

    def get(self, path, **options):
        """Sends a request and reads its answer."""
        self.request(path, **options)
        return self.read_response(options.get("method", "GET"))

    def read_response(self, method="GET"):
        """The next answer with its interims; a malformed one fails the test, a cut one says so in `cut`."""
        response = Response()
        try:
            while True:
                version, status, reason, fields = self._read_head()
                if 100 <= status < 200 and status != 101:
                    response.interims.append((status, fields))
                    continue
                break
            response.version, response.status, response.reason, response.fields = version, status, reason, fields
            self._read_body(response, method)
        except Ended as ended:
            response.cut = ended.how
        return response

    def rest(self):
        """Everything up to the end of the connection; `ended` then says how it ended."""
        start = self.position
        while self._more():
            pass
        self.position = len(self.seen)
        return bytes(self.seen[start:])

    def close(self):
        self.socket.close()

    def reset(self):
        reset(self.socket)

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.close()

    def _more(self):
        if self.ended:
            return False
        try:
            data = self.socket.recv(262144)
        except ConnectionResetError:
            self.ended = "reset"
            return False
        except ssl.SSLEOFError:
            self.ended = "cut"
            return False
        except TimeoutError:
            raise AssertionError(f"nothing came in time; seen so far: {bytes(self.seen[-300:])!r}") from None
        if not data:
            self.ended = "eof"
            return False
        self.seen += data
        return True

    def read_exactly(self, count):
        while len(self.seen) - self.position < count:
            if not self._more():
                raise Ended(self.ended)
        data = bytes(self.seen[self.position:self.position + count])
        self.position += count
        return data

    def read_until(self, mark):
        start = self.position
        while (found := self.seen.find(mark, start)) < 0:
            start = max(self.position, len(self.seen) - len(mark) + 1)
            if not self._more():
                raise Ended(self.ended)
        return self.read_exactly(found - self.position + len(mark))

    def _read_head(self):
        text = self.read_until(b"\r\n\r\n").decode("latin-1")
        start, *lines = text[:-4].split("\r\n")
        match = re.fullmatch(r"(HTTP/1\.[01]) ([1-5]\d\d) ?(.*)", start)
        if not match:
            raise AssertionError(f"not a status line: {start!r}")
        return match[1], int(match[2]), match[3], self._fields(lines)

    @staticmethod
    def _fields(lines):
        fields = []
        for line in lines:
            match = re.fullmatch(r"([!#$%&'*+.^_`|~0-9A-Za-z-]+):[ \t]*(.*?)[ \t]*", line)
            if not match:
                raise AssertionError(f"not a field: {line!r}")
            fields.append((match[1], match[2]))
        return fields

    def _read_body(self, response, method):
        coding, length = response.field("transfer-encoding"), response.field("content-length")
        if method == "HEAD" or response.status in (101, 204, 304):
            response.framing = "none"
        elif coding is not None:
            if length is not None:
                raise AssertionError(f"Content-Length beside Transfer-Encoding reached the client: {response}")
            response.framing = "chunked"
            self._read_chunks(response)
        elif length is not None:
            if len(response.all("content-length")) > 1:
                raise AssertionError(f"two Content-Lengths reached the client: {response}")
            response.framing = "length"
            self._read_into(response, int(length))
        else:
            response.framing = "close"
            response.body = self.rest()
            if self.ended != "eof":
                raise Ended(self.ended)

    def _read_chunks(self, response):
        while True:
            line = self.read_until(b"\r\n")
            if not (match := re.fullmatch(rb"([0-9A-Fa-f]+)(?:[ \t]*;.*)?\r\n", line)):
                raise AssertionError(f"not a chunk size: {line!r}")
            if (size := int(match[1], 16)) == 0:
                break
            self._read_into(response, size)
            if (end := self.read_exactly(2)) != b"\r\n":
                raise AssertionError(f"a chunk ends in {end!r}")
        lines = []
        while (line := self.read_until(b"\r\n")) != b"\r\n":
            lines.append(line[:-2].decode("latin-1"))
        response.trailers = self._fields(lines)

    def _read_into(self, response, count):
        """Keeps the part that came when the body is cut."""
        try:
            response.body += self.read_exactly(count)
        except Ended:
            response.body += bytes(self.seen[self.position:])
            self.position = len(self.seen)
            raise


def ask(one, address, path, **options):
    """A request on the connection `one`, or on another where it has gone; returns the connection for the next, None when this has failed.
    What was received is forgotten, for those who ask for long."""
    try:
        if one is None or one.ended:
            one = Client(address, deadline=10)
        one.seen.clear()
        one.position = 0
        one.get(path, **options)
        return one
    except (OSError, AssertionError):
        return None
